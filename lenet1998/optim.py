"""The stochastic diagonal Levenberg-Marquardt method, as a torch optimizer."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from lenet1998.curvature import diagonal_curvature, owner

_REFUSED = {
    "maximize": "the curvature is that of a loss which is to fall: turn the loss's sign",
    "foreach": "it updates one parameter at a time",
}
WRAPPERS = re.compile(r"^((module|_orig_mod)\.)+|(?<=\.)_orig_mod\.")
"""The parts of a parameter's name that torch.compile and data-parallel wrappers add."""

__all__ = ["SDLM"]


def _check_rates(group: Mapping[str, Any]) -> None:
    for key, name in (("lr", "lr (eta)"), ("mu", "mu")):
        if key in group and not 0 < group[key] < math.inf:
            raise ValueError(f"{name} must be > 0 and finite, got {group[key]}")
    if not 0 <= group.get("weight_decay", 0) < math.inf:
        raise ValueError(f"weight_decay must be >= 0 and finite, got {group['weight_decay']}")


class SDLM(Optimizer):
    r"""Gradient descent whose rate for each parameter falls with its curvature.

    .. math::
        w_k \leftarrow w_k - \epsilon_k \frac{\partial E^p}{\partial w_k}, \qquad
        \epsilon_k = \frac{\eta}{\mu + h_{kk}}

    The curvature h is given from outside (:func:`lenet1998.curvature.diagonal_curvature`) before
    each pass and frozen until it is given again. Source: LeCun et al. 1998, eqs. 18 and 21,
    Appendix C.

    Args:
        params: parameters, named parameters, or groups of them, as for any torch optimizer.
        lr: the global rate eta > 0.
        mu: what keeps the rate finite where the curvature vanishes, > 0.
        weight_decay: adds half of it times the squared weights to the loss: to the gradient
            weight_decay times the weight, and to the curvature weight_decay.

    The defaults are those of ``original``. ``maximize`` and ``foreach``, which torch's optimizers
    know, are refused.

    Raises:
        ValueError: a rate or mu, of a group too, that is not positive and finite (a scheduler may
            let the rate fall to 0), a negative weight_decay, maximize or foreach.
        RuntimeError: a step before any curvature was given.

    Example::

        >>> optimizer = SDLM(model.parameters(), lr=5e-4, mu=0.02)
        >>> optimizer.refresh(model, criterion, images, labels)
        >>> criterion(model(images[:1]), labels[:1]).backward()
        >>> optimizer.step()
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 5e-4,
        mu: float = 0.02,
        *,
        weight_decay: float = 0.0,
        maximize: bool = False,
        foreach: bool | None = None,
    ):
        for key, given in (("maximize", maximize), ("foreach", foreach)):
            if given:
                raise ValueError(f"SDLM has no {key}: {_REFUSED[key]}")
        defaults = {"lr": lr, "mu": mu, "weight_decay": weight_decay}
        _check_rates(defaults)
        super().__init__(params, defaults)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:  # of a state that is older than the setting
            group.setdefault("weight_decay", 0.0)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take up further parameters, with a rate or mu of their own or the optimizer's.

        Raises:
            ValueError: as for the class.
        """
        _check_rates(param_group)
        super().add_param_group(param_group)

    def refresh(
        self, model: nn.Module, criterion: nn.Module, images: Tensor, labels: Tensor, **settings
    ) -> None:
        """Estimate the curvature on patterns, and freeze it until the next call.

        Args:
            model, criterion, images, labels, settings: see
                :func:`~lenet1998.curvature.diagonal_curvature`, which also says what it raises.
        """
        self.set_curvature(diagonal_curvature(model, criterion, images, labels, **settings))

    def set_curvature(self, curvature: Mapping[str, Tensor] | Iterable[Tensor]) -> None:
        """Freeze a new curvature, a tensor of its shape for each parameter that learns.

        Tensors of :func:`~lenet1998.curvature.diagonal_curvature` go to the parameters that they
        are of, whatever the order and the names. Other tensors go by name if the optimizer was
        given named parameters, whatever torch.compile or a data-parallel wrapper puts before the
        names, and else by order. A list's order is taken at its word; a dict's only where no two
        parameters have one shape. Curvatures of parameters that are not the optimizer's are left.

        Args:
            curvature: tensors >= 0, or a dict of them by parameter name. Frozen parameters
                (``requires_grad`` False) have none.

        Raises:
            TypeError: not tensors.
            ValueError: not one tensor of the right shape for each parameter, an order that cannot
                be told, or a value that is negative or, in the parameter's dtype, not finite.
        """
        parameters = [p for group in self.param_groups for p in group["params"] if p.requires_grad]
        given = self._matched(curvature, parameters)
        shapes = [tuple(h.shape) for h in given]
        if shapes != [tuple(p.shape) for p in parameters]:
            raise ValueError(f"curvature must have the parameters' shapes, in order; got {shapes}")
        frozen = [h.detach().to(p, copy=True) for p, h in zip(parameters, given, strict=True)]
        if not all(bool(((h >= 0) & h.isfinite()).all()) for h in frozen):
            raise ValueError("curvature must be >= 0 and finite: eta / (mu + h) is to be a rate")
        for p, h in zip(parameters, frozen, strict=True):
            self.state[p]["curvature"] = h

    def _matched(self, curvature, parameters: list[Tensor]) -> list[Tensor]:
        """The curvatures given, in the parameters' order."""
        named = isinstance(curvature, Mapping)
        given = list(curvature.values() if named else curvature)
        if not all(isinstance(h, Tensor) for h in given):
            raise TypeError("curvature must be tensors, in a mapping or in the parameters' order")
        owners = {id(owner(h)): h for h in given}
        if all(id(p) in owners for p in parameters):
            return [owners[id(p)] for p in parameters]
        if not named:
            return given
        by_name = {WRAPPERS.sub("", name): h for name, h in curvature.items()}
        names = [
            WRAPPERS.sub("", name)
            for group in self.param_groups
            for name, p in zip(group.get("param_names", ()), group["params"], strict=False)
            if p.requires_grad
        ]
        if names:
            missing = [name for name in names if name not in by_name]
            if missing:
                raise ValueError(
                    f"curvature names {list(by_name)} lack the parameters' names {missing}"
                )
            return [by_name[name] for name in names]
        if len({p.shape for p in parameters}) < len(parameters):
            raise ValueError(
                "curvature by name needs SDLM(model.named_parameters()): parameters of one shape"
                " could change places; or give a list in the order of SDLM's parameters"
            )
        return given

    def _curvature(self, p: Tensor) -> Tensor:
        if "curvature" not in self.state[p]:
            raise RuntimeError(
                "SDLM has no curvature yet: call"
                " refresh(model, criterion, images, labels), or"
                " set_curvature(diagonal_curvature(model, criterion, images, labels)), first"
            )
        return self.state[p]["curvature"]

    def rates(self) -> list[Tensor]:
        """The effective rates eta / (mu + h), one tensor per parameter that learns."""
        return [
            group["lr"] / (group["mu"] + group["weight_decay"] + self._curvature(p))
            for group in self.param_groups
            for p in group["params"]
            if p.requires_grad
        ]

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient.

        Args:
            closure: re-evaluates the loss and returns it; optional.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            decay = group["weight_decay"]
            for p in group["params"]:
                if p.grad is not None:
                    gradient = p.grad.add(p, alpha=decay) if decay else p.grad
                    constant = group["mu"] + decay
                    p.addcdiv_(gradient, self._curvature(p) + constant, value=-group["lr"])
        return loss
