"""The training patterns of section VII-B: gaps, blanks, the middle; patterns that are no digits."""

import numpy as np
import pytest

from experiments.ablations.rubbish import KINDS, rubbish
from lenet1998.data.flanks import Flanks, draw, flank
from lenet1998.data.streams import stream

DRAWS = 30_000


def bars(n, first, last, ink):
    """Patterns (n, 28, 28) with ink in some columns, of one level for each of them."""
    images = np.zeros((n, 28, 28), np.uint8)
    images[:, 4:24, first : last + 1] = ink
    return images


def given(**fields):
    """The flanks of one digit."""
    values = {"left": 0, "right": 0, "gap_left": 0, "gap_right": 0, "blank": False} | fields
    return Flanks(**{name: np.array([value]) for name, value in values.items()})


def columns(image, ink):
    """The columns in which a row of the field has a level of ink."""
    return np.flatnonzero(image[0, 16] == ink).tolist()


@pytest.mark.parametrize("size", [28, 32])
@pytest.mark.parametrize("gap_left", range(-1, 5))
@pytest.mark.parametrize("gap_right", [-1, 0, 4])
def test_bounding_boxes_are_as_far_apart_as_is_said(gap_left, gap_right, size):
    centre, left, right = bars(1, 10, 17, 90), bars(1, 3, 20, 80), bars(1, 12, 16, 70)
    beside = given(gap_left=gap_left, gap_right=gap_right)
    field = flank(centre, left, right, beside, size)
    first, last = 10 + (size - 28) // 2, 17 + (size - 28) // 2
    assert field.shape == (1, size, size)
    assert columns(field, 90) == list(range(first, last + 1))
    hidden_left, hidden_right = max(0, -gap_left), max(0, -gap_right)
    assert (
        columns(field, 80)
        == list(range(max(0, first - gap_left - 18), first - gap_left))[: -hidden_left or None]
    )
    begin = last + 1 + gap_right
    assert columns(field, 70) == list(range(begin, min(size, begin + 5)))[hidden_right:]


@pytest.mark.parametrize("gap", range(-1, 5))
def test_without_a_centre_digit_the_middle_is_between_two_neighbours(gap):
    centre, left, right = bars(1, 10, 17, 90), bars(1, 3, 9, 80), bars(1, 12, 16, 70)
    beside = given(gap_left=gap, gap_right=3, blank=True)
    field = flank(centre, left, right, beside, 32)
    ends, begins = columns(field, 80)[-1], columns(field, 70)[0]
    assert columns(field, 90) == []
    assert begins - ends - 1 == max(gap, 0)  # where they meet, the darker hides the other
    assert abs((begins + ends) / 2 - 16) <= 0.5


def test_flanks_outside_the_field_are_lost_and_rows_kept():
    full = bars(1, 0, 27, 50)
    field = flank(full, bars(1, 0, 27, 80), bars(1, 0, 27, 70), given(), 28)
    np.testing.assert_array_equal(field, full)
    moved = full.copy()
    moved[0, 4:10] = 0
    field = flank(moved, moved, moved, given(gap_left=4), 32)
    np.testing.assert_array_equal(field[0].any(axis=1), np.pad(moved[0].any(axis=1), 2))


def test_draws_have_the_printed_ranges_and_the_share_of_blanks():
    drawn = draw(DRAWS, 700, 0.25, stream(0, "flanks", 1))
    for gaps in (drawn.gap_left, drawn.gap_right):
        values, counts = np.unique(gaps, return_counts=True)
        assert values.tolist() == [-1, 0, 1, 2, 3, 4]
        assert counts == pytest.approx(DRAWS / 6, rel=0.06)
    for which in (drawn.left, drawn.right):
        assert (which.min(), which.max()) == (0, 699)
        assert np.bincount(which // 70) == pytest.approx(DRAWS / 10, rel=0.08)
    assert drawn.blank.mean() == pytest.approx(0.25, abs=0.01)
    fields = np.stack([field.astype(float) for field in drawn])
    assert np.abs(np.corrcoef(fields) - np.eye(5)).max() < 0.03


@pytest.mark.parametrize(("share", "blanks"), [(0.0, False), (1.0, True)])
def test_never_and_always(share, blanks):
    assert (draw(999, 5, share, stream(3, "flanks")).blank == blanks).all()


def test_a_draw_depends_on_its_place_alone():
    whole = draw(100, 9, 0.1, stream(2, "flanks", 7))
    part = draw(30, 9, 0.1, stream(2, "flanks", 7), skip=70)
    for of_whole, of_part in zip(whole, part, strict=True):
        np.testing.assert_array_equal(of_whole[70:], of_part)


@pytest.fixture
def images(digits):
    return digits.test_images[:50], digits.test_labels[:50]


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_always_the_same_and_more_begin_as_fewer_do(kind, images):
    made = rubbish(kind, *images, 40)
    assert made.shape == (40, 28, 28)
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made, rubbish(kind, *images, 40))
    np.testing.assert_array_equal(made[:15], rubbish(kind, *images, 15))


def test_between_shows_the_right_of_one_digit_and_the_left_of_another(images):
    given, labels = images
    for pattern in rubbish("between", *images, 30):
        left = [n for n in range(len(given)) if (given[n, :, 14:] == pattern[:, :14]).all()]
        right = [n for n in range(len(given)) if (given[n, :, :14] == pattern[:, 14:]).all()]
        assert any(labels[one] != labels[other] for one in left for other in right)


def test_a_half_is_of_one_digit_and_all_sides_occur(images):
    given, _ = images
    whole = given.reshape(len(given), -1).astype(int)
    sides = set()
    for pattern in rubbish("half", *images, 60):
        quarters = [pattern[:14, :14], pattern[:14, 14:], pattern[14:, :14], pattern[14:, 14:]]
        sides.add(tuple(bool(q.any()) for q in quarters))
        inked = pattern.ravel() > 0
        assert any((row[inked] == pattern.ravel()[inked]).all() for row in whole)
    assert {(True, False, True, False), (False, True, False, True)} <= sides
    assert {(True, True, False, False), (False, False, True, True)} <= sides


def test_noise_has_the_pixels_of_a_digit(images):
    given, _ = images
    known = {tuple(np.sort(image.ravel())) for image in given}
    made = rubbish("noise", *images, 20)
    assert all(tuple(np.sort(pattern.ravel())) in known for pattern in made)
    assert not any((pattern == image).all() for pattern in made for image in given)


def test_another_kind_is_refused(images):
    with pytest.raises(ValueError, match="kind must be one of between, half, noise; got 'letters'"):
        rubbish("letters", *images, 1)
