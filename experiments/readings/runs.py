"""The readings of the paper's open points, crossed where they interact (docs/open-questions.md).

Each reading is ``BASE`` with switches changed, and its name says how it differs from a variant that
there is now. Every reading has one seed, those that were narrowed
down to have three, the finalists and the literal one ten.
"""

import sys
from itertools import product

from experiments.study import cell_of, run_study
from lenet1998.recipes import ORIGINAL, Recipe

BASE = ORIGINAL.changed(loss="distance", half_distance=False, f6_curvature="gauss_newton")
"""Eqs. 7 and 8 as printed, their exact second derivative, U(-2.4/sqrt F, 2.4/sqrt F)."""

HALF, CONSTANT = {"half_distance": True}, {"f6_curvature": "constant"}
AVERAGE = {"pooling": "trainable_average", "initial_coefficient": 1.0}
"""Averaging with a coefficient of 1 starts as the same function as summing with 0.25."""


def eq9(j: float) -> dict:
    return {"loss": "discriminative", "rubbish_j": j}


def library(j: float) -> dict:
    """The authors' library's factor 1/2 and second derivative at F6, with eq. 9."""
    return {**HALF, **CONSTANT, **eq9(j)}


def start(gain: float = 2.4, coefficient: float = 0.25) -> dict:
    """The size of the initial weights and coefficients, where it is not BASE's."""
    gains = {} if gain == BASE.initial_gain else {"initial_gain": gain}
    same = coefficient == BASE.initial_coefficient
    return {**gains, **({} if same else {"initial_coefficient": coefficient})}


def reading(**switches) -> Recipe:
    """BASE with switches changed."""
    return BASE.changed(**switches)


def coarse() -> list[Recipe]:
    """Loss, j, factor 1/2 and second derivative crossed; then the start against what that left."""
    losses = [{}, *(eq9(j) for j in (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0))]
    crossed = [
        {**half, **f6, **loss}
        for half, f6, loss in product(({}, HALF), ({}, CONSTANT), losses)
        # Half of eq. 8 has second derivative 1, exactly: the constant is the same recipe.
        if loss or not (half and f6)
    ]
    small = [
        {**start(1.0, 0.5), **rest}
        for rest in (
            {},
            HALF,
            library(1.0),
            {**CONSTANT, **eq9(1.0)},
            {**HALF, **eq9(1.0)},
            eq9(1.0),
        )
    ]
    small.append({**start(1.2, 0.5), **eq9(1.0)})
    sizes = [
        {**start(*size), **library(j)}
        for size in ((1.5, 0.5), (1.5, 0.25), (2.0, 0.5), (2.0, 0.25), (2.4, 0.25))
        for j in (1.0, 1.5, 2.0, 3.0)
    ]
    return [reading(**switches) for switches in (*crossed, *small, *sizes)]


def narrowed() -> list[Recipe]:
    """The readings that fit best, and the remaining points one at a time beside it."""
    fronts = [{**start(gain), **library(j)} for gain in (2.4, 2.0) for j in (1.0, 1.5, 2.0)]
    averages = [
        {**start(gain), **AVERAGE, **library(j)} for gain, j in ((2.4, 1.0), (2.0, 1.5), (1.5, 2.0))
    ]
    others = [
        {"subsampling_squash": "logistic"},
        {"subsampling_squash": "none"},
        {"initial_biases": "uniform"},
        {"fan_in_counts_bias": True},
        {"curvature_draw": "fixed"},
        {"curvature_draw": "fresh"},
        {"order": "renewed"},
        {"initial_coefficient": 0.6, "initial_coefficients": "uniform"},
        {"initial_coefficient": 0.5},
        {"initialisation": "fan_in"},
    ]
    beside = [{**other, **library(1.0)} for other in others]
    return [reading(**switches) for switches in (*fronts, *averages, *beside)]


def finalists() -> list[Recipe]:
    """Ten seeds: what fits best, eq. 8 as printed and halved, and the literal initial weights.

    The third is the one of them whose first-pass rates are nearest to the published range.
    """
    return [
        reading(**library(1.0)),
        reading(initial_gain=2.0, **library(1.5)),
        reading(initial_gain=1.5, **AVERAGE, **library(2.0)),
        BASE,
        reading(**HALF),
        reading(initialisation="fan_in"),
    ]


def cells(results):
    seeds: dict[Recipe, int] = {}
    for n, recipes in ((1, coarse()), (3, narrowed()), (10, finalists())):
        for recipe in recipes:
            seeds[recipe] = max(n, seeds.get(recipe, 0))
    return [
        cell_of(results, "readings", recipe, seed)
        for recipe, n in seeds.items()
        for seed in range(n)
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
