"""Appendix C's recursion against slow writings of it, and against the authors' own code."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import Conv2d, Linear
from torch.nn import functional as F

from lenet1998 import paper
from lenet1998.criteria import DiscriminativeLoss, DistanceLoss
from lenet1998.curvature import (
    RULES,
    SLOPES,
    Add,
    Call,
    diagonal_curvature,
    register_rule,
    register_slope,
)
from lenet1998.data import prepare
from lenet1998.models import build_model
from lenet1998.modules import MappedConv2d, RBFOutput, ScaledTanh, Subsampling2d
from lenet1998.recipes import RECIPES

LUSH = Path(__file__).parent / "fixtures" / "lush_reference.npz"


def patterns(n, size=32):
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(n, 1, size, size, dtype=torch.float64, generator=generator)
    return images, torch.randint(0, 10, (n,), generator=generator)


# --- The oracle: one unit, one connection at a time, in plain Python ----------------------------


def squash(a):
    return 1.7159 * math.tanh(2 / 3 * a)


def slope_squared(a):
    return (1.7159 * 2 / 3 / math.cosh(2 / 3 * a) ** 2) ** 2


def connections():
    """Every connection up to F6 by layer: (unit, weight's index, the index of its input's unit)."""
    layers = {"c1": [], "s2": [], "c3": [], "s4": [], "c5": [], "f6": []}
    taps = [(u, v) for u in range(5) for v in range(5)]
    for m, i, j in np.ndindex(6, 28, 28):
        layers["c1"] += [((m, i, j), (m, 0, u, v), (0, i + u, j + v)) for u, v in taps]
    window = [(u, v) for u in range(2) for v in range(2)]
    for name, maps, size in (("s2", 6, 14), ("s4", 16, 5)):
        for m, i, j in np.ndindex(maps, size, size):
            layers[name] += [((m, i, j), (m,), (m, 2 * i + u, 2 * j + v)) for u, v in window]
    pairs = [(o, i) for o, row in enumerate(paper.C3_TABLE) for i in row]
    for k, (o, source) in enumerate(pairs):
        for i, j in np.ndindex(10, 10):
            layers["c3"] += [((o, i, j), (k, u, v), (source, i + u, j + v)) for u, v in taps]
    for o in range(120):
        layers["c5"] += [((o, 0, 0), (o, *source), source) for source in np.ndindex(16, 5, 5)]
    for o in range(84):
        layers["f6"] += [((o,), (o, i), (i, 0, 0)) for i in range(120)]
    return layers


def scalar_recursion(model, image, label, by_connections):
    """h of every parameter for one pattern; eqs. 23, 25 and 27 read aloud."""
    value = {name: p.detach().numpy() for name, p in model.named_parameters()}
    outputs = {"input": {place: image[place] for place in np.ndindex(*image.shape)}}
    totals, below = {}, "input"
    layers = connections()
    for name, links in layers.items():
        a = {}
        for unit, k, source in links:
            a.setdefault(unit, value[f"{name}.bias"][unit[0]])
            a[unit] += value[f"{name}.weight"][k] * outputs[below][source]
        totals[name] = a
        outputs[name] = {unit: squash(total) for unit, total in a.items()}
        below = name
    h = {name: np.zeros_like(v) for name, v in value.items()}
    at_output = dict.fromkeys(outputs["f6"], 2.0)  # d2/dx2 of (x - w)^2
    for name in reversed(layers):
        below = (["input", *layers])[list(layers).index(name)]
        at_input = {u: slope_squared(totals[name][u]) * at_output[u] for u in totals[name]}
        for unit, h_a in at_input.items():
            h[f"{name}.bias"][unit[0]] += h_a
        at_output = dict.fromkeys(outputs[below], 0.0)
        window_sums = {}
        for unit, k, source in layers[name]:
            x = outputs[below][source]
            at_output[source] += value[f"{name}.weight"][k] ** 2 * at_input[unit]
            if name in ("s2", "s4") and not by_connections:
                # The coefficient's one connection carries the window's sum.
                window_sums[unit] = window_sums.get(unit, 0.0) + x
            else:
                h[f"{name}.weight"][k] += at_input[unit] * x**2
        for unit, total in window_sums.items():
            h[f"{name}.weight"][unit[0]] += at_input[unit] * total**2
    return h


@pytest.mark.parametrize("subsampling", ["sum", "connections"])
def test_the_network_against_the_scalar_recursion(subsampling):
    model = build_model("original", seed=3).double()  # which sums
    images, labels = patterns(2)
    fast = diagonal_curvature(model, DistanceLoss(), images, labels, subsampling=subsampling)
    slow = [
        scalar_recursion(model, x.numpy(), y, by_connections=subsampling == "connections")
        for x, y in zip(images, labels, strict=True)
    ]
    for name, h in fast.items():
        expected = (slow[0][name] + slow[1][name]) / 2
        np.testing.assert_allclose(h.numpy(), expected, rtol=1e-9, err_msg=name)


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (Conv2d(2, 3, 3), (2, 5, 4)),
        (MappedConv2d([(0, 2), (1,)], 3, 2), (3, 4, 3)),
        (Subsampling2d(2), (2, 4, 2)),
        (Subsampling2d(2, nn.Sigmoid()), (2, 4, 2)),
        (Subsampling2d(2, nn.Identity(), average=True), (2, 4, 2)),
        (Conv2d(4, 6, (3, 2), stride=(2, 1), padding=1, dilation=2, groups=2), (4, 7, 6)),
        (Conv2d(2, 3, 3, padding="same", bias=False), (2, 5, 4)),
        (nn.AvgPool2d(2), (2, 4, 2)),
        (nn.AvgPool2d((3, 2), stride=1, padding=1), (2, 4, 3)),
        (nn.AvgPool2d(2, divisor_override=3), (2, 5, 2)),
        (nn.MaxPool2d(2), (2, 4, 2)),
        (nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), (2, 6, 5)),
        (Linear(5, 4), (5,)),
        (Linear(5, 4, bias=False), (5,)),
        (Linear(5, 4), (2, 5)),
        (ScaledTanh(), (6,)),
        (nn.Tanh(), (6,)),
        (nn.Sigmoid(), (6,)),
        (nn.ReLU(), (6,)),
        (nn.Identity(), (6,)),
        (nn.LeakyReLU(0.2), (6,)),
        (nn.LeakyReLU(-0.2), (6,)),
        (nn.LeakyReLU(0.2, inplace=True), (6,)),
        (nn.GELU(), (6,)),
        (nn.GELU("tanh"), (6,)),
        (Subsampling2d(2, nn.GELU()), (2, 4, 2)),
        (nn.BatchNorm1d(5).eval(), (5,)),
        (nn.BatchNorm1d(2).eval(), (2, 3)),
        (nn.BatchNorm2d(2).eval(), (2, 4, 3)),
        (nn.BatchNorm2d(2, affine=False).eval(), (2, 4, 3)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_rule_is_the_squared_jacobian(module, shape):
    """Each output hangs on each weight by one connection, so h_k is the sum of squared slopes."""
    module = module.double()
    generator = torch.Generator().manual_seed(2)
    for p in module.parameters():
        p.data = torch.randn(p.shape, dtype=torch.float64, generator=generator)
    if isinstance(module, nn.modules.batchnorm._BatchNorm):
        module.running_mean += 0.3
        module.running_var *= 1.7
    x = torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    y = module(x.clone()).detach()
    h = torch.rand(y.shape, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        rule = next(RULES[kind] for kind in type(module).__mro__ if kind in RULES)
        h_x, of_parameters = rule(Call("", module, x, y), h)
    names = [name for name, _ in module.named_parameters()]

    def one(x_n, *parameters):
        given = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(module, given, (x_n[None].clone(),))[0].flatten()

    expected = dict.fromkeys(names, 0.0)
    for x_n, h_n, found in zip(x, h, h_x, strict=True):
        slopes = torch.autograd.functional.jacobian(one, (x_n, *module.parameters()))
        weigh = lambda slope, h_n=h_n: torch.tensordot(h_n.flatten(), slope.square(), 1)  # noqa: E731
        torch.testing.assert_close(found, weigh(slopes[0]))
        for name, slope in zip(names, slopes[1:], strict=True):
            expected[name] = expected[name] + weigh(slope)
    for name in names:
        torch.testing.assert_close(of_parameters[name], expected[name])


@pytest.mark.parametrize(
    "criterion", [DistanceLoss(), DiscriminativeLoss(j=20.0, curvature="gauss_newton")]
)
def test_f6_is_brute_force_gauss_newton(criterion):
    """Nothing is dropped at F6, whose rows do not share units: the recursion is exact there."""
    model = build_model("original", seed=1).double()
    images, labels = patterns(3)
    h = diagonal_curvature(model, criterion, images, labels)
    start = criterion.state_curvature(model.features(images), model.output.codes, labels)
    expected = torch.zeros_like(model.f6.weight)
    for n in range(3):
        for unit in range(84):
            slope = torch.autograd.grad(model.features(images[[n]])[0, unit], model.f6.weight)[0]
            expected += start[n, unit].detach() * slope.square() / 3
    torch.testing.assert_close(h["f6.weight"], expected)


def test_agrees_with_the_authors_own_code():
    """Distances, gradients and curvatures of Lush, whose distance carries a factor 1/2."""
    reference = np.load(LUSH)
    model = build_model("original").double()  # sums, as Lush does
    state = {k.removeprefix("weight."): reference[k] for k in reference if k.startswith("weight.")}
    model.load_state_dict({k: torch.tensor(v) for k, v in state.items()}, strict=False)
    images = prepare(reference["images"]).double()
    labels = torch.tensor(reference["labels"]).long()

    def agree(ours, lush):
        assert np.abs(ours.detach().numpy() - 2 * lush).max() <= 1e-3 * np.abs(2 * lush).max()

    criterion = DistanceLoss()
    agree(model(images), reference["distances"])
    criterion(model(images[:1]), labels[:1]).backward()
    curvature = diagonal_curvature(model, criterion, images, labels)
    assert len(state) == 12
    for name, p in model.named_parameters():
        agree(p.grad, reference[f"gradient.{name}"])
        agree(curvature[name], reference[f"curvature.{name}"])


@pytest.mark.parametrize("switch", [[], ["half_distance=true"], ["f6_curvature=constant"]])
@pytest.mark.parametrize("variant", RECIPES)
def test_batches_add_up_and_nothing_else_is_touched(variant, switch):
    recipe = RECIPES[variant].override(switch)
    model, criterion = build_model(recipe).double(), recipe.build_criterion()
    images, labels = patterns(7, recipe.input_size)
    model.eval()
    model.f6.weight.grad = torch.ones_like(model.f6.weight)
    state = torch.get_rng_state()
    whole = diagonal_curvature(model, criterion, images, labels)
    parts = diagonal_curvature(model, criterion, images, labels, batch=3)
    assert list(whole) == [name for name, p in model.named_parameters() if p.requires_grad]
    for name, h in whole.items():
        assert (h >= 0).all()
        assert h.max() > 0
        torch.testing.assert_close(h, parts[name])
    assert not model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(model.f6.weight.grad, torch.ones_like(model.f6.weight))
    assert model.c1.weight.grad is None
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("variant", ["original", "modern"])
def test_the_callers_grad_mode_changes_nothing(variant, mode):
    recipe = RECIPES[variant]
    model, criterion = build_model(recipe).double(), recipe.build_criterion()
    expected = diagonal_curvature(model, criterion, *patterns(3))
    with mode():
        found = diagonal_curvature(model, criterion, *(part.clone() for part in patterns(3)))
    assert all(torch.equal(found[name], h) for name, h in expected.items())


def test_halving_the_distance_halves_the_curvature():
    model, (images, labels) = build_model().double(), patterns(4)
    whole = diagonal_curvature(model, DistanceLoss(), images, labels)
    half = diagonal_curvature(model, DistanceLoss(half_distance=True), images, labels)
    for name, h in whole.items():
        torch.testing.assert_close(h, 2 * half[name])


def test_wrong_calls_say_what_is_wrong():
    images, labels = patterns(1)
    with pytest.raises(ValueError, match="at least one pattern"):
        diagonal_curvature(build_model().double(), DistanceLoss(), images[:0], labels[:0])
    with pytest.raises(ValueError, match="batch must be >= 1, got 0"):
        diagonal_curvature(build_model().double(), DistanceLoss(), images, labels, batch=0)
    with pytest.raises(TypeError, match=r"batch must be a whole number, got 2\.5"):
        diagonal_curvature(build_model().double(), DistanceLoss(), images, labels, batch=2.5)
    for wrong in (images.numpy(), list(images)):
        with pytest.raises(TypeError, match="images must be a torch Tensor, got "):
            diagonal_curvature(build_model().double(), DistanceLoss(), wrong, labels)
    with pytest.raises(TypeError, match="model must be a torch Module, got function"):
        diagonal_curvature(lambda x: x, DistanceLoss(), images, labels)
    with pytest.raises(TypeError, match="no curvature rule for Softplus"):
        diagonal_curvature(nn.Sequential(nn.Softplus()), DistanceLoss(), images, labels)


@pytest.mark.parametrize(
    ("labels", "error", "says"),
    [
        (torch.arange(5), ValueError, r"labels must be \(4,\).*got \(5,\)"),
        (torch.arange(3), ValueError, r"labels must be \(4,\).*got \(3,\)"),
        (torch.tensor([0, 1, 2, 10]), ValueError, "labels must be 0 to 9"),
        (torch.tensor([-1, 1, 2, 3]), ValueError, "labels must be 0 to 9"),
        (torch.arange(4.0), TypeError, "labels must be a tensor of int64"),
        ([0, 1, 2, 3], TypeError, "labels must be a tensor of int64"),
    ],
)
@pytest.mark.parametrize("variant", ["original", "modern"])
def test_labels_that_do_not_fit_are_refused(variant, labels, error, says):
    model, criterion = build_model(variant).double(), RECIPES[variant].build_criterion()
    images, _ = patterns(4)
    with pytest.raises(error, match=says):
        diagonal_curvature(model, criterion, images, labels, batch=2)


def vectors():
    return torch.randn(6, 10, generator=torch.Generator().manual_seed(4)), torch.arange(6)


def test_layers_that_share_a_parameter_add_up():
    """As one layer met twice does, and as the connections of V_k do."""
    one, two = Linear(10, 10), Linear(10, 10)
    apart = nn.Sequential(one, nn.Tanh(), two)
    two.load_state_dict(one.state_dict())
    h = diagonal_curvature(apart, nn.CrossEntropyLoss(), *vectors())
    expected = {k: h[f"0.{k}"] + h[f"2.{k}"] for k in ("weight", "bias")}
    two.weight = one.weight
    shared = diagonal_curvature(apart, nn.CrossEntropyLoss(), *vectors())
    assert list(shared) == ["0.weight", "0.bias", "2.bias"]
    torch.testing.assert_close(shared["0.weight"], expected["weight"])
    torch.testing.assert_close(shared["2.bias"], h["2.bias"])
    twice = nn.ModuleDict({"a": nn.Sequential(one), "b": nn.Sequential(nn.Tanh(), one)})
    twice.forward = lambda x: twice["b"](twice["a"](x))
    met = diagonal_curvature(twice, nn.CrossEntropyLoss(), *vectors())
    assert list(met) == ["a.0.weight", "a.0.bias"]
    for name, value in expected.items():
        torch.testing.assert_close(met[f"a.0.{name}"], value)


def test_a_single_layer_is_a_network():
    h = diagonal_curvature(Linear(10, 10, bias=False), nn.CrossEntropyLoss(), *vectors())
    assert list(h) == ["weight"]


def test_a_weight_that_is_made_of_others_is_refused():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(10, 10)))
    with pytest.raises(TypeError, match=r"Linear whose weight is no parameter \(layer '0'\)"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular"),
        nn.AvgPool2d(2, ceil_mode=True),
        nn.AvgPool2d(2, padding=1, count_include_pad=False),
    ],
    ids=str,
)
def test_a_setting_without_a_rule_names_the_layer(layer):
    images, labels = patterns(2, 10)
    side = layer(images.float()).shape[-1]
    model = nn.Sequential(nn.Conv2d(1, 1, 1), layer, nn.Conv2d(1, 10, side), nn.Flatten())
    with pytest.raises(TypeError, match=f"rule for {type(layer).__name__} with .*layer '1'"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), images.float(), labels)


@pytest.mark.parametrize(
    ("variant", "criterion", "says"),
    [
        ("original", nn.MSELoss(), "MSELoss after RBFOutput"),
        ("modern", DistanceLoss(), "DistanceLoss after Linear"),
        ("original", nn.CrossEntropyLoss(), "CrossEntropyLoss after RBFOutput"),
    ],
)
def test_a_loss_that_does_not_fit_the_output_is_a_type_error(variant, criterion, says):
    model = build_model(variant).double()
    images, labels = patterns(1)
    if isinstance(criterion, nn.MSELoss):
        labels = torch.zeros(1, 10, dtype=torch.float64)
    with pytest.raises(TypeError, match=f"no curvature to start from for {says}"):
        diagonal_curvature(model, criterion, images, labels)


def test_by_connections_a_coefficient_of_means_is_one_of_sums_by_four():
    sums = build_model("original", seed=3).double()
    means = build_model(RECIPES["original"].changed(pooling="trainable_average"), seed=3)
    means = means.double()
    means.load_state_dict(dict(sums.state_dict()))
    with torch.no_grad():
        for layer in (means.s2, means.s4):
            layer.weight *= layer.window**2
    images, labels = patterns(2)
    of_sums, of_means = (
        diagonal_curvature(model, DistanceLoss(), images, labels, subsampling="connections")
        for model in (sums, means)
    )
    for name, h in of_sums.items():
        share = 16 if name in ("s2.weight", "s4.weight") else 1
        torch.testing.assert_close(share * of_means[name], h)


def test_another_curvature_of_a_coefficient_is_refused():
    model = build_model("original").double()
    with pytest.raises(ValueError, match="must be one of sum, connections: 'squares'"):
        diagonal_curvature(model, DistanceLoss(), *patterns(1), subsampling="squares")


# --- Networks of one's own ----------------------------------------------------------------------


class Own(nn.Module):
    """Two linear layers of one width, a gain, and a function of both and of the input."""

    def __init__(self, function):
        super().__init__()
        torch.manual_seed(2)
        self.a, self.b = nn.Linear(10, 10), nn.Linear(10, 10)
        self.relu = nn.ReLU(inplace=True)
        self.gain = nn.Parameter(torch.ones(10))  # a factor that happens to be 1
        self.function = function
        self.double()

    def forward(self, x):
        return self.function(self, x)


def mean_squares(model, criterion, inputs, labels):
    """The mean over patterns of the outputs' second derivatives times the squared slopes."""
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters() if p.requires_grad}
    for x, label in zip(inputs, labels, strict=True):
        outputs = model(x[None].clone())[0]
        hessian = torch.autograd.functional.hessian(
            lambda z, label=label: criterion(z[None], label[None]), outputs.detach()
        )
        learning = [p for p in model.parameters() if p.requires_grad]
        for output, h in zip(outputs, hessian.diagonal(), strict=True):
            slopes = torch.autograd.grad(output, learning, retain_graph=True, allow_unused=True)
            for name, slope in zip(total, slopes, strict=True):
                if slope is not None:
                    total[name] += h * slope.square() / len(inputs)
    return total


