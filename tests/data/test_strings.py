"""Digits set side by side."""

import numpy as np
import pytest

from lenet1998.data.flanks import string


def columns(field, ink):
    return np.flatnonzero((field == ink).any(axis=0)).tolist()


@pytest.fixture
def bars():
    """Three patterns, 6, 4 and 10 columns wide, each of its own level."""
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 5:20, 3:9], images[1, 4:24, 12:16], images[2, 6:20, 9:19] = 50, 60, 70
    return images


@pytest.mark.parametrize("size", [28, 32])
def test_bounding_boxes_are_as_far_apart_as_is_said(bars, size):
    field, half = string(bars, [2, -1], size), size // 2
    assert field.shape == (size, size + 6 + 2 + 4 - 1 + 10)
    assert columns(field, 50) == list(range(half, half + 6))
    assert columns(field, 60) == list(range(half + 8, half + 12))
    assert columns(field, 70) == list(range(half + 11, half + 21))
    margin = (size - 28) // 2
    assert np.flatnonzero((field == 50).any(axis=1)).tolist() == list(
        range(5 + margin, 20 + margin)
    )


def test_digits_that_are_pushed_over_each_other_stay_in_the_field(bars):
    field = string(bars, -12)
    inked = {column for ink in (50, 60, 70) for column in columns(field, ink)}
    assert (min(inked), max(inked)) == (16, field.shape[1] - 17)
    assert string(bars[:1]).shape == (32, 38)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda bars: bars[:0], "needs a digit"),
        (lambda bars: 0 * bars, "needs ink"),
        (lambda bars: np.pad(bars, ((0, 0), (3, 3), (3, 3))), "cannot pad 34 pixels evenly to 32"),
    ],
)
def test_wrong_calls_raise(bars, change, says):
    with pytest.raises(ValueError, match=says):
        string(change(bars))
