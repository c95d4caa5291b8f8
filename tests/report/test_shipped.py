"""The runs that travel with the package are the committed ones."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from factory import make_record

from experiments.documents import ALL_VARIANTS
from lenet1998.ablate.components import changes
from lenet1998.recipes import RECIPES
from lenet1998.report import comparison, shipped
from lenet1998.report.committed import committed
from lenet1998.training.records import read_records, write_record

RESULTS = Path(__file__).parents[2] / "experiments" / "results"


def test_they_are_those_that_the_docs_show():
    """Of the variants, and of the ablations those that learnt from all patterns."""
    here = committed(None, list(RECIPES.values()))
    there = {name: read_records(RESULTS / folder) for name, folder in ALL_VARIANTS.items()}
    asked = {change.recipe for change in changes()} - set(RECIPES.values())
    here |= committed(None, list(asked))
    ablated = read_records(RESULTS / "ablations")
    for name in {recipe.name for recipe in asked}:
        there[name] = [run for run in ablated if run.recipe["name"] == name]
    for name, runs in there.items():
        assert [run.seed for run in here[name]] == [run.seed for run in runs], name
        for ours, theirs in zip(here[name], runs, strict=True):
            passes = theirs.per_pass if name in ALL_VARIANTS else theirs.per_pass[-1:]
            assert ours.per_pass == passes
            assert (ours.recipe, ours.status) == (theirs.recipe, theirs.status)
            assert (ours.dataset, ours.layers) == (theirs.dataset, theirs.layers)
    both = [{name: runs[name] for name in ("original", "modern")} for runs in (here, there)]
    assert comparison.compare(both[0]) == comparison.compare(both[1])


@pytest.fixture
def results(tmp_path):
    """Records of two studies and of the ablations, one of them diverged before a pass ended."""
    for folder, run in {
        "headline/original/seed-0": make_record((9, 3), 0),
        "headline/original/seed-1": make_record((), 1, status="diverged"),
        "published/noise/seed-0": make_record((4,), 0, recipe=RECIPES["noise"].as_dict()),
        "ablations/b/seed-0": make_record((8, 5), 0, recipe={"c3": "dense"}),
        "ablations/c/seed-0": make_record((6,), 0, recipe={"c3": "dense", "train_size": 1000}),
        "search/d/seed-0": make_record((7,), 0),
    }.items():
        write_record(tmp_path / folder, run)
    return tmp_path


def test_what_is_read_is_what_was_written(results, tmp_path, monkeypatch):
    folders = {"original": "headline/original", "noise": "published/noise"}
    monkeypatch.setattr(shipped, "FILE", tmp_path / "runs.json")
    shipped.FILE.write_text(shipped.summary(results, folders))
    found = dict(shipped.in_package())
    assert list(found) == ["headline", "published", "ablations"]
    first, second = found["headline"]
    assert first.per_pass == make_record((9, 3), 0).per_pass
    assert (second.seed, second.status, second.per_pass) == (1, "diverged", [])
    assert first.environment == make_record().environment | {"arithmetic": None}
    assert np.array_equal(first.predictions, make_record((9, 3), 0).predictions)
    (ablation,) = found["ablations"]
    assert ablation.recipe["name"] == "original,c3=dense"
    assert ablation.per_pass == make_record((8, 5)).per_pass[-1:]
    named = shipped.named(["noise", "modern"])
    assert [run.last["test_errors"] for run in named["noise"]] == [4]
    assert named["modern"] == []
    assert json.loads(shipped.FILE.read_text())["groups"][0]["study"] == "headline"


def test_a_variant_is_of_one_study(monkeypatch):
    studies = [
        ("headline", [make_record((1,), 0)]),
        ("ablations", [make_record((2,), s) for s in (0, 1)]),
    ]
    monkeypatch.setattr(shipped, "in_package", lambda: iter(studies))
    assert [run.last["test_errors"] for run in shipped.named(["original"])["original"]] == [1]


def test_reading_them_takes_no_torch():
    code = "import sys, lenet1998.cite.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