def doubles():
    x, labels = vectors()
    return x.double(), labels


def in_place_sum(net, x):
    out = net.a(x)
    out += net.b(x)
    return out * net.gain


def reused_after_in_place(net, x):
    """The sum takes what ReLU left of a's output."""
    a = net.a(x)
    net.relu(a)
    return net.b(x) * net.gain + a


ONE_LAYER_DEEP = [
    lambda net, x: net.a(x) * net.gain + net.b(x),
    in_place_sum,
    reused_after_in_place,
    lambda net, x: Add()(net.a(x), net.b(x)) * net.gain,
    lambda net, x: F.relu(net.a(x), inplace=True) + net.b(x * net.gain),
    lambda net, x: net.b(x) + net.a(x).view(-1, 2, 5).permute(0, 2, 1).flatten(1) * net.gain,
    lambda net, x: torch.cat([net.a(x)[:, :5], net.b(x)[:, 5:]], 1).flip(-1) * net.gain,
    lambda net, x: (net.a(x).mT.contiguous().mT.clone() + net.b(x)) * 3 * net.gain + 0,
    lambda net, x: net.a(x) * net.gain + net.b(x).detach() + net.b(x).roll(1, 1),
    lambda net, x: net.a(x) * net.gain + F.pad(net.b(x)[:, :7], (1, 2)),
    lambda net, x: net.a(x) * net.gain + net.b(x)[:, [0, 0, 1, 2, 3, 4, 5, 6, 6, 6]],
    lambda net, x: net.a(x) * net.gain + net.b(x)[:, :1].expand(-1, 10),
    lambda net, x: net.a(input=x) * net.gain + net.b(torch.stack([x, x]))[1],
    lambda net, x: net.a(x) * net.gain * net.b(x),
]


