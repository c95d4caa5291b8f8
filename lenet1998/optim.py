"""The stochastic diagonal Levenberg-Marquardt method, as a torch optimizer."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

__all__ = ["SDLM"]


def _check_rates(group: Mapping[str, Any]) -> None:
    for key, name in (("lr", "lr (eta)"), ("mu", "mu")):
        if key in group and not 0 < group[key] < math.inf:
            raise ValueError(f"{name} must be > 0 and finite, got {group[key]}")


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

    Raises:
        ValueError: a rate or mu, of a group too, that is not positive and finite. (A scheduler may
            let the rate fall to 0.)
        RuntimeError: a step before any curvature was given.

    Example::

        >>> optimizer = SDLM(model.parameters(), lr=5e-4, mu=0.02)
        >>> optimizer.set_curvature(diagonal_curvature(model, criterion, images, labels))
        >>> criterion(model(images[:1]), labels[:1]).backward()
        >>> optimizer.step()
    """

    def __init__(self, params, lr: float = 5e-4, mu: float = 0.02):
        defaults = {"lr": lr, "mu": mu}
        _check_rates(defaults)
        super().__init__(params, defaults)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take up further parameters, with a rate or mu of their own or the optimizer's.

        Raises:
            ValueError: as for the class.
        """
        _check_rates(param_group)
        super().add_param_group(param_group)

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def set_curvature(self, curvature: Mapping[str, Tensor] | Iterable[Tensor]) -> None:
        """Freeze a new curvature, one tensor of each parameter's shape, in the parameters' order.

        Args:
            curvature: tensors >= 0, or a dict of them by parameter name, which is matched by name
                if the optimizer was given named parameters and by order if not.

        Raises:
            TypeError: not tensors.
            ValueError: not one tensor of the right shape for each parameter, or a value that is
                negative or, in the parameter's dtype, not finite.
        """
        parameters = self._parameters()
        names = [name for group in self.param_groups for name in group.get("param_names", ())]
        if isinstance(curvature, Mapping):
            if names and set(names) == set(curvature):
                curvature = [curvature[name] for name in names]
            elif names:
                raise ValueError(f"curvature names {list(curvature)} are not parameters' {names}")
            else:
                curvature = curvature.values()
        given = list(curvature)
        if not all(isinstance(h, Tensor) for h in given):
            raise TypeError("curvature must be tensors, in a mapping or in the parameters' order")
        shapes = [tuple(h.shape) for h in given]
        if shapes != [tuple(p.shape) for p in parameters]:
            raise ValueError(f"curvature must have the parameters' shapes, in order; got {shapes}")
        frozen = [h.detach().to(p, copy=True) for p, h in zip(parameters, given, strict=True)]
        if not all(bool(((h >= 0) & h.isfinite()).all()) for h in frozen):
            raise ValueError("curvature must be >= 0 and finite: eta / (mu + h) is to be a rate")
        for p, h in zip(parameters, frozen, strict=True):
            self.state[p]["curvature"] = h

    def _curvature(self, p: Tensor) -> Tensor:
        if "curvature" not in self.state[p]:
            raise RuntimeError(
                "SDLM has no curvature yet: call"
                " set_curvature(diagonal_curvature(model, criterion, images, labels)) first"
            )
        return self.state[p]["curvature"]

    def rates(self) -> list[Tensor]:
        """The effective rates eta / (mu + h), one tensor per parameter."""
        return [
            group["lr"] / (group["mu"] + self._curvature(p))
            for group in self.param_groups
            for p in group["params"]
        ]

    @torch.no_grad()
    def step(self, closure=None):
        """Update every parameter that has a gradient.

        Args:
            closure: re-evaluates the loss and returns it; optional.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.addcdiv_(p.grad, self._curvature(p) + group["mu"], value=-group["lr"])
        return loss
