"""The backward rule of each module type for the recursion of :mod:`lenet1998.curvature`."""

import inspect
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lenet1998.modules import MappedConv2d, ScaledTanh, Subsampling2d

PAGE = "docs/own-network.md"


class Call(NamedTuple):
    """One module's turn in the forward pass."""

    name: str
    module: Any  # of the type that its rule is for
    input: Tensor
    output: Tensor


Rule = Callable[[Call, Tensor], tuple[Tensor, dict[str, Tensor]]]
"""(call, h at its output) -> (h at its input, {parameter: h summed over the patterns}).
All h at units are per pattern, of the unit's shape."""

Slope = Callable[[Any, Tensor], Tensor]
"""(module, its output) -> f'(a) at each unit."""


class Add(nn.Module):
    """Add tensors of one shape: a residual sum ``add(layers(x), x)``.

    Its curvature passes on to each term: what one term has to do with another is dropped, as the
    recursion drops what two units of a layer have to do with each other.

    Shape:
        - Inputs: two or more tensors of one shape.
        - Output: the same shape.

    Raises:
        ValueError: tensors of several shapes, which would be broadcast.
    """

    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        shapes = [tuple(term.shape) for term in (first, *others)]
        if len(set(shapes)) > 1:
            raise ValueError(f"Add needs tensors of one shape, got {shapes}")
        return sum(others, first)


SLOPES: dict[type[nn.Module], Slope] = {
    ScaledTanh: lambda f, y: f.slope * (f.amplitude - y.square() / f.amplitude),
    nn.Tanh: lambda f, y: 1 - y.square(),
    nn.Sigmoid: lambda f, y: y * (1 - y),
    nn.ReLU: lambda f, y: (y > 0).to(y),
    nn.Identity: lambda f, y: torch.ones_like(y),
}
"""f'(a) of each squashing function f, from y = f(a) alone; :func:`register_slope` adds to them.

:meta hide-value:
"""

PLAIN: tuple[type[nn.Module], ...] = (
    *(Add, nn.Flatten, nn.Unflatten, nn.ZeroPad2d, nn.ConstantPad2d),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d),
)
"""Modules that only move or add values, and need no rule: see
:data:`~lenet1998.curvature.SELECTIONS`.

:meta hide-value:
"""


def no_rule(name: str, module: nn.Module, why: str = "") -> TypeError:
    """The error for a layer that has no rule, with the rules there are."""
    known = ", ".join(sorted(kind.__name__ for kind in {*RULES, *PLAIN}))
    return TypeError(
        f"no curvature rule for {type(module).__name__}{why} (layer {name!r}). Known are {known};"
        f" register_rule and register_slope add others: see {PAGE}"
    )