@pytest.mark.parametrize("criterion", [nn.MSELoss(), nn.CrossEntropyLoss()], ids=str)
@pytest.mark.parametrize("function", ONE_LAYER_DEEP)
def test_functions_between_modules_are_counted_as_they_compute(function, criterion):
    model, (x, labels) = Own(function), doubles()
    if isinstance(criterion, nn.MSELoss):
        labels = F.one_hot(labels, 10).double()
    expected = mean_squares(model, criterion, x, labels)
    given = x.clone()
    found = diagonal_curvature(model, criterion, x, labels, batch=4)
    assert torch.equal(x, given)
    assert list(found) == ["gain", "a.weight", "a.bias", "b.weight", "b.bias"]
    for name, h in expected.items():
        assert h.max() > 0
        torch.testing.assert_close(found[name], h, msg=name)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda net, x: net.b(torch.tanh(net.a(x))) * net.gain, "TanhBackward0.*layer 'a'"),
        (lambda net, x: net.b(net.a(x).exp_()) * net.gain, "ExpBackward0.*layer 'a'"),
        (lambda net, x: net.b(net.a(x) / 1) * net.gain, "DivBackward0.*layer 'a'"),
        (lambda net, x: net.b(net.a(x) - 0) * net.gain, "SubBackward0"),
        (lambda net, x: net.b(net.a(x)) * net.gain + net.a.weight.sum(), "SumBackward0"),
        (lambda net, x: F.linear(net.a(x), net.b.weight) * net.gain, "MmBackward0|TBackward"),
        (lambda net, x: net.b.forward(net.a(x)) * net.gain, "AddmmBackward0.*layer 'a'"),
        (lambda net, x: net.b(F.dropout(net.a(x))) * net.gain, "MulBackward0.*layer 'a'"),
        (lambda net, x: net.b(net.a(x) * torch.ones(10)) * net.gain, "MulBackward0"),
        (lambda net, x: (y := net.b(net.a(x)) * net.gain) + y, "AddBackward0.*layer 'b'"),
        (lambda net, x: net.b(net.a(x)) * net.gain * net.gain, "MulBackward0"),
        (lambda net, x: Add()(y := net.b(net.a(x * net.gain)), y), "AddBackward0"),
        (lambda net, x: torch.add(net.a(x), net.b(x * net.gain), alpha=2), "AddBackward0"),
        (lambda net, x: net.b(net.a(x).detach()) * net.gain, r"parameters a.weight, a.bias: fre"),
        (lambda net, x: (net.a(x), net.b(x * net.gain))[1], r"parameters a.weight, a.bias:"),
        (lambda net, x: net.b(net.a(x)), "parameters gain"),
        (lambda net, x: net.b(x).detach(), "parameters gain, a.weight"),
    ],
)
def test_what_the_recursion_cannot_follow_is_refused(function, says):
    with pytest.raises(TypeError, match=says):
        diagonal_curvature(Own(function), nn.CrossEntropyLoss(), *doubles())


