"""Appendix C's recursion against slow writings of it, and against the authors' own code."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lenet1998 import paper
from lenet1998.criteria import DiscriminativeLoss, DistanceLoss
from lenet1998.curvature import RULES, Call, diagonal_curvature
from lenet1998.data import prepare
from lenet1998.models import build_criterion, build_model
from lenet1998.modules import MappedConv2d, ScaledTanh, Subsampling2d
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
        (nn.Conv2d(2, 3, 3), (2, 5, 4)),
        (MappedConv2d([(0, 2), (1,)], 3, 2), (3, 4, 3)),
        (Subsampling2d(2), (2, 4, 2)),
        (Subsampling2d(2, nn.Sigmoid()), (2, 4, 2)),
        (Subsampling2d(2, nn.Identity(), average=True), (2, 4, 2)),
        (nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=1, dilation=2, groups=2), (4, 7, 6)),
        (nn.Conv2d(2, 3, 3, padding="same", bias=False), (2, 5, 4)),
        (nn.AvgPool2d(2), (2, 4, 2)),
        (nn.AvgPool2d((3, 2), stride=1, padding=1), (2, 4, 3)),
        (nn.AvgPool2d(2, divisor_override=3), (2, 5, 2)),
        (nn.MaxPool2d(2), (2, 4, 2)),
        (nn.MaxPool2d(3, stride=2, padding=1, ceil_mode=True), (2, 6, 5)),
        (nn.Linear(5, 4), (5,)),
        (nn.Linear(5, 4, bias=False), (5,)),
        (nn.Linear(5, 4), (2, 5)),
        (ScaledTanh(), (6,)),
        (nn.Tanh(), (6,)),
        (nn.Sigmoid(), (6,)),
        (nn.ReLU(), (6,)),
        (nn.Identity(), (6,)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_rule_is_the_squared_jacobian(module, shape):
    """Each output hangs on each weight by one connection, so h_k is the sum of squared slopes."""
    module = module.double()
    generator = torch.Generator().manual_seed(2)
    for p in module.parameters():
        p.data = torch.randn(p.shape, dtype=torch.float64, generator=generator)
    x = torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    y = module(x).detach()
    h = torch.rand(y.shape, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        rule = next(RULES[kind] for kind in type(module).__mro__ if kind in RULES)
        h_x, of_parameters = rule(Call("", module, x, y), h)
    names = [name for name, _ in module.named_parameters()]

    def one(x_n, *parameters):
        given = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(module, given, (x_n[None],))[0].flatten()

    expected = dict.fromkeys(names, 0.0)
    for x_n, h_n, found in zip(x, h, h_x, strict=True):
        slopes = torch.autograd.functional.jacobian(one, (x_n, *module.parameters()))
        weigh = lambda slope, h_n=h_n: torch.tensordot(h_n.flatten(), slope.square(), 1)  # noqa: E731
        torch.testing.assert_close(found, weigh(slopes[0]))
        for name, slope in zip(names, slopes[1:], strict=True):
            expected[name] = expected[name] + weigh(slope)
    for name in names:
        torch.testing.assert_close(of_parameters[name], expected[name])


@pytest.mark.parametrize("criterion", [DistanceLoss(), DiscriminativeLoss(j=20.0)])
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
    model, criterion = build_model(recipe).double(), build_criterion(recipe)
    images, labels = patterns(7, recipe.input_size)
    model.eval()
    model.f6.weight.grad = torch.ones_like(model.f6.weight)
    state = torch.get_rng_state()
    whole = diagonal_curvature(model, criterion, images, labels)
    parts = diagonal_curvature(model, criterion, images, labels, batch=3)
    assert list(whole) == [name for name, _ in model.named_parameters()]
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
    model, criterion = build_model(recipe).double(), build_criterion(recipe)
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
    model, criterion = build_model(variant).double(), build_criterion(RECIPES[variant])
    images, _ = patterns(4)
    with pytest.raises(error, match=says):
        diagonal_curvature(model, criterion, images, labels, batch=2)


class Chain(nn.Sequential):
    """Vectors to ten logits, with something done between the layers."""

    def __init__(self, between, *layers):
        super().__init__(*layers)
        self.between = between

    def forward(self, values):
        for layer in self:
            values = self.between(layer(values))
        return values


def vectors():
    return torch.randn(6, 10, generator=torch.Generator().manual_seed(4)), torch.arange(6)


def test_layers_that_share_a_parameter_add_up():
    """As one layer met twice does, and as the connections of V_k do."""
    one, two = nn.Linear(10, 10), nn.Linear(10, 10)
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
    h = diagonal_curvature(nn.Linear(10, 10, bias=False), nn.CrossEntropyLoss(), *vectors())
    assert list(h) == ["weight"]


def test_a_weight_that_is_made_of_others_is_refused():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(10, 10)))
    with pytest.raises(TypeError, match=r"Linear whose weight is no parameter \(layer '0'\)"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())


@pytest.mark.parametrize("between", [torch.relu, lambda x: x + 1, lambda x: x.flip(-1)])
def test_a_function_between_the_layers_is_refused(between):
    model = Chain(between, nn.Linear(10, 10), nn.Linear(10, 10))
    with pytest.raises(TypeError, match="layer '0' must be the input of the next module"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())


def test_flattening_between_the_layers_is_no_function():
    model = Chain(lambda x: x.mT.contiguous().mT.clone(), nn.Linear(10, 10), nn.Linear(10, 10))
    model[0].weight.data.fill_(math.nan)  # a diverged network is found out elsewhere
    assert diagonal_curvature(model, nn.CrossEntropyLoss(), *vectors())["1.bias"].isnan().all()


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
    model = nn.Sequential(layer, nn.Conv2d(1, 10, layer(images.float()).shape[-1]))
    model.forward = lambda x: model[1](model[0](x)).flatten(1)
    with pytest.raises(TypeError, match=f"rule for {type(layer).__name__} with .*layer '0'"):
        diagonal_curvature(model, nn.CrossEntropyLoss(), images.float(), labels)


@pytest.mark.parametrize(
    ("variant", "criterion", "says"),
    [
        ("modern", nn.MSELoss(), "MSELoss after Linear"),
        ("modern", DistanceLoss(), "DistanceLoss after Linear"),
        ("original", nn.CrossEntropyLoss(), "CrossEntropyLoss after RBFOutput"),
    ],
)
def test_a_loss_that_does_not_fit_the_output_is_a_type_error(variant, criterion, says):
    model = build_model(variant).double()
    with pytest.raises(TypeError, match=f"no curvature to start from for {says}"):
        diagonal_curvature(model, criterion, *patterns(1))


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
