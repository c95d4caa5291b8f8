r"""The diagonal Gauss-Newton second derivatives of Appendix C, by backward recursion.

Like backpropagation, but with squared weights and squared slopes, one rule per module type. For a
unit with total input :math:`a_i` and output :math:`x_i = f(a_i)`:

.. math::
    \frac{\partial^2 E}{\partial a_i^2} = f'(a_i)^2 \sum_k u_{ki}^2
        \frac{\partial^2 E}{\partial a_k^2}, \qquad
    h_{kk} = \sum_{(i,j) \in V_k} \frac{\partial^2 E}{\partial a_i^2} x_j^2

where :math:`V_k` are the connections that share weight k (summed, not averaged), and h is averaged
over the patterns. Source: LeCun et al. 1998, eqs. 22 to 27.
"""

from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from lenet1998.criteria import cross_entropy_curvature
from lenet1998.modules import MappedConv2d, RBFOutput, ScaledTanh, Subsampling2d


class Call(NamedTuple):
    """One module's turn in the forward pass."""

    name: str
    module: Any  # of the type that its rule is for
    input: Tensor
    output: Tensor


Rule = Callable[[Call, Tensor], tuple[Tensor, dict[str, Tensor]]]
"""(call, h at its output) -> (h at its input, {parameter: h summed over the patterns}).
All h at units are per pattern, of the unit's shape."""


SLOPES: dict[type[nn.Module], Callable[[Any, Tensor], Tensor]] = {
    ScaledTanh: lambda f, y: f.slope * (f.amplitude - y.square() / f.amplitude),
    nn.Tanh: lambda f, y: 1 - y.square(),
    nn.Sigmoid: lambda f, y: y * (1 - y),
    nn.ReLU: lambda f, y: (y > 0).to(y),
    nn.Identity: lambda f, y: torch.ones_like(y),
}
"""f'(a) of each squashing function f, from y = f(a) alone; a subclass has its parent's."""


def _slope(squash: nn.Module, output: Tensor) -> Tensor:
    for kind in type(squash).__mro__:
        if kind in SLOPES:
            return SLOPES[kind](squash, output)
    raise TypeError(f"no slope for {type(squash).__name__}, which follows a subsampling")


def _squash(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    return _slope(call.module, call.output).square() * h, {}


def _dense_convolution(inputs: Tensor, weight: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
    """h at a convolution's inputs, and of its weights: both are correlations of squares."""
    h_inputs = F.conv_transpose2d(h, weight.square())
    h_weight = conv2d_weight(inputs.square(), weight.shape, h)
    return h_inputs, h_weight


def _conv2d(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    h_inputs, h_weight = _dense_convolution(call.input, call.module.weight, h)
    return h_inputs, {"weight": h_weight, "bias": h.sum((0, 2, 3))}


def _mapped_conv2d(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    layer = call.module
    h_inputs, h_weight = _dense_convolution(call.input, layer.dense(layer.weight), h)
    return h_inputs, {"weight": layer.connected(h_weight), "bias": h.sum((0, 2, 3))}


def _subsampling(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    layer = call.module
    h = _slope(layer.squash, call.output).square() * h
    h_weight = (h * layer.pooled(call.input).square()).sum((0, 2, 3))
    share = layer.weight / layer.window**2 if layer.average else layer.weight
    h_pooled = share.square().view(-1, 1, 1) * h
    h_inputs = F.interpolate(h_pooled, scale_factor=layer.window)
    return h_inputs, {"weight": h_weight, "bias": h.sum((0, 2, 3))}


def _average_pool(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    window = call.module.kernel_size
    return F.interpolate(h / window**4, scale_factor=window), {}


def _max_pool(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    window = call.module.kernel_size
    _, winners = F.max_pool2d(call.input, window, return_indices=True)
    return F.max_unpool2d(h, winners, window, output_size=call.input.shape), {}


def _linear(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    weight = call.module.weight
    return h @ weight.square(), {"weight": h.T @ call.input.square(), "bias": h.sum(0)}


RULES: dict[type[nn.Module], Rule] = {
    nn.Conv2d: _conv2d,
    MappedConv2d: _mapped_conv2d,
    Subsampling2d: _subsampling,
    nn.AvgPool2d: _average_pool,
    nn.MaxPool2d: _max_pool,
    nn.Linear: _linear,
    **dict.fromkeys(SLOPES, _squash),
}
"""The rule of each module type; a subclass uses its parent's."""


def _rule(module: nn.Module) -> Rule | None:
    return next((RULES[kind] for kind in type(module).__mro__ if kind in RULES), None)


def _leaves(module: nn.Module, name: str = ""):
    """The modules that the recursion steps through, outermost first: (name, module)."""
    if _rule(module) is not None or isinstance(module, RBFOutput):
        yield name, module
    elif not any(True for _ in module.children()):
        raise TypeError(f"no curvature rule for {type(module).__name__} (layer {name!r})")
    else:
        for child_name, child in module.named_children():
            yield from _leaves(child, f"{name}.{child_name}" if name else child_name)


@contextmanager
def _taped(model: nn.Module):
    """Yield the list to which every leaf module's calls are added while the block runs."""
    tape: list[Call] = []

    def record(name):
        return lambda module, args, output: tape.append(Call(name, module, args[0], output))

    handles = [leaf.register_forward_hook(record(name)) for name, leaf in _leaves(model)]
    try:
        yield tape
    finally:
        for handle in handles:
            handle.remove()


def _start(tape: list[Call], criterion: nn.Module, labels: Tensor) -> Tensor:
    """h where the recursion begins; an RBF layer is taken off the tape, as part of the loss."""
    last = tape[-1]
    if isinstance(last.module, RBFOutput):
        state_curvature = getattr(criterion, "state_curvature", None)
        if state_curvature is not None:
            tape.pop()
            return state_curvature(last.input, last.module.codes, labels)
    elif isinstance(criterion, nn.CrossEntropyLoss):
        return cross_entropy_curvature(last.output)
    output, loss = type(last.module).__name__, type(criterion).__name__
    raise TypeError(f"no curvature to start from for {loss} after {output}")


@torch.no_grad()
def diagonal_curvature(
    model: nn.Module, criterion: nn.Module, images: Tensor, labels: Tensor, batch: int = 250
) -> dict[str, Tensor]:
    """The curvature of every parameter, averaged over the patterns given.

    Leaves gradients, the module's mode and all generators as they are.

    Args:
        model: a chain of modules that :data:`RULES` knows, such as :class:`LeNet5`.
        criterion: the loss the model is trained with.
        images: (N, 1, H, W); the paper takes N = 500.
        labels: (N,) of int64.
        batch: how many patterns are held at once; the result does not depend on it.

    Returns:
        {parameter name: tensor of its shape, all >= 0}, in the order of ``named_parameters``.

    Raises:
        TypeError: a module or a criterion without a rule.
        ValueError: no patterns.
    """
    if not len(images):
        raise ValueError("the curvature needs at least one pattern")
    total = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for part, target in zip(images.split(batch), labels.split(batch), strict=True):
        with _taped(model) as tape:
            model(part)
        h = _start(tape, criterion, target)
        for call in reversed(tape):
            # Between two modules the maps may have been flattened: C5's 1x1 maps are a vector.
            rule = _rule(call.module)
            assert rule is not None  # only modules that have one are on the tape
            h, of_parameters = rule(call, h.reshape(call.output.shape))
            for name, value in of_parameters.items():
                total[f"{call.name}.{name}"] += value
    return {name: value / len(images) for name, value in total.items()}
