"""Measures of ``experiments/claims/measures.py``: cases worked out by hand, and all of it small."""

import numpy as np
import pytest
import torch

from experiments.claims import measures as claims
from experiments.results import CLAIMS, read_json
from lenet1998 import paper
from lenet1998.data import Dataset
from lenet1998.models import build_model
from lenet1998.modules import Subsampling2d
from lenet1998.pretrained import load_pretrained
from lenet1998.recipes import ORIGINAL


def test_the_same_curvature_agrees():
    h = np.linspace(0, 1, 50)
    assert claims.agreement(h, h) == pytest.approx(
        {"correlation": 1, "median_factor": 1, "factor_of_95_percent": 1}
    )


def test_factors_are_of_rates_either_way():
    rates = np.geomspace(1, 10, 100)
    ours, theirs = (
        1 / r - paper.MU for r in (rates, rates * np.where(np.arange(100) < 50, 2, 0.5))
    )
    found = claims.agreement(ours, theirs)
    assert found["median_factor"] == pytest.approx(2)
    assert found["factor_of_95_percent"] == pytest.approx(2)


def test_draws_are_apart_and_of_their_size(digits):
    model = build_model(ORIGINAL, 0)
    one, other, again = (claims.curvature(model, digits, 0, 30, draw) for draw in (1, 2, 1))
    assert one.shape == (paper.TOTAL_PARAMETERS,)
    assert (one == again).all()
    assert (one != other).any()


def test_norms_are_of_the_weights():
    model = build_model(ORIGINAL, 0)
    with torch.no_grad():
        model.f6.bias.fill_(100)
        model.s2.weight.fill_(0.5)
    found = claims.norms(model)
    assert found["s2"] == pytest.approx(0.5 * 6**0.5)
    everything = sum(v.square().sum().item() for k, v in model.named_parameters() if "weight" in k)
    assert found["all"] == pytest.approx(everything**0.5)
    assert found.keys() == {"c1", "s2", "c3", "s4", "c5", "f6", "all"}


def test_a_straight_unit_is_not_bent():
    layer = Subsampling2d(1)
    sums = torch.linspace(-1, 1, 100).view(1, 1, 10, 10)
    straight = claims.of_map(layer, 0, sums, 0.2 * sums + 0.1)
    assert straight["bent"] == pytest.approx(0, abs=1e-6)
    assert straight["saturated"] == 0
    step = claims.of_map(layer, 0, sums, paper.TANH_AMPLITUDE * sums.sign())
    # A step explains 3/4 of the variance of a uniform variable, so does its line of the step's.
    assert step["bent"] == pytest.approx(0.25, abs=0.01)
    assert step["saturated"] == 1


def test_subsampling_units_are_all_of_s2_and_s4(digits):
    images = claims.prepare(digits.test_images[:20], paper.INPUT_SIZE, ORIGINAL.scaling)
    found = claims.subsampling_units(build_model(ORIGINAL, 0), images)
    assert [one["layer"] for one in found] == ["s2"] * 6 + ["s4"] * 16
    of_sums = {one["coefficient"] for one in found}
    assert list(of_sums) == pytest.approx([ORIGINAL.initial_coefficient])


def dataset(images: np.ndarray) -> Dataset:
    labels = np.zeros(len(images), np.int64)
    return Dataset("mnist", images, labels, images, labels, checksum="none")


def test_what_is_no_character_is_of_three_kinds_and_is_further_from_all_codes(digits, monkeypatch):
    monkeypatch.setattr(claims, "RUBBISH", 100)
    found = claims.no_characters(digits)
    assert {kind: pictures.shape for kind, pictures in found.items()} == dict.fromkeys(
        ("between two digits", "half a digit", "noise"), (100, 28, 28)
    )
    percent = claims.rejected_percent(load_pretrained("original"), digits, found)
    assert percent["between two digits"] > 50
    assert set(percent) == set(found)


def test_the_data_is_measured():
    images = np.zeros((3, 28, 28), np.uint8)
    images[0, 4:24, 10:18] = 255  # 20 rows, in the middle
    images[1, 4:25, 10:18] = 255  # 21 rows, half a pixel off
    images[2, 4:8, 4:8] = 255  # in a corner
    found = claims.data_of(dataset(images))
    assert found["patterns"] == 3
    assert found["within_digit_size"] == 2
    assert found["centred_to_a_pixel"] == 2
    pixels = 3 * 32 * 32
    inked = (160 + 168 + 16) / pixels
    assert found["mean"] == pytest.approx(-0.1 + 1.275 * inked, rel=1e-6)
    assert found["variance"] == pytest.approx(
        1.275**2 * inked * (1 - inked) * pixels / (pixels - 1), rel=1e-6
    )


def test_the_whole_study_small(tiny_mnist, tmp_path, monkeypatch, capsys):
    sizes = [ORIGINAL.changed(passes=1, train_size=n, curvature_patterns=10) for n in range(30, 36)]
    for name, value in {"RECIPES": sizes, "SEEDS": range(1), "ROUNDS": 1}.items():
        monkeypatch.setattr(claims, name, value)
    claims.study.load_once.cache_clear()
    call = ["--data", str(tiny_mnist), "--results", str(tmp_path)]
    assert claims.main(call) == 0
    found = read_json(tmp_path / CLAIMS)
    assert [net["seed"] for net in found["curvature"]["trained"]] == [0]
    assert len(found["norms"]) == len(found["subsampling"]) == 1
    starts, after = found["norms"][0][:2]
    assert starts == claims.norms(build_model(ORIGINAL, 0))
    assert starts != after
    assert capsys.readouterr().out.count("\n") == 7  # six runs, and the file
    assert claims.main(call) == 0  # nothing is trained again
    assert capsys.readouterr().out.count("\n") == 1
    claims.study.load_once.cache_clear()


def test_nowhere_to_write_is_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert claims.main(["--results", str(tmp_path / "file" / "below")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
