"""Greys of a print, there and back."""

import numpy as np
import pytest

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
