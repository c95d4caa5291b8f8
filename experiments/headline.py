"""Ten seeds of the 1998 recipe on MNIST, 20 passes each: the number this project exists for."""

import sys

from lenet1998.launch import run_study
from lenet1998.recipes import ORIGINAL
from lenet1998.study import Cell

SEEDS = range(10)


def cells(results):
    return [Cell(ORIGINAL, seed, results / "headline" / f"seed-{seed}") for seed in SEEDS]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
