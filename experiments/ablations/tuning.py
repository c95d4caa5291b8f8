"""The rates and schedules of what replaces SDLM and single patterns: docs/protocol.md, "Tuning".

Judged by patterns held out of training; the test set is not asked.
"""

import sys
from pathlib import Path

from experiments.study import cell_of, run_study
from lenet1998.ablate.tuning import TUNINGS
from lenet1998.training.study import Cell


def cells(results: Path) -> list[Cell]:
    return [
        cell_of(results, "tuning", trial, 0)
        for tuning in TUNINGS.values()
        for trial in tuning.trials
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
