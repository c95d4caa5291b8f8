"""What statements make of made-up results: numbers by hand, and each verdict they can have."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from factory import make_record, put

from experiments.claims import curvature, errors, layers, outputs, recognition, training
from experiments.claims.ledger import Evidence, Finding, NotMeasuredError
from experiments.claims.verdicts import CANNOT_TELL, DOES_NOT, HOLDS
from experiments.published import tables as results
from experiments.results import CLAIMS, REJECTION_INVARIANCE, read_json
from lenet1998 import paper
from lenet1998.counts import count
from lenet1998.models import build_model
from lenet1998.recipes import ORIGINAL
from lenet1998.training.records import write_json

LAYERS = ("c1", "s2", "c3", "s4", "c5", "f6")


def alike(factor: float) -> dict:
    return {"correlation": 0.9, "median_factor": 1.1, "factor_of_95_percent": factor}


def maps(bent_of_the_largest: float) -> list[dict]:
    """22 maps: unexplained variance grows with the coefficient's square, whatever its sign."""
    return [
        {
            "layer": "s2" if number < 6 else "s4",
            "coefficient": (-1) ** number * (number + 1) / 22,
            "bias": 0.0,
            "bent": bent_of_the_largest * ((number + 1) / 22) ** 2,
            "saturated": 0.0,
        }
        for number in range(22)
    ]


def norms(*of_all: float) -> list[dict]:
    return [{**dict.fromkeys(LAYERS, value), "all": value} for value in of_all]


def measured(**changes) -> dict:
    """What ``claims.json`` may hold, six nets."""
    net = {"seed": 0, "least_h": 0.0} | {
        pair: alike(1.2) for pair in ("500 and 500", "50 and 5,000", "500 and 5,000")
    }
    return {
        "data": {
            "patterns": 1000,
            "mean": 0.03,
            "variance": 0.12,
            "within_digit_size": 1000,
            "centred_to_a_pixel": 900,
        },
        "curvature": {
            "untrained": [net] * 6,
            "trained": [net] * 6,
            "cpu_seconds": {
                "compiled": {"estimate": 0.01, "pass": 1.0},
                "eager": {"estimate": 0.2, "pass": 60.0},
            },
        },
        "norms": [norms(2.0, 1.9, 1.95, 2.1)] * 6,
        "subsampling": [maps(0.04)] * 6,
        "rejected_percent": [{"between two digits": 95, "half a digit": 96, "noise": 100}] * 6,
        "environment": {"processor": "a processor"},
    } | changes


@pytest.fixture
def judged(tmp_path):
    """Gives the finding of a statement's function when ``claims.json`` holds this."""

    def judge(function, **changes):
        write_json(tmp_path / CLAIMS, measured(**changes))
        assert read_json(tmp_path / CLAIMS) == measured(**changes)
        return function(Evidence(tmp_path))

    return judge


# --- Of claims.json -------------------------------------------------------------------------------


def test_the_inputs(judged):
    # A tenth of the standard deviation, 0.346, is 0.0346.
    assert judged(errors.mean_about_zero).verdict == HOLDS
    assert judged(errors.variance_about_one).verdict == DOES_NOT
    other = measured()["data"] | {"mean": 0.04, "variance": 0.6}
    assert judged(errors.mean_about_zero, data=other | {"variance": 0.12}).verdict == DOES_NOT
    assert judged(errors.variance_about_one, data=other).verdict == HOLDS


def test_what_nearly_all_digits_are(judged):
    def within(evidence):
        return errors.of_patterns("within_digit_size", evidence)

    def centred(evidence):
        return errors.of_patterns("centred_to_a_pixel", evidence)

    assert judged(within) == ("1,000 of 1,000", HOLDS)
    assert judged(centred) == ("900 of 1,000", DOES_NOT)


