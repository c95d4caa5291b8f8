"""The random distortions are those that Fig. 7 shows."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from lenet1998 import paper
from lenet1998.data import distortions, load
from lenet1998.data.distortions import Affine, Pool, draw, warp
from lenet1998.data.patterns import CENTRE
from lenet1998.data.streams import stream

RESULTS = Path(__file__).parents[2] / "experiments" / "results"
RANGES = {
    "shift_x": distortions.SHIFT,
    "shift_y": distortions.SHIFT,
    "shrink": distortions.SHRINK,
    "squeeze": distortions.SQUEEZE,
    "shear": distortions.SHEAR,
}


def measure(before: np.ndarray, after: np.ndarray) -> Affine:
    """The maps between two sets of patterns (N, H, W), by moments: shifts of the centre of mass."""
    cx, cy, xx, xy, yy = _moments(before)
    new_cx, new_cy, new_xx, new_xy, new_yy = _moments(after)
    scale_y = np.sqrt(new_yy / yy)
    scale_x = np.sqrt((new_xx - new_xy**2 / new_yy) / (xx - xy**2 / yy))
    shear = (new_xy / scale_y - scale_x * xy) / yy
    return Affine(new_cx - cx, new_cy - cy, scale_x, scale_y, shear)


def _moments(images: np.ndarray) -> tuple[np.ndarray, ...]:
    """Centre of mass x, y and second moments xx, xy, yy of the ink, each (N,)."""
    weight = images / images.sum(axis=(1, 2), keepdims=True, dtype=np.float64)
    y, x = np.mgrid[: images.shape[1], : images.shape[2]]
    cx, cy = ((weight * along).sum(axis=(1, 2)) for along in (x, y))
    dx, dy = x - cx[:, None, None], y - cy[:, None, None]
    return cx, cy, *((weight * product).sum(axis=(1, 2)) for product in (dx * dx, dx * dy, dy * dy))


def still(n, **changed):
    """Maps that move nothing but what is changed."""
    values = {"shift_x": 0, "shift_y": 0, "scale_x": 1, "scale_y": 1, "shear": 0} | changed
    return Affine(**{name: np.full(n, float(value)) for name, value in values.items()})


def distort(images):
    return warp(images, draw(len(images), stream(0, "distortions")))


def in_field(images):
    return np.pad(images, ((0, 0), (2, 2), (2, 2)))


@pytest.fixture(scope="module")
def images(digits):
    return digits.train_images


def test_the_identity_changes_nothing(images):
    np.testing.assert_array_equal(warp(images[:50], still(50)), in_field(images[:50]))
    np.testing.assert_array_equal(warp(images[:50], still(50), size=28), images[:50])


def test_shifts_move_right_and_down(images):
    moved = warp(images[:50], still(50, shift_x=2, shift_y=-1))
    np.testing.assert_array_equal(moved, np.roll(in_field(images[:50]), (-1, 2), axis=(1, 2)))


def test_a_digit_may_reach_the_edge_of_the_32x32_field(images):
    """As in Fig. 7, where ink stands in the outermost pixels."""
    far = warp(images[:50], still(50, shift_x=9, scale_y=1.4))
    assert (far[:, :, -1] > 0).any()
    assert (far[:, 0] > 0).any()


def test_scaling_leaves_a_point_near_the_lower_edge_in_the_middle_where_it_is():
    dot = np.zeros((1, 28, 28), np.uint8)
    dot[0, CENTRE + 9 : CENTRE + 12, CENTRE - 1 : CENTRE + 1] = 255
    moved = measure(in_field(dot), warp(dot, still(1, scale_x=1.2, scale_y=0.8)))
    np.testing.assert_allclose([*moved.shift_x, *moved.shift_y], 0, atol=0.01)


def test_shear_moves_the_upper_part_one_way_and_the_lower_the_other():
    bar = np.zeros((1, 28, 28), np.uint8)
    bar[0, CENTRE - 8 : CENTRE + 9, CENTRE] = 255
    sheared = warp(bar, still(1, shear=0.25))[0]
    rows = CENTRE + 2 + np.array([-6, 2, 6])  # in the 32x32 field
    columns = sheared[rows].astype(float) @ np.arange(32) / sheared[rows].sum(axis=1, dtype=float)
    np.testing.assert_allclose(columns, CENTRE + 2 + np.array([-2, 0, 1]), atol=0.01)


def test_shifts_and_shear_are_of_the_original_and_scaled_with_it():
    dot = np.zeros((1, 28, 28), np.uint8)
    dot[0, CENTRE + 9 : CENTRE + 12, CENTRE - 1 : CENTRE + 1] = 255
    maps = still(1, shift_x=1, shift_y=-2, scale_x=1.2, scale_y=0.8, shear=0.1)
    moved = measure(in_field(dot), warp(dot, maps))
    # The dot stands at y = 10 and x = -0.5, what scaling leaves in its place.
    assert moved.shift_x[0] == pytest.approx(1.2 * (1 + 0.1 * (10 - 2 - 2)), abs=0.1)
    assert moved.shift_y[0] == pytest.approx(0.8 * -2, abs=0.1)


def test_known_maps_are_recovered_by_the_measure(images):
    maps = draw(200, stream(0, "distortions"))
    fitted = measure(in_field(images[:200]), warp(images[:200], maps))
    known = maps._replace(shear=maps.scale_x * maps.shear)
    for name in ("scale_x", "scale_y", "shear"):
        difference = getattr(fitted, name) - getattr(known, name)
        assert np.abs(difference).mean() < 0.02, name


def test_the_ranges_are_what_fig7_allows():
    """Every end lies in the interval that Fig. 7's hundred digits leave it."""
    fits = json.loads((RESULTS / "fig7.json").read_bytes())
    assert [fit["name"] for fit in fits["parameters"]] == list(RANGES)
    for fit in fits["parameters"]:
        for end, (least, most) in zip(RANGES[fit["name"]], (fit["low"], fit["high"]), strict=True):
            assert least <= end <= most, fit["name"]
        assert fit["p_uniform"] > 0.05
    for name in ("fixed_x", "fixed_y"):
        least, most = fits["points"][name]["interval"]
        assert least <= getattr(distortions, name.upper()) <= most
    least, most = fits["points"]["sheared_about"]["interval"]
    assert least <= distortions.SHEAR_ROW <= most