def _squash(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    kind = next(kind for kind in type(call.module).__mro__ if kind in SLOPES)
    slope = SLOPES[kind](call.module, call.output)
    if not isinstance(slope, Tensor) or slope.shape != call.output.shape:
        found = tuple(slope.shape) if isinstance(slope, Tensor) else repr(slope)
        raise no_rule(call.name, call.module, f" with slopes of {found}")
    return slope.square() * h, {}


def _backward(function: Callable[..., Tensor], h: Tensor, *squares: Tensor) -> tuple[Tensor, ...]:
    """h at a linear function's arguments: its backpropagation at the squares of all factors."""
    factors = [factor.clone().requires_grad_() for factor in squares]
    with torch.enable_grad():
        outputs = function(*factors)
    return torch.autograd.grad(outputs, factors, h)


def _slope_at_input(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    # A copy: the module may work in place.
    (slope,) = _backward(lambda a: call.module(a.clone()), torch.ones_like(h), call.input)
    return slope.square() * h, {}


def _bias(layer: Any, h: Tensor) -> dict[str, Tensor]:
    return {} if layer.bias is None else {"bias": h.sum([0, *range(2, h.ndim)])}


def _conv2d(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Any layer whose output is a sum of weights times inputs, of maps (N, C, H, W)."""
    layer = call.module
    if getattr(layer, "padding_mode", "zeros") != "zeros":  # several connections to one unit
        raise no_rule(call.name, layer, f" with padding_mode={layer.padding_mode}")
    if call.input.ndim != 4:
        raise no_rule(call.name, layer, f" of maps {tuple(call.input.shape)}, not (N, C, H, W)")
    if "weight" not in layer._parameters:
        raise no_rule(call.name, layer, " whose weight is no parameter")
    h_inputs, h_weight = _backward(
        lambda x, u: functional_call(layer, {"weight": u}, (x,)),
        *(h, call.input.square(), layer.weight.square()),
    )
    return h_inputs, {"weight": h_weight, **_bias(layer, h)}


def _linear(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    layer = call.module
    rows, inputs = (t.reshape(-1, t.shape[-1]) for t in (h, call.input))
    h_weight = rows.T @ inputs.square()
    return h @ layer.weight.square(), {"weight": h_weight, **_bias(layer, rows)}


def _subsampling(call: Call, h: Tensor, over: str = "sum") -> tuple[Tensor, dict[str, Tensor]]:
    layer = call.module
    pooled = layer.pooled(call.input)
    activation = layer.weight.view(-1, 1, 1) * pooled
    if layer.bias is not None:
        activation = activation + layer.bias.view(-1, 1, 1)
    squash = Call(f"{call.name}.squash", layer.squash, activation, call.output)
    rule = rule_of(squash.module)
    if rule is None:
        raise no_rule(squash.name, squash.module)
    h, of_squash = rule(squash, h)
    # What an input counts for in its window: 1, or its share of a mean.
    (share,) = _backward(layer.pooled, torch.ones_like(h), call.input)
    squares = pooled.square() if over == "sum" else layer.pooled(share * call.input.square())
    (h_inputs,) = _backward(layer.pooled, layer.weight.square().view(-1, 1, 1) * h, call.input)
    of_parameters = {"weight": (h * squares).sum((0, 2, 3)), **_bias(layer, h)}
    of_parameters |= {f"squash.{name}": value for name, value in of_squash.items()}
    return share * h_inputs, of_parameters


def _average_pool(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    pool = call.module
    if pool.ceil_mode or not pool.count_include_pad:  # not all windows then weigh alike
        raise no_rule(call.name, pool, " with ceil_mode=True or count_include_pad=False")
    window = pool.kernel_size
    area = window**2 if isinstance(window, int) else math.prod(window)
    (h_inputs,) = _backward(pool.forward, h, call.input)
    return h_inputs / (pool.divisor_override or area), {}


def _max_pool(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    (h_inputs,) = _backward(call.module.forward, h, call.input)
    return h_inputs, {}


def _batch_norm(call: Call, h: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Outside training an affine map of each channel."""
    layer, x = call.module, call.input
    per_channel = (-1, *[1] * (x.ndim - 2))
    precision = 1 / (layer.running_var + layer.eps).view(per_channel)
    deviation = x - layer.running_mean.view(per_channel)
    if layer.weight is None:
        return precision * h, {}
    h_weight = _bias(layer, deviation.square() * precision * h)["bias"]
    h_inputs = layer.weight.square().view(per_channel) * precision * h
    return h_inputs, {"weight": h_weight, **_bias(layer, h)}


RULES: dict[type[nn.Module], Rule] = {
    nn.Conv2d: _conv2d,
    MappedConv2d: _conv2d,
    Subsampling2d: _subsampling,
    nn.AvgPool2d: _average_pool,
    nn.MaxPool2d: _max_pool,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.LeakyReLU: _slope_at_input,
    nn.GELU: _slope_at_input,
    **dict.fromkeys(SLOPES, _squash),
}
"""The rule of each module type; a subclass that computes the same uses its parent's.

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


def computes_as(module: object, kind: type) -> bool:
    """Test for an object of a type, or of a subclass that computes nothing else."""
    forwards = ("forward", "_conv_forward")
    return isinstance(module, kind) and not any(
        name in vars(module) or getattr(type(module), name, None) is not getattr(kind, name, None)
        for name in forwards
    )


def rule_of(module: nn.Module, rules: Mapping[type[nn.Module], Rule] | None = None) -> Rule | None:
    """The rule for a module, if there is one."""
    rules = RULES if rules is None else rules
    kind = next((kind for kind in type(module).__mro__ if kind in rules), None)
    return rules[kind] if kind is not None and computes_as(module, kind) else None


def register_rule(kind: type[nn.Module], rule: Rule) -> None:
    """Give a module type of one's own a rule.

    Args:
        kind: takes one tensor and returns one; subclasses with its ``forward`` use the rule too.
        rule: a :data:`Rule`: of a :class:`Call` and h at its output, which has the output's shape.
            It returns h at the input, of the input's shape, and a dict with h of each of the
            module's own parameters that learn, of its shape.

    Raises:
        TypeError: no module type, or no function of two arguments.

    Example::

        >>> class Scale(torch.nn.Module):
        ...     def __init__(self, channels):
        ...         super().__init__()
        ...         self.gain = torch.nn.Parameter(torch.ones(channels))
        ...     def forward(self, x):
        ...         return self.gain * x
        >>> def scaled(call, h):
        ...     of_gain = (h * call.input.square()).sum(0)
        ...     return h * call.module.gain.square(), {"gain": of_gain}
        >>> register_rule(Scale, scaled)
    """
    _check_registered(kind, rule, "rule(call, h)")
    RULES[kind] = rule


def register_slope(kind: type[nn.Module], slope: Slope) -> None:
    """Give a squashing function of one's own, an elementwise f, its slope.

    Args:
        kind: the function as a module type; it has no parameters.
        slope: f'(a) at each unit, a function of the module and its output f(a).

    Raises:
        TypeError: no module type, or no function of two arguments.

    Example::

        >>> register_slope(torch.nn.Softsign, lambda f, y: (1 - y.abs()).square())
    """
    _check_registered(kind, slope, "slope(module, output)")
    SLOPES[kind] = slope
    RULES[kind] = _squash


def _check_registered(kind: type, function: Callable, form: str) -> None:
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)) or kind is nn.Module:
        raise TypeError(f"a subclass of torch.nn.Module must be registered, got {kind!r}")
    if not callable(function):
        raise TypeError(f"{form} must be a function, got {function!r}")
    with suppress(ValueError):  # functions of C, which show no arguments
        try:
            inspect.signature(function).bind(None, None)
        except TypeError:
            raise TypeError(f"{form} takes two arguments, which {function!r} does not") from None
