"""The stochastic diagonal Levenberg-Marquardt method, as a torch optimizer."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.optim import Optimizer


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
        ValueError: a rate or mu that is not positive.
        RuntimeError: a step before any curvature was given.

    Example::

        >>> optimizer = SDLM(model.parameters(), lr=5e-4, mu=0.02)
        >>> optimizer.set_curvature(diagonal_curvature(model, criterion, images, labels))
        >>> criterion(model(images[:1]), labels[:1]).backward()
        >>> optimizer.step()
    """

    def __init__(self, params, lr: float = 5e-4, mu: float = 0.02):
        if not lr > 0:
            raise ValueError(f"lr (eta) must be > 0, got {lr}")
        if not mu > 0:
            raise ValueError(f"mu must be > 0, got {mu}")
        super().__init__(params, {"lr": lr, "mu": mu})

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def set_curvature(self, curvature: Mapping[str, Tensor] | Iterable[Tensor]) -> None:
        """Freeze a new curvature, one tensor of each parameter's shape, in the parameters' order.

        Args:
            curvature: tensors >= 0, or a dict of them by parameter name, which is matched by name
                if the optimizer was given named parameters and by order if not.

        Raises:
            ValueError: not one tensor of the right shape for each parameter, or a negative value.
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
        shapes = [tuple(h.shape) for h in given]
        if shapes != [tuple(p.shape) for p in parameters]:
            raise ValueError(f"curvature must have the parameters' shapes, in order; got {shapes}")
        if any(bool((h < 0).any()) for h in given):
            raise ValueError("curvature must be >= 0: eta / (mu + h) would not be a rate")
        for p, h in zip(parameters, given, strict=True):
            self.state[p]["curvature"] = h.detach().to(p, copy=True)

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
