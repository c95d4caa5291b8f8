"""Whether a run's answers are those of the committed run of its recipe and seed."""

import dataclasses

import numpy as np
import pytest

from lenet1998.engines.compiled.network import ARITHMETIC
from lenet1998.report import committed, shipped
from lenet1998.reproduce import run as reproduce
from lenet1998.reproduce.run import as_committed
from lenet1998.training.records import RECORD, read_record

COMPILED = {"engine": "compiled", "device": "cpu", "processor": "x", "arithmetic": ARITHMETIC}


@pytest.fixture
def there(monkeypatch):
    """The committed run, made by the present arithmetic."""
    results = committed.Path(committed.__file__).parents[2] / "experiments" / "results"
    record = read_record(results / "headline" / "original" / "seed-4")
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
    results = committed.Path(committed.__file__).parents[2] / "experiments" / "results"
    ours = read_record(results / "headline" / "modern" / "seed-3")
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
    results = committed.Path(committed.__file__).parents[2] / "experiments" / "results"
    checked = 0
    for _, runs in shipped.in_package():
        for run in runs:
            name = run.recipe["name"]
            if run.predictions is None or name not in ("original", "modern", "noise"):
                continue
            folders = [file.parent for file in results.rglob(f"{name}/seed-{run.seed}/{RECORD}")]
            kept = [read_record(folder).predictions for folder in folders]
            assert any(np.array_equal(run.predictions, answers) for answers in kept)
            checked += 1
    assert checked >= 50
