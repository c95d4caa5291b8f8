"""The layers of Fig. 13's net, and known layers, recovered from their print; nets beside 1998's."""

import numpy as np
import pytest
import torch

from experiments.net_1998 import evidence
from experiments.readings.sizes import SIZES, of_1998, sizes
from lenet1998 import paper
from lenet1998.models import build_model
from lenet1998.recipes import ORIGINAL
from lenet1998.restore.layers import LAYERS, convolve, layer_by_layer, patches, window_sums
from lenet1998.restore.refine import layer_states, network, read_fig13, restore, weights_of

STEPS = 700  # a quarter of what the study takes; near enough for what is asked here


@pytest.fixture(scope="module")
def fig13():
    return read_fig13()


@pytest.fixture(scope="module")
def restored(fig13):
    _, pixels, states = fig13
    return restore(pixels, states, steps=STEPS)


def test_what_is_left_is_about_what_the_print_leaves_open(restored, fig13):
    for layer in LAYERS:
        left_open = np.sqrt(np.mean(fig13[2][layer].deviation ** 2))
        assert restored.rms(layer) < 1.6 * left_open, layer


def test_it_has_the_parameters_of_c1_to_s4(restored):
    assert sum(weights.size for weights in restored.weights.values()) == 1_716
    own = build_model(ORIGINAL).state_dict()
    assert all(own[name].shape == weights.shape for name, weights in restored.weights.items())


def test_pixels_stay_near_what_is_printed(restored, fig13):
    _, pixels, _ = fig13
    moved = (restored.pixels - pixels.value) / pixels.deviation
    assert np.sqrt(np.mean(moved**2)) < 1
    assert np.abs(moved).max() < 6


def test_left_is_the_print_less_the_computed(restored, fig13):
    computed = evidence.states_of(restored, restored.pixels)
    for layer in LAYERS:
        drawn = evidence.drawn_as(computed[layer], restored.limit)
        np.testing.assert_allclose(restored.left[layer], fig13[2][layer].value - drawn, atol=1e-9)


@pytest.mark.slow
def test_table_i_is_read_off_the_print(restored, fig13):
    for row in evidence.table_one(restored, fig13[2]["c3"]):
        norms, seen = np.array(row["norms"]), row["connected"]
        others = np.setdiff1d(range(6), seen)
        assert not len(others) or norms[seen].min() > 2 * norms[others].max(), row["map"]


def test_only_the_scaled_tanh_fits_s2(restored, fig13):
    left = evidence.squashings(restored, fig13[2])["s2"]
    rms = {name: np.sqrt(np.mean(np.square(by_map))) for name, by_map in left.items()}
    assert 2 * rms["scaled tanh"] < rms["none"] < rms["logistic"]


def test_the_four_places_of_a_window_weigh_the_same(restored, fig13):
    weights = np.array(evidence.window_weights(restored, fig13[2]["s2"]))
    assert (weights.std(1) < 0.05 * np.abs(weights.mean(1))).all()


def test_fig25_is_of_the_same_net(restored):
    found = evidence.of_one_net(restored)
    assert found["c1"]["correlation"] > 0.998
    assert found["c3"]["correlation"] > 0.99
    assert (found["c1"]["states"], found["c3"]["states"]) == (6 * 28 * 48, 16 * 10 * 20)


@pytest.mark.slow
def test_known_layers_come_back(fig13):
    """A net that is not trained: its kernels are small, no unit is saturated, and all are told."""
    scale, pixels, _ = fig13
    model = build_model(ORIGINAL.changed(initial_gain=2.4), 3)
    some = type(pixels)(*(part[:4] for part in pixels))
    generator = np.random.default_rng(0)
    found = evidence.recovered_from_our_own(model, some, scale, 1.68, generator, steps=STEPS)
    assert max(found["relative"]["c1"]) < 0.05
    assert max(found["relative"]["s2"]) < 0.05
    assert np.median(found["relative"]["c3"]) < 0.15
    assert found["limit"] == pytest.approx(1.68, rel=0.02)


def test_layers_compute_what_the_modules_do(fig13):
    _, pixels, states = fig13
    fits = layer_by_layer(
        pixels.value[:2], {k: type(v)(*(p[:2] for p in v)) for k, v in states.items()}
    )
    with torch.no_grad():
        expected = layer_states(
            network(weights_of(fits)), torch.from_numpy(pixels.value[:2])[:, None]
        )
    c1 = convolve(pixels.value[:2, None], fits["c1"], ((0,),) * 6)
    np.testing.assert_allclose(c1, expected["c1"], atol=1e-9)
    c3 = convolve(expected["s2"].numpy(), fits["c3"], paper.C3_TABLE)
    np.testing.assert_allclose(c3, expected["c3"], atol=1e-9)


def test_a_network_has_the_recovered_weights(restored):
    state = network(restored.weights).state_dict()
    for name, weights in restored.weights.items():
        np.testing.assert_array_equal(state[name], weights)


def test_patches_and_window_sums():
    maps = np.arange(2 * 3 * 6 * 6, dtype=float).reshape(2, 3, 6, 6)
    np.testing.assert_array_equal(patches(maps)[1, 2], maps[0, 2, 0:5, 1:6].ravel())
    np.testing.assert_array_equal(window_sums(maps)[1, 2, 0, 1], maps[1, 2, 0:2, 2:4].sum())


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
