r"""The diagonal Gauss-Newton second derivatives of Appendix C, by backward recursion.

Like backpropagation, but with squared weights and squared slopes, one rule per module type. For a
unit with total input :math:`a_i` and output :math:`x_i = f(a_i)`:

.. math::
    \frac{\partial^2 E}{\partial a_i^2} = f'(a_i)^2 \sum_k u_{ki}^2
        \frac{\partial^2 E}{\partial a_k^2}, \qquad
    h_{kk} = \sum_{(i,j) \in V_k} \frac{\partial^2 E}{\partial a_i^2} x_j^2

where :math:`V_k` are the connections that share weight k (summed, not averaged), and h is averaged
over the patterns. Source: LeCun et al. 1998, eqs. 22 to 27.

The recursion runs as autograd's: each module becomes one node of its graph, whose backward is the
module's rule. What a network does between its modules is therefore seen, and refused unless it
passes h on as it passes gradients.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from lenet1998.criteria import check_outputs, output_curvature, pattern_shares
from lenet1998.curvature.rules import (
    PAGE,
    PLAIN,
    RULES,
    SLOPES,
    SUBSAMPLING,
    Add,
    Call,
    Rule,
    Slope,
    no_rule,
    register_rule,
    register_slope,
    rule_of,
)
from lenet1998.errors import as_int
from lenet1998.modules import RBFOutput, Subsampling2d

__all__ = [
    "RULES",
    "SELECTIONS",
    "SLOPES",
    "SUBSAMPLING",
    "Add",
    "Call",
    "Rule",
    "Slope",
    "diagonal_curvature",
    "register_rule",
    "register_slope",
]

SELECTIONS = frozenset(
    f"{name}Backward{version}"
    for name in (
        *("Alias", "Clone", "ConstantPadNd", "Expand", "Flip", "Index", "IndexSelect", "Permute"),
        *("Repeat", "Roll", "Select", "Slice", "Split", "SplitWithSizes", "Squeeze", "T", "Unbind"),
        *("Transpose", "UnsafeView", "Unsqueeze", "View", "ReshapeAlias", "Cat", "Stack", "Relu"),
        *("Narrow", "MaxPool2DWithIndices"),
    )
    for version in range(3)
) | {"torch::autograd::CopyBackwards", "torch::autograd::AccumulateGrad"}
"""Autograd's nodes for functions that pass each value on as it is, or leave it out.

Their slopes are 0 and 1, which are their own squares: they pass h on as they pass gradients.

:meta hide-value:
"""

_OWNERS = WeakTensorKeyDictionary()
"""The parameter of each curvature that is still in use."""


def owner(h: Tensor) -> Tensor | None:
    """The parameter whose curvature a tensor is, if :func:`diagonal_curvature` returned it."""
    return _OWNERS.get(h)


def inner(module: Any) -> Any:
    """The module that torch.compile or a data-parallel wrapper was given."""
    wrappers = (nn.DataParallel, nn.parallel.DistributedDataParallel)
    while isinstance(module, wrappers) or hasattr(module, "_orig_mod"):
        module = module.module if isinstance(module, wrappers) else module._orig_mod
    return module


def _uncompiled(model: nn.Module):
    """Run compiled parts as they are written: inside a compiled one nothing is seen."""
    compiled = any(hasattr(m, "_orig_mod") or m._compiled_call_impl for m in model.modules())
    return torch.compiler.set_stance("force_eager") if compiled else nullcontext()


class _Turn(torch.autograd.Function):
    """A module's turn as one node, whose backward is the module's rule."""

    @staticmethod
    def forward(ctx, call, rule, given, *learning):
        ctx.call, ctx.rule = call, rule
        return call.output.clone()  # so that nobody writes into the call

    @staticmethod
    def backward(ctx, h):
        call = ctx.call
        answer = ctx.rule(call, h)
        if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], Mapping)):
            raise no_rule(call.name, call.module, ": its rule returns no (h, {name: h})")
        h_input, of_parameters = answer
        own = dict(call.module.named_parameters())
        for name in of_parameters.keys() - own.keys():  # made of others, as parametrizations are
            raise no_rule(call.name, call.module, f" whose {name} is no parameter")
        learning = {name: p for name, p in own.items() if p.requires_grad}
        for name in learning.keys() - of_parameters.keys():
            raise no_rule(call.name, call.module, f": none for its {name}")
        found = [h_input, *(of_parameters[name] for name in learning)]
        for value, of in zip(found, [call.input, *learning.values()], strict=True):
            if not isinstance(value, Tensor) or value.shape != of.shape:
                raise no_rule(call.name, call.module, ": its rule returns h of other shapes")
        return None, None, *found


def _leaves(module: nn.Module, rules: Mapping, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The modules that have a rule, outermost first: (name, module).

    Raises:
        TypeError: a module without one, or one that draws or takes statistics as it runs.
    """
    normalizes = isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d))
    draws = isinstance(module, (nn.Dropout, nn.Dropout1d, nn.Dropout2d)) and module.p > 0
    if module.training and (draws or normalizes):
        raise no_rule(name, module, " in training mode: call model.eval() first")
    if normalizes and module.running_mean is None:
        raise no_rule(name, module, " without running statistics")
    if rule_of(module, rules) is not None:
        yield name, module
    elif isinstance(module, tuple(rules)):
        raise no_rule(name, module, " with a forward of its own")
    elif any(True for _ in module.children()):
        for child_name, child in module.named_children():
            yield from _leaves(child, rules, f"{name}.{child_name}" if name else child_name)
    elif not isinstance(module, PLAIN):
        raise no_rule(name, module)


