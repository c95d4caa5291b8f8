"""SDLM: the update by hand, its refusals, and its state."""

import copy
import pickle

import pytest
import torch

from lenet1998 import build_model
from lenet1998.optim import SDLM


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


def test_curvature_is_matched_by_name_or_by_order():
    model = build_model()
    h = {name: torch.rand_like(p) for name, p in model.named_parameters()}
    named = SDLM(model.named_parameters())
    named.set_curvature(dict(reversed(h.items())))
    plain = SDLM(model.parameters())
    plain.set_curvature(h)
    assert all(map(torch.equal, named.rates(), plain.rates()))
    with pytest.raises(ValueError, match="names"):
        named.set_curvature({"c9.weight": torch.zeros(1)})


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
