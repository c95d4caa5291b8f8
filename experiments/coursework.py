"""The coursework recipes as their reports describe them, and what the reports leave open.

Where a report is silent, ``docs/coursework.md`` says what is taken; ``OPEN`` is what else could
have been.
"""

import sys
from dataclasses import replace

from lenet1998.launch import run_study
from lenet1998.recipes import Recipe, recipe_named
from lenet1998.study import Cell

REPORTED = {
    "coursework-24-epochs": ({},),
    "coursework-adam": ({},),
    "coursework-tanh-28": ({},),
    "coursework-padded": ({},),
    # One report, four results.
    "coursework-sweep": (
        {},
        {"eta": 0.01, "momentum": 0.0, "passes": 8},
        {"eta": 0.03, "momentum": 0.0, "passes": 8},
        {"eta": 0.01, "momentum": 0.9, "passes": 8},
    ),
}
RELU, TANH = {"squash": "relu", "pooling": "max"}, {"squash": "tanh", "pooling": "average"}
OPEN = {
    "coursework-24-epochs": (
        {"eta": 0.01, "batch_size": 64},
        {"optimizer": "adam", "momentum": 0.0, "batch_size": 64},
    ),
    "coursework-adam": ({"batch_size": 32}, {"batch_size": 128}, TANH),
    "coursework-padded": ({"batch_size": 32}, {"momentum": 0.9}, RELU),
    "coursework-sweep": ({"batch_size": 256}, RELU),
}


def changed(recipe: Recipe, changes: dict) -> Recipe:
    """A recipe with switches set, which its name then says."""
    parts = [recipe.name, *(f"{key}={value}" for key, value in changes.items())]
    return replace(recipe, name=",".join(parts), **changes)


def cells(results):
    reported = [
        changed(recipe_named(name), changes)
        for name, settings in REPORTED.items()
        for changes in settings
    ]
    alternatives = [
        changed(recipe, changes)
        for recipe in reported
        for changes in OPEN.get(recipe.name.partition(",")[0], ())
    ]
    return [
        Cell(recipe, seed, results / "coursework" / kind / recipe.name / f"seed-{seed}")
        for kind, recipes, seeds in (("reported", reported, 10), ("open", alternatives, 6))
        for recipe in recipes
        for seed in range(seeds)
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
