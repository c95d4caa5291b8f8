"""The search over all readings: what it draws, and what each stage takes from the one before."""

from pathlib import Path

import numpy as np
import pytest
from factory import on_fig5

from experiments.readings import search
from experiments.readings.search_tables import SEEDS
from lenet1998.recipes import ORIGINAL

RESULTS = Path(__file__).parents[2] / "experiments" / "results"
FIRST = ORIGINAL


@pytest.fixture(scope="module")
def readings():
    return search.readings()


def test_readings_are_different_ones_and_always_the_same(readings):
    assert len(set(readings)) == len(readings) == 256
    assert readings == search.readings()


def test_every_choice_is_drawn_as_often_as_the_rules_say(readings):
    def share(key, value):
        return np.mean([getattr(recipe, key) == value for recipe in readings])

    for key, value in (
        ("pooling", "trainable_average"),
        ("initial_coefficients", "uniform"),
        ("initial_biases", "uniform"),
        ("half_distance", True),
        ("f6_curvature", "constant"),
    ):
        assert share(key, value) == 0.5
    assert share("initialisation", "fan_in") == 1 / 8
    assert share("loss", "distance") == 1 / 4
    assert share("mu_f6", "mu") == pytest.approx(1 / 3, abs=0.01)


def test_numbers_are_drawn_from_the_ranges_of_the_rules(readings):
    for recipe in readings:
        low, high = (2.4, 24) if recipe.initialisation == "fan_in" else (0.6, 3.6)
        assert low <= recipe.initial_gain <= high
        as_sum = recipe.initial_coefficient / (4 if "average" in recipe.pooling else 1)
        assert 0.1 <= round(as_sum, 6) <= 0.8
        assert recipe.loss == "distance" or 0.3 <= recipe.rubbish_j <= 30
        for mu, high in ((recipe.mu_subsampling, 2), (recipe.mu_f6, 0.2)):
            assert mu == "mu" or 0.002 <= mu <= high
    gains = [r.initial_gain for r in readings if r.initialisation == "sqrt_fan_in"]
    assert (min(gains), max(gains)) == pytest.approx((0.6, 3.6), rel=0.05)


def test_a_stage_takes_the_best_of_the_one_before(readings):
    factors = np.random.default_rng(0).permutation(len(readings)) + 2.0
    runs = [
        on_fig5(recipe.changed(passes=search.SHORT), factor)
        for recipe, factor in zip(readings, factors, strict=True)
    ]
    second = search.candidates(runs, 2)
    assert second == [readings[i] for i in np.argsort(factors)[:40]]
    runs += [on_fig5(recipe, factor) for factor, recipe in enumerate(second, 2)]
    third = search.candidates(runs, 3)
    assert third == second[:20]
    runs += [
        on_fig5(recipe, 40 - rank, seed)
        for rank, recipe in enumerate(third)
        for seed in search.SEEDS[3]
    ]
    finalists = search.finalists(runs)
    assert finalists[:4] == third[:-5:-1]
    assert FIRST in finalists
    assert any(recipe.loss == "distance" for recipe in finalists)
    assert len(finalists) <= 6


def test_equation_8_is_in_the_final_whatever_its_misfit(readings):
    chosen = [recipe for recipe in readings if recipe.loss != "distance"][:30]
    worst = next(recipe for recipe in readings if recipe.loss == "distance")
    runs = [on_fig5(recipe.changed(passes=5), 2) for recipe in chosen]
    runs.append(on_fig5(worst.changed(passes=5), 50))
    runs += [on_fig5(recipe, 2, seed) for seed in (100, 101) for recipe in chosen[:20]]
    assert worst in search.finalists(runs)


def test_the_first_stage_is_every_reading_once(readings, tmp_path):
    first = search.cells(1, tmp_path)
    assert [cell.recipe for cell in first] == [recipe.changed(passes=5) for recipe in readings]
    assert len({cell.folder for cell in first}) == 256


def test_what_was_searched_is_what_the_rules_draw(readings):
    """The committed runs of each stage are those of the readings that the one before left."""
    runs = search.done(RESULTS)
    for stage in (1, 2, 3):
        wanted = {(r.name, seed) for r in search.candidates(runs, stage) for seed in SEEDS[stage]}
        there = {(r.recipe["name"], r.seed) for r in runs if search.stage_of(r) == stage}
        assert there == wanted


def test_the_rates_that_each_layer_begins_with(digits):
    found = search.rates_by_layer(FIRST.changed(train_size=100), 0, digits)
    assert list(found) == ["c1", "s2", "c3", "s4", "c5", "f6"]
    eta = FIRST.learning_rate(1)
    assert all(0 < low < high <= eta / FIRST.mu for low, high in found.values())
