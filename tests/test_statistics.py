"""Intervals and tests against tables, worked examples and sums written out."""

import math
from itertools import permutations

import numpy as np
import pytest

from lenet1998.report.statistics import (
    TOO_WIDE,
    dice,
    difference_verdict,
    edit_distance,
    equivalence,
    holm,
    log_ratio_rms,
    mcnemar,
    one_more_difference,
    paired,
    prediction_interval,
    summarise,
    verdict,
    welch,
    welch_interval,
)

# Student's t for 95 % two-sided, by degrees of freedom, from printed tables.
T = {1: 12.706, 3: 3.182, 5: 2.571, 9: 2.262}


def test_summary_of_a_worked_example():
    about = summarise([2, 4, 4, 6])
    sd = math.sqrt(8 / 3)
    half = T[3] * sd / 2
    assert (about.n, about.mean) == (4, 4)
    assert about.sd == pytest.approx(sd)
    assert (about.low, about.high) == pytest.approx((4 - half, 4 + half), rel=1e-3)


def test_one_value_has_no_spread():
    about = summarise([0.9])
    assert (about.n, about.mean) == (1, 0.9)
    assert np.isnan([about.sd, about.low, about.high]).all()
    assert np.isnan(prediction_interval([0.9])).all()


def test_no_value_has_no_mean():
    assert summarise([]).n == 0
    assert math.isnan(summarise([]).mean)


@pytest.mark.parametrize("n", [2, 4, 6, 10])
def test_prediction_interval_is_t_s_sqrt_one_plus_one_over_n(n):
    values = [1 + (-1) ** k * 0.1 * (k + 1) for k in range(n)]
    mean = sum(values) / n
    sd = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    half = T[n - 1] * sd * math.sqrt(1 + 1 / n)
    assert prediction_interval(values) == pytest.approx((mean - half, mean + half), rel=2e-3)


def test_prediction_interval_is_sqrt_n_plus_one_times_the_means():
    values = [0.8, 0.9, 1.1, 1.3, 0.7]
    about, (low, high) = summarise(values), prediction_interval(values)
    assert high - low == pytest.approx((about.high - about.low) * math.sqrt(6))


RUNS = [0.85, 0.9, 0.95, 1.0, 1.05, 1.1]
LOW, HIGH = prediction_interval(RUNS)


@pytest.mark.parametrize(
    ("published", "uncertainty", "says"),
    [
        (LOW + 1e-9, 0, "consistent"),
        (LOW - 1e-9, 0, "inconsistent"),
        (HIGH - 1e-9, 0, "consistent"),
        (HIGH + 1e-9, 0, "inconsistent"),
        (HIGH + 0.1 - 1e-9, 0.1, "consistent"),
        (HIGH + 0.1 + 1e-9, 0.1, "inconsistent"),
        (LOW - 0.1 + 1e-9, 0.1, "consistent"),
        (LOW - 0.1 - 1e-9, 0.1, "inconsistent"),
    ],
)
def test_verdict_turns_at_the_prediction_interval(published, uncertainty, says):
    assert verdict(published, RUNS, uncertainty) == says


@pytest.mark.parametrize(("end", "says"), [(0.5001, "consistent"), (0.4999, TOO_WIDE)])
def test_an_interval_of_more_than_a_factor_of_two_tells_no_agreement(end, says):
    """Its ends are 1 and 0.5 or less, of errors as of their logarithms."""
    runs = [(1 + end) / 2 + (1 - end) * (run - 0.975) / (HIGH - LOW) for run in RUNS]
    assert prediction_interval(runs) == pytest.approx((end, 1))
    assert verdict(0.75, runs) == says
    assert verdict(1.1, runs) == "inconsistent"
    logs = [math.log(end) * (0.5 + (run - 0.975) / (HIGH - LOW)) for run in RUNS]
    assert prediction_interval(logs) == pytest.approx((math.log(end), 0))
    assert verdict(math.log(0.75), logs, logarithms=True) == says


def test_an_interval_that_reaches_zero_is_too_wide():
    assert verdict(0.95, [0.9, 60.0, 90.0, 90.0, 90.0, 90.0]) == TOO_WIDE