@pytest.mark.parametrize(("factor", "verdict"), [(1.41, HOLDS), (1.42, DOES_NOT)])
def test_draws_of_the_curvatures_patterns(factor, verdict, judged):
    whole = measured()["curvature"]
    net = whole["trained"][0] | {"500 and 500": alike(factor)}
    found = judged(
        lambda evidence: curvature.draws("trained", "500 and 500", evidence),
        curvature=whole | {"trained": [net] * 6},
    )
    assert found.verdict == verdict
    assert f"within a factor of {factor:.2f}" in found.ours


def test_a_negative_curvature_would_be_seen(judged):
    assert judged(curvature.never_negative).verdict == HOLDS
    whole = measured()["curvature"]
    below = [whole["untrained"][0] | {"least_h": -1e-9}]
    assert judged(curvature.never_negative, curvature=whole | {"untrained": below}) == (
        "the least is -1e-09 (n = 7 nets)",
        DOES_NOT,
    )


@pytest.mark.parametrize(("seconds", "verdict"), [(0.09, HOLDS), (0.11, DOES_NOT)])
def test_the_curvatures_cost(seconds, verdict, judged):
    whole = measured()["curvature"]
    compiled = {"compiled": {"estimate": seconds, "pass": 1.0}}
    dear = whole | {"cpu_seconds": whole["cpu_seconds"] | compiled}
    assert judged(curvature.cost, curvature=dear).verdict == verdict


def test_weights_shrink_if_they_do_so_after_any_of_the_passes(judged):
    found = judged(training.shrinking)
    assert found.verdict == HOLDS
    assert "after passes 1, 2, 3: 0.950, 0.975, 1.050 times (n = 6)" in found.ours
    grown = [norms(2.0, 2.1, 2.2, 2.3)] * 6
    assert judged(training.shrinking, norms=grown).verdict == DOES_NOT
    both = [norms(2.0, 2.0 + shift, 2.5, 2.5) for shift in (-0.2, 0.2) * 3]
    assert judged(training.shrinking, norms=both).verdict == CANNOT_TELL


def test_small_coefficients_blur(judged):
    # The six least of 22: the mean of (k / 22)^2 is 91 / 6 / 484, of 0.04 of it 0.13 %.
    found = judged(layers.small_coefficients)
    assert found.verdict == HOLDS
    assert "in percent: 99.87" in found.ours
    assert judged(layers.small_coefficients, subsampling=[maps(0.9)] * 6).verdict == CANNOT_TELL
    bent = [[one | {"bent": 0.06} for one in maps(1)]] * 6
    assert judged(layers.small_coefficients, subsampling=bent).verdict == DOES_NOT


def test_larger_coefficients_bend_more(judged):
    assert judged(layers.large_coefficients).verdict == HOLDS
    reverse = [[one | {"bent": 1 - one["bent"]} for one in maps(1)]] * 6
    assert judged(layers.large_coefficients, subsampling=reverse).verdict == DOES_NOT


@pytest.mark.parametrize(
    ("noise", "verdict"), [(91, HOLDS), (89, CANNOT_TELL), (51, CANNOT_TELL), (49, DOES_NOT)]
)
def test_what_is_no_character(noise, verdict, judged):
    nets = [measured()["rejected_percent"][0] | {"noise": noise}] * 6
    assert judged(outputs.rejected, rejected_percent=nets).verdict == verdict


# --- Of records -----------------------------------------------------------------------------------


def evidence_of(results: Path, folder: str, *curves, **changes) -> Evidence:
    """Runs with these counts of 200 test patterns misclassified after each pass."""
    for seed, counts in enumerate(curves):
        record = make_record(counts, seed=seed, **changes)
        put(results, folder, record)
    return Evidence(results)


def test_over_training_is_a_rise_after_pass_12(tmp_path):
    fallen = [(9,) * 11 + (3,) * 8 + (2,)] * 6
    assert training.over_training(evidence_of(tmp_path, training.ORIGINAL, *fallen)).verdict == (
        HOLDS
    )
    risen = [(1,) * 19 + (2,)] * 6
    found = training.over_training(evidence_of(tmp_path, training.ORIGINAL, *risen))
    assert found.verdict == DOES_NOT
    assert found.ours.startswith("0.500")