def test_slices_written_in_place_are_refused():
    def function(net, x):
        out = net.a(x)
        out[:, :2] += 1
        return net.b(out) * net.gain

    with pytest.raises(TypeError, match=r"CopySlices.*layer 'a'"):
        diagonal_curvature(Own(function), nn.CrossEntropyLoss(), *doubles())


@pytest.mark.parametrize(
    "write",
    [lambda out: out.add_(1), lambda out: out.data.mul_(2), lambda out: out.detach().exp_()],
)
def test_what_is_written_behind_autograds_back_is_refused(write):
    def function(net, x):
        out = net.a(x)
        with torch.no_grad():
            write(out[:1])
        return net.b(out) * net.gain

    with pytest.raises(TypeError, match="output of layer 'a' was changed where autograd is off"):
        diagonal_curvature(Own(function), nn.CrossEntropyLoss(), *doubles())


def test_several_outputs_are_refused():
    model = Own(lambda net, x: (net.b(net.a(x)), net.gain))
    with pytest.raises(TypeError, match="the model must return one tensor, got tuple"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *doubles())


def test_codes_that_learn_are_refused():
    output = RBFOutput()
    codes = nn.Parameter(output.codes)
    del output.codes
    output.codes = codes
    with pytest.raises(TypeError, match="RBFOutput: none for its codes"):
        diagonal_curvature(nn.Sequential(nn.Linear(10, 84), output), DistanceLoss(), *vectors())


