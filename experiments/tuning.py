"""The rates and schedules of what replaces SDLM and single patterns: docs/protocol.md, "Tuning".

Judged by patterns held out of training; the test set is not asked.
"""

import sys
from itertools import product
from pathlib import Path

from lenet1998.recipes import RECIPES, Recipe
from lenet1998.training.flags import run_study
from lenet1998.training.study import Cell

HELD_OUT = 10_000
SCHEDULES = ("constant", "printed")
ORIGINAL, MODERN = RECIPES["original"], RECIPES["modern"]
REPLACEMENTS: dict[str, tuple[Recipe, tuple[float, ...]]] = {
    "sdlm": (ORIGINAL, (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)),
    "sdlm, one rate a layer": (
        ORIGINAL.changed(rates="layer"),
        (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    ),
    "sgd": (ORIGINAL.changed(optimizer="sgd", eta=1.0), (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)),
    "sgd by fan-in": (
        ORIGINAL.changed(optimizer="sgd", eta=1.0, rates="fan_in"),
        (3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0),
    ),
    "sgd with momentum": (
        ORIGINAL.changed(optimizer="sgd", eta=1.0, momentum=0.9),
        (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3),
    ),
    "adam": (ORIGINAL.changed(optimizer="adam", eta=1.0), (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3)),
    "batches of 16": (ORIGINAL.changed(batch_size=16), (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2)),
    "batches of 128": (ORIGINAL.changed(batch_size=128), (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)),
    "modern": (MODERN, (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)),
}
"""What is tuned, and the rates that are tried."""


def trials(recipe: Recipe, rates: tuple[float, ...]) -> list[Recipe]:
    """A recipe with every rate and every schedule, patterns held out."""
    return [
        recipe.changed(eta=eta, schedule=schedule, held_out=HELD_OUT)
        for eta, schedule in product(rates, SCHEDULES)
    ]


def cells(results: Path) -> list[Cell]:
    return [
        Cell(trial, 0, results / "tuning" / trial.name / "seed-0")
        for recipe, rates in REPLACEMENTS.values()
        for trial in trials(recipe, rates)
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
