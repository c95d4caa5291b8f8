"""The network's counts, names and switches."""

import copy
import io
import json
import pickle

import pytest
import torch
import torchinfo
from factory import compiled, restored
from safetensors.torch import save_file

from lenet1998 import build_model, count, models, paper
from lenet1998.counts import replication
from lenet1998.criteria import DistanceLoss
from lenet1998.curvature import diagonal_curvature
from lenet1998.errors import BadInput
from lenet1998.models import STEP, LeNet5
from lenet1998.modules import RBFOutput
from lenet1998.recipes import NETWORK_SWITCHES, RECIPES
from lenet1998.weights import load_weights

SHAPES = {
    "c1.weight": (6, 1, 5, 5),
    "c1.bias": (6,),
    "s2.weight": (6,),
    "s2.bias": (6,),
    "c3.weight": (60, 5, 5),
    "c3.bias": (16,),
    "s4.weight": (16,),
    "s4.bias": (16,),
    "c5.weight": (120, 16, 5, 5),
    "c5.bias": (120,),
    "f6.weight": (84, 120),
    "f6.bias": (84,),
    "output.codes": (10, 84),
}


def test_original_counts_are_the_published_ones():
    counts = count(build_model("original"))
    assert {layer.name: layer.parameters for layer in counts.layers} == paper.PARAMETERS
    assert {layer.name: layer.connections for layer in counts.layers} == paper.CONNECTIONS
    assert (counts.parameters, counts.connections) == (60_000, 340_908)
    assert [(layer.maps, layer.size) for layer in counts.layers] == [
        (6, 28),
        (6, 14),
        (16, 10),
        (16, 5),
        (120, 1),
        (84, 1),
        (10, 1),
    ]


def test_modern_counts():
    model = build_model("modern")
    counts = count(model)
    assert counts.parameters == sum(p.numel() for p in model.parameters()) == 61_706
    connections = {layer.name: layer.connections for layer in counts.layers}
    # Untrained pooling has four inputs per unit and no bias; all 96 pairs of C3 are there.
    assert connections["s2"] == 6 * 14 * 14 * 4
    assert connections["c3"] == 16 * 100 * (6 * 25 + 1)


@pytest.mark.parametrize("output", ["rbf", "linear"])
def test_the_blank_class_is_an_eleventh(output):
    model = LeNet5(output=output, blank="space")
    assert model.classes == 11
    assert model(torch.zeros(3, 1, 32, 32)).shape == (3, 11)
    assert model(torch.zeros(3, 1, 32, 36)).shape == (3, 11, 1, 2)
    # Eleven codes of 84 are 84 connections more; eleven logits 85 parameters more, too.
    before, after = count(LeNet5(output=output)), count(model)
    more = 84 if output == "rbf" else 85
    assert after.connections - before.connections == more
    assert after.parameters - before.parameters == (0 if output == "rbf" else more)


def test_the_blanks_code_is_the_cell_in_which_nothing_is_drawn():
    codes = LeNet5(blank="space").output.codes
    assert torch.equal(codes[:10], LeNet5().output.codes)
    assert torch.equal(codes[10], torch.full((84,), -1.0))


def test_state_dict_names_and_shapes_are_the_promised_ones():
    state = build_model("original").state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == SHAPES
    assert list(state) == list(SHAPES)


@pytest.mark.parametrize(
    ("key", "value"), [(k, v) for k, values in NETWORK_SWITCHES.items() for v in values]
)
def test_every_switch_runs_forward_and_backward(key, value):
    model = LeNet5(**{key: value})
    size = model.switches["input_size"]
    outputs = model(torch.zeros(2, 1, size, size))
    outputs.sum().backward()
    assert outputs.shape == (2, 11 if value == "space" else 10)
    assert all(p.grad is not None for p in model.parameters())
    assert f"{key}={value}" in model.extra_repr()