@pytest.mark.parametrize(
    ("counts", "settled"),
    [((9, 9, 2, 2), 3), ((2, 2, 2), 1), ((2, 9, 2), 3), ((2, 2, 9), 3)],
)
def test_a_run_has_converged_when_it_stays(counts, settled):
    assert training.converged(make_record(counts)) == settled


def test_within_a_tenth_of_a_point_is_converged():
    record = make_record((1, 1, 1))
    for entry, error in zip(record.per_pass, (1.06, 1.05, 0.95), strict=True):
        entry["test_error_percent"] = error
    assert training.converged(record) == 2


def test_a_flat_spot_is_one_answer(tmp_path):
    evidence = evidence_of(tmp_path, training.LITERAL, (90,), (90,))
    assert training.flat_spot(evidence) == (
        "0 of 2 runs give one answer to over 90 % after 20 passes",
        CANNOT_TELL,
    )
    stalled = dataclasses.replace(make_record((90,)), predictions=np.full(200, 1, np.uint8))
    put(tmp_path, training.LITERAL, stalled)
    assert training.flat_spot(Evidence(tmp_path)).verdict == HOLDS


def test_diverged_runs_count_among_those_that_do_not_learn(tmp_path):
    evidence_of(tmp_path, training.LITERAL, *[(1,)] * 40)
    assert training.literal_start(Evidence(tmp_path)).verdict == HOLDS
    for seed in range(20):
        record = make_record((1,), seed=seed, status="diverged")
        put(tmp_path, training.LITERAL, record)
    assert training.literal_start(Evidence(tmp_path)) == (
        "20 of 40 runs end below 2 % test error",
        DOES_NOT,
    )


def test_another_mu_must_do_with_both(tmp_path):
    # Misread of 200: 4 is 2 %, and 0.1 points allow no 5.
    curves = {training.ORIGINAL: 4, curvature.OTHER_MU[0]: 4, curvature.OTHER_MU[1]: 4}
    spread = (-1, 0, 1, 0, -1, 1)

    def evidence(**changes):
        for folder, misclassified in (curves | changes).items():
            evidence_of(tmp_path, folder, *[(misclassified + shift,) * 10 for shift in spread])
        return Evidence(tmp_path)

    assert curvature.another_mu(evidence()).verdict == CANNOT_TELL
    assert curvature.another_mu(evidence(**{curvature.OTHER_MU[1]: 40})).verdict == DOES_NOT
    better = dict.fromkeys(curvature.OTHER_MU, 1)
    assert curvature.another_mu(evidence(**better)).verdict == HOLDS


def curves(folder: Path, outside: int, wide: int) -> Finding:
    """The finding on runs with some points off the published test curve, and others anywhere."""
    published = paper.fig5_curve().test_error
    for seed in range(6):
        record = make_record((0,) * 20, seed=seed)
        for place, entry in enumerate(record.per_pass):
            factor = 2 if place < outside else 1
            if place >= 20 - wide:
                factor = 0.5 + 0.2 * seed
            entry["test_error_percent"] = factor * published[place]
        put(folder, training.ORIGINAL, record)
    return training.curve(training.TEST, Evidence(folder))


def test_a_curve_may_leave_its_bands_three_times(tmp_path):
    for off, verdict, passed in ((3, HOLDS, 1), (4, DOES_NOT, 0)):
        words = f"{off} of 20 points outside (n = 6); passed by {passed} of 1 recipes"
        assert curves(tmp_path, off, 0) == (words, verdict)


def test_bands_that_are_too_wide_tell_no_curve(tmp_path):
    assert curves(tmp_path, 1, 2).verdict == HOLDS
    words = "1 of 20 points outside, 3 too wide to tell (n = 6); passed by 0 of 1 recipes"
    assert curves(tmp_path, 1, 3) == (words, CANNOT_TELL)
    assert curves(tmp_path, 4, 3).verdict == DOES_NOT


