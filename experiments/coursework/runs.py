"""The coursework recipes as their reports describe them, and what the reports leave open.

Where a report is silent, ``docs/coursework.md`` says what is taken; ``OPEN`` is what else could
have been.
"""

import sys

from experiments.study import cell_of, run_study
from lenet1998.recipes import recipe_named, split_name

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


def cells(results):
    reported = [
        recipe_named(name).changed(**changes)
        for name, settings in REPORTED.items()
        for changes in settings
    ]
    alternatives = [
        recipe.changed(**changes)
        for recipe in reported
        for changes in OPEN.get(split_name(recipe.name)[0], ())
    ]
    return [
        cell_of(results, study, recipe, seed)
        for study, recipes, seeds in (
            ("coursework", reported, 10),
            ("coursework_open", alternatives, 6),
        )
        for recipe in recipes
        for seed in range(seeds)
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