def test_what_is_drawn_fills_the_ranges():
    maps = draw(20_000, stream(0, "distortions"))
    shrink, squeeze = 1 / np.sqrt(maps.scale_x * maps.scale_y), np.sqrt(maps.scale_y / maps.scale_x)
    drawn = (maps.shift_x, maps.shift_y, shrink, squeeze, maps.shear)
    for values, (low, high) in zip(drawn, RANGES.values(), strict=True):
        assert kstest(values, "uniform", (low, high - low)).pvalue > 0.001
    correlation = np.corrcoef(drawn)
    assert np.abs(correlation - np.eye(5)).max() < 4 / np.sqrt(20_000)


@pytest.mark.skipif("LENET1998_DATA" not in os.environ, reason="LENET1998_DATA is not set")
def test_fig7_can_be_made_again():
    """To the resolution of its print: 64 greys, so about 0.004 of full ink."""
    fits = json.loads((RESULTS / "fig7.json").read_bytes())
    ink = {int(grey): value for grey, value in fits["greys"].items()}
    printed = np.vectorize(ink.get)(paper.fig7_patterns().patterns.reshape(100, 32, 32))
    drawn = {name: np.array([d["drawn"][name] for d in fits["digits"]]) for name in RANGES}
    shrink, squeeze = drawn["shrink"], drawn["squeeze"]
    scales = 1 / (shrink * squeeze), squeeze / shrink
    maps = Affine(drawn["shift_x"], drawn["shift_y"], *scales, drawn["shear"])
    originals = load("mnist").train_images[[digit["train_index"] for digit in fits["digits"]]]
    error = warp(originals, maps) / 255 - printed
    assert np.sqrt((error**2).mean(axis=(1, 2))).max() < 0.01


def test_the_batch_size_does_not_matter(images, monkeypatch):
    whole = distort(images[:30])
    monkeypatch.setattr(distortions, "BATCH", 7)
    np.testing.assert_array_equal(distort(images[:30]), whole)


def test_the_pool_holds_the_originals_and_nine_versions_of_each(digits):
    n = len(digits.train_images)
    pool = Pool(digits, seed=0)
    assert (pool.copies + 1) * paper.TRAIN_SIZE == paper.TRAIN_SIZE + paper.DISTORTED_PATTERNS
    versions = pool.versions_of(np.array([5, 17]))
    assert sorted(versions) == sorted(i + n * version for i in (5, 17) for version in range(10))
    shown, labels = pool.take(np.arange(50))
    np.testing.assert_array_equal(shown, in_field(digits.train_images[:50]))
    of_one, labels = pool.take(pool.versions_of(np.array([5])))
    assert set(labels) == {digits.train_labels[5]}
    assert len(np.unique(of_one, axis=0)) == 10


def test_a_version_is_the_same_whenever_it_is_asked_for(digits):
    n = len(digits.train_images)
    some = np.array([3, n + 3, 9 * n + 3])
    first = Pool(digits, seed=0).take(some)[0]
    np.testing.assert_array_equal(Pool(digits, seed=0).take(some[::-1])[0][::-1], first)
    assert (Pool(digits, seed=1).take(some)[0][1:] != first[1:]).any()
