"""The nets that read strings: section VII-B's training, plain and with III-B's distortions."""

import sys

from experiments.study import cell_of, run_study
from lenet1998.recipes import recipe_named

STRINGS = recipe_named("strings")
RECIPES = (STRINGS, STRINGS.changed(distortions=True))
TEN = range(10)


def cells(results):
    return [cell_of(results, "strings", recipe, seed) for recipe in RECIPES for seed in TEN]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
