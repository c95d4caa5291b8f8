"""The error over three decades of rates, for each optimizer: docs/protocol.md, "SDLM's claim".

Judged by patterns held out of training; seed 0 at a rate that was tuned is the tuning's own run.
"""

import sys
from pathlib import Path

from experiments.ablations.tuning import OPTIMIZERS, TUNINGS
from experiments.study import cell_of, run_study
from lenet1998.training.study import Cell

SEEDS = range(3)


def cells(results: Path) -> list[Cell]:
    tunings = [TUNINGS[key] for key in OPTIMIZERS]
    return [
        cell_of(results, "tuning", recipe, seed)
        for seed in SEEDS
        for tuning in tunings
        for recipe in tuning.three_decades
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
