"""States, kernels and counts of a network: what is shown of it is what it computes."""

from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.published import tables as results
from experiments.results import runs_in
from lenet1998 import paper
from lenet1998.counts import count, forms
from lenet1998.models import build_model, kernels, layer_states
from lenet1998.recipes import NETWORK_SWITCHES, RECIPES, layers_of, multiply_accumulates
from lenet1998.report import comparison


def inside(variant: str):
    model = build_model(variant, seed=3)
    size = model.switches["input_size"]
    image = torch.randn(1, size, size, generator=torch.Generator().manual_seed(1))
    return model, image, layer_states(model, image)


@torch.no_grad()
@pytest.mark.parametrize("variant", RECIPES)
def test_states_are_those_of_the_forward_pass(variant):
    model, image, states = inside(variant)
    c1 = model.squash(model.c1(image[None]))
    c3 = model.squash(model.c3(model.s2(c1)))
    expected = {
        "image": image[0],
        "c1": c1[0],
        "s2": model.s2(c1)[0],
        "c3": c3[0],
        "s4": model.s4(c3)[0],
        "c5": model.squash(model.c5(model.s4(c3))).flatten(),
        "f6": model.features(image[None])[0],
        "output": model(image[None])[0],
    }
    assert list(states) == list(expected)
    for name, state in expected.items():
        np.testing.assert_array_equal(states[name], state, err_msg=name)


@pytest.mark.parametrize("variant", ["original", "coursework-tanh-28"])
def test_states_have_the_shapes_that_are_counted(variant):
    model, _, states = inside(variant)
    for layer in count(model).layers:
        square = (layer.size, layer.size) if layer.size > 1 else ()
        assert states[layer.name].shape == (layer.maps, *square)


