"""The named variants on MNIST, 20 passes each: the numbers this project exists for.

The original has 30 seeds, for the gain from distortions; ``printed`` has its ten as a reading of
``licences.py``.
"""

import sys

from experiments.study import cell_of, run_study
from lenet1998.recipes import recipe_named

SEEDS = {
    "original": range(30),
    "original-logistic": range(20),
    "modern": range(20),
    "modern-tuned": range(20),
    "original-literal": range(10),
}


def cells(results):
    return [
        cell_of(results, "headline", recipe_named(name), seed)
        for name, seeds in SEEDS.items()
        for seed in seeds
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