def test_distances_are_outputs_only():
    model = nn.Sequential(nn.Linear(10, 84), RBFOutput(), nn.Linear(10, 10))
    with pytest.raises(TypeError, match="RBFOutput before the network's output"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())


@pytest.mark.parametrize("kind", [nn.Linear, nn.ReLU, RBFOutput])
def test_a_subclass_that_computes_something_else_is_refused(kind):
    class Other(kind):
        def forward(self, x):
            return 2 * super().forward(x)

    last = Other(10, 10) if kind is nn.Linear else Other()
    model = nn.Sequential(nn.Linear(10, 84 if kind is RBFOutput else 10), last)
    with pytest.raises(TypeError, match="Other with a forward of its own"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())


def test_hooks_of_ones_own_are_functions_between_modules():
    model = nn.Sequential(nn.Linear(10, 10), nn.Tanh(), nn.Linear(10, 10))
    model[0].register_forward_hook(lambda module, args, output: output.exp())
    with pytest.raises(TypeError, match=r"ExpBackward0.*layer '0'"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())


@pytest.mark.parametrize(
    "layer", [nn.Dropout(), nn.BatchNorm1d(10), nn.BatchNorm1d(10, track_running_stats=False)]
)
def test_what_changes_as_it_trains_is_refused_before_it_runs(layer):
    model = nn.Sequential(nn.Linear(10, 10), layer)
    state, kept = torch.get_rng_state(), getattr(layer, "running_mean", None)
    kept = None if kept is None else kept.clone()
    with pytest.raises(TypeError, match=r"training mode: call model.eval\(\) first"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())
    assert torch.equal(torch.get_rng_state(), state)
    if kept is None:
        return
    assert torch.equal(layer.running_mean, kept)