def test_looking_leaves_no_hook_and_no_gradient():
    model, image, before = inside("original")
    assert all(not module._forward_hooks for module in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert np.array_equal(layer_states(model, image)["output"], before["output"])


def test_table_i_places_the_60_kernels():
    model = build_model("original")
    c1, c3 = kernels(model)
    np.testing.assert_array_equal(c1, model.c1.weight[:, 0].detach())
    assert c3.shape == (16, 6, 5, 5)
    weights = iter(model.c3.weight.detach().numpy())
    for output, row in enumerate(paper.C3_TABLE):
        for source in range(6):
            if source in row:
                np.testing.assert_array_equal(c3[output, source], next(weights))
            else:
                assert np.isnan(c3[output, source]).all()
    assert next(weights, None) is None


def test_a_kernel_of_zeros_is_no_gap():
    model = build_model("original")
    torch.nn.init.zeros_(model.c3.weight)
    assert np.isfinite(kernels(model)[1]).sum() == 60 * 25


def test_a_dense_c3_has_96_kernels():
    model = build_model("modern")
    np.testing.assert_array_equal(kernels(model)[1], model.c3.weight.detach())


# --- Layers ---------------------------------------------------------------------------------------


def form(variant: str) -> dict:
    return {f.name: (f.kind, f.kernel, f.stride, f.activation) for f in forms(build_model(variant))}


def test_forms_of_the_original():
    """Section II-B: 5x5 kernels, 2x2 windows that do not overlap."""
    assert form("original") == {
        "c1": ("convolution", 5, 1, "scaled_tanh"),
        "s2": ("trainable subsampling", 2, 2, "scaled_tanh"),
        "c3": ("convolution by table", 5, 1, "scaled_tanh"),
        "s4": ("trainable subsampling", 2, 2, "scaled_tanh"),
        "c5": ("convolution", 5, 1, "scaled_tanh"),
        "f6": ("full", None, None, "scaled_tanh"),
        "output": ("RBF", None, None, "squared distance"),
    }


def test_forms_follow_the_switches():
    assert form("original-logistic")["s2"] == ("trainable subsampling", 2, 2, "logistic")
    assert form("original-logistic")["c3"][-1] == "scaled_tanh"
    modern = form("modern")
    assert modern["s4"] == ("average pooling", 2, 2, "none")
    assert modern["c3"] == ("convolution", 5, 1, "tanh")
    assert modern["output"] == ("full", None, None, "none")
    assert form("coursework-24-epochs")["s2"] == ("max pooling", 2, 2, "none")
    assert form("coursework-24-epochs")["f6"][-1] == "relu"
    assert form("coursework-tanh-28")["c5"] == ("convolution", 4, 1, "tanh")


def test_untrained_pooling_that_is_squashed_is_still_pooling():
    changes = ["pooling=max", "subsampling_squash=logistic"]
    model = build_model(RECIPES["original"].override(changes))
    s2 = forms(model)[1]
    assert (s2.kind, s2.kernel, s2.stride, s2.activation) == ("max pooling", 2, 2, "logistic")


def test_trainable_average_is_told_apart():
    for pooling, kind in (
        ("trainable", "trainable subsampling"),
        ("trainable_average", "trainable average"),
    ):
        model = build_model(RECIPES["original"].override([f"pooling={pooling}"]))
        assert forms(model)[3].kind == kind


@torch.no_grad()
@pytest.mark.parametrize("variant", ["original", "modern", "strings"])
def test_states_of_a_wider_field_are_those_at_each_position(variant):
    model = build_model(variant, seed=3)
    field = torch.randn(1, 32, 45, generator=torch.Generator().manual_seed(1))
    states = layer_states(model, field)
    shapes = {name: state.shape for name, state in states.items()}
    assert shapes["c1"] == (6, 28, 40)  # of whole windows
    assert (shapes["c5"], shapes["f6"]) == ((120, 4), (84, 4))
    np.testing.assert_array_equal(states["output"], model(field[None])[0, :, 0])
    np.testing.assert_allclose(
        states["f6"][:, 2], model.features(field[None, ..., 8:40])[0], atol=1e-5
    )


RESULTS = Path(__file__).parents[1] / "experiments" / "results"


@pytest.mark.parametrize(
    ("pooling", "s2", "s4"),
    [
        ("trainable", 1_176, 400),
        ("trainable_average", 1_176, 400),
        ("average", 1_176, 400),
        ("max", 0, 0),
    ],
)
def test_connections_but_a_pooled_unit_once_or_never(pooling, s2, s4):
    model = build_model(RECIPES["original"].override([f"pooling={pooling}"]))
    found = {layer.name: layer.multiply_accumulates for layer in count(model).layers}
    assert found == {
        "c1": 122_304,
        "s2": s2,
        "c3": 151_600,
        "s4": s4,
        "c5": 48_120,
        "f6": 10_164,
        "output": 840,
    }


def test_a_layer_is_asked_by_its_counts_alone():
    layer = {"name": "s4", "maps": 3, "size": 2, "connections": 60}
    assert multiply_accumulates(layer, "trainable") == 12
    assert multiply_accumulates({**layer, "name": "f6"}, "trainable") == 60


@pytest.mark.parametrize(
    "source",
    ["headline/original", "headline/modern", "coursework/coursework-24-epochs"],
)
def test_a_record_counts_as_the_network_it_is_of(source):
    record = runs_in(RESULTS, source)[0]
    expected = count(build_model(record.recipe["name"])).multiply_accumulates
    assert record.multiply_accumulates == expected


SHAPING = ("c3", "pooling", "input_size", "blank")
"""Switches of the network, beside the output, that what a layer counts depends on."""


@pytest.mark.parametrize("output", NETWORK_SWITCHES["output"])
def test_what_switches_say_is_what_modules_count(output):
    loss = {"rbf": "discriminative", "linear": "cross_entropy"}[output]
    for values in product(*(NETWORK_SWITCHES[key] for key in SHAPING)):
        changes = dict(zip(SHAPING, values, strict=True))
        recipe = RECIPES["original"].changed(output=output, loss=loss, **changes)
        assert layers_of(recipe) == [asdict(layer) for layer in count(build_model(recipe)).layers]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_variants_switches_say_what_its_modules_count(recipe):
    assert layers_of(recipe) == [asdict(layer) for layer in count(build_model(recipe)).layers]


def test_the_pages_show_one_number():
    record = runs_in(RESULTS, "headline/original")[0]
    number = f"{count(build_model()).multiply_accumulates:,}"
    assert results.cost([record])["ours"][0].startswith(number)
    column = comparison.side_by_side({"original": [record]}).set_index("")["original"]
    assert column["multiply-accumulates to read a pattern"] == number
