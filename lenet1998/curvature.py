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

import math
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lenet1998.criteria import check_classes, check_labels, cross_entropy_curvature
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
"""f'(a) of each squashing function f, from y = f(a) alone; a subclass has its parent's.

:meta hide-value:
"""


def _no_rule(name: str, module: nn.Module, setting: str = "") -> TypeError:
    return TypeError(f"no curvature rule for {type(module).__name__}{setting} (layer {name!r})")


def _slope(squash: nn.Module, output: Tensor) -> Tensor:
    for kind in type(squash).__mro__:
        if kind in SLOPES:
            return SLOPES[kind](squash, output)
    raise TypeError(f"no slope for {type(squash).__name__}, which follows a subsampling")


def _squash(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    return _slope(call.module, call.output).square() * h, {}


def _backward(function: Callable[..., Tensor], h: Tensor, *squares: Tensor) -> tuple[Tensor, ...]:
    """h at a linear function's arguments: its backpropagation at the squares of all factors."""
    factors = [factor.clone().requires_grad_() for factor in squares]
    with torch.enable_grad():
        outputs = function(*factors)
    return torch.autograd.grad(outputs, factors, h)


def _bias(layer: Any, h: Tensor) -> dict[str, Tensor]:
    return {} if layer.bias is None else {"bias": h.sum([0, *range(2, h.ndim)])}


def _conv2d(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    layer = call.module
    if layer.padding_mode != "zeros":  # an input may then reach a unit by several connections
        raise _no_rule(call.name, layer, f" with padding_mode={layer.padding_mode}")
    geometry = (layer.stride, layer.padding, layer.dilation, layer.groups)
    h_inputs, h_weight = _backward(
        lambda x, u: F.conv2d(x, u, None, *geometry), h, call.input.square(), layer.weight.square()
    )
    return h_inputs, {"weight": h_weight, **_bias(layer, h)}


def _mapped_conv2d(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    layer = call.module
    dense = layer.dense(layer.weight)
    h_inputs, h_weight = _backward(F.conv2d, h, call.input.square(), dense.square())
    return h_inputs, {"weight": layer.connected(h_weight), **_bias(layer, h)}


def _subsampling(call: Call, h: Tensor, over: str = "sum") -> tuple[Tensor, dict[str, Tensor]]:
    layer = call.module
    h = _slope(layer.squash, call.output).square() * h
    if over == "sum":
        squares = layer.pooled(call.input).square()
    else:
        squares = layer.pooled(call.input.square())
        squares = squares / layer.window**2 if layer.average else squares
    h_weight = (h * squares).sum((0, 2, 3))
    share = layer.weight / layer.window**2 if layer.average else layer.weight
    h_pooled = share.square().view(-1, 1, 1) * h
    h_inputs = F.interpolate(h_pooled, scale_factor=layer.window)
    return h_inputs, {"weight": h_weight, **_bias(layer, h)}


def _average_pool(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    pool = call.module
    if pool.ceil_mode or not pool.count_include_pad:  # not all windows then weigh alike
        raise _no_rule(call.name, pool, " with ceil_mode=True or count_include_pad=False")
    window = pool.kernel_size
    area = window**2 if isinstance(window, int) else math.prod(window)
    (h_inputs,) = _backward(pool.forward, h, call.input)
    return h_inputs / (pool.divisor_override or area), {}


def _max_pool(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    (h_inputs,) = _backward(call.module.forward, h, call.input)
    return h_inputs, {}


def _linear(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    layer = call.module
    rows, inputs = h.flatten(0, -2), call.input.flatten(0, -2)
    h_weight = rows.T @ inputs.square()
    return h @ layer.weight.square(), {"weight": h_weight, **_bias(layer, rows)}


RULES: dict[type[nn.Module], Rule] = {
    nn.Conv2d: _conv2d,
    MappedConv2d: _mapped_conv2d,
    Subsampling2d: _subsampling,
    nn.AvgPool2d: _average_pool,
    nn.MaxPool2d: _max_pool,
    nn.Linear: _linear,
    **dict.fromkeys(SLOPES, _squash),
}
"""The rule of each module type; a subclass uses its parent's.

:meta hide-value:
"""


SUBSAMPLING: dict[str, Rule] = {
    "sum": _subsampling,
    "connections": partial(_subsampling, over="connections"),
}
"""The rules for a coefficient, which all four connections of a unit share.

``connections`` is eq. 23 at its word: each connection's square is added. ``sum`` squares the sum of
what the four bring, as the authors' library does, which keeps more than eq. 23 does: open question
Q16.

:meta hide-value:
"""


def _rule(module: nn.Module, rules: Mapping[type[nn.Module], Rule] = RULES) -> Rule | None:
    return next((rules[kind] for kind in type(module).__mro__ if kind in rules), None)


def _leaves(module: nn.Module, name: str = ""):
    """The modules that the recursion steps through, outermost first: (name, module)."""
    if _rule(module) is not None or isinstance(module, RBFOutput):
        yield name, module
    elif not any(True for _ in module.children()):
        raise _no_rule(name, module)
    else:
        for child_name, child in module.named_children():
            yield from _leaves(child, f"{name}.{child_name}" if name else child_name)


@contextmanager
def _taped(model: nn.Module):
    """Yield the list to which every leaf module's calls are added while the block runs."""
    tape: list[Call] = []

    def record(name):
        return lambda module, args, output: tape.append(Call(name, module, args[0], output))

    names: dict[nn.Module, str] = {}  # a module that serves in two places is told of once
    for name, leaf in _leaves(model):
        names.setdefault(leaf, name)
    handles = [leaf.register_forward_hook(record(name)) for leaf, name in names.items()]
    try:
        yield tape
    finally:
        for handle in handles:
            handle.remove()


def _check_chain(tape: list[Call], outputs: Tensor) -> None:
    """Refuse a network in which anything is done to values between two of its modules.

    Raises:
        TypeError: a branch, or a function that is no module, after a layer, which is named.
    """
    if not tape:
        raise TypeError("the model ran none of its modules: there is no curvature to find")
    for call, taken in zip(tape, [*(call.input for call in tape[1:]), outputs], strict=True):
        given = call.output
        if taken.data_ptr() == given.data_ptr() and taken.numel() == given.numel():
            continue
        # Flattening may have made a copy.
        if taken.numel() != given.numel() or not torch.allclose(
            taken.flatten(), given.flatten(), rtol=0, atol=0, equal_nan=True
        ):
            raise TypeError(
                f"the output of layer {call.name!r} must be the input of the next module: the"
                " curvature knows chains of modules, without branches or functions between them"
            )


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


@torch.inference_mode(False)  # where nothing could be backpropagated
@torch.no_grad()
def diagonal_curvature(
    model: nn.Module,
    criterion: nn.Module,
    images: Tensor,
    labels: Tensor,
    batch: int = 250,
    subsampling: str = "sum",
) -> dict[str, Tensor]:
    """The curvature of every parameter, averaged over the patterns given.

    Leaves gradients, the module's mode and all generators as they are.

    Args:
        model: a chain of modules that :data:`RULES` knows, such as
            :class:`~lenet1998.models.LeNet5`.
        criterion: the loss the model is trained with.
        images: (N, 1, H, W); the paper takes N = 500.
        labels: (N,) of int64.
        batch: how many patterns are held at once; the result does not depend on it.
        subsampling: a key of :data:`SUBSAMPLING`.

    Returns:
        {parameter name: tensor of its shape, all >= 0}, in the order of ``named_parameters``.

    Raises:
        TypeError: a module or a criterion without a rule, a network that is no chain, or labels
            that are not of int64.
        ValueError: another ``subsampling``, no patterns, not one label for each, labels out of
            range, or outputs at more than one position of a field.
    """
    if not len(images):
        raise ValueError("the curvature needs at least one pattern")
    if batch < 1:
        raise ValueError(f"batch must be >= 1, got {batch}")
    if subsampling not in SUBSAMPLING:
        raise ValueError(f"subsampling must be one of {', '.join(SUBSAMPLING)}: {subsampling!r}")
    rules = {**RULES, Subsampling2d: SUBSAMPLING[subsampling]}
    check_labels(labels, len(images))
    # By parameter, not by layer: two layers may share one, and their connections then add up.
    total = {p: torch.zeros_like(p) for p in model.parameters()}
    for part, target in zip(images.split(batch), labels.split(batch), strict=True):
        with _taped(model) as tape:
            outputs = model(part)
        if outputs.ndim != 2 and isinstance(tape[-1].module, (nn.Linear, RBFOutput)):
            raise ValueError(f"outputs must be (N, classes), got {tuple(outputs.shape)}")
        _check_chain(tape, outputs)
        check_classes(target, outputs.shape[-1])
        h = _start(tape, criterion, target)
        for call in reversed(tape):
            # Between two modules the maps may have been flattened: C5's 1x1 maps are a vector.
            rule = _rule(call.module, rules)
            assert rule is not None  # only modules that have one are on the tape
            h, of_parameters = rule(call, h.reshape(call.output.shape))
            for name, value in of_parameters.items():
                parameter = getattr(call.module, name)
                if parameter not in total:  # but made of others, as torch's parametrizations are
                    raise _no_rule(call.name, call.module, f" whose {name} is no parameter")
                total[parameter] += value
    return {name: total[p] / len(images) for name, p in model.named_parameters()}
