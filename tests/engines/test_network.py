"""A network in the compiled loops' memory: its outputs, its labels and its curvature."""

import copy

import numpy as np
import pytest
import torch

from lenet1998.curvature import diagonal_curvature
from lenet1998.data import prepare
from lenet1998.engines import evaluation
from lenet1998.engines.compiled import layers
from lenet1998.engines.compiled import network as loops
from lenet1998.engines.compiled.network import CompilerUnavailable, Network
from lenet1998.models import LeNet5, build_model
from lenet1998.recipes import NETWORK_SWITCHES, ORIGINAL, RECIPES, Recipe

CHANGES = [
    {key: value} for key, values in NETWORK_SWITCHES.items() for value in values if key != "output"
] + [
    {"output": "linear"},
    {"output": "linear", "blank": "space"},
    {"pooling": "average", "subsampling_squash": "none", "c3": "dense", "input_size": 28},
]
LINEAR = {"output": "linear", "loss": "cross_entropy"}
LOSSES = [
    {"f6_curvature": kind, **loss}
    for kind in ("constant", "gauss_newton")
    for loss in (
        {},
        {"half_distance": False, "rubbish_j": 60.0},
        {"loss": "distance", "half_distance": False},
        {"loss": "distance"},
        LINEAR,
    )
]


def network_and_images(**switches) -> tuple[LeNet5, torch.Tensor]:
    model = LeNet5(**switches)
    model.reset_parameters(torch.Generator().manual_seed(5))
    side = model.switches["input_size"]
    return model, torch.randn(40, 1, side, side, generator=torch.Generator().manual_seed(6))


@pytest.mark.parametrize("switches", CHANGES, ids=str)
def test_outputs_are_the_networks_own(switches):
    model, images = network_and_images(**switches)
    torch.testing.assert_close(Network(model).outputs(images), model(images).detach())
    assert np.array_equal(evaluation.predict(model, images), model.predict(images).numpy())


def test_the_model_is_taken_as_it_stands():
    model, images = network_and_images()
    before = evaluation.outputs(model, images)
    with torch.no_grad():
        model.f6.bias += 0.1
    after = evaluation.outputs(model, images)
    assert not torch.allclose(before, after)
    torch.testing.assert_close(after, model(images).detach())


def test_of_equal_outputs_the_first_wins():
    model, images = network_and_images()
    model.output.codes.zero_()
    assert not evaluation.predict(model, images).any()


@pytest.mark.parametrize("threads", [1, 2])
def test_outputs_do_not_depend_on_how_they_are_asked_for(threads):
    model, images = network_and_images()
    whole = evaluation.outputs(model, images)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    try:
        parts = [evaluation.outputs(model, part) for part in images.split(7)]
    finally:
        torch.set_num_threads(1)
        torch.set_flush_denormal(False)
    assert torch.equal(torch.cat(parts), whole)


def test_without_a_compiler_the_network_answers_itself(monkeypatch):
    def unavailable(*_):
        raise CompilerUnavailable("none")

    model, images = network_and_images()
    monkeypatch.setattr(evaluation, "Network", unavailable)
    assert torch.equal(evaluation.outputs(model, images), model(images).detach())


def test_a_network_in_double_precision_answers_itself():
    model, images = network_and_images()
    found = evaluation.outputs(model.double(), images.double())
    assert torch.equal(found, model(images.double()).detach())
    with pytest.raises(ValueError, match="float32 on the cpu"):
        Network(model)


@pytest.mark.parametrize("shape", [(3, 1, 28, 28), (3, 2, 32, 32), (3, 1, 32, 36), (3, 32, 32)])
def test_images_of_another_shape_are_refused(shape):
    model, _ = network_and_images()
    with pytest.raises(ValueError, match=r"float32 images \(N, 1, 32, 32\)"):
        Network(model).outputs(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"float32 images \(N, 1, 32, 32\)"):
        Network(model).outputs(torch.zeros(3, 1, 32, 32, dtype=torch.float64))


def changed(switches: dict) -> Recipe:
    return ORIGINAL.changed(**switches | (LINEAR if switches.get("output") == "linear" else {}))


BY_CONNECTIONS = [
    {"subsampling_curvature": "connections", "pooling": pooling}
    for pooling in ("trainable", "trainable_average", "max")
]
RECIPES_TO_TRY = [*map(changed, CHANGES + LOSSES + BY_CONNECTIONS), RECIPES["modern"]]


@pytest.mark.parametrize("recipe", RECIPES_TO_TRY, ids=lambda recipe: recipe.name)
def test_curvature_is_torchs_and_nearer_to_float64(recipe, digits):
    model = build_model(recipe, seed=3)
    images = prepare(digits.train_images[:70], recipe.input_size, recipe.scaling)
    labels = torch.from_numpy(digits.train_labels[:70])
    exact = diagonal_curvature(
        copy.deepcopy(model).double(),
        recipe.build_criterion(),
        images.double(),
        labels,
        subsampling=recipe.subsampling_curvature,
    )
    found = Network(model, recipe).curvature(images, labels)
    assert list(found) == list(exact)
    for name, h in exact.items():
        assert (found[name] >= 0).all(), name
        off = (found[name] - h).abs().max() / h.abs().max().clamp(min=1e-30)
        assert off < 5e-6, name


def test_curvature_of_frozen_layers_is_found_too(digits):
    recipe = ORIGINAL.changed(features="1998")
    images, labels = prepare(digits.train_images[:9]), torch.from_numpy(digits.train_labels[:9])
    found = Network(build_model(recipe), recipe).curvature(images, labels)
    assert all(h.any() for h in found.values())


@pytest.mark.parametrize("name", [*loops._SQUASHINGS])
def test_squashing_functions_are_as_near_as_float32_is(name):
    model, _ = network_and_images(squash=name if name != "none" else "relu")
    kind, numbers = loops.squashing(name)
    activations = np.concatenate([np.linspace(-30, 30, 40_000), np.geomspace(1e-30, 1, 992)])
    states = activations.astype(np.float32)
    layers.squash(kind, numbers, 0, states, 0, states.size)
    function = model.squash if name != "none" else torch.nn.Identity()
    exact = function(torch.from_numpy(activations.astype(np.float32)).double()).numpy()
    # In units in the last place; those of 1/2 where the logistic function is less.
    unit = np.spacing(
        np.maximum(np.abs(exact), 0.5 if name == "logistic" else 0).astype(np.float32)
    )
    assert (np.abs(states - exact) <= 5 * unit).all()
