"""What the ablations take for tuned is what the committed trials say."""

from pathlib import Path

import pytest

from experiments.ablations.rates_tables import best, by_recipe, trials
from experiments.ablations.tuning import HELD_OUT, TUNINGS
from experiments.results import runs_in

RESULTS = Path(__file__).parents[2] / "experiments" / "results"


@pytest.fixture(scope="module")
def runs():
    return by_recipe(runs_in(RESULTS, "tuning"))


@pytest.mark.parametrize("key", TUNINGS)
def test_the_best_trial_is_taken(key, runs):
    tuning = TUNINGS[key]
    of = trials(tuning, runs)
    assert len(of) == 2 * len(tuning.rates)
    assert (tuning.eta, tuning.schedule) == best(of)
    # A best at the end of the rates that were tried would ask for more.
    assert tuning.rates[0] < tuning.eta < tuning.rates[-1]


def test_the_test_set_was_not_asked(runs):
    for some in runs.values():
        for run in some:
            assert run.recipe["held_out"] == HELD_OUT
            assert run.dataset["test_patterns"] == HELD_OUT
            assert not run.environment["dirty"]
