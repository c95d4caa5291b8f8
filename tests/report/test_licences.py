"""The rule by which a reading is taken: print before fit."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.readings import departures
from experiments.readings import licences_tables as page
from experiments.readings.search_tables import STUDY, stage_of
from experiments.results import SEARCH, read_json, runs_in
from lenet1998 import paper
from lenet1998.recipes import ORIGINAL, RECIPES

FIRST = ORIGINAL.name
RESULTS = Path(__file__).parents[2] / "experiments" / "results"


@pytest.fixture(scope="module")
def finalists():
    """Of an older study: whose runs and nets are of the kind that is judged here."""
    content = read_json(RESULTS / SEARCH)
    runs = [
        run for run in runs_in(RESULTS, STUDY) if stage_of(run) == 4 and not run.recipe["noise"]
    ]
    return content, runs


def trial(finalists, name: str, n: int = 10) -> page.Trial:
    content, runs = finalists
    nets, ranges = (
        [entry[part] for entry in content[key] if entry["recipe"] == name]
        for key, part in (("nets", "sizes"), ("rates", "layers"))
    )
    of = [run for run in runs if run.recipe["name"] == name][:n]
    return page.Trial("X", of, nets, ranges, content["net_1998"])


def test_the_distance_of_one_more_run_of_the_same_kind_is_within_the_limit():
    draw = np.random.default_rng(5)
    kind = np.exp(draw.normal(0, 0.1, (400, 21, 40)))
    found = [page.distance(runs[1:], runs[0], 0.1) for runs in kind]
    share = np.mean([one.rejected for one in found])
    assert 0.005 < share < 0.06
    assert np.mean([one.outside.mean() for one in found]) == pytest.approx(0.05, abs=0.01)


def test_the_distance_is_the_root_mean_square_in_its_unit():
    runs = np.array([[1.0, 4.0], [1.0, 4.0], [1.0, 4.0]])
    found = page.distance(runs, np.array([np.e, 4.0]), 0.1)
    assert found.of_1998 == pytest.approx(10 / np.sqrt(2))
    assert found.of_runs.tolist() == [0, 0, 0]
    of_logarithms = page.distance(np.log(runs), np.array([1.0, np.log(4)]), 0.1, logarithms=True)
    assert of_logarithms.of_1998 == pytest.approx(found.of_1998)


def test_what_is_far_off_is_rejected(finalists):
    _, runs = finalists
    of = np.array([[entry["test_error_percent"] for entry in run.per_pass] for run in runs[:10]])
    assert page.distance(of, 3 * of.mean(0), 0.1).rejected
    assert not page.distance(of[1:], of[0], 0.1).rejected


def test_rates_are_of_all_layers_or_of_some(finalists):
    found = trial(finalists, FIRST)
    low, high = found.rates()
    fewer, same = found.rates(page.SUBSAMPLING)
    assert low < fewer < high == same
    assert fewer == pytest.approx(paper.RATE_RANGE[0], rel=0.1)


def test_more_points_outside_than_allowed_reject(finalists, monkeypatch):
    found = trial(finalists, FIRST)
    assert found.points_outside == (0, 0)
    assert not found.rejected
    monkeypatch.setattr(page, "POINTS_ALLOWED", -1)
    assert found.rejected


def test_a_failed_run_rejects(finalists):
    found = trial(finalists, FIRST)
    assert not found.failed
    last = found.runs[0].per_pass[-1]
    before = last["test_error_percent"]
    last["test_error_percent"] = 60.0
    assert found.failed
    last["test_error_percent"] = before


def test_of_those_not_rejected_the_one_with_fewest_departures_is_first(finalists):
    first = trial(finalists, FIRST)
    others = [
        trial(finalists, name)
        for name in dict.fromkeys(run.recipe["name"] for run in finalists[1])
        if name != FIRST
    ]
    assert page.in_order([*others, first])[0].recipe["name"] == FIRST
    ranks = [(one.rejected, one.order) for one in page.in_order([*others, first])]
    kept = [order for rejected, order in ranks if not rejected]
    assert kept == sorted(kept)
    assert [rejected for rejected, _ in ranks] == sorted(rejected for rejected, _ in ranks)


@pytest.mark.parametrize(
    ("letter", "expected"),
    [
        ("P", ["1/sqrt F"]),
        ("PS", ["1/sqrt F", "the window's sum squared"]),
        ("F23", ["1/sqrt F", "the factor 1/2", "1 at F6"]),
        ("F", ["1/sqrt F", "the factor 1/2", "1 at F6", "the window's sum squared"]),
        ("A", [departure.short for departure in departures.DEPARTURES]),
    ],
)
def test_departures_are_counted_by_one_list(letter, expected):
    assert departures.of(page.READINGS[letter].as_dict()) == expected


def test_half_of_eq_8_has_1_at_f6_by_itself():
    recipe = RECIPES["original-literal"].changed(half_distance=True, f6_curvature="constant")
    assert departures.of(recipe.as_dict()) == ["the factor 1/2"]
    assert "1 at F6" in departures.of(recipe.changed(half_distance=False).as_dict())


def test_the_table_of_departures_tells_who_makes_which():
    frame = departures.table({"P": page.READINGS["P"].as_dict()})
    assert frame["P"].tolist().count("x") == 1
    json.dumps(frame.to_dict())
