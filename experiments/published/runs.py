"""The paper's other LeNet-5 results: fewer patterns, distortions, noisy pixels."""

import sys

from experiments.study import cell_of, run_study
from lenet1998 import paper
from lenet1998.recipes import ORIGINAL

CHANGES = (
    {"train_size": 15_000},  # Fig. 6
    {"train_size": 30_000},  # Fig. 6
    {"distortions": True},  # section III-B
    {"noise": paper.NOISE_PROBABILITY},  # section III-E
)
TEN, THIRTY = range(10), range(30)


def cells(results):
    return [
        cell_of(results, "published", recipe, seed)
        for recipe in (ORIGINAL.changed(**change) for change in CHANGES)
        for seed in (THIRTY if recipe.distortions else TEN)
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