def test_statistics_of_the_batch_are_refused():
    model = nn.Sequential(nn.Linear(10, 10), nn.BatchNorm1d(10, track_running_stats=False)).eval()
    with pytest.raises(TypeError, match="without running statistics"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())


def test_frozen_parameters_are_left_out_and_change_nothing():
    model = build_model("original").double()
    whole = diagonal_curvature(model, DistanceLoss(), *patterns(3))
    model.c1.requires_grad_(False)
    model.f6.bias.requires_grad_(False)
    found = diagonal_curvature(model, DistanceLoss(), *patterns(3))
    assert whole.keys() - found.keys() == {"c1.weight", "c1.bias", "f6.bias"}
    for name, h in found.items():
        torch.testing.assert_close(h, whole[name])
    assert diagonal_curvature(model.requires_grad_(False), DistanceLoss(), *patterns(1)) == {}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: torch.compile(model, backend="eager"),
        nn.DataParallel,
        lambda model: nn.DataParallel(torch.compile(model, backend="eager")),
        lambda model: setattr(model, "f6", torch.compile(model.f6, backend="eager")) or model,
        lambda model: model.compile(backend="eager") or model,
    ],
)
def test_a_wrapped_network_is_the_one_within(wrap):
    model = build_model("original").double()
    expected = diagonal_curvature(model, DistanceLoss(), *patterns(2))
    found = diagonal_curvature(wrap(model), DistanceLoss(), *patterns(2))
    assert list(found) == list(expected)
    assert all(torch.equal(h, found[name]) for name, h in expected.items())


