"""The runs that travel with the package are the committed ones."""

from pathlib import Path

import numpy as np
from factory import make_record, put

from experiments.results import ALL_VARIANTS, runs_in
from lenet1998.ablate.components import changes
from lenet1998.recipes import RECIPES
from lenet1998.report import committed, comparison
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
