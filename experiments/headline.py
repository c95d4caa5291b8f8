"""The named variants on MNIST, 20 passes each: the numbers this project exists for.

The original has 30 seeds, for the gain from distortions.

The literal reading's ten seeds are in ``readings.py``.
"""

import sys

from lenet1998.recipes import recipe_named
from lenet1998.training.launch import run_study
from lenet1998.training.study import Cell

VARIANTS = ("original", "original-logistic", "modern")
SEEDS = {"original": range(30)}
TEN = range(10)


def cells(results):
    return [
        Cell(recipe_named(name), seed, results / "headline" / name / f"seed-{seed}")
        for name in VARIANTS
        for seed in SEEDS.get(name, TEN)
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