@pytest.mark.parametrize(
    ("published", "uncertainty", "says"),
    # Ours is 0.2 (0.085 to 0.315), see test_the_published_gain.
    [(0.2, 0, "consistent"), (0.05, 0.03, "inconsistent"), (0.05, 0.04, "consistent")],
)
def test_a_difference_is_judged_by_the_means(published, uncertainty, says):
    theirs = [0.9, 1.0, 1.1] * 2
    ours = [run + 0.2 for run in theirs]
    assert difference_verdict(published, ours, theirs, uncertainty) == says
    assert difference_verdict(-published, theirs, ours, uncertainty) == says
    assert difference_verdict(published, ours[:5], theirs, uncertainty) == "cannot tell"


def test_a_difference_that_may_be_none_is_not_told():
    theirs = [0.9, 1.0, 1.1] * 2
    ours = [run + 0.1 for run in theirs]  # -0.015 to 0.215
    assert difference_verdict(0.15, ours, theirs) == "cannot tell"
    assert difference_verdict(0.3, ours, theirs) == "inconsistent"
    assert difference_verdict(0.1, [1.1] * 6, [1.0] * 6) == "cannot tell"


@pytest.mark.parametrize("n", range(6))
def test_fewer_than_six_runs_cannot_tell(n):
    assert verdict(100.0, RUNS[:n]) == "cannot tell"


def test_welch_of_a_worked_example():
    # Variances 1 and 4, n = 3 and 3: t = -2 / sqrt(5/3) on (5/3)^2 / ((1/3)^2/2 + (4/3)^2/2)
    # = 50/17 degrees of freedom; p is a numerical integral of Student's density.
    difference, p = welch([1, 2, 3], [2, 4, 6])
    t, df = 2 / math.sqrt(5 / 3), 50 / 17
    x = np.linspace(-t, t, 200_001)
    scale = math.gamma((df + 1) / 2) / (math.sqrt(df * math.pi) * math.gamma(df / 2))
    inside = np.trapezoid(scale * (1 + x**2 / df) ** (-(df + 1) / 2), x)
    assert difference == -2
    assert p == pytest.approx(1 - inside, abs=1e-9)


def test_the_intervals_of_a_difference():
    """That of single runs is wider, by sqrt(n + 1) where all spreads are alike."""
    ours, theirs = [1.0, 2.0, 3.0], [2.0, 3.0, 4.0]
    mean, single = welch_interval(ours, theirs), one_more_difference(ours, theirs)
    # 2.776 is the 97.5 % point of Student's t with 4 degrees of freedom.
    assert mean == pytest.approx(
        (-1 - 2.776 * (2 / 3) ** 0.5, -1 + 2.776 * (2 / 3) ** 0.5), abs=1e-3
    )
    assert single[1] + 1 == pytest.approx(2 * (mean[1] + 1))


def test_welch_takes_two_sides():
    ours, theirs = [0.9, 1.0, 1.2], [1.5, 1.6, 1.9, 2.0]
    difference, p = welch(ours, theirs)
    assert difference == pytest.approx(31 / 30 - 1.75)
    assert welch(theirs, ours) == pytest.approx((-difference, p))


def test_holm_of_a_worked_example():
    # Sorted: .005 x 4 = .02, .01 x 3 = .03, .03 x 2 = .06, and .04 x 1 is lifted to .06.
    family = {0.01: 0.03, 0.04: 0.06, 0.03: 0.06, 0.005: 0.02}
    for order in permutations(family):
        assert holm(order) == pytest.approx([family[p] for p in order])


def test_holm_ends_at_one_and_leaves_one_alone():
    assert holm([0.6, 0.7, 0.9]) == [1, 1, 1]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []
    assert holm([0.02, 0.02]) == pytest.approx([0.04, 0.04])


def test_holm_counts_what_is_not_known_of_a_family_as_one():
    some = [0.01, 0.04, 0.002]
    assert holm(some, 10) == pytest.approx(holm([*some, *[1.0] * 7])[:3])
    assert holm([], 10) == []


def exact_p(only_ours: int, only_theirs: int) -> float:
    n = only_ours + only_theirs
    tail = sum(math.comb(n, k) for k in range(min(only_ours, only_theirs) + 1))
    return min(1.0, 2 * tail / 2**n)


