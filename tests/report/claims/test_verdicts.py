"""The rules by which statements are judged, with numbers worked out by hand."""

import math

import pytest

from experiments.claims.verdicts import (
    CANNOT_TELL,
    DOES_NOT,
    HOLDS,
    about,
    above,
    all_of,
    below,
    graded,
    lower,
    most,
    one_more,
    stands,
)

# Mean 0.95, standard deviation 0.0374; t = 2.571: 0.911 to 0.989, one more run 0.846 to 1.054.
SIX = [0.9, 0.92, 0.94, 0.96, 0.98, 1.0]


def test_what_a_count_decides():
    assert (stands(True), stands(False)) == (HOLDS, DOES_NOT)


@pytest.mark.parametrize(
    ("ours", "verdict"), [(0.5, HOLDS), (2.0, HOLDS), (0.49, DOES_NOT), (2.1, DOES_NOT)]
)
def test_about_is_half_to_twice(ours, verdict):
    assert about(ours, 1.0) == verdict


@pytest.mark.parametrize(
    ("published", "known_to", "verdict"),
    [(1.05, 0, HOLDS), (1.06, 0, DOES_NOT), (1.06, 0.01, HOLDS), (0.84, 0, DOES_NOT)],
)
def test_a_published_number_is_one_more_run(published, known_to, verdict):
    assert one_more(published, SIX, known_to) == verdict
    assert one_more(published, SIX[:5], known_to) == CANNOT_TELL


@pytest.mark.parametrize(
    ("bound", "verdict"),
    [(0.99, HOLDS), (0.98, CANNOT_TELL), (0.92, CANNOT_TELL), (0.91, DOES_NOT)],
)
def test_a_bound_is_for_the_interval_of_the_mean(bound, verdict):
    assert below(SIX, bound) == verdict
    opposite = {HOLDS: DOES_NOT, DOES_NOT: HOLDS}.get(verdict, verdict)
    assert above(SIX, bound) == opposite
    assert below(SIX[:5], bound) == CANNOT_TELL


def test_equal_runs_decide_too():
    assert below([0.5] * 6, 0.6) == HOLDS
    assert above([0.5] * 6, 0.6) == DOES_NOT


def test_one_kind_lower_than_another():
    higher = [error + 0.1 for error in SIX]
    assert lower(SIX, higher) == HOLDS
    assert lower(higher, SIX) == DOES_NOT
    assert lower(SIX, SIX) == CANNOT_TELL
    assert lower(SIX[:5], higher) == CANNOT_TELL
    assert lower([1.0] * 6, [2.0] * 6) == CANNOT_TELL  # no spread, so nothing to judge by


@pytest.mark.parametrize(
    ("successes", "verdict"), [(100, HOLDS), (92, CANNOT_TELL), (80, DOES_NOT), (0, DOES_NOT)]
)
def test_a_share_is_judged_by_wilsons_interval(successes, verdict):
    # Of 100: 0.963 to 1, 0.850 to 0.959, 0.711 to 0.867.
    assert most(successes, 100, 0.9) == verdict


def test_few_of_few_tell_nothing():
    assert most(5, 5, 0.1) == CANNOT_TELL


@pytest.mark.parametrize(
    ("good", "bad", "verdict"),
    [(1, 2, HOLDS), (0.5, 0.9, DOES_NOT), (0.5, 2, CANNOT_TELL), (0.5, 0.95, CANNOT_TELL)],
)
def test_between_two_bounds_it_depends_on_the_word(good, bad, verdict):
    assert graded(SIX, good, bad) == verdict


def test_a_statement_of_several_parts():
    assert all_of(HOLDS, HOLDS) == HOLDS
    assert all_of(HOLDS, CANNOT_TELL) == CANNOT_TELL
    assert all_of(CANNOT_TELL, DOES_NOT, HOLDS) == DOES_NOT


def test_what_is_no_number_decides_nothing():
    assert below([math.nan] * 6, 1.0) == CANNOT_TELL
