"""A switch is known wherever it must be: the places are those of CONTRIBUTING.md."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from lenet1998.curvature import RULES, SLOPES, diagonal_curvature
from lenet1998.engines.compiled import network
from lenet1998.engines.cuda import kernel as cuda_kernel
from lenet1998.modules import SQUASHINGS, Subsampling2d
from lenet1998.recipes import NETWORK_SWITCHES, Recipe

ROOT = Path(__file__).parents[1]


def test_the_recipe_has_every_switch_of_the_network_with_its_values():
    values = {s.name: s.metadata.get("values") for s in dataclasses.fields(Recipe)}
    for key, known in NETWORK_SWITCHES.items():
        assert sorted(values[key], key=known.index) == list(known)


@pytest.mark.parametrize("key", ["squash", "subsampling_squash"])
def test_every_squashing_function_that_a_recipe_can_ask_for_is_a_module(key):
    assert set(NETWORK_SWITCHES[key]) <= set(SQUASHINGS)


@pytest.mark.parametrize("name", SQUASHINGS)
def test_every_squashing_function_has_its_slope(name):
    squash = SQUASHINGS[name]()
    activation = torch.linspace(-3, 3, 50, dtype=torch.float64, requires_grad=True)
    output = squash(activation)
    (expected,) = torch.autograd.grad(output.sum(), activation)
    slope = SLOPES[type(squash)](squash, output.detach())
    torch.testing.assert_close(slope, expected)
    assert type(squash) in RULES


@pytest.mark.parametrize("name", SQUASHINGS)
def test_every_engine_has_every_squashing_function(name):
    assert network.squashing(name)
    assert cuda_kernel._squashing(name)


def test_a_squashing_function_without_a_slope_is_an_error_and_not_taken_for_the_identity():
    net = nn.Sequential(Subsampling2d(1, nn.Softplus()), nn.Flatten())
    images = torch.zeros(1, 1, 4, 4)
    with pytest.raises(TypeError, match="Softplus"):
        diagonal_curvature(net, nn.CrossEntropyLoss(), images, torch.zeros(1, dtype=torch.int64))


def test_contributing_names_every_place_of_a_squashing_function():
    page = (ROOT / "CONTRIBUTING.md").read_text()
    for place in ("SQUASHINGS", "NETWORK_SWITCHES", "SLOPES", "RULES"):
        assert f"`{place}`" in page
