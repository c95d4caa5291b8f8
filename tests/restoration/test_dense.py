"""C5 and F6 moved towards printed states."""

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from experiments.net_1998 import dense
from lenet1998 import paper
from lenet1998.models import build_model
from lenet1998.recipes import Recipe, recipe_named

FEATURES = recipe_named("1998-features")


def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def layer():
    return build_model(FEATURES).f6


def drawn(layer, inputs, limit=1.0):
    return (dense.A * torch.tanh(dense.S * layer(inputs)) / limit).clamp(-1, 1)


def test_what_the_figures_print():
    told = dense.printed()
    assert told.images.shape == (54, 1, 32, 32)
    assert (told.c5.shape, told.f6.shape) == ((18, 120), (54, 84))
    assert told.f6.abs().max() == 1
    few = told.first(18)
    assert (len(few.images), len(few.c5), len(few.f6)) == (18, 18, 18)
    codes = torch.from_numpy(paper.digit_codes()).double()
    nearest = torch.cdist(told.f6[:9], codes).argmin(1)
    assert nearest.tolist() == paper.fig13_states().labels.tolist()


@torch.no_grad()
def test_a_move_is_the_least_squares_change(layer):
    inputs = torch.rand(7, 120, generator=generator())
    shares = 0.8 * torch.rand(7, 84, generator=generator(), dtype=torch.float64)
    before = torch.cat([layer.weight, layer.bias[:, None]], 1).double()
    dense.move(layer, inputs, shares, 1.0, 4.0)
    after = torch.cat([layer.weight, layer.bias[:, None]], 1).double()
    design = torch.cat([inputs, torch.ones(7, 1)], 1).double().numpy()
    wanted = torch.atanh(shares / dense.A) / dense.S
    lacking = (wanted - torch.from_numpy(design) @ before.T)[:, 5].numpy()
    best = least_squares(lambda d: np.concatenate([lacking - design @ d, 2 * d]), np.zeros(121))
    torch.testing.assert_close((after - before)[5].numpy(), best.x, rtol=0, atol=1e-5)


@torch.no_grad()
def test_moves_lead_to_the_print(layer):
    inputs = torch.rand(7, 120, generator=generator())
    shares = torch.rand(7, 84, generator=generator(), dtype=torch.float64).mul(2.4).sub(1.2)
    shares = shares.clamp(-1, 1)
    for _ in range(30):
        dense.move(layer, inputs, shares, 1.0, 1.0)
    torch.testing.assert_close(drawn(layer, inputs).double(), shares, rtol=0, atol=1e-3)


@torch.no_grad()
def test_beyond_the_limit_nothing_is_lacking(layer):
    layer.weight.fill_(1.0)
    layer.bias.fill_(0.0)
    inputs = torch.rand(5, 120, generator=generator()) + 1  # all units are far beyond
    dense.move(layer, inputs, torch.ones(5, 84, dtype=torch.float64), 1.0, 1.0)
    assert (layer.weight == 1).all()
    dense.move(layer, inputs, -torch.ones(5, 84, dtype=torch.float64), 1.0, 1.0)
    assert (layer.weight < 1).all()


def test_nearness():
    shares = torch.tensor([[1.0, -0.5, 0.25]], dtype=torch.float64)
    same = dense.nearness(torch.tensor([[9.0, -1.0, 0.5]]), shares, limit=2.0)
    assert same == pytest.approx((0, 1))
    other = dense.nearness(-2 * shares, shares, limit=2.0)
    assert other.correlation == pytest.approx(-1)
    assert other.rms == pytest.approx(2 * float(shares.square().mean().sqrt()))


def test_a_net_that_is_told_comes_near_and_keeps_its_features(digits):
    small = {"passes": 1, "train_size": 30, "curvature_patterns": 10}
    recipe = Recipe(**FEATURES.changed(**small).as_dict() | {"name": "told"})
    told = dense.printed().first(18)
    record = dense.fit_told(recipe, 1, digits, told, c5_limit=1.67)
    assert (record.recipe["name"], record.recipe["features"]) == ("told", "1998")
    model = build_model(recipe, 1)
    start = dense.dense_states(model, told.images)
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    assert all(np.array_equal(record.weights[name], p) for name, p in frozen.items())
    model.load_state_dict({name: torch.from_numpy(x) for name, x in record.weights.items()})
    for before, after, shares, limit in zip(
        start,
        dense.dense_states(model, told.images),
        (told.c5, told.f6),
        (1.67, dense.F6_LIMIT),
        strict=True,
    ):
        nearer = dense.nearness(after, shares, limit).rms
        assert nearer < 0.8 * dense.nearness(before, shares, limit).rms
