"""One out again, on seeds that nobody has looked at, all at once on a GPU (docs/ablations.md).

``python experiments/fresh_seeds.py --engine cuda --jobs 13``
"""

import sys
from pathlib import Path

from lenet1998.ablations import ORIGINAL, chosen
from lenet1998.engines.cuda.engine import unsupported
from lenet1998.recipes import Recipe
from lenet1998.training.flags import run_study
from lenet1998.training.study import Cell

SEEDS = range(10, 22)


def recipes() -> list[Recipe]:
    """``original``, and what is one out of it, as far as the CUDA engine trains it."""
    one_out = [change.recipe for change in chosen(None, "out")]
    return [ORIGINAL, *(recipe for recipe in one_out if unsupported(recipe) is None)]


def cells(results: Path) -> list[Cell]:
    return [
        Cell(recipe, seed, results / "fresh_seeds" / recipe.name / f"seed-{seed}")
        for recipe in recipes()
        for seed in SEEDS
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
