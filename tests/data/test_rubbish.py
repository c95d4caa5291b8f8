"""Patterns that are no digits."""

import numpy as np
import pytest

from experiments.ablations.rubbish import KINDS, rubbish


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
