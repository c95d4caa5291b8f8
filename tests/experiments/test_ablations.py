"""The studies of the ablations: cells, measures on nets known by heart, and what is tuned."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from factory import make_record

from experiments.ablations import measures
from experiments.ablations import runs as ablations
from experiments.ablations.measures import (
    alikeness,
    invariance,
    inverted,
    moved,
    noise_error,
    penalties,
    rejection,
)
from experiments.ablations.rates_tables import best, by_recipe, trials
from experiments.ablations.tuning import HELD_OUT, TUNINGS
from experiments.results import runs_in
from lenet1998.models import build_model
from lenet1998.pretrained import load_pretrained
from lenet1998.recipes import ORIGINAL, RECIPES
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


ORIGINAL = RECIPES["original"]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(measures, "RUBBISH", 200)


@pytest.fixture(scope="module")
def trained():
    return load_pretrained("original")


def test_moves_go_where_they_say():
    image = torch.full((1, 1, 32, 32), -0.1)
    image[0, 0, 10, 20] = 1.0
    for change, place in (
        ({"down": 2}, (12, 20)),
        ({"right": -4}, (10, 16)),
        ({"degrees": 90}, None),
    ):
        result = moved(image, **change)[0, 0]
        if place:
            assert divmod(int(result.argmax()), 32) == place
        assert result.min() == pytest.approx(-0.1)
        assert result.max() == pytest.approx(1.0, abs=1e-3)
    torch.testing.assert_close(moved(image), image)


def test_inverting_strikes_a_tenth_and_keeps_the_scale():
    image = torch.full((20, 1, 32, 32), -0.1)
    struck = inverted(image, 0.1, "paper")
    share = (struck > 1).float().mean().item()
    assert share == pytest.approx(0.1, abs=0.01)
    assert struck.max() == pytest.approx(1.175)
    torch.testing.assert_close(inverted(image, 0.1, "paper"), struck)


def test_what_is_no_digit_lies_further_from_all_codes(trained, digits):
    found = rejection(trained, ORIGINAL, digits)
    # Of a net that never saw these digits, which are drawn on 8x8 pixels.
    least = {"between": 0.95, "half": 0.65, "noise": 0.85}
    assert {kind for kind, area in found.items() if area > least[kind]} == set(least)


def answering(monkeypatch, *answers: float) -> None:
    """Whatever net is asked answers this to everything."""
    monkeypatch.setattr(
        measures, "outputs", lambda _, images: torch.tensor([answers]).expand(len(images), -1)
    )


def test_a_net_that_answers_the_same_to_all_rejects_by_chance(monkeypatch, trained, digits):
    answering(monkeypatch, *[1.0] * 10)
    assert set(rejection(trained, ORIGINAL, digits).values()) == {0.5}


def test_penalties_are_distances_or_minus_log_of_the_softmax(monkeypatch):
    answering(monkeypatch, 1.0, 3.0)
    images = torch.zeros(3, 1, 32, 32)
    near, far = (SimpleNamespace(smallest_wins=wins) for wins in (True, False))
    np.testing.assert_allclose(penalties(near, images), 1.0)
    np.testing.assert_allclose(penalties(far, images), np.log1p(np.exp(-2.0)), rtol=1e-6)


def test_errors_grow_with_what_is_done_to_the_digits(trained, digits):
    found = invariance(trained, ORIGINAL, digits)
    assert found["shift 2"] < found["shift 4"]
    assert found["rotation 15"] < found["rotation 30"]
    assert set(found) >= {"scale 0.8", "scale 1.25"}
    assert noise_error(trained, ORIGINAL, digits) > 1


def test_maps_that_are_all_the_same_are_alike(trained, digits):
    assert 0 < alikeness(trained, ORIGINAL, digits) < 0.9
    same = build_model(ORIGINAL.changed(c3="dense"))
    with torch.no_grad():
        same.c3.weight.copy_(same.c3.weight[:1].expand_as(same.c3.weight))
    assert alikeness(same, ORIGINAL, digits) == pytest.approx(1)


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
