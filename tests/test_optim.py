"""SDLM: the update by hand, its refusals, and its state."""

import copy
import pickle

import pytest
import torch
from torch import nn

from lenet1998 import build_model, diagonal_curvature
from lenet1998.optim import SDLM
from lenet1998.recipes import RECIPES


def parameter(*values):
    return torch.nn.Parameter(torch.tensor(values, dtype=torch.float64))


def test_one_step_by_hand():
    w = parameter(1.0, -2.0, 0.5)
    optimizer = SDLM([w], lr=0.01, mu=0.02)
    optimizer.set_curvature([torch.tensor([0.0, 0.08, 0.48])])
    w.grad = torch.tensor([1.0, 2.0, -4.0], dtype=torch.float64)
    optimizer.step()
    assert w.tolist() == pytest.approx([1 - 0.5 * 1, -2 - 0.1 * 2, 0.5 + 0.02 * 4])
    assert optimizer.rates()[0].tolist() == pytest.approx([0.5, 0.1, 0.02])


def test_zero_curvature_is_gradient_descent_at_lr_over_mu():
    torch.manual_seed(0)
    ours, theirs = torch.nn.Linear(4, 3), torch.nn.Linear(4, 3)
    theirs.load_state_dict(ours.state_dict())
    sdlm = SDLM(ours.parameters(), lr=1e-3, mu=0.02)
    sdlm.set_curvature([torch.zeros_like(p) for p in ours.parameters()])
    sgd = torch.optim.SGD(theirs.parameters(), lr=1e-3 / 0.02)
    for _ in range(5):
        x = torch.randn(2, 4)
        for net, optimizer in ((ours, sdlm), (theirs, sgd)):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
    assert torch.allclose(ours.weight, theirs.weight, rtol=1e-5)


def test_step_before_curvature_names_the_call():
    w = parameter(1.0)
    optimizer = SDLM([w])
    w.grad = torch.ones(1, dtype=torch.float64)
    with pytest.raises(RuntimeError, match=r"set_curvature\(diagonal_curvature\("):
        optimizer.step()
    with pytest.raises(RuntimeError, match="set_curvature"):
        optimizer.rates()


def test_state_dict_goes_on_identically():
    def steps(optimizer, w, n):
        for i in range(n):
            w.grad = torch.tensor([1.0 + i, -1.0], dtype=torch.float64)
            optimizer.step()

    w = parameter(1.0, 2.0)
    optimizer = SDLM([w], lr=0.3)
    optimizer.set_curvature([torch.tensor([0.1, 0.7])])
    steps(optimizer, w, 2)
    other = parameter(*w.tolist())
    restored = SDLM([other], lr=99.0, mu=1.0)
    restored.load_state_dict(optimizer.state_dict())
    steps(optimizer, w, 3)
    steps(restored, other, 3)
    assert torch.equal(w, other)


def test_parameters_without_gradient_stay():
    w, still = parameter(1.0), parameter(3.0)
    optimizer = SDLM([w, still], lr=0.01)
    optimizer.set_curvature([torch.zeros(1), torch.zeros(1)])
    w.grad = torch.ones(1, dtype=torch.float64)
    optimizer.step()
    assert (w.item(), still.item()) == (0.5, 3.0)


def test_closure_is_evaluated_with_gradients():
    w = parameter(2.0)
    optimizer = SDLM([w], lr=0.01)
    optimizer.set_curvature([torch.zeros(1)])

    def closure():
        optimizer.zero_grad()
        loss = w.square().sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4
    assert w.item() == 2 - 0.5 * 4


def test_the_defaults_are_those_of_original():
    original = RECIPES["original"]
    assert original.optimizer == "sdlm"
    defaults = SDLM([parameter(1.0)]).defaults
    expected = {"lr": original.learning_rate(1), "mu": original.mu, "weight_decay": 0}
    assert defaults == expected
    assert {original.mu_of(name) for name in ("c1.bias", "s2.weight", "f6.bias")} == {original.mu}


