"""Learning rate x momentum x epochs for the dense LeNet with SGD, on patterns held out of training.

The test set is not asked: whoever takes the best cell has not chosen on it.
"""

import sys
from itertools import product

from experiments.study import cell_of, run_study
from lenet1998.recipes import recipe_named

RATES = (0.01, 0.02, 0.03, 0.1)
MOMENTA = (0.0, 0.5, 0.9)
HELD_OUT = 10_000
SEEDS = range(6)


def cells(results):
    sweep = recipe_named("coursework-sweep")
    recipes = [
        sweep.changed(eta=eta, momentum=momentum, held_out=HELD_OUT)
        for eta, momentum in product(RATES, MOMENTA)
    ]
    return [cell_of(results, "sweep", recipe, seed) for seed in SEEDS for recipe in recipes]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
