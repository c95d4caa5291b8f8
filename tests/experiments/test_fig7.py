"""Registration recovers known maps; the study of Fig. 7 recovers what made its digits."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from experiments.distortions import fig7, registration
from experiments.distortions.fig7 import Draws, draws, maps_of
from lenet1998 import paper
from lenet1998.report.statistics import uniform_ends, uniform_p

ROOT = Path(__file__).parents[2]


GREYS = np.linspace(255, 0, 64).round().astype(np.uint8)  # as many as in Fig. 7, white first
INK = np.linspace(0, 1, 64) ** 1.03  # not quite even


def drawn(n, seed=0):
    generator = np.random.default_rng(seed)
    return Draws(*(generator.uniform(*ends, n) for ends in fig7.RANGES))


def printed(originals, maps):
    pictures = [registration.warp(*pair) for pair in zip(originals, maps, strict=True)]
    return registration.printed(np.stack(pictures), GREYS, INK)


@pytest.fixture(scope="module")
def originals(digits):
    return registration.padded(digits.train_images[:40])


def test_the_identity_changes_nothing(originals):
    np.testing.assert_array_equal(registration.warp(originals[0], (1, 0, 0, 0, 1, 0)), originals[0])


def test_a_map_says_what_of_the_original_is_seen(originals):
    right = registration.warp(originals[0], (1, 0, -3, 0, 1, 0))  # shows what lay 3 to the left
    np.testing.assert_array_equal(right[:, 3:], originals[0][:, :-3])
    lower = registration.warp(originals[0], (1, 0, 0, 0, 1, -2))
    np.testing.assert_array_equal(lower[2:], originals[0][:-2])


def test_known_maps_are_recovered_from_the_print(originals):
    maps = maps_of(drawn(len(originals)))
    maps[:, 3] = np.linspace(-0.05, 0.05, len(maps))  # vertical shear, too
    found = registration.register(originals, printed(originals, maps))
    off = found.maps - maps
    # Scales and shears to 0.003 and shifts to 0.01 pixels, though the print has 64 greys.
    assert np.abs(off[:, [0, 1, 3, 4]]).max() < 0.003
    assert np.abs(off[:, [2, 5]]).max() < 0.01
    assert 0.7 < np.sqrt(np.mean((off / found.errors) ** 2)) < 1.5
    assert found.rms.max() < 1 / 64
    place = np.searchsorted(found.greys, GREYS)
    np.testing.assert_allclose(found.ink[place], INK, atol=0.01)


def test_no_map_fits_another_digit(originals):
    one, other = originals[:1], originals[1:2]
    found = registration.register(one, printed(other, maps_of(drawn(1))))
    assert found.rms[0] > 0.05


def test_draws_and_maps_are_each_others_inverse():
    some = drawn(50)
    np.testing.assert_allclose(draws(maps_of(some)), some, atol=1e-12)


def test_the_formula_keeps_its_fixed_point():
    still = Draws(*np.array([[0.0], [0.0], [0.8], [1.1], [0.0]]))
    xx, xy, x, yx, yy, y = maps_of(still)[0]
    point = np.array([fig7.FIXED_X, fig7.FIXED_Y])
    np.testing.assert_allclose([[xx, xy], [yx, yy]] @ point + (x, y), point)
    assert (xx, yy) == pytest.approx((0.8 * 1.1, 0.8 / 1.1))


def test_ends_of_a_uniform_hold_as_often_as_they_say():
    generator = np.random.default_rng(0)
    held = []
    for _ in range(300):
        values = generator.uniform(-2, 3, (1, 20))
        _, low, high = uniform_ends(values, generator, 2000)
        assert low.max() <= values.min()
        assert high.min() >= values.max()
        held += [np.mean(low < -2), np.mean(high < 3)]
    # If the intervals are right, where the truth falls in them is uniform.
    assert uniform_p(np.array(held[::2])) > 0.01
    assert uniform_p(np.array(held[1::2])) > 0.01


def test_a_fixed_point_is_found_as_often_as_its_interval_says():
    generator = np.random.default_rng(1)
    points, held = np.arange(4, 10.01, 0.1), []
    for _ in range(200):
        scale, shift = generator.uniform(0.8, 1.2, 100), generator.uniform(-2, 2, 100)
        choice, _, _ = uniform_ends(shift + (7 - points[:, None]) * scale, generator, 1000)
        low, high = fig7.interval(points[choice])
        held.append(low - 1e-9 <= 7 <= high + 1e-9)
    assert 0.9 <= np.mean(held) <= 0.995


def test_p_of_uniform_finds_what_is_not():
    generator = np.random.default_rng(2)
    assert uniform_p(generator.uniform(5, 6, 200)) > 0.05
    assert uniform_p(generator.normal(0, 1, 200)) < 0.001


def test_compositions_tell_shifts_of_the_original_from_those_of_the_result():
    maps = maps_of(drawn(100))
    rows = {(row["what"], row["way"]): row["log_likelihood"] for row in fig7.compositions(maps)}
    for what in ("shear", "shift right", "shift down"):
        assert rows[what, "the result"] < rows[what, "the original"]
        assert rows[what, "the original"] > -2
    assert rows["squeeze", "added to shrink"] < -5


@pytest.fixture
def made_figure(digits, monkeypatch):
    """Fig. 7 made of other digits by known draws, and the script made to read it."""
    some = drawn(50)
    indices = np.arange(40, 50)
    originals = np.repeat(registration.padded(digits.train_images[indices]), 5, axis=0)
    patterns = printed(originals, maps_of(some)).reshape(10, 5, 32, 32)
    figure = paper.DistortedDigits(patterns, indices)
    data = dataclasses.replace(digits, name="mnist", checksum="abc")
    monkeypatch.setattr(paper, "fig7_patterns", lambda: figure)
    monkeypatch.setattr(fig7, "load", lambda *_: data)
    monkeypatch.setattr(fig7, "REPEATS", 1)
    monkeypatch.setattr(registration, "ROUNDS", 4)
    return some


def test_the_study_finds_what_made_the_figure(made_figure, tmp_path):
    affine = tmp_path / "affine.csv"
    assert fig7.main(["--results", str(tmp_path), "--affine", str(affine)]) == 0
    result = json.loads((tmp_path / "fig7.json").read_text())
    for row, values in zip(result["parameters"], made_figure, strict=True):
        assert row["seen"] == pytest.approx([values.min(), values.max()], abs=0.02)
        # 95 % intervals, so some miss by a little.
        width = np.ptp(row["range"])
        for end, truth in zip(("low", "high"), row["range"], strict=True):
            low, high = row[end]
            assert low - 0.02 * width < truth < high + 0.02 * width
    for point in result["points"].values():
        assert point["interval"][0] - 0.5 < point["used"] < point["interval"][1] + 0.5
    assert min(pair["p_holm"] for pair in result["correlations"]) > 0.05
    rows = list(csv.DictReader(affine.read_text().splitlines()))
    assert [row["train_index"] for row in rows[::5]] == [str(index) for index in range(40, 50)]
    first = result["digits"][0]["map"]
    forward = np.array([[float(rows[0]["scale_x"]), float(rows[0]["shear"])], [0, 0]])
    forward[1] = float(rows[0]["vertical_shear"]), float(rows[0]["scale_y"])
    back = np.array([[first["xx"], first["xy"]], [first["yx"], first["yy"]]])
    np.testing.assert_allclose(forward @ back, np.eye(2), atol=1e-4)
    shift = -forward @ (first["x"], first["y"])
    np.testing.assert_allclose([float(rows[0]["dx"]), float(rows[0]["dy"])], shift, atol=1e-3)


def test_the_package_holds_the_committed_maps():
    result = json.loads((ROOT / "experiments" / "results" / "fig7.json").read_text())
    held = (ROOT / "lenet1998" / "paper_data" / "fig7_affine.csv").read_text()
    assert fig7.forwards(result) == held
