"""Results held back from the search over all readings, of the one it took and of the first.

An exploration that failed its tests: docs/fitted.md. The search itself is ``search.py``.
"""

import sys

from experiments.study import cell_of, run_study
from lenet1998.recipes import ORIGINAL, recipe_named

READINGS = (recipe_named("fitted"), ORIGINAL)
CHANGES = (
    {},
    {"train_size": 15_000},  # Fig. 6
    {"train_size": 30_000},  # Fig. 6
    {"distortions": True},  # section III-B
)
TEN, THIRTY = range(10), range(30)


def cells(results):
    return [
        cell_of(results, "fitted", recipe, seed)
        for recipe in (base.changed(**change) for base in READINGS for change in CHANGES)
        for seed in (TEN if recipe.train_size else THIRTY)
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
