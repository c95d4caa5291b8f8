"""The paper's other LeNet-5 results: fewer patterns, distortions, noisy pixels."""

import sys

from lenet1998.recipes import ORIGINAL, recipe_named
from lenet1998.training.flags import run_study
from lenet1998.training.study import Cell

RECIPES = (
    ORIGINAL.changed(train_size=15_000),  # Fig. 6
    ORIGINAL.changed(train_size=30_000),  # Fig. 6
    recipe_named("distortions"),  # section III-B
    recipe_named("noise"),  # section III-E
)
SEEDS = {"distortions": range(30)}
TEN = range(10)


def cells(results):
    return [
        Cell(recipe, seed, results / "published" / recipe.name / f"seed-{seed}")
        for recipe in RECIPES
        for seed in SEEDS.get(recipe.name, TEN)
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