def test_a_published_number_is_set_beside_all_recipes(tmp_path):
    """Those with six runs of their own on as many patterns, each seed once, tested as usual."""

    def six(folder: str, error: float) -> None:
        for seed in range(6):
            record = make_record((2,), seed=seed)
            record.last["test_error_percent"] = error + seed / 100
            put(tmp_path, folder, record)

    six(training.ORIGINAL, 0.93)
    six("again/original", 0.93)
    six("some/original,squash=relu", 0.9)
    six("some/original,squash=tanh", 2.0)
    six("some/original,train_size=1000", 0.93)
    six("some/original,held_out=10000", 0.93)
    claim = next(claim for claim in results.claims() if claim.key == training.TEST)
    assert errors.error(claim, Evidence(tmp_path)).ours.endswith("; passed by 2 of 3 recipes")


@pytest.mark.parametrize(("rate", "verdict"), [(7e-5, HOLDS), (7.4e-5, HOLDS), (9e-5, DOES_NOT)])
def test_rates_are_compared_as_logarithms(rate, verdict, tmp_path):
    for seed in range(6):
        record = make_record((2,), seed=seed)
        record.per_pass[0]["rate_min"] = rate * (1 + 0.001 * seed)
        put(tmp_path, training.ORIGINAL, record)
    assert curvature.first_rates("rate_min", 7e-5, Evidence(tmp_path)).verdict == verdict


def test_layers_are_those_of_the_record(tmp_path):
    evidence = evidence_of(tmp_path, layers.ORIGINAL, (2,))
    assert {layers.layer(name, evidence).verdict for name in layers.SHAPES} == {HOLDS}
    model = build_model(ORIGINAL.changed(c3="dense"))
    counted = [dataclasses.asdict(layer) for layer in count(model).layers]
    dense = dataclasses.replace(make_record((2,)), layers=counted)
    evidence = Evidence(tmp_path)
    evidence.started = lambda _: [dense]
    assert layers.layer("c3", evidence).verdict == DOES_NOT
    assert layers.layer("c1", evidence).verdict == HOLDS


def test_only_what_finished_has_a_last_error(tmp_path):
    evidence = evidence_of(tmp_path, "some/original", (2,), status="diverged")
    with pytest.raises(NotMeasuredError):
        evidence.last("some/original")
    assert len(evidence.started("some/original")) == 1


def moved(results: Path, error: float, **axes) -> str:
    """The verdict on shifts of 6 pixels where six nets misclassified so many percent."""
    tried = (
        {axis: [0] for axis in ("scale", "shift", "rotation", "inverted")}
        | {"shift": [-6, 0, 6]}
        | axes
    )
    net = {
        "seed": 0,
        "rejected_percent": 1.0,
        **{axis: [error] * len(tried[axis]) for axis in tried},
    }
    nets = dict.fromkeys(("original", "noise"), [net] * 6)
    write_json(results / REJECTION_INVARIANCE, {"axes": tried, "patterns": 10, "nets": nets})
    return recognition.moved("shift", (-6, 6), "", Evidence(results)).verdict


def test_recognised_and_no_longer(tmp_path):
    given = [moved(tmp_path, error) for error in (9, 11, 49, 51)]
    assert given == [HOLDS, CANNOT_TELL, CANNOT_TELL, DOES_NOT]
    with pytest.raises(NotMeasuredError):
        moved(tmp_path, 9, shift=[-6, 0])


# --- Of definitions -------------------------------------------------------------------------------


def test_the_scaled_tanh():
    grid = np.linspace(-3, 3, 60_001)
    f = paper.TANH_AMPLITUDE * np.tanh(paper.TANH_SLOPE * grid)
    bend = np.abs(np.gradient(np.gradient(f, grid), grid))
    place = abs(grid[bend.argmax()])
    assert outputs.most_bent(None) == (f"largest at {place:.3f}", HOLDS)
    assert outputs.fixed_point(None).verdict == HOLDS