def test_a_residual_network_against_the_recursion_by_hand():
    """Convolution, normalisation, residual sum, pooling and flattening, written out once more."""
    torch.manual_seed(3)
    c1, c2, norm, leaky, out = (
        *(nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)),
        *(nn.LeakyReLU(0.1), nn.Linear(16, 10)),
    )

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([c1, c2, norm, leaky, out])
            self.squash, self.pool, self.add = ScaledTanh(), nn.AvgPool2d(2), Add()
            self.pad, self.rows = nn.ZeroPad2d((0, 1, 0, 1)), nn.Flatten()

        def forward(self, x):
            x = self.squash(c1(self.pad(x)))
            return out(self.rows(self.pool(leaky(self.add(norm(c2(x)), x)))))

    net = Net().double().eval()
    norm.running_var.mul_(1.5)
    norm.weight.data.add_(0.2)
    x = torch.randn(4, 3, 3, 3, dtype=torch.float64)
    found = diagonal_curvature(net, nn.CrossEntropyLoss(), x, torch.arange(4))
    with torch.no_grad():
        a1 = c1(F.pad(x, (0, 1, 0, 1)))
        x1 = net.squash(a1)
        a2 = c2(x1)
        total = norm(a2) + x1
        flat = F.avg_pool2d(leaky(total), 2).flatten(1)
        p = out(flat).softmax(1)
        h_out = p * (1 - p)
        h_flat = h_out @ out.weight**2
        h_maps = F.interpolate(h_flat.view(4, 4, 2, 2), scale_factor=2) / 16
        h_total = h_maps * torch.where(total > 0, 1, 0.1) ** 2
        scale = (norm.weight**2 / (norm.running_var + norm.eps)).view(-1, 1, 1)
        h_x1 = h_total + F.conv_transpose2d(h_total * scale, c2.weight**2, padding=1)
        slope = 1.7159 * 2 / 3 * (1 - torch.tanh(2 / 3 * a1) ** 2)
        h_a1 = h_x1 * slope**2
    torch.testing.assert_close(found["layers.4.weight"], h_out.T @ flat**2 / 4)
    torch.testing.assert_close(found["layers.2.bias"], h_total.sum((0, 2, 3)) / 4)
    torch.testing.assert_close(found["layers.1.bias"], (h_total * scale).sum((0, 2, 3)) / 4)
    torch.testing.assert_close(found["layers.0.bias"], h_a1.sum((0, 2, 3)) / 4)


WEIGHTS = torch.linspace(0.5, 9, 10, dtype=torch.float64)


@pytest.mark.parametrize(
    "settings",
    [
        {"weight": WEIGHTS},
        {"label_smoothing": 0.3},
        {"weight": WEIGHTS, "label_smoothing": 0.3},
        {"ignore_index": 2},
        {"ignore_index": -1},
        {"ignore_index": -1, "weight": WEIGHTS, "label_smoothing": 0.2},
    ],
    ids=str,
)
def test_cross_entropy_is_counted_as_it_computes(settings):
    criterion, (x, labels) = nn.CrossEntropyLoss(**settings), doubles()
    if settings.get("ignore_index") == -1:
        labels = labels.clone()
        labels[1] = -1
    model = nn.Linear(10, 10).double()
    logits = model(x).detach()
    hessian = torch.autograd.functional.hessian(lambda z: criterion(z, labels), logits)
    rows = torch.arange(len(x))
    diagonal = hessian[rows, :, rows].diagonal(0, 1, 2)
    found = diagonal_curvature(model, criterion, x, labels, batch=2)
    torch.testing.assert_close(found["bias"], diagonal.sum(0))
    torch.testing.assert_close(found["weight"], diagonal.T @ x.square())


class Focal(nn.CrossEntropyLoss):
    def forward(self, outputs, labels):
        return super().forward(outputs, labels) ** 2


def changed():
    criterion = nn.CrossEntropyLoss()
    criterion.forward = lambda outputs, labels: 0 * outputs.sum()
    return criterion


