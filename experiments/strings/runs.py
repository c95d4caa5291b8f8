"""The nets that read strings: section VII-B's training, plain and with III-B's distortions."""

import sys

from lenet1998.recipes import recipe_named
from lenet1998.training.launch import run_study
from lenet1998.training.study import Cell

STRINGS = recipe_named("strings")
RECIPES = (STRINGS, STRINGS.changed(distortions=True))
TEN = range(10)


def cells(results):
    return [
        Cell(recipe, seed, results / "strings" / recipe.name / f"seed-{seed}")
        for recipe in RECIPES
        for seed in TEN
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
