"""Statements that the ablations decide: each verdict from runs and measures made up for it."""

from pathlib import Path

import pytest
from factory import make_record, put

from experiments.claims import curvature, layers, outputs, training
from experiments.claims.ledger import Evidence, NotMeasuredError
from experiments.claims.verdicts import CANNOT_TELL, DOES_NOT, HOLDS
from experiments.results import ABLATIONS
from lenet1998.ablate.components import TUNED
from lenet1998.recipes import recipe_named
from lenet1998.training.records import write_json

SOFTMAX = {"output": "linear", "loss": "cross_entropy"}


def runs(results: Path, curves: list, folder: str = "ablations", **switches) -> Evidence:
    """Runs of 200 test patterns with these numbers misclassified after their passes."""
    for seed, curve in enumerate(curves):
        record = make_record(curve, seed=seed, recipe=switches)
        put(results, folder, record)
    return Evidence(results)


def nets(results: Path, *groups: tuple[dict, list[dict]]) -> Evidence:
    """Measures of nets, each group's recipe by its switches."""
    net = {"rejected": 2.0, "invariance": {"shift 2": 3.0}, "noise": 4.0}
    usual = {"rejection": dict.fromkeys(("between", "half", "noise"), 0.9), "alikeness": 0.1}
    entries = [
        {**net, **usual, **given, "recipe": recipe_named("original").changed(**switches).name}
        | {"seed": seed}
        for switches, some in groups
        for seed, given in enumerate(some)
    ]
    write_json(results / ABLATIONS, {"nets": entries})
    return Evidence(results)


def likeness(mean: float) -> list[dict]:
    return [{"alikeness": mean + 0.001 * k} for k in range(6)]


@pytest.mark.parametrize(("dense", "verdict"), [(0.2, HOLDS), (0.05, DOES_NOT), (0.1, CANNOT_TELL)])
def test_the_table_breaks_the_symmetry(dense, verdict, tmp_path):
    evidence = nets(tmp_path, ({}, likeness(0.1)), ({"c3": "dense"}, likeness(dense)))
    assert layers.symmetry(evidence).verdict == verdict


def areas(between: float, half: float, noise: float) -> list[dict]:
    kinds = {"between": between, "half": half, "noise": noise}
    return [
        {"rejection": {kind: area + 0.001 * k for kind, area in kinds.items()}} for k in range(6)
    ]


@pytest.mark.parametrize(
    ("softmax", "verdict"),
    [((0.8, 0.8, 0.8), HOLDS), ((0.8, 0.8, 0.95), DOES_NOT), ((0.8, 0.8, 0.9), CANNOT_TELL)],
)
def test_a_softmax_rejects_less_of_every_kind(softmax, verdict, tmp_path):
    evidence = nets(tmp_path, ({}, areas(0.9, 0.9, 0.9)), (SOFTMAX, areas(*softmax)))
    assert outputs.softmax_rejects(evidence).verdict == verdict


def test_measures_of_other_recipes_are_none(tmp_path):
    evidence = nets(tmp_path, ({}, areas(0.9, 0.9, 0.9)))
    with pytest.raises(NotMeasuredError):
        outputs.softmax_rejects(evidence)


@pytest.mark.parametrize(
    ("counts", "n", "verdict"),
    # A pattern is half a point: it takes many runs to tell a tenth.
    [((2, 3), 120, HOLDS), ((3, 4), 120, DOES_NOT), ((2, 3), 6, CANNOT_TELL)],
)
def test_a_plain_tanh_is_within_a_tenth_of_a_point(counts, n, verdict, tmp_path):
    runs(tmp_path, [[2], [3]] * (n // 2))
    evidence = runs(tmp_path, [[count] for count in counts] * (n // 2), squash="tanh")
    assert outputs.plain_tanh(evidence).verdict == verdict


@pytest.mark.parametrize(("sgd", "verdict"), [(3, HOLDS), (6, DOES_NOT), (4, CANNOT_TELL)])
def test_twice_the_passes_is_a_tremendous_speed_up(sgd, verdict, tmp_path):
    def until(number: int) -> list[list[int]]:
        return [[9] * (number - 1 + k % 2) + [1] * 3 for k in range(6)]

    runs(tmp_path, until(2), **TUNED["sdlm"])
    evidence = runs(tmp_path, until(sgd), **TUNED["sgd"])
    # On average SDLM takes 2.5 passes, and SGD half a pass more than the least.
    assert curvature.speed_up(evidence).verdict == verdict


@pytest.mark.parametrize(
    ("last", "verdict"), [([4] * 6, HOLDS), ([2] * 6, DOES_NOT), ([1, 3] * 3, CANNOT_TELL)]
)
def test_over_training_is_a_rise_after_three_fifths_of_the_passes(last, verdict, tmp_path):
    curves = [[9] * 35 + [2] + [1] * 23 + [count] for count in last]
    evidence = runs(tmp_path, curves, "claims", eta=1e-5, passes=60)
    assert training.over_training_at_small_rates(evidence).verdict == verdict
