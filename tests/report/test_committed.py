"""Committed runs of a folder of results, and a run of one's own beside the committed one."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from factory import make_record, put

from experiments.results import ALL_VARIANTS, runs_in
from lenet1998.ablate.components import changes
from lenet1998.engines.compiled.network import ARITHMETIC
from lenet1998.recipes import RECIPES
from lenet1998.report import committed, comparison
from lenet1998.reproduce import run as reproduce
from lenet1998.reproduce.run import as_committed
from lenet1998.training import lines

RESULTS = Path(__file__).parents[2] / "experiments" / "results"


def test_they_are_those_that_the_docs_show():
    """Of the variants, and of the ablations those that learnt from all patterns."""
    here = committed.committed(None, list(RECIPES.values()))
    there = {name: runs_in(RESULTS, source) for name, source in ALL_VARIANTS.items()}
    asked = {change.recipe for change in changes()} - set(RECIPES.values())
    here |= committed.committed(None, list(asked))
    ablated = runs_in(RESULTS, "ablations")
    for name in {recipe.name for recipe in asked}:
        there[name] = [run for run in ablated if run.recipe["name"] == name]
    for name, runs in there.items():
        assert [run.seed for run in here[name]] == [run.seed for run in runs], name
        for ours, theirs in zip(here[name], runs, strict=True):
            since = 0 if name in ALL_VARIANTS else -1
            assert ours.per_pass[since:] == theirs.per_pass[since:]
            assert (ours.recipe, ours.status) == (theirs.recipe, theirs.status)
            assert (ours.dataset, ours.layers) == (theirs.dataset, theirs.layers)
    both = [{name: runs[name] for name in ("original", "modern")} for runs in (here, there)]
    assert comparison.compare(both[0]) == comparison.compare(both[1])


def test_what_is_read_is_what_was_written(tmp_path, monkeypatch):
    """Of two studies and of the ablations; one run diverged before a pass ended."""
    for source, run in {
        "headline/original": make_record((9, 3), 0),
        "headline/original ": make_record((), 1, status="diverged"),
        "published/noise": make_record((4,), 0),
        "ablations/original,c3=dense": make_record((8, 5), 0),
        "ablations/original,c3=dense,train_size=1000": make_record((6,), 0),
        "search/original": make_record((7,), 0),
    }.items():
        put(tmp_path, source.strip(), run)
    sources = {"original": "headline/original", "noise": "published/noise"}
    monkeypatch.setattr(committed, "FILE", tmp_path / "package" / "runs.jsonl.gz")
    lines.write(committed.FILE, committed.summary(tmp_path, sources))
    noise, first, second, ablation = committed.in_package()
    assert noise.recipe["name"] == "noise"
    assert first.per_pass == make_record((9, 3), 0).per_pass
    assert (second.seed, second.status, second.per_pass) == (1, "diverged", [])
    assert first.environment == make_record().environment | {"arithmetic": None}
    assert np.array_equal(first.predictions, make_record((9, 3), 0).predictions)
    assert ablation.recipe["name"] == "original,c3=dense"
    assert ablation.last == make_record((8, 5)).last
    assert (ablation.per_pass[0]["loss"], ablation.predictions) == (None, None)
    named = committed.named(["noise", "modern"])
    assert [run.last["test_errors"] for run in named["noise"]] == [4]
    assert named["modern"] == []


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
