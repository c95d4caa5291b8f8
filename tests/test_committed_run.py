"""Whether a run's answers are those of the committed run of its recipe and seed."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from experiments.results import runs_in
from lenet1998.engines.compiled.network import ARITHMETIC
from lenet1998.report import committed
from lenet1998.reproduce import run as reproduce
from lenet1998.reproduce.run import as_committed

RESULTS = Path(__file__).parents[1] / "experiments" / "results"
COMPILED = {"engine": "compiled", "device": "cpu", "processor": "x", "arithmetic": ARITHMETIC}


@pytest.fixture
def there(monkeypatch):
    """The committed run, made by the present arithmetic."""
    record = runs_in(RESULTS, "headline/original")[4]
    record = dataclasses.replace(record, environment=COMPILED)
    monkeypatch.setattr(reproduce, "committed_run", lambda run: record)
    return record


def test_the_same_answers(there):
    assert as_committed(there) == "the same 10,000 answers as the committed run"


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        (COMPILED, "both are of one arithmetic, which promises the same"),
        (COMPILED | {"arithmetic": 1}, f"that was made with arithmetic {ARITHMETIC}, this with 1"),
        (COMPILED | {"arithmetic": None, "engine": "eager"}, "the eager engine's last bits depend"),
    ],
)
def test_other_answers_are_counted_and_explained(environment, why, there):
    answers = there.predictions.copy()
    answers[:7] = (answers[:7] + 1) % 10
    other = dataclasses.replace(there, predictions=answers, environment=environment)
    line = as_committed(other)
    assert line.startswith("7 of 10,000 answers are not those of the committed run (")
    assert why in line


@pytest.mark.parametrize("installed", [False, True], ids=["in a checkout", "installed"])
def test_it_is_found_by_recipe_seed_and_data(installed, monkeypatch):
    ours = runs_in(RESULTS, "headline/modern")[3]
    if installed:
        monkeypatch.setattr(committed, "__file__", "/nowhere/at/all.py")
    found = committed.committed_run(ours)
    assert (found.recipe["name"], found.seed) == ("modern", 3)
    assert np.array_equal(found.predictions, ours.predictions)
    for other in (
        {"seed": 77},
        {"dataset": ours.dataset | {"checksum": "other"}},
        {"recipe": ours.recipe | {"name": "modern,passes=3", "passes": 3}},
    ):
        assert committed.committed_run(dataclasses.replace(ours, **other)) is None


def test_a_run_without_answers_or_without_a_like_says_nothing(there, monkeypatch):
    assert as_committed(dataclasses.replace(there, predictions=None)) is None
    monkeypatch.setattr(reproduce, "committed_run", lambda run: None)
    assert as_committed(there) is None


def test_the_runs_of_named_variants_come_with_their_answers():
    checked = 0
    for source in ("headline/original", "headline/modern", "published/noise"):
        there = {run.seed: run.predictions for run in runs_in(RESULTS, source)}
        (runs,) = committed.named([source.partition("/")[2]]).values()
        assert all(np.array_equal(run.predictions, there[run.seed]) for run in runs)
        checked += len(runs)
    assert checked >= 50
