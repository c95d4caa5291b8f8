"""Digits set side by side, and lines of digits found on pictures."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from lenet1998.data.flanks import string
from lenet1998.data.lines import LONGEST, read_line, to_line
from lenet1998.errors import BadInput


@pytest.fixture
def digits_in_line(digits):
    return string(digits.test_images[:4], 3)


def enlarged(field, times=6):
    """Dark ink on a white sheet, as levels."""
    image = Image.fromarray(255 - field)
    size = (times * image.width, times * image.height)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC)) / 255


def likeness(ours, theirs):
    """The best correlation of two fields, whichever few columns one is moved by."""
    width = min(ours.shape[1], theirs.shape[1]) - 6
    parts = [ours[:, at : at + width].ravel().astype(float) for at in range(7)]
    middle = theirs[:, 3 : 3 + width].ravel().astype(float)
    return max(np.corrcoef(part, middle)[0, 1] for part in parts)


@pytest.mark.parametrize("degrees", [0, 6, -9, 30, -45])
@pytest.mark.parametrize("dark", [True, False])
def test_a_line_is_straightened_and_sized(digits_in_line, degrees, dark):
    levels = ndimage.rotate(enlarged(digits_in_line), degrees, order=1, cval=1.0).clip(0, 1)
    line = to_line(levels if dark else 1 - levels)
    assert line.dark_ink is dark
    assert line.degrees == pytest.approx(-degrees, abs=2.5)
    assert line.field.shape[0] == 32
    assert abs(line.field.shape[1] - digits_in_line.shape[1]) <= 0.08 * digits_in_line.shape[1]
    assert likeness(line.field, digits_in_line) > 0.75
    inked = np.flatnonzero(line.field.any(axis=0))
    assert (inked[0], line.field.shape[1] - 1 - inked[-1]) == pytest.approx((16, 16), abs=1)


def test_a_short_line_is_not_turned_by_the_slant_of_its_digits(digits):
    leaning = ndimage.affine_transform(
        enlarged(string(digits.test_images[:2], 2)), [[1, 0], [0.4, 1]], cval=1.0
    )
    assert to_line(leaning).degrees == 0


def test_the_height_of_the_field_is_the_networks(digits_in_line):
    line = to_line(enlarged(digits_in_line), size=28)
    assert line.field.shape[0] == 28
    rows = np.arange(28)
    assert np.average(rows, weights=line.field.sum(axis=1)) == pytest.approx(14, abs=0.6)


def test_a_picture_of_nothing_but_ink_from_edge_to_edge(digits_in_line):
    rows, columns = digits_in_line.any(axis=1), digits_in_line.any(axis=0)
    line = to_line(enlarged(digits_in_line[rows][:, columns]))
    assert line.field.any()


def strip(field, width=100_000):
    """A few digits at the beginning of very much paper."""
    return np.pad(field, ((0, 0), (0, width - field.shape[1])))


def with_smaller(field):
    small = np.asarray(Image.fromarray(field).resize((field.shape[1] // 2, 16)))
    return np.concatenate([field, np.pad(small, ((0, 0), (0, field.shape[1] - small.shape[1])))])


def on_its_side(field):
    return np.pad(np.rot90(field), ((0, 0), (30, 30)))


def with_mark(field, part):
    """A line, a mark after it, and the line again."""
    mark = np.zeros((32, 10), np.uint8)
    mark[part] = 255
    return np.concatenate([field[:, :-12], mark, field[:, 12:]], axis=1)


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (lambda field: np.concatenate([field, field]), "more than one line of digits"),
        (with_smaller, "more than one line of digits"),
        (lambda field: 0 * field, "nothing on it stands out"),
        (lambda field: np.tile(field, (1, 300)), "pixels long with digits 20 high: cut it"),
        (on_its_side, "its digits stand above each other: turn it"),
        (lambda field: with_mark(field, np.s_[15:18, :8]), "a mark that is no digit"),
        (lambda field: with_mark(field, np.s_[24:28, 2:6]), "a mark that is no digit"),
        (lambda field: with_mark(field, np.s_[2:30, 3:6]), "a mark that is no digit"),
    ],
    ids=["two lines", "a smaller line", "nothing", "too long", "turned", "dash", "dot", "bar"],
)
def test_what_is_no_line_is_refused_in_one_line(picture, says, digits_in_line, tmp_path):
    file = tmp_path / "line.png"
    Image.fromarray(picture(digits_in_line)).save(file)
    with pytest.raises(BadInput, match=rf"^{file}: .*{says}") as refused:
        read_line(file)
    assert "\n" not in str(refused.value)


def test_one_pixel_of_ink_is_a_line_too():
    levels = np.ones((40, 60))
    levels[20, 30] = 0
    assert to_line(levels).field.any()


def test_a_long_strip_keeps_its_height(digits_in_line, tmp_path):
    strip = np.tile(digits_in_line, (1, LONGEST // digits_in_line.shape[1] - 1))
    Image.fromarray(strip).save(tmp_path / "strip.png")
    field = read_line(tmp_path / "strip.png").field
    assert abs(field.shape[1] - strip.shape[1]) < 0.1 * strip.shape[1]


def test_digits_that_are_small_on_a_small_picture_are_read_as_they_are(digits_in_line):
    assert to_line(enlarged(digits_in_line, 1)[::3, ::3]).field.any()
    with pytest.raises(BadInput, match="fewer than 10: cut it to the line"):
        to_line(enlarged(digits_in_line, 1)[::3, ::3], block=3)


def test_a_large_picture_that_its_line_fills_is_read(digits_in_line, tmp_path):
    large = Image.fromarray(255 - digits_in_line).resize((40 * digits_in_line.shape[1], 40 * 32))
    large.save(tmp_path / "large.png")
    line = read_line(tmp_path / "large.png")
    assert likeness(line.field, digits_in_line) > 0.75


def test_a_line_is_looked_for_on_much_paper_and_then_more_closely(digits_in_line, tmp_path):
    Image.fromarray(strip(digits_in_line)).save(tmp_path / "strip.png")
    field = read_line(tmp_path / "strip.png").field
    assert likeness(field, digits_in_line) > 0.75
    np.testing.assert_array_equal(read_line(strip(digits_in_line)).field, field)


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