@pytest.mark.parametrize(
    ("key", "value"), [(k, v) for k, values in NETWORK_SWITCHES.items() for v in values]
)
@pytest.mark.parametrize(("down", "right"), [(0, 20), (8, 0), (5, 11)])
def test_on_a_larger_field_a_network_is_itself_at_every_window(key, value, down, right):
    """Section VII-A, p.27: an output vector at every 4th pixel of the field."""
    model = LeNet5(**{key: value}).double()
    size = model.switches["input_size"]
    field = torch.rand(2, 1, size + down, size + right, dtype=torch.float64)
    rows, columns = range(0, down + 1, STEP), range(0, right + 1, STEP)
    windows = [field[..., y : y + size, x : x + size] for y in rows for x in columns]
    shape = (-1, len(rows), len(columns))
    for call in (model, model.features):
        swept = torch.stack([call(window) for window in windows], -1)
        torch.testing.assert_close(call(field), swept.unflatten(-1, shape[1:]))
    labels = torch.stack([model.predict(window) for window in windows], -1)
    assert torch.equal(model.predict(field), labels.unflatten(-1, shape[1:]))


def test_what_no_whole_window_reaches_is_not_seen():
    model, field = build_model(), torch.rand(1, 1, 35, 43)
    assert model(field).shape == (1, 10, 1, 3)
    changed = field.clone()
    changed[..., 32:, :] = changed[..., 40:] = 9
    assert torch.equal(model(changed), model(field))


@pytest.mark.parametrize(
    "switches", [{}, {"blank": "space"}, {"output": "linear"}, {"input_size": 28, "c3": "dense"}]
)
@pytest.mark.parametrize(
    "shape", [(1, 1, 201, 203), (2, 1, 67, 90), (1, 1, 32, 999), (1, 1, 1002, 33), (0, 1, 60, 60)]
)
def test_a_large_field_is_seen_in_parts_as_it_is_whole(switches, shape, monkeypatch):
    model = LeNet5(**switches)
    fields = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    whole = model(fields).detach()  # it is asked for gradients
    seen = []
    model.c1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape.numel()))
    monkeypatch.setattr(models, "LARGEST_FIELD", 50 * 50)
    with torch.no_grad():
        torch.testing.assert_close(model(fields), whole)
    assert len(seen) > 1
    assert max(seen) <= 50 * 50
    assert torch.equal(model.predict(fields, batch=1), model.decide(whole)) or not len(fields)
    seen.clear()
    torch.testing.assert_close(model.requires_grad_(False)(fields), whole)
    assert len(seen) > 1
    with pytest.raises(ValueError, match=r"^images must be \(N, 1, .*got \(1, 2, 60, 61\)"):
        model(torch.zeros(1, 2, 60, 61))


def test_a_large_field_with_gradients_is_seen_whole(monkeypatch):
    monkeypatch.setattr(models, "LARGEST_FIELD", 50 * 50)
    model, seen = build_model(), []
    model.c1.register_forward_hook(lambda *_: seen.append(1))
    model(torch.zeros(1, 1, 80, 80)).sum().backward()
    assert model.c1.weight.grad is not None
    model.requires_grad_(False)
    field = torch.zeros(1, 1, 80, 80, requires_grad=True)
    model(field).sum().backward()
    assert field.grad is not None
    assert len(seen) == 2


