"""``experiments/ablations/runs.py``: its cells, and measures of every net that left its weights."""

import dataclasses

import pytest
from factory import make_record

from experiments.ablations import runs as ablations
from lenet1998.models import build_model
from lenet1998.recipes import ORIGINAL
from lenet1998.training.checkpoints import weights_of
from lenet1998.training.records import write_record
from lenet1998.training.study import Cell

DENSE, FEW = ORIGINAL.changed(c3="dense"), ORIGINAL.changed(train_size=1000)


def test_every_recipe_has_its_seeds_and_none_is_run_twice(tmp_path):
    cells = ablations.cells(tmp_path)
    assert len({cell.folder for cell in cells}) == len(cells)
    recipes = ablations.recipes()
    assert recipes[0] == ORIGINAL
    assert len(set(recipes)) == len(recipes)
    seeds = {recipe: [c.seed for c in cells if c.recipe == recipe] for recipe in recipes}
    assert all(found == list(range(20)) for found in seeds.values())
    few = [cell for cell in cells if cell.recipe.train_size]
    assert len(few) == 6 * 2 * len(recipes)


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Three cells whose runs have ended; the measures are the seed."""
    cells = [
        Cell(recipe, seed, tmp_path / recipe.name / f"seed-{seed}")
        for recipe, seed in ((ORIGINAL, 3), (DENSE, 4), (FEW, 5))
    ]
    for cell in cells:
        record = make_record((4, 3), cell.seed, recipe=cell.recipe.as_dict())
        weights = weights_of(build_model(cell.recipe, cell.seed))
        write_record(cell.folder, dataclasses.replace(record, weights=weights))
    values = {
        "rejection": dict.fromkeys(("between", "half", "noise"), 0.5),
        "rejected": 1.0,
        "invariance": {"shift 2": 2.0},
        "noise": 3.0,
        "alikeness": 0.1,
    }
    monkeypatch.setattr(ablations, "purposes", lambda model, recipe, data: dict(values))
    monkeypatch.setattr(ablations, "cells", lambda results: cells)
    return tmp_path, cells


def test_what_an_interruption_left_unmeasured_is_measured(study, digits):
    results, (one, _, _) = study
    ablations.measure(results, digits, one)
    assert set(ablations.measured(results)) == {("original", 3)}
    ablations.measure_the_rest(results, digits)
    # The one that learnt from few patterns is asked for its error only.
    assert set(ablations.measured(results)) == {("original", 3), ("original,c3=dense", 4)}


def test_runs_without_weights_are_not_measured(study, digits):
    results, cells = study
    for cell in cells:
        (cell.folder / "weights.safetensors").unlink()
    ablations.measure_the_rest(results, digits)
    assert ablations.measured(results) == {}