def test_curvature_is_matched_by_name_or_by_a_lists_order():
    model = build_model()
    h = {name: torch.rand_like(p) for name, p in model.named_parameters()}
    named = SDLM(model.named_parameters())
    named.set_curvature(dict(reversed(h.items())))
    plain = SDLM(model.parameters())
    plain.set_curvature(list(h.values()))
    assert all(map(torch.equal, named.rates(), plain.rates()))
    with pytest.raises(ValueError, match="lack the parameters' names"):
        named.set_curvature({"c9.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"needs SDLM\(model.named_parameters\(\)\)"):
        plain.set_curvature(h)  # S2's weight and bias have one shape, and so has C1's bias
    few = SDLM([model.c1.weight, model.c1.bias])
    few.set_curvature({"one": h["c1.weight"], "other": h["c1.bias"]})


class Twins(nn.Module):
    """Two layers of one shape."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.b(self.a(x))


@pytest.mark.parametrize("given", [dict, lambda h: list(h.values())])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    "order",
    [
        lambda net: [net.b.bias, net.a.weight, net.a.bias, net.b.weight],
        lambda net: [{"params": [net.b.weight, net.b.bias]}, {"params": [net.a.weight]}],
        lambda net: [net.b.weight],
    ],
)
def test_estimated_curvature_goes_to_its_parameters_whatever_the_order(order, named, given):
    net = Twins()
    parameters = order(net)
    names = {p: name for name, p in net.named_parameters()}
    if named and isinstance(parameters[0], dict):
        parameters = [{"params": [(names[p], p) for p in g["params"]]} for g in parameters]
    elif named:
        parameters = [(names[p], p) for p in parameters]
    h = diagonal_curvature(net, nn.CrossEntropyLoss(), torch.randn(5, 4), torch.arange(5) % 4)
    optimizer = SDLM(parameters, lr=1.0, mu=0.5)
    optimizer.set_curvature(given(h))
    flat = [p for group in optimizer.param_groups for p in group["params"]]
    for p, rate in zip(flat, optimizer.rates(), strict=True):
        assert torch.equal(rate, 1 / (0.5 + h[names[p]]))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda net: torch.compile(net, backend="eager"),
        nn.DataParallel,
        lambda net: nn.DataParallel(torch.compile(net, backend="eager")),
        lambda net: torch.compile(nn.DataParallel(net), backend="eager"),
        lambda net: setattr(net, "a", torch.compile(net.a, backend="eager")) or net,
    ],
)
def test_names_match_whatever_a_wrapper_adds(wrap):
    net = Twins()
    h = {name: torch.rand_like(p) for name, p in net.named_parameters()}
    expected = {id(p): 1 / (0.5 + h[name]) for name, p in net.named_parameters()}
    wrapped = wrap(net)
    optimizer = SDLM(wrapped.named_parameters(), lr=1.0, mu=0.5)
    for names in (h, {name: h[key] for key, (name, _) in zip(h, wrapped.named_parameters())}):  # noqa: B905
        optimizer.set_curvature({name: value.clone() for name, value in names.items()})
        for p, rate in zip(optimizer.param_groups[0]["params"], optimizer.rates(), strict=True):
            assert torch.equal(rate, expected[id(p)])


def test_refresh_estimates_and_sets_for_what_learns():
    model, criterion = build_model("original"), RECIPES["original"].build_criterion()
    model.c1.requires_grad_(False)
    images, labels = torch.rand(4, 1, 32, 32), torch.arange(4)
    for parameters in (
        model.parameters(),
        model.named_parameters(),
        [(name, p) for name, p in model.named_parameters() if p.requires_grad],
    ):
        optimizer = SDLM(parameters)
        optimizer.refresh(model, criterion, images, labels, subsampling="connections", batch=3)
        h = diagonal_curvature(model, criterion, images, labels, subsampling="connections")
        assert len(optimizer.rates()) == 10
        for rate, value in zip(optimizer.rates(), h.values(), strict=True):
            torch.testing.assert_close(rate, 5e-4 / (0.02 + value))
        before, frozen = model.f6.weight.detach().clone(), model.c1.weight.detach().clone()
        optimizer.zero_grad()
        criterion(model(images), labels).backward()
        optimizer.step()
        assert torch.equal(model.c1.weight, frozen)
        assert not torch.equal(model.f6.weight, before)


def test_weight_decay_is_a_square_added_to_the_loss():
    w = parameter(1.0, -2.0)
    optimizer = SDLM([w], lr=0.01, mu=0.02, weight_decay=0.5)
    optimizer.set_curvature([torch.tensor([0.0, 0.48])])
    w.grad = torch.tensor([1.0, 2.0], dtype=torch.float64)
    optimizer.step()
    assert w.tolist() == pytest.approx([1 - 0.01 / 0.52 * 1.5, -2 - 0.01 / 1.0 * 1.0])
    assert optimizer.rates()[0].tolist() == pytest.approx([0.01 / 0.52, 0.01])


def test_the_state_of_a_version_without_weight_decay_is_loaded():
    w = parameter(1.0)
    optimizer = SDLM([w], lr=0.01)
    optimizer.set_curvature([torch.zeros(1)])
    state = optimizer.state_dict()
    del state["param_groups"][0]["weight_decay"]
    again = SDLM([w])
    again.load_state_dict(state)
    w.grad = torch.ones(1, dtype=torch.float64)
    again.step()
    assert w.item() == 0.5


def test_given_curvature_is_frozen():
    w, h = parameter(1.0), torch.zeros(1)
    optimizer = SDLM([w], lr=0.01)
    optimizer.set_curvature([h])
    h += 5
    assert optimizer.rates()[0].item() == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda w: SDLM([w], lr=0), "lr"),
        (lambda w: SDLM([w], lr=float("nan")), "lr"),
        (lambda w: SDLM([w], lr=float("inf")), "lr"),
        (lambda w: SDLM([w], mu=-1), "mu"),
        (lambda w: SDLM([w], weight_decay=-1), "weight_decay must be >= 0"),
        (lambda w: SDLM([{"params": [w], "weight_decay": float("inf")}]), "weight_decay"),
        (lambda w: SDLM([w], maximize=True), "SDLM has no maximize: the curvature is"),
        (lambda w: SDLM([w], foreach=True), "SDLM has no foreach: it updates"),
        (lambda w: SDLM([{"params": [w], "lr": -5}]), r"lr \(eta\) must be > 0 .*got -5"),
        (lambda w: SDLM([{"params": [w], "lr": float("nan")}]), "lr"),
        (lambda w: SDLM([{"params": [w], "mu": 0}]), "mu must be > 0"),
        (lambda w: SDLM([w]).add_param_group({"params": [parameter(1.0)], "lr": 0}), "lr"),
        (lambda w: SDLM([w]).set_curvature([]), "shapes"),
        (lambda w: SDLM([w]).set_curvature([torch.zeros(3)]), "shapes"),
        (lambda w: SDLM([w]).set_curvature(torch.zeros(1, 3)), "shapes"),
        (lambda w: SDLM([w]).set_curvature([-torch.ones(1)]), ">= 0"),
        (lambda w: SDLM([w]).set_curvature([torch.tensor([float("nan")])]), "finite"),
        (lambda w: SDLM([w]).set_curvature({"w": torch.tensor([float("inf")])}), "finite"),
        (
            lambda w: SDLM([torch.nn.Parameter(w.detach().float())]).set_curvature(
                [torch.tensor([1e39]).double()]
            ),
            "finite",
        ),
    ],
)
def test_wrong_calls_say_what_is_wrong(make, fault):
    with pytest.raises(ValueError, match=fault):
        make(parameter(1.0))


def test_curvature_is_of_tensors():
    with pytest.raises(TypeError, match="curvature must be tensors"):
        SDLM([parameter(1.0)]).set_curvature([[0.5]])


def test_a_refused_curvature_leaves_the_one_before():
    v, w = parameter(1.0), parameter(1.0)
    optimizer = SDLM([v, w], lr=0.01)
    optimizer.set_curvature([torch.zeros(1), torch.zeros(1)])
    with pytest.raises(ValueError, match="finite"):
        optimizer.set_curvature([torch.ones(1), torch.tensor([float("nan")])])
    assert [rate.item() for rate in optimizer.rates()] == pytest.approx([0.5, 0.5])


def test_a_later_group_has_rates_of_its_own_and_needs_a_curvature():
    v, w = parameter(1.0), parameter(1.0)
    optimizer = SDLM([v], lr=0.01)
    optimizer.set_curvature([torch.zeros(1)])
    optimizer.add_param_group({"params": [w], "lr": 0.03, "mu": 0.1})
    w.grad = torch.ones(1, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="SDLM has no curvature yet"):
        optimizer.step()
    optimizer.set_curvature([torch.zeros(1), torch.full((1,), 0.2)])
    assert [rate.item() for rate in optimizer.rates()] == pytest.approx([0.5, 0.1])


def test_a_scheduler_may_let_the_rate_fall_to_nothing():
    w = parameter(1.0)
    optimizer = SDLM([w], lr=0.01)
    optimizer.set_curvature([torch.zeros(1)])
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=2)
    for _ in range(4):
        w.grad = torch.ones(1, dtype=torch.float64)
        optimizer.step()
        scheduler.step()
    assert w.item() == pytest.approx(1 - 0.5 - 0.25)
    again = SDLM([w])
    again.load_state_dict(optimizer.state_dict())
    again.step()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_go_on_by_themselves(copied):
    optimizer = SDLM([parameter(1.0)], lr=0.01)
    optimizer.set_curvature([torch.zeros(1)])
    other = copied(optimizer)
    (w,) = other.param_groups[0]["params"]
    w.grad = torch.ones(1, dtype=torch.float64)
    other.step()
    assert w.item() == 0.5
    assert optimizer.param_groups[0]["params"][0].item() == 1