@pytest.mark.parametrize("name", ["original", "modern", "coursework-tanh-28"])
@pytest.mark.parametrize("right", [0, 21])
def test_replication_counts_what_the_layers_of_a_larger_field_do(name, right):
    model = build_model(name)
    size = model.switches["input_size"]
    counts, more = count(model), replication(model, size + 4, size + right)
    made: dict[str, int] = {}
    for layer in counts.layers:
        getattr(model, layer.name).register_forward_hook(
            lambda _m, _i, out, name=layer.name, maps=layer.maps: made.update(
                {name: out.numel() // maps}
            )
        )
    outputs = model(torch.zeros(1, 1, size + 4, size + right))
    assert outputs.shape[2:] == more.positions == (2, right // 4 + 1)
    assert more.swept == counts.multiply_accumulates * more.positions[0] * more.positions[1]
    assert more.multiply_accumulates == sum(
        layer.multiply_accumulates * made[layer.name] / layer.size**2 for layer in counts.layers
    )
    with pytest.raises(ValueError, match=f"at least {size}x{size}"):
        replication(model, size - 1, size)


def test_a_curvature_of_more_than_one_position_is_refused():
    model, labels = build_model(), torch.zeros(1, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"outputs must be \(N, classes\), got \(1, 10, 1, 2\)"):
        diagonal_curvature(model, DistanceLoss(), torch.zeros(1, 1, 32, 36), labels)


NETWORKS = {str(build_model(name).switches): name for name in reversed(RECIPES)}.values()
"""A variant of each network that there is."""


def saved(model):
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def exported(model):
    size = model.switches["input_size"]
    batch = {0: torch.export.Dim("n", min=2)}
    example = torch.zeros(2, 1, size, size)
    return torch.export.export(model, (example,), dynamic_shapes=(batch,)).module()


def traced(model):
    size = model.switches["input_size"]
    return torch.jit.trace(model, torch.zeros(2, 1, size, size))


@pytest.mark.filterwarnings("ignore:`torch.jit.trace")  # says that it is deprecated
@pytest.mark.parametrize(
    "made",
    [
        copy.deepcopy,
        lambda model: pickle.loads(pickle.dumps(model)),
        saved,
        restored,
        compiled,
        exported,
        traced,
    ],
    ids=["deepcopy", "pickle", "save", "state_dict", "compile", "export", "trace"],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_what_torch_makes_of_a_network_gives_its_outputs(name, made):
    model = build_model(name, seed=2)
    size = model.switches["input_size"]
    images = torch.rand(3, 1, size, size, generator=torch.Generator().manual_seed(0))
    expected = model(images)
    torch.testing.assert_close(made(model)(images), expected)
    assert torch.equal(model(images), expected)


@pytest.mark.parametrize(
    "made",
    [
        exported,
        compiled,
        # torch's own check of a trace would call the network outside it.
        lambda model: torch.jit.trace(model, torch.zeros(2, 1, 32, 32), check_trace=False),
    ],
    ids=["export", "compile", "trace"],
)
@pytest.mark.filterwarnings("ignore:`torch.jit.trace")  # says that it is deprecated
def test_what_torch_records_is_never_in_parts(made, monkeypatch):
    model = build_model().requires_grad_(False)
    images = torch.rand(2, 1, 32, 32)
    expected = model(images)
    monkeypatch.setattr(models, "LARGEST_FIELD", 0)
    torch.testing.assert_close(made(model)(images), expected)


@pytest.mark.parametrize("made", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_is_trained_by_itself(made):
    model = build_model()
    other, before = made(model), model.c3.weight.detach().clone()
    with torch.no_grad():
        other.c3.weight.zero_()
    assert torch.equal(model.c3.weight, before)
    assert other.extra_repr() == model.extra_repr()


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        (32, (1, 32, 32)),
        (32, (32, 32)),
        (32, (2, 1, 28, 28)),
        (32, (2, 3, 32, 32)),
        (32, (2, 1, 32, 30)),
        (32, (2, 1, 31, 320)),
        (32, (2, 1, 1, 32, 32)),
        (28, (2, 1, 27, 32)),
        (28, (2, 784)),
    ],
)
@pytest.mark.parametrize("call", ["forward", "features", "predict"])
def test_images_of_another_shape_are_refused(size, shape, call):
    own = rf"^images must be \(N, 1, {size}, {size}\), prepared"
    says = rf"{own}, or a larger field, got \({shape[0]}, "
    with pytest.raises(ValueError, match=says):
        getattr(LeNet5(input_size=size), call)(torch.zeros(shape))


def test_unknown_switch_value_lists_the_valid_ones():
    with pytest.raises(ValueError, match="table, dense"):
        LeNet5(c3="sparse")


def test_predict_takes_the_smallest_distance_and_the_largest_logit():
    images = torch.rand(7, 1, 32, 32)
    original, modern = build_model("original"), build_model("modern")
    assert torch.equal(original.predict(images, batch=3), original(images).argmin(1))
    assert torch.equal(modern.predict(images, batch=3), modern(images).argmax(1))
    assert isinstance(original.output, RBFOutput)


def test_all_units_up_to_f6_are_scaled_tanh_in_the_original():
    """Fig. 13's maps of S2 take both signs and end at the amplitude (p.17)."""
    model = build_model("original")
    maps = model.s2(model.squash(model.c1(10 * torch.randn(4, 1, 32, 32))))
    assert maps.min() < -1
    assert maps.max() > 1
    logistic = build_model("original-logistic")
    assert logistic.s2(logistic.c1(torch.randn(4, 1, 32, 32))).min() >= 0


def test_the_seed_decides_the_weights_and_leaves_torchs_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, again, other = (build_model("original", seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(first.c5.weight, again.c5.weight)
    assert not torch.equal(first.c5.weight, other.c5.weight)


@pytest.mark.parametrize("name", ["original", "modern"])
def test_a_second_library_counts_the_same_parameters(name):
    model = build_model(name)
    seen = torchinfo.summary(model, (1, 1, 32, 32), verbose=0, depth=1)
    assert seen.trainable_params == count(model).parameters


def header(**changes) -> bytes:
    """A safetensors file of ten zeros called ``f6.bias``, with other claims in its header."""
    claims = {"dtype": "F32", "shape": [10], "data_offsets": [0, 40], **changes}
    text = json.dumps({"f6.bias": claims}).encode()
    return len(text).to_bytes(8, "little") + text + bytes(40)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "is missing"),
        (b"", "no readable safetensors file"),
        (b"no safetensors file at all", "no readable safetensors file"),
        (header(shape=[10**14], data_offsets=[0, 4 * 10**14]), "no readable safetensors file"),
        (header(shape=[-1]), "no readable safetensors file"),
        (header(dtype="F31"), "no readable safetensors file"),
        (header(dtype="F4", shape=[80]), "no readable safetensors file"),
        (header(), "the weights of another network"),
        (header() + bytes(5 * 2**20), "is larger than 4,194,304 bytes"),
    ],
)
def test_unreadable_weights_are_one_line(tmp_path, content, says):
    file = tmp_path / "weights.safetensors"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        load_weights(build_model(), file)
    assert str(caught.value).startswith(f"{file}: {says}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda t: t * float("nan"), "f6.bias holds values that are no numbers"),
        (lambda t: t + float("inf"), "f6.bias holds values that are no numbers"),
        (lambda t: t.double(), "differ in f6.bias"),
        (lambda t: t[None], "differ in f6.bias"),
    ],
)
def test_weights_that_are_no_numbers_of_the_networks_are_refused(tmp_path, harm, says):
    file, model = tmp_path / "weights.safetensors", build_model()
    state = model.state_dict()
    save_file({**state, "f6.bias": harm(state["f6.bias"])}, file)
    before = {name: tensor.clone() for name, tensor in state.items()}
    with pytest.raises(BadInput, match=says.replace(".", r"\.")):
        load_weights(model, file)
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())


def test_weights_of_another_network_are_refused(tmp_path):
    file = tmp_path / "weights.safetensors"
    save_file(build_model("modern").state_dict(), file)
    with pytest.raises(BadInput, match=r"another network.*c3\.weight"):
        load_weights(build_model("original"), file)
    original = build_model("original", seed=4)
    save_file(original.state_dict(), file)
    assert torch.equal(load_weights(build_model(), file).c3.weight, original.c3.weight)
