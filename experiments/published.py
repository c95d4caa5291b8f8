"""The paper's other LeNet-5 results: fewer patterns, distortions, noisy pixels.

``first-reading`` has them too, as the test that was held back from the search over all readings.
"""

import sys

from lenet1998 import paper
from lenet1998.recipes import recipe_named
from lenet1998.training.launch import run_study
from lenet1998.training.study import Cell

ORIGINAL, FIRST = (recipe_named(name) for name in ("original", "first-reading"))
CHANGES = (
    {"train_size": 15_000},  # Fig. 6
    {"train_size": 30_000},  # Fig. 6
    {"distortions": True},  # section III-B
    {"noise": paper.NOISE_PROBABILITY},  # section III-E
)
RECIPES = (*(base.changed(**change) for base in (ORIGINAL, FIRST) for change in CHANGES), FIRST)
TEN, THIRTY = range(10), range(30)


def cells(results):
    return [
        Cell(recipe, seed, results / "published" / recipe.name / f"seed-{seed}")
        for recipe in RECIPES
        for seed in (THIRTY if recipe.distortions or recipe == FIRST else TEN)
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
