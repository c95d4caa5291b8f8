"""The two losses against plain sums, and their curvature against autograd's Hessian."""

import math

import pytest
import torch

from lenet1998.criteria import DiscriminativeLoss, DistanceLoss, output_curvature
from lenet1998.modules import RBFOutput
from lenet1998.recipes import RECIPES


def draw(n=5, scale=1.0):
    generator = torch.Generator().manual_seed(3)
    state = scale * torch.randn(n, 84, dtype=torch.float64, generator=generator)
    return state, torch.randint(0, 10, (n,), generator=generator)


@pytest.mark.parametrize("half", [False, True])
def test_distance_loss_is_the_mean_distance_to_the_right_code(half):
    distances = torch.rand(5, 10, dtype=torch.float64) * 100
    labels = torch.tensor([3, 1, 4, 1, 5])
    expected = sum(distances[i, c].item() for i, c in enumerate(labels)) / 5
    loss = DistanceLoss(half_distance=half)(distances, labels)
    assert loss.item() == pytest.approx(expected / 2 if half else expected)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("j", [0.5, 30.0])
def test_discriminative_loss_is_equation_nine(half, j):
    distances = torch.rand(4, 10, dtype=torch.float64) * 12
    labels = torch.tensor([0, 9, 2, 2])
    factor = 0.5 if half else 1.0
    expected = 0
    for row, label in zip(distances.tolist(), labels.tolist(), strict=True):
        total = math.exp(-j) + sum(math.exp(-factor * y) for y in row)
        expected += (factor * row[label] + math.log(total)) / 4
    loss = DiscriminativeLoss(j, half_distance=half)(distances, labels)
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_discriminative_loss_stays_finite_at_any_distance():
    labels = torch.tensor([0, 1])
    distances = torch.full((2, 10), 1e4, requires_grad=True)
    loss = DiscriminativeLoss(j=1e4 + 50, half_distance=False)(distances, labels)
    loss.backward()
    # Ten equal classes and no rubbish: log 10, whatever the distance.
    assert loss.item() == pytest.approx(math.log(10), rel=1e-3)
    assert distances.grad.isfinite().all()
    far = DiscriminativeLoss(j=1.0)(torch.full((1, 10), 1e30), torch.tensor([0]))
    assert far.isfinite()


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("scale", [0.3, 1.0])
@pytest.mark.parametrize("make", [DistanceLoss, lambda **k: DiscriminativeLoss(j=60.0, **k)])
def test_exact_curvature_is_the_hessian_diagonal_at_f6(make, half, scale):
    criterion = make(half_distance=half, curvature="gauss_newton")
    output = RBFOutput(dtype=torch.float64)
    state, labels = draw(scale=scale)
    # Close to one code, where the right and the wrong classes compete.
    state = output.codes[labels] * 0.2 + state
    curvature = criterion.state_curvature(state, output.codes, labels)
    for x, label, h in zip(state, labels, curvature, strict=True):
        hessian = torch.autograd.functional.hessian(
            lambda s, label=label: criterion(output(s[None]), label[None]), x
        )
        assert torch.allclose(h, hessian.diagonal(), rtol=1e-9, atol=1e-10)
    assert (curvature >= 0).all()


def test_the_defaults_are_those_of_original():
    assert repr(DiscriminativeLoss()) == repr(RECIPES["original"].build_criterion())


@pytest.mark.parametrize("criterion", [DistanceLoss, DiscriminativeLoss])
def test_constant_curvature_is_one_whatever_the_loss(criterion):
    state, labels = draw()
    h = criterion(curvature="constant").state_curvature(state, RBFOutput().codes.double(), labels)
    assert torch.equal(h, torch.ones_like(state))


def test_cross_entropy_curvature_is_its_hessian_diagonal():
    logits = torch.randn(1, 10, dtype=torch.float64)
    hessian = torch.autograd.functional.hessian(
        lambda z: torch.nn.functional.cross_entropy(z[None], torch.tensor([4])), logits[0]
    )
    curvature = output_curvature(torch.nn.CrossEntropyLoss(), logits)
    assert torch.allclose(curvature[0], hessian.diagonal())


@pytest.mark.parametrize(
    "make",
    [lambda: DistanceLoss(curvature="exact"), lambda: DiscriminativeLoss(j=0)],
)
def test_wrong_arguments_are_refused(make):
    with pytest.raises(ValueError, match="must be"):
        make()


@pytest.mark.parametrize("criterion", [DistanceLoss(), DiscriminativeLoss()])
@pytest.mark.parametrize(
    ("outputs", "labels", "error", "says"),
    [
        ((3, 10), torch.tensor([1, 2]), ValueError, r"labels must be \(3,\).*got \(2,\)"),
        ((3, 10), torch.tensor([1, 2, 3, 4]), ValueError, r"labels must be \(3,\)"),
        ((3, 10), torch.tensor([[1], [2], [3]]), ValueError, r"labels must be \(3,\)"),
        ((1, 10), torch.tensor(1), ValueError, r"labels must be \(1,\).*got \(\)"),
        ((2, 10), torch.tensor([1, 10]), ValueError, "labels must be 0 to 9, got 1 to 10"),
        ((2, 10), torch.tensor([-1, 1]), ValueError, "labels must be 0 to 9, got -1 to 1"),
        ((2, 10), torch.tensor([1.0, 2.0]), TypeError, "labels must be a tensor of int64.*float32"),
        ((2, 10), torch.tensor([True, False]), TypeError, "labels must be.*bool"),
        ((2, 10), [1, 2], TypeError, "labels must be a tensor of int64, got list"),
        ((10,), torch.tensor([1]), ValueError, r"distances must be \(N, classes\), got \(10,\)"),
    ],
)
def test_labels_that_do_not_fit_the_distances_are_refused(criterion, outputs, labels, error, says):
    with pytest.raises(error, match=says):
        criterion(torch.rand(outputs), labels)


@pytest.mark.parametrize("criterion", [DistanceLoss(), DiscriminativeLoss()])
@pytest.mark.parametrize("distances", [(torch.rand(1, 10),), torch.rand(1, 10).numpy(), None])
def test_distances_that_are_no_tensor_are_refused(criterion, distances):
    with pytest.raises(TypeError, match="distances must be a tensor, got "):
        criterion(distances, torch.tensor([1]))


@pytest.mark.parametrize("criterion", [DistanceLoss(), DiscriminativeLoss()])
def test_losses_can_be_compiled_whole(criterion):
    distances, labels = torch.rand(3, 10), torch.tensor([3, 1, 4])
    compiled = torch.compile(criterion, backend="eager", fullgraph=True)
    assert torch.equal(compiled(distances, labels), criterion(distances, labels))
