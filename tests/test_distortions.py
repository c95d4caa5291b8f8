"""The random distortions match what Fig. 7 shows, measured the same way: by moments."""

import numpy as np
import pytest

from lenet1998 import distortions, paper
from lenet1998.data import CENTRE
from lenet1998.distortions import Affine, distort, distorted_training_set, draw, measure, warp


def still(n, **changed):
    """Maps that move nothing but what is changed."""
    values = {"shift_x": 0, "shift_y": 0, "scale_x": 1, "scale_y": 1, "shear": 0} | changed
    return Affine(**{name: np.full(n, float(value)) for name, value in values.items()})


@pytest.fixture(scope="module")
def images(digits):
    return digits.train_images


def test_the_identity_changes_nothing(images):
    np.testing.assert_array_equal(warp(images[:50], still(50)), images[:50])


def test_shifts_move_right_and_down(images):
    moved = warp(images[:50], still(50, shift_x=2, shift_y=-1))
    expected = np.roll(images[:50], (-1, 2), axis=(1, 2))
    np.testing.assert_array_equal(moved[:, :-1, 2:], expected[:, :-1, 2:])


def test_scaling_fixes_the_anchor_below_the_centre():
    dot = np.zeros((1, 28, 28), np.uint8)
    row = CENTRE + int(distortions.ANCHOR)
    dot[0, row - 1 : row + 2, CENTRE - 1 : CENTRE + 2] = 255
    moved = measure(dot, warp(dot, still(1, scale_x=1.2, scale_y=0.8)))
    np.testing.assert_allclose([*moved.shift_x, *moved.shift_y], 0, atol=0.01)


def test_shear_moves_the_upper_part_one_way_and_the_lower_the_other():
    bar = np.zeros((1, 28, 28), np.uint8)
    bar[0, CENTRE - 8 : CENTRE + 9, CENTRE] = 255
    sheared = warp(bar, still(1, shear=0.25))[0]
    columns = (
        sheared.astype(float) @ np.arange(28) / np.maximum(1, sheared.sum(axis=1, dtype=float))
    )
    assert columns[CENTRE + 8] == pytest.approx(CENTRE + 2, abs=0.01)
    assert columns[CENTRE - 8] == pytest.approx(CENTRE - 2, abs=0.01)


def test_known_maps_are_recovered_by_the_measure(images):
    maps = draw(200, np.random.default_rng(0))
    fitted = measure(images[:200], warp(images[:200], maps))
    for name in ("scale_x", "scale_y", "shear"):
        difference = getattr(fitted, name) - getattr(maps, name)
        assert np.abs(difference).mean() < 0.02, name


def test_a_random_sample_spreads_as_fig7_does(images):
    fitted = measure(images, distort(images, np.random.default_rng(0)))
    figure = paper.fig7_affine()
    ours = dict(zip(("dx", "dy", "scale_x", "scale_y", "shear"), fitted, strict=True))
    for name, values in ours.items():
        shown = getattr(figure, name)
        # n = 100 there: its standard deviations are known to about 7 %.
        assert values.std() == pytest.approx(shown.std(), rel=0.15), name
        assert abs(values.mean() - shown.mean()) < 4 * shown.std() / np.sqrt(len(shown)), name
        assert values.min() < np.quantile(shown, 0.05), name
        assert values.max() > np.quantile(shown, 0.95), name
    for pair in (("dy", "scale_y"), ("scale_x", "scale_y"), ("dx", "scale_x"), ("dx", "shear")):
        shown = np.corrcoef(*(getattr(figure, name) for name in pair))[0, 1]
        assert np.corrcoef(*(ours[name] for name in pair))[0, 1] == pytest.approx(shown, abs=0.25)


def test_the_generator_decides(images):
    first, again, other = (distort(images[:20], np.random.default_rng(s)) for s in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_batch_size_does_not_matter(images, monkeypatch):
    whole = distort(images[:30], np.random.default_rng(1))
    monkeypatch.setattr(distortions, "BATCH", 7)
    np.testing.assert_array_equal(distort(images[:30], np.random.default_rng(1)), whole)


def test_distorted_training_set(digits):
    n = len(digits.train_images)
    larger = distorted_training_set(digits, seed=0, copies=2)
    assert larger.train_images.shape == (3 * n, 28, 28)
    assert larger.train_images.dtype == np.uint8
    np.testing.assert_array_equal(larger.train_images[:n], digits.train_images)
    np.testing.assert_array_equal(larger.train_labels.reshape(3, n), [digits.train_labels] * 3)
    np.testing.assert_array_equal(larger.test_images, digits.test_images)
    assert (larger.train_images[n : 2 * n] != larger.train_images[2 * n :]).any(axis=(1, 2)).all()
    assert larger.checksum != digits.checksum
    again = distorted_training_set(digits, seed=0, copies=2)
    np.testing.assert_array_equal(again.train_images, larger.train_images)
    assert again.checksum == larger.checksum
    assert distorted_training_set(digits, seed=1, copies=2).checksum != larger.checksum


def test_the_default_makes_the_papers_600_000():
    (copies,) = distorted_training_set.__defaults__
    assert paper.TRAIN_SIZE * copies == paper.DISTORTED_PATTERNS
