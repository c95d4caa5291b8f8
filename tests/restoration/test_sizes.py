"""The quantities by which nets are compared with that of 1998."""

import numpy as np
import pytest
import torch

from lenet1998.recipes import ORIGINAL
from lenet1998.restoration.refine import Restored, as_model, layer_states, read_fig13
from lenet1998.restoration.sizes import SIZES, of_1998, sizes


@pytest.fixture(scope="module")
def fig13():
    return read_fig13()


def test_a_net_has_all_of_them(fig13):
    scale, pixels, _ = fig13
    found = sizes(ORIGINAL.build_model(3), pixels, scale)
    assert list(found) == list(SIZES)
    weights = ORIGINAL.build_model(3).c1.weight
    assert found["C1 weights, rms"] == pytest.approx(weights.square().mean().sqrt().item())
    assert found["S4 coefficients, mean size"] == 0.25


def test_averages_are_read_as_the_sums_that_do_the_same(fig13):
    scale, pixels, _ = fig13
    averages = ORIGINAL.changed(pooling="trainable_average", initial_coefficient=1.0)
    ours, same = (sizes(recipe.build_model(3), pixels, scale) for recipe in (averages, ORIGINAL))
    assert ours == pytest.approx(same)


def test_the_1998_net_and_one_with_its_states_are_measured_alike(fig13):
    scale, pixels, _ = fig13
    model = ORIGINAL.build_model(3).double()
    weights = {
        name: p.detach().numpy()
        for name, p in model.named_parameters()
        if name[:2] in ("c1", "s2", "c3", "s4")
    }
    restored = Restored(weights, 1.67, {}, pixels.value)
    with torch.no_grad():
        states = layer_states(as_model(restored), torch.from_numpy(pixels.value)[:, None])
    theirs = of_1998(weights, states, 1.67, scale)
    ours = sizes(model, pixels, scale)
    below = [name for name in SIZES if name[:2] not in ("C5", "F6")]
    assert {name: theirs[name] for name in below} == pytest.approx({n: ours[n] for n in below})


def test_f6_of_1998_is_near_its_codes_in_print(fig13):
    layers = ("c1", "s2", "c3", "s4")
    ones = {f"{layer}.{kind}": np.ones(1) for layer in layers for kind in ("weight", "bias")}
    found = of_1998(ones, dict.fromkeys(layers, np.ones(1)), 1.67, fig13[0])
    assert found["F6 from the code, mean"] < 0.1
    assert 0 < found["C5 states of 1.5 and more, share"] < 1