@pytest.mark.parametrize(
    ("both", "only_ours", "only_theirs"), [(0, 1, 9), (5, 9, 1), (3, 4, 4), (2, 0, 6), (7, 12, 5)]
)
def test_mcnemar_is_the_exact_sign_test(both, only_ours, only_theirs):
    truth = np.arange(100) % 10
    ours, theirs = truth.copy(), truth.copy()
    ours[: both + only_ours] += 1
    theirs[:both] += 2
    theirs[both + only_ours :][:only_theirs] += 1
    found = mcnemar(ours, theirs, truth)
    assert found[:2] == (only_ours, only_theirs)
    assert found[2] == pytest.approx(exact_p(only_ours, only_theirs))


def test_mcnemar_of_nets_that_err_alike():
    truth = np.zeros(4)
    ours, theirs = np.array([0, 0, 1, 2]), np.array([0, 0, 3, 4])
    assert mcnemar(ours, theirs, truth) == (0, 0, 1.0)


def test_log_ratio_rms():
    assert log_ratio_rms([1, 2, 3], [1, 2, 3]) == 0
    assert log_ratio_rms([1.1, 2.2], [1, 2]) == pytest.approx(math.log(1.1))
    assert log_ratio_rms([math.e, 1], [1, 1]) == pytest.approx(math.sqrt(1 / 2))
    assert log_ratio_rms([2, 3], [4, 5]) == pytest.approx(log_ratio_rms([4, 5], [2, 3]))


def test_dice_is_twice_what_two_sets_share_over_what_both_have():
    one, other = np.array([1, 1, 1, 0, 0], bool), np.array([0, 1, 1, 1, 1], bool)
    assert dice(one, other) == dice(other, one) == 2 * 2 / 7
    assert dice(one, one) == 1
    assert dice(one, ~one) == 0


# Trial data of 15 and 15 patients that the R package "equivalence" shows its test on.
FIRST = (
    (2.84, 2.51, 2.41, 2.95, 3.14, 3.79, 4.14, 3.85, 3.02, 3.45, 5.37, 3.81, 4.19, 3.16, 3.84),
    (2.60, 2.82, 2.18, 3.46, 4.01, 3.04, 3.47, 4.06, 2.91, 3.59, 4.51, 3.16, 3.86, 3.31, 3.02),
)
SECOND = (
    (4.00, 3.26, 4.14, 3.42, 3.25, 4.34, 4.97, 4.31, 3.11, 3.41, 5.02, 4.21, 4.59, 5.30, 4.32),
    (3.76, 3.66, 3.65, 3.60, 3.48, 2.87, 3.24, 3.92, 3.99, 4.21, 4.21, 3.31, 3.61, 2.97, 2.73),
)


@pytest.mark.parametrize(
    ("pairs", "difference", "p"),
    [(FIRST, 0.16466666666666668, 0.003166881489265), (SECOND, 0.5626666666666666, 0.44120340460)],
)
def test_equivalence_by_a_published_example(pairs, difference, p):
    assert equivalence(*pairs, margin=0.6) == pytest.approx(p, rel=1e-9)
    assert equivalence(*reversed(pairs), margin=0.6) == pytest.approx(p, rel=1e-9)
    found = paired(*pairs)
    assert (found.n, found.difference) == (15, pytest.approx(difference))
    assert found.low < found.difference < found.high


def test_pairs_that_all_differ_by_the_same():
    assert equivalence([1.0, 2.0], [1.0, 2.0], 0.1) == 0
    assert equivalence([1.5, 2.5], [1.0, 2.0], 0.1) == 1
    found = paired([1.5, 2.5], [1.0, 2.0])
    assert (found.difference, found.low, found.high) == (0.5, 0.5, 0.5)
    assert math.isnan(found.p)


def test_pairing_takes_out_what_the_seeds_share():
    generator = np.random.default_rng(0)
    seeds, noise = generator.normal(0, 1, 10), generator.normal(0, 0.01, 10)
    assert paired(seeds + 0.1 + noise, seeds).p < 1e-6 < welch(seeds + 0.1 + noise, seeds)[1]


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [
        ("", "", 0),
        ("2345", "2345", 0),
        ("", "12", 2),
        ("1114", "114", 1),
        ("540", "5740", 1),
        ("678", "687", 2),
        ("3514", "8519", 2),
        ("12345", "2346", 2),
    ],
)
def test_edit_distance_counts_what_is_put_in_taken_out_and_changed(one, other, edits):
    assert edit_distance(one, other) == edit_distance(other, one) == edits
