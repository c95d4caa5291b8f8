"""The readings of the paper's open points, crossed where they interact (docs/open-questions.md).

Each reading is a recipe that differs from ``BASE`` in the switches its name lists.
"""

import sys
from dataclasses import replace
from itertools import product

from lenet1998.launch import run_study
from lenet1998.recipes import Recipe
from lenet1998.study import Cell

BASE = Recipe(name="base")

LOSSES = [
    {},
    *({"loss": "discriminative", "rubbish_j": j} for j in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)),
]
HALVES = [{}, {"half_distance": True}]
F6_CURVATURES = [{}, {"f6_curvature": "constant"}]
STARTS = [{}, {"initial_gain": 1.0}]


def reading(**switches) -> Recipe:
    """A recipe named after the switches in which it differs from BASE."""
    name = ",".join(f"{key}={value}" for key, value in switches.items()) or "base"
    return replace(BASE, name=name, **switches)


def crossed() -> list[Recipe]:
    """Loss x factor 1/2 x second derivative at F6 x size of the initial weights."""
    recipes = [
        reading(**start, **half, **f6, **loss)
        for start, half, f6, loss in product(STARTS, HALVES, F6_CURVATURES, LOSSES)
    ]
    # Half of eq. 8 has second derivative 1, exactly: the constant is the same recipe.
    return [
        r
        for r in recipes
        if not (r.loss == "distance" and r.half_distance and r.f6_curvature == "constant")
    ]


def cells(results):
    return [Cell(recipe, 0, results / "readings" / recipe.name / "seed-0") for recipe in crossed()]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