@pytest.mark.parametrize(
    "criterion",
    [
        Focal(),
        changed(),
        nn.NLLLoss(),
        nn.L1Loss(),
        F.cross_entropy,
        nn.CrossEntropyLoss(reduction="sum"),
        nn.CrossEntropyLoss(reduction="none"),
        nn.MSELoss(reduction="sum"),
        type("Other", (DistanceLoss,), {})(),
    ],
)
def test_a_loss_that_is_not_known_is_refused(criterion):
    kind = type(criterion).__name__
    with pytest.raises(TypeError, match=f"no curvature to start from for {kind}"):
        diagonal_curvature(nn.Linear(10, 10), criterion, *vectors())


def test_targets_of_another_shape_are_refused():
    x, labels = vectors()
    for targets in (labels, torch.zeros(6, 3), torch.zeros(5, 10)):
        with pytest.raises(ValueError, match="MSELoss needs"):
            diagonal_curvature(nn.Linear(10, 10), nn.MSELoss(), x, targets)
    criterion = nn.CrossEntropyLoss(ignore_index=-1)
    with pytest.raises(ValueError, match="all labels are -1, which"):
        diagonal_curvature(nn.Linear(10, 10), criterion, x, torch.full((6,), -1))
    labels = torch.tensor([0, 1, 2, 3, -100, -1])
    with pytest.raises(ValueError, match="labels must be 0 to 9, got -100 to 3"):
        diagonal_curvature(nn.Linear(10, 10), criterion, x, labels)


# --- Registering --------------------------------------------------------------------------------


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.linspace(0.5, 2, 10))

    def forward(self, x):
        return self.gain * x


def scaled(call, h):
    of_gain = (h * call.input.square()).sum(0)
    return h * call.module.gain.square(), {"gain": of_gain}


@pytest.fixture
def registry(monkeypatch):
    for known in (RULES, SLOPES):
        for kind in (Scale, nn.Softplus):
            monkeypatch.setitem(known, kind, None)
            known.pop(kind)


def test_rules_and_slopes_of_ones_own_are_used(registry):
    model = nn.Sequential(nn.Linear(10, 10), Scale(), nn.Softplus()).double()
    with pytest.raises(TypeError) as told:
        diagonal_curvature(model, nn.CrossEntropyLoss(), *doubles())
    for part in ("Scale (layer '1')", "Linear", "register_rule", "docs/own-network.md"):
        assert part in str(told.value)
    register_rule(Scale, scaled)
    register_slope(nn.Softplus, lambda f, y: 1 - torch.exp(-f.beta * y))
    found = diagonal_curvature(model, nn.CrossEntropyLoss(), *doubles())
    for name, h in mean_squares(model, nn.CrossEntropyLoss(), *doubles()).items():
        torch.testing.assert_close(found[name], h)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (lambda call, h: None, "its rule returns no"),
        (lambda call, h: h, "its rule returns no"),
        (lambda call, h: (h, h), "its rule returns no"),
        (lambda call, h: (h, {}), "none for its gain"),
        (lambda call, h: (h, {"gain": h}), "its rule returns h of other shapes"),
        (lambda call, h: (h[:1], {"gain": h.sum(0)}), "its rule returns h of other shapes"),
        (lambda call, h: (None, {"gain": h.sum(0)}), "its rule returns h of other shapes"),
        (lambda call, h: (h, {"gain": h.sum(0), "no": h}), "whose no is no parameter"),
    ],
)
def test_a_rule_that_returns_nonsense_is_named(registry, rule, says):
    register_rule(Scale, rule)
    model = nn.Sequential(nn.Linear(10, 10), Scale())
    with pytest.raises(TypeError, match=f"Scale.*{says}.*layer '1'"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())
    model = nn.Sequential(nn.Linear(10, 10), nn.Softplus())
    register_slope(nn.Softplus, lambda f, y: 1.0)
    with pytest.raises(TypeError, match=r"Softplus with slopes of 1\.0"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())
    register_slope(nn.Softplus, lambda f, y: y[:, :1])
    with pytest.raises(TypeError, match=r"Softplus with slopes of \(6, 1\)"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())


@pytest.mark.parametrize("register", [register_rule, register_slope])
@pytest.mark.parametrize(
    ("kind", "function", "says"),
    [
        (Scale(), scaled, "a subclass of torch.nn.Module"),
        (torch.relu, scaled, "a subclass of torch.nn.Module"),
        (int, scaled, "a subclass of torch.nn.Module"),
        (nn.Module, scaled, "a subclass of torch.nn.Module"),
        (Scale, None, "must be a function"),
        (Scale, lambda call: call, "takes two arguments"),
    ],
)
def test_registering_nonsense_is_refused(register, kind, function, says):
    known = dict(RULES), dict(SLOPES)
    with pytest.raises(TypeError, match=says):
        register(kind, function)
    assert known == (RULES, SLOPES)