def _hooks(leaf: nn.Module, name: str, rule: Rule, turns: list[tuple]) -> tuple[Callable, Callable]:
    """The hooks before and after a module that make it one node of autograd's graph."""
    entered: list[tuple[Tensor, Tensor]] = []

    def before(module, args, kwargs):
        values = [*args, *kwargs.values()]
        if len(values) != 1 or not isinstance(values[0], Tensor):
            raise no_rule(name, leaf, " of anything but one tensor")
        entered.append((values[0], values[0].detach().clone()))
        return (entered[-1][1],), {}

    def after(module, args, output):
        given, taken = entered.pop()
        if not isinstance(output, Tensor):
            raise no_rule(name, leaf, " that returns anything but one tensor")
        in_place = taken._version > 0
        call = Call(name, leaf, given.detach().clone() if in_place else taken, output.detach())
        learning = [p for p in leaf.parameters() if p.requires_grad]
        output = _Turn.apply(call, rule, given, *learning)
        turns.append((call, output, output.grad_fn))
        if in_place:  # who else has the input finds it changed
            given.copy_(output)
        return output

    return before, after


@contextmanager
def _as_nodes(model: nn.Module, rules: Mapping[type[nn.Module], Rule]) -> Iterator[None]:
    """Make every module that has a rule one node of autograd's graph while the block runs.

    Raises:
        TypeError: at the end, an output that was written into behind autograd's back.
    """
    turns: list[tuple[Call, Tensor, Any]] = []
    names: dict[nn.Module, str] = {}  # a module that serves in two places is told of once
    for name, leaf in _leaves(model, rules):
        names.setdefault(leaf, name)
    handles = []
    for leaf, name in names.items():
        before, after = _hooks(leaf, name, cast(Rule, rule_of(leaf, rules)), turns)
        # Next to the module: what the caller's own hooks do is done between modules.
        handles.append(leaf.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(leaf.register_forward_hook(after, prepend=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
    for call, output, node in turns:
        same = output.shape == call.output.shape and torch.allclose(
            output, call.output, rtol=0, atol=0, equal_nan=True
        )
        if output.grad_fn is node and not same:
            raise TypeError(f"the output of layer {call.name!r} was changed where autograd is off")


def _sources(node: Any) -> set:
    """The modules' turns and the parameters that a value was made of, as nodes of the graph."""
    if node is None:
        return set()
    if hasattr(node, "call") or not node.next_functions:
        return {node}
    return set().union(*(_sources(before) for before, _ in node.next_functions))


def _turns(node: Any) -> list[str]:
    """The names of the layers that a value comes from."""
    return sorted({source.call.name for source in _sources(node) if hasattr(source, "call")})


def _passes(node: Any) -> bool:
    """Test for a function between modules that passes h on; a product is made to."""
    kind, edges = node.name(), [before for before, _ in node.next_functions]
    if kind in SELECTIONS:
        return True
    if kind not in ("AddBackward0", "MulBackward0") or _sources(edges[0]) & _sources(edges[1]):
        return False  # a value added to itself, or multiplied by itself, has another slope
    if kind == "AddBackward0":
        return node._saved_alpha == 1
    factors = (node._saved_other, node._saved_self)
    for constant, before, other in zip(reversed(factors), edges, reversed(edges), strict=True):
        if before is None and constant.ndim and (other.name() not in SELECTIONS or _turns(other)):
            return False  # a mask that may have been drawn, as dropout's is

    def squared(gradients, at_output):
        return tuple(
            None if g is None else (at_output[0] * factor.square()).sum_to_size(g.shape)
            for g, factor in zip(gradients, factors, strict=True)
        )

    node.register_hook(squared)
    return True


def _check_graph(outputs: Tensor) -> None:
    """Refuse a network that does between its modules what the recursion cannot follow.

    Raises:
        TypeError: names the function and the layers before it.
    """
    ahead, seen = [outputs.grad_fn], set()
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        call = getattr(node, "call", None)
        if call is None and not _passes(node):
            after = " and ".join(f"layer {name!r}" for name in _turns(node)) or "no layer"
            raise TypeError(
                f"the curvature cannot follow {node.name()}, a function between modules (after"
                f" {after}): compute it by modules that have rules, and sums by Add; see {PAGE}"
            )
        if call and isinstance(call.module, RBFOutput) and node is not outputs.grad_fn:
            raise no_rule(call.name, call.module, " before the network's output")
        ahead += [before for before, _ in node.next_functions]


def _start(outputs: Tensor, criterion: Any) -> Tensor:
    """h at the outputs; RBF units are part of the loss, whose rule then asks the loss itself."""
    last = getattr(outputs.grad_fn, "call", None)
    after_codes = last is not None and isinstance(last.module, RBFOutput)
    if after_codes != hasattr(criterion, "state_curvature"):
        output = type(last.module).__name__ if last is not None else "a function"
        raise TypeError(f"no curvature to start from for {type(criterion).__name__} after {output}")
    return torch.ones_like(outputs) if after_codes else output_curvature(criterion, outputs)


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
    """The curvature of every parameter that learns, averaged over the patterns given.

    Leaves gradients, the module's mode, the images and all generators as they are.

    Args:
        model: modules that :data:`~lenet1998.curvature.rules.RULES` knows, such as
            :class:`~lenet1998.models.LeNet5`. It may be compiled or data-parallel: the module
            within is used.
        criterion: the loss the model is trained with: of :mod:`lenet1998.criteria`,
            :class:`torch.nn.CrossEntropyLoss` or :class:`torch.nn.MSELoss`.
        images: (N, ...), as the model takes them; the paper takes N = 500.
        labels: (N,) of int64; for ``MSELoss`` of the outputs' shape.
        batch: the number of patterns held at once; the result does not depend on it.
        subsampling: a key of :data:`~lenet1998.curvature.rules.SUBSAMPLING`.

    Returns:
        {parameter name: tensor of its shape, all >= 0}, in the order of ``named_parameters``,
        without the frozen ones (``requires_grad`` False).

    Raises:
        TypeError: anything but a module and a tensor of images, a module or a criterion without a
            rule, a function between modules that the
            recursion cannot follow, a parameter that learns and that no rule reached, or labels
            that are not of int64. The message names it.
        ValueError: another ``subsampling``, no patterns, not one label for each, labels out of
            range, or outputs of another shape than the loss is of.
    """
    for name, value, kind in (("model", model, nn.Module), ("images", images, Tensor)):
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be a torch {kind.__name__}, got {type(value).__name__}")
    if not len(images):
        raise ValueError("the curvature needs at least one pattern")
    batch = as_int("batch", batch)
    if subsampling not in SUBSAMPLING:
        raise ValueError(f"subsampling must be one of {', '.join(SUBSAMPLING)}: {subsampling!r}")
    net, loss = inner(model), inner(criterion)
    shares = pattern_shares(loss, labels, len(images))
    parameters = ((name.replace("_orig_mod.", ""), p) for name, p in net.named_parameters())
    learning = {name: p for name, p in parameters if p.requires_grad}
    # By parameter, not by layer: two layers may share one, and their connections then add up.
    total = {name: torch.zeros_like(p) for name, p in learning.items()}
    missed = set(learning)
    for part, target, share in zip(
        *(t.split(batch) for t in (images, labels, shares)), strict=True
    ):

        def of_codes(call, _, target=target):
            return loss.state_curvature(call.input, call.module.codes, target), {}

        rules = {**RULES, Subsampling2d: SUBSAMPLING[subsampling], RBFOutput: of_codes}
        with _as_nodes(net, rules), _uncompiled(net), torch.enable_grad():
            outputs = net(part.clone())
        if not isinstance(outputs, Tensor):
            raise TypeError(f"the model must return one tensor, got {type(outputs).__name__}")
        check_outputs(loss, outputs, target)
        if outputs.grad_fn is None:  # nothing in it learns
            continue
        h = _start(outputs, loss) * share.view(-1, *[1] * (outputs.ndim - 1))
        _check_graph(outputs)
        found = torch.autograd.grad(outputs, [*learning.values()], h, allow_unused=True)
        for name, value in zip(learning, found, strict=True):
            if value is not None:
                total[name] += value
                missed.discard(name)
    if missed:
        names = ", ".join(name for name in learning if name in missed)
        raise TypeError(f"no rule reached the parameters {names}: freeze them, or see {PAGE}")
    curvature = {name: h / len(images) for name, h in total.items()}
    for name, h in curvature.items():
        _OWNERS[h] = learning[name]
    return curvature
