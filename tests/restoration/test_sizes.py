"""The quantities by which nets are compared with that of 1998."""

import pytest
import torch

from experiments.readings.sizes import SIZES, of_1998, sizes
from lenet1998.models import build_model
from lenet1998.recipes import ORIGINAL
from lenet1998.restore.refine import read_fig13


@pytest.fixture(scope="module")
def fig13():
    return read_fig13()


def test_a_net_has_all_of_them(fig13):
    scale, pixels, _ = fig13
    found = sizes(build_model(ORIGINAL, 3), pixels, scale)
    assert list(found) == list(SIZES)
    weights = build_model(ORIGINAL, 3).c1.weight
    assert found["C1 weights, rms"] == pytest.approx(weights.square().mean().sqrt().item())
    assert found["S4 coefficients, mean size"] == pytest.approx(ORIGINAL.initial_coefficient)


def test_averages_are_read_as_the_sums_that_do_the_same(fig13):
    scale, pixels, _ = fig13
    pairs = (("trainable_average", 1.0), ("trainable", 0.25))
    ours, same = (
        sizes(
            build_model(ORIGINAL.changed(pooling=pooling, initial_coefficient=c), 3), pixels, scale
        )
        for pooling, c in pairs
    )
    assert ours == pytest.approx(same)


def test_the_1998_net_and_one_with_its_layers_are_measured_alike(fig13):
    scale, pixels, _ = fig13
    model = build_model(ORIGINAL.changed(pooling="trainable"), 3)
    weights = {
        name: p.detach().double().tolist()
        for name, p in model.named_parameters()
        if name[:2] in ("c1", "s2", "c3", "s4")
    }
    theirs = of_1998({"weights": weights, "limit": 1.67}, pixels, scale)
    ours = sizes(model, pixels, scale)
    assert model.c1.weight.dtype == torch.float32
    below = [name for name in SIZES if name[:2] not in ("C5", "F6")]
    assert {name: theirs[name] for name in below} == pytest.approx({n: ours[n] for n in below})
    # C5 and F6 are read off the figure.
    assert theirs["F6 from the code, mean"] < 0.1
    assert 0 < theirs["C5 states of 1.5 and more, share"] < 1
