"""Greys of a print, there and back; the strings of Figs. 25 and 26, window by window."""

import numpy as np
import pytest

from experiments.net_1998 import printed_strings as strings
from lenet1998 import paper
from lenet1998.restore.printing import Scale

SCALE = Scale(np.array([0.0, 10, 20, 30, 100, 120, 127, 200, 222, 240, 255]))


def test_the_greys_of_a_figure_are_those_that_occur_and_black_and_white():
    found = Scale.of([np.array([[3, 9]], np.uint8), np.array([9, 77], np.uint8)])
    np.testing.assert_array_equal(found.levels, [0, 3, 9, 77, 255])


def test_fig13_has_56_greys():
    printed = paper.fig13_states()
    assert len(Scale.of(printed[:-1]).levels) == 56


def test_black_is_positive_and_white_negative():
    value = SCALE.states(np.array([0, 255])).value
    np.testing.assert_array_equal(value, [1, -1])


@pytest.mark.parametrize("limit", [1.0, 1.68])
def test_a_state_is_read_to_within_half_the_way_to_the_next_grey(limit):
    states = np.linspace(-limit, limit, 5001)
    read = SCALE.states(SCALE.print_states(states, limit))
    half = np.diff(SCALE.levels).max() / 2 / 127.5
    assert np.abs(read.value - states / limit).max() <= half + 1e-9


def test_what_greys_leave_open_is_the_error_of_reading_them():
    even = Scale(np.arange(0.0, 256.0, 5))
    states = np.linspace(-0.9, 0.9, 5001)
    read = even.states(even.print_states(states, 1.0))
    error = np.sqrt(np.mean((read.value - states) ** 2))
    assert error == pytest.approx(read.deviation.mean(), rel=0.03)


def test_states_beyond_the_limit_are_at_it():
    np.testing.assert_array_equal(SCALE.print_states(np.array([-9.0, 9.0]), 1.0), [255, 0])


def test_background_and_ink_of_inputs():
    greys = SCALE.print_inputs(np.array([paper.BACKGROUND, paper.INK, 5.0]))
    np.testing.assert_array_equal(greys, [222, 0, 0])
    assert SCALE.inputs(np.array([222, 0])).value == pytest.approx([paper.BACKGROUND, paper.INK])


CODES = paper.digit_codes().astype(float)


def states_of_1998():
    greys = strings.f6_greys()
    return Scale.of([greys]).states(greys).value


def test_windows_step_over_the_field():
    field = np.arange(2 * 32 * 64.0).reshape(2, 32, 64)
    seen = strings.windows(field)
    assert seen.shape == (2, 9, 32, 32)
    np.testing.assert_array_equal(seen[1, 0], field[1, :, :32])
    np.testing.assert_array_equal(seen[1, 8], field[1, :, 32:])
    np.testing.assert_array_equal(seen[0, 3], field[0, :, 12:44])


def test_what_is_not_shown_is_background():
    field = strings.whole_field(np.ones((3, 32, 52)))
    assert field.shape == (3, 32, 64)
    assert (field[..., 6:58] == 1).all()
    assert (field[..., :6] == paper.BACKGROUND).all()
    assert (field[..., 58:] == paper.BACKGROUND).all()


def test_the_inputs_of_all_five_strings():
    seen = strings.inputs()
    assert seen.shape == (5, 9, 32, 32)
    assert seen[0, 8, 0, -1] == paper.BACKGROUND
    assert (seen.max((1, 2, 3)) > 1).all()


def test_a_code_is_at_no_distance_from_itself():
    found = strings.distances(CODES)
    assert found.shape == (10, 10)
    np.testing.assert_array_equal(found.diagonal(), 0)
    assert (np.sort(found, 1)[:, 1] > 0).all()


def test_digits_are_found_where_their_codes_are():
    states = np.zeros((9, 84))
    states[[0, 3, 8]] = CODES[[6, 7, 8]]
    assert strings.digit_places(states, "678") == (0, 3, 8)


def test_no_two_digits_are_contiguous():
    states = np.zeros((9, 84))
    states[[4, 5]] = CODES[1]
    first, second = strings.digit_places(states, "11")
    assert second - first > 1


def test_the_states_of_1998_read_every_digit_of_its_answers():
    for states, answer in zip(states_of_1998(), paper.printed_strings().answer, strict=True):
        places = strings.digit_places(states, answer)
        nearest = strings.distances(states[list(places)]).argmin(-1)
        assert "".join(map(str, nearest)) == answer
