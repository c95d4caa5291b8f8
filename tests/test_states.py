"""What is shown of a network is what it computes: its states, its kernels, its layers."""

import numpy as np
import pytest
import torch

from lenet1998 import paper
from lenet1998.counts import count, forms
from lenet1998.models import build_model, kernels, layer_states
from lenet1998.recipes import RECIPES


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
