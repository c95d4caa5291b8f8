"""What components are for, measured on nets that are known by heart."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from experiments.ablations import measures
from experiments.ablations.measures import (
    alikeness,
    invariance,
    inverted,
    moved,
    noise_error,
    penalties,
    rejection,
)
from lenet1998.models import build_model
from lenet1998.pretrained import load_pretrained
from lenet1998.recipes import RECIPES

ORIGINAL = RECIPES["original"]


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(measures, "RUBBISH", 200)


@pytest.fixture(scope="module")
def trained():
    return load_pretrained("original")


def test_moves_go_where_they_say():
    image = torch.full((1, 1, 32, 32), -0.1)
    image[0, 0, 10, 20] = 1.0
    for change, place in (
        ({"down": 2}, (12, 20)),
        ({"right": -4}, (10, 16)),
        ({"degrees": 90}, None),
    ):
        result = moved(image, **change)[0, 0]
        if place:
            assert divmod(int(result.argmax()), 32) == place
        assert result.min() == pytest.approx(-0.1)
        assert result.max() == pytest.approx(1.0, abs=1e-3)
    torch.testing.assert_close(moved(image), image)


def test_inverting_strikes_a_tenth_and_keeps_the_scale():
    image = torch.full((20, 1, 32, 32), -0.1)
    struck = inverted(image, 0.1, "paper")
    share = (struck > 1).float().mean().item()
    assert share == pytest.approx(0.1, abs=0.01)
    assert struck.max() == pytest.approx(1.175)
    torch.testing.assert_close(inverted(image, 0.1, "paper"), struck)


def test_what_is_no_digit_lies_further_from_all_codes(trained, digits):
    found = rejection(trained, ORIGINAL, digits)
    # Of a net that never saw these digits, which are drawn on 8x8 pixels.
    least = {"between": 0.95, "half": 0.65, "noise": 0.85}
    assert {kind for kind, area in found.items() if area > least[kind]} == set(least)


def answering(monkeypatch, *answers: float) -> None:
    """Whatever net is asked answers this to everything."""
    monkeypatch.setattr(
        measures, "outputs", lambda _, images: torch.tensor([answers]).expand(len(images), -1)
    )


def test_a_net_that_answers_the_same_to_all_rejects_by_chance(monkeypatch, trained, digits):
    answering(monkeypatch, *[1.0] * 10)
    assert set(rejection(trained, ORIGINAL, digits).values()) == {0.5}


def test_penalties_are_distances_or_minus_log_of_the_softmax(monkeypatch):
    answering(monkeypatch, 1.0, 3.0)
    images = torch.zeros(3, 1, 32, 32)
    near, far = (SimpleNamespace(smallest_wins=wins) for wins in (True, False))
    np.testing.assert_allclose(penalties(near, images), 1.0)
    np.testing.assert_allclose(penalties(far, images), np.log1p(np.exp(-2.0)), rtol=1e-6)


def test_errors_grow_with_what_is_done_to_the_digits(trained, digits):
    found = invariance(trained, ORIGINAL, digits)
    assert found["shift 2"] < found["shift 4"]
    assert found["rotation 15"] < found["rotation 30"]
    assert set(found) >= {"scale 0.8", "scale 1.25"}
    assert noise_error(trained, ORIGINAL, digits) > 1


def test_maps_that_are_all_the_same_are_alike(trained, digits):
    assert 0 < alikeness(trained, ORIGINAL, digits) < 0.9
    same = build_model(ORIGINAL.changed(c3="dense"))
    with torch.no_grad():
        same.c3.weight.copy_(same.c3.weight[:1].expand_as(same.c3.weight))
    assert alikeness(same, ORIGINAL, digits) == pytest.approx(1)