def test_gates_by_every_input():
    """OR and AND of all sixteen windows, not only by how many inputs are on."""
    coefficient, limit = 2.0, paper.TANH_AMPLITUDE
    for inputs in np.ndindex(2, 2, 2, 2):
        total = coefficient * limit * (2 * np.array(inputs) - 1).sum()
        assert (total + 3 * coefficient * limit > 0) == any(inputs)
        assert (total - 3 * coefficient * limit > 0) == all(inputs)
    assert layers.gates(None).verdict == HOLDS


def test_table_one_by_hand():
    assert layers.table_one_groups(None) == ("6, 6, 3 and 1", HOLDS)
    assert layers.table_one_limits(None).ours == "151,600 connections instead of 241,600"


def test_spread_of_sums_has_the_exponent_of_theory():
    """Weights around zero add up as sqrt F, whatever the inputs have to do with each other."""
    for correlated in (False, True):
        found = outputs.spread_of_sums(correlated, 0.5, None)
        assert found.verdict == HOLDS
        assert outputs.spread_of_sums(correlated, 1.0, None) == (found.ours, DOES_NOT)


# --- Of strings and of the figures' patterns ------------------------------------------------------


class Known:
    """Evidence of two files, of content that is given."""

    def __init__(self, features=None, strings=None):
        self.files = {"features.json": features, "read_strings.json": strings}

    def json(self, name):
        return self.files[name]


def asked(*rights):
    """Six nets that read so many of Fig. 13's patterns, and of five strings, as LeNet-5 did."""
    fig13, strings = [4, 4, 4, 4, 3, 8, 4, 3, 3], [{"answer": "25", "digits": [0, 8]}] * 5

    def answers(right):
        of_strings = [[2, *[7] * 7, 5 if number < right else 9] for number in range(5)]
        return [*fig13[:right], *[0] * (9 - right), *(a for of in of_strings for a in of)]

    nets = [{"answers": answers(right)} for right in rights]
    of_1998 = {"fig13": fig13, "strings": strings}
    return Known({"of_1998": of_1998, "nets": {"noise": nets, "strings": nets}})


def test_patterns_and_strings_that_are_all_read_or_nearly():
    some = asked(8, 9, 8, 9, 8, 9)
    assert recognition.nine_patterns(some) == ("8.5 \N{PLUS-MINUS SIGN} 0.5 of 9 (n = 6)", HOLDS)
    assert recognition.nine_patterns(asked(6, 5, 6, 6, 6, 6)).verdict == DOES_NOT
    assert recognition.nine_patterns(asked(9, 9)).verdict == CANNOT_TELL
    assert recognition.printed_strings(asked(5, 4, 5, 5, 4, 5)).verdict == HOLDS
    assert recognition.printed_strings(asked(2, 1, 2, 2, 1, 2)).verdict == DOES_NOT


def read(*percents):
    nets = [
        {"net": "strings", "way": way, "gap": {"right_percent": [0, percent]}}
        for percent in percents
        for way in ("repeats", "contiguous")
    ]
    speed = {
        "width": 320,
        "positions": 73,
        "replicated_multiply_accumulates": 10,
        "swept_multiply_accumulates": 30,
    }
    usual = {"usual": {"gap": 2}, "axes": {"gap": [0, 2]}, "strings": 200}
    return Known(strings={**usual, "measured": nets, "speed": speed})


def test_strings_of_test_digits():
    assert recognition.strings_read(read(80, 82, 84, 81, 83, 82)).verdict == HOLDS
    assert recognition.strings_read(read(20, 22, 24, 21, 23, 22)).verdict == DOES_NOT
    told = recognition.strings_read(read(83.5))
    assert told == ("83.5 % of 200 strings of 2 to 6 digits (n = 1)", CANNOT_TELL)


def test_replication_and_its_positions():
    assert recognition.replicated(read(80)).verdict == HOLDS
    assert recognition.positions(read(80)) == ("73 vectors for 320 columns", HOLDS)
