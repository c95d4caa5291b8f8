"""The paper's other LeNet-5 results: fewer patterns, distortions, noisy pixels."""

import sys
from dataclasses import replace

from lenet1998 import paper
from lenet1998.launch import run_study
from lenet1998.recipes import ORIGINAL
from lenet1998.study import Cell

RECIPES = (
    replace(ORIGINAL, name="15000-patterns", train_size=15_000),  # Fig. 6
    replace(ORIGINAL, name="30000-patterns", train_size=30_000),  # Fig. 6
    replace(ORIGINAL, name="distortions", distortions=True),  # section III-B
    replace(ORIGINAL, name="noise", noise=paper.NOISE_PROBABILITY),  # section III-E
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
