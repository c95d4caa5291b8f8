"""The paper's two losses, and what each gives the curvature recursion to start from at F6."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

__all__ = [
    "DiscriminativeLoss",
    "DistanceLoss",
    "check_classes",
    "check_labels",
    "output_curvature",
]


def check_labels(labels: Tensor, patterns: int) -> None:
    """Refuse what is not one label for each of so many patterns.

    Raises:
        TypeError: anything but a tensor of int64.
        ValueError: another shape than (patterns,).
    """
    if torch.jit.is_tracing():  # where shapes are no numbers
        return
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64:
        kind = getattr(labels, "dtype", type(labels).__name__)
        raise TypeError(f"labels must be a tensor of int64, got {kind}")
    if labels.shape != (patterns,):
        shape = tuple(labels.shape)
        raise ValueError(f"labels must be ({patterns},), one for each pattern, got {shape}")


def check_classes(labels: Tensor, classes: int) -> None:
    """Refuse labels of classes that there are not; on CUDA this waits for the device.

    Raises:
        ValueError: a label outside 0..classes - 1.
    """
    if not len(labels):
        return
    smallest, largest = (int(label) for label in labels.aminmax())
    if smallest < 0 or largest >= classes:
        raise ValueError(f"labels must be 0 to {classes - 1}, got {smallest} to {largest}")


class _DistanceCriterion(nn.Module, ABC):
    def __init__(self, half_distance: bool = False, curvature: str = "gauss_newton"):
        super().__init__()
        if curvature not in ("gauss_newton", "constant"):
            raise ValueError(f"curvature must be gauss_newton or constant, got {curvature!r}")
        self.half_distance = half_distance
        self.curvature = curvature

    @property
    def factor(self) -> float:
        """Factor on eq. 7's distance: 1, or the authors' code's 1/2 (open question Q7)."""
        return 0.5 if self.half_distance else 1.0

    def _right(self, distances: Tensor, labels: Tensor) -> Tensor:
        """(N,) distances to the right class's code, as ``factor`` counts them."""
        if not isinstance(distances, Tensor):
            raise TypeError(f"distances must be a tensor, got {type(distances).__name__}")
        if distances.ndim != 2:
            raise ValueError(f"distances must be (N, classes), got {tuple(distances.shape)}")
        check_labels(labels, len(distances))
        try:
            right = distances.gather(1, labels.unsqueeze(1)).squeeze(1)
        except RuntimeError:  # asked afterwards: beforehand it would cost every pattern
            check_classes(labels, distances.shape[1])
            raise
        return self.factor * right

    def state_curvature(self, state: Tensor, codes: Tensor, labels: Tensor) -> Tensor:
        r"""Per pattern, the second derivative of the loss by each of F6's outputs.

        ``gauss_newton`` is the exact diagonal, which neither loss ever makes negative, so there is
        nothing to drop. ``constant`` is the authors' own code's choice: 1 whatever the loss
        (open question Q8).

        Args:
            state: F6's output, (N, 84).
            codes: the RBF codes, (classes, 84).
            labels: (N,).

        Returns:
            (N, 84), all >= 0.
        """
        if self.curvature == "constant":
            return torch.ones_like(state)
        return self._exact_curvature(state, codes)

    @abstractmethod
    def _exact_curvature(self, state: Tensor, codes: Tensor) -> Tensor:
        """The exact diagonal; each loss has its own."""

    def extra_repr(self) -> str:
        return f"half_distance={self.half_distance}, curvature={self.curvature!r}"


class DistanceLoss(_DistanceCriterion):
    r"""Mean distance to the right class's code (maximum likelihood).

    .. math:: E = \frac{1}{P} \sum_p y_{D^p}

    Source: LeCun et al. 1998, eq. 8.

    Args:
        half_distance: count half the distance, as the authors' code does; eq. 7 has no 1/2.
        curvature: ``gauss_newton`` (exact: 2, or 1 for half the distance) or ``constant`` (1).

    Shape:
        - distances: (N, 10), squared; (N, 11) with a blank class
        - labels: (N,) of int64, each a class
        - Output: a scalar

    Raises:
        TypeError: no tensors, or labels of another dtype.
        ValueError: shapes that do not fit, or a label out of range. On CUDA it is the device that
            refuses such a label, as for torch's own losses.
    """

    def forward(self, distances: Tensor, labels: Tensor) -> Tensor:
        return self._right(distances, labels).mean()

    def _exact_curvature(self, state: Tensor, codes: Tensor) -> Tensor:
        return torch.full_like(state, 2 * self.factor)


class DiscriminativeLoss(_DistanceCriterion):
    r"""Distance to the right code, and the wrong ones pushed away (maximum a posteriori).

    .. math:: E = \frac{1}{P} \sum_p \Big[ y_{D^p} + \log\Big(e^{-j} + \sum_i e^{-y_i}\Big) \Big]

    The constant j > 0 is the distance of a rubbish class; distances far beyond it stop mattering.
    The sum runs over all classes, the right one too, so E > 0. It is a log-sum-exp, which neither
    overflows nor underflows however large the distances are.

    Source: LeCun et al. 1998, eq. 9; j is never given (open question Q6).

    Args:
        j: the rubbish class's constant. All three defaults are those of ``original``.
        half_distance, curvature: see :class:`DistanceLoss`, whose defaults are eqs. 7 and 8. With
            :math:`p_i = e^{-y_i} / (e^{-j} + \sum e^{-y})`, :math:`p_0` the rubbish class's share
            and :math:`g_i = \partial y_i / \partial x`, ``gauss_newton`` is
            :math:`2 p_0 + \sum p_i g_i^2 - (\sum p_i g_i)^2`. With half the distance, y is halved
            throughout, and the first term is :math:`p_0`.

    Shape:
        as :class:`DistanceLoss`
    """

    def __init__(self, j: float = 1.0, half_distance: bool = True, curvature: str = "constant"):
        super().__init__(half_distance, curvature)
        if not j > 0:
            raise ValueError(f"the rubbish class's constant j must be > 0, got {j}")
        self.j = j

    def log_posteriors(self, distances: Tensor) -> tuple[Tensor, Tensor]:
        """(N, classes + 1) log shares, the rubbish class first, and (N,) their log normaliser."""
        rubbish = torch.full_like(distances[..., :1], -self.j)
        scores = torch.cat([rubbish, -self.factor * distances], -1)
        normaliser = torch.logsumexp(scores, -1)
        return scores - normaliser.unsqueeze(-1), normaliser

    def forward(self, distances: Tensor, labels: Tensor) -> Tensor:
        right = self._right(distances, labels)
        _, normaliser = self.log_posteriors(distances)
        return (right + normaliser).mean()

    def _exact_curvature(self, state: Tensor, codes: Tensor) -> Tensor:
        difference = state.unsqueeze(-2) - codes  # (N, classes, 84)
        shares = self.log_posteriors(difference.square().sum(-1))[0].exp()
        gradient = 2 * self.factor * difference
        p = shares[..., 1:].unsqueeze(-1)
        mean = (p * gradient).sum(-2)
        # The variance written as a sum of squares (the rubbish class's gradient is 0): never < 0.
        variance = (p * (gradient - mean.unsqueeze(-2)).square()).sum(-2)
        variance = variance + shares[..., :1] * mean.square()
        return 2 * self.factor * shares[..., :1] + variance

    def extra_repr(self) -> str:
        return f"j={self.j:g}, {super().extra_repr()}"


KNOWN = (DistanceLoss, DiscriminativeLoss, nn.CrossEntropyLoss, nn.MSELoss)
"""The losses that the curvature can start from."""


def pattern_shares(criterion: nn.Module, labels: Tensor, patterns: int) -> Tensor:
    """The share of each pattern's own loss in the mean over all of them, (N,), 1 on average.

    All are 1 but with a cross-entropy that weighs classes or ignores one. Smoothed labels leave
    the second derivative as it is.

    Raises:
        TypeError: another loss than :data:`KNOWN`, a subclass or one that was changed, a sum over
            patterns, or labels that are not of int64.
        ValueError: not one label for each pattern, labels out of range, or none that counts.
    """
    kind, names = type(criterion), ", ".join(known.__name__ for known in KNOWN)
    if kind not in KNOWN or "forward" in vars(criterion) or criterion._forward_hooks:
        raise TypeError(
            f"no curvature to start from for {kind.__name__}: known are {names}, none of them"
            " changed or subclassed"
        )
    if getattr(criterion, "reduction", "mean") != "mean":
        raise TypeError(
            f"no curvature to start from for {kind.__name__} with"
            f" reduction={criterion.reduction!r}: it is a mean over patterns, so use 'mean'"
        )
    if isinstance(criterion, nn.MSELoss):
        if not isinstance(labels, Tensor) or len(labels) != patterns:
            raise ValueError(f"MSELoss needs {patterns} targets of the outputs' shape")
        return torch.ones(patterns, device=labels.device)
    check_labels(labels, patterns)
    if not isinstance(criterion, nn.CrossEntropyLoss):
        return torch.ones(patterns, device=labels.device)
    counted = labels != criterion.ignore_index
    if not counted.any():
        raise ValueError(f"all labels are {criterion.ignore_index}, which CrossEntropyLoss ignores")
    weight = criterion.weight
    if weight is None:
        return counted / counted.float().mean()
    check_classes(labels[counted], len(weight))
    own = counted * weight[labels.where(counted, 0)]
    smoothed = criterion.label_smoothing * weight.mean() * counted
    return ((1 - criterion.label_smoothing) * own + smoothed) / own.mean()


def output_curvature(criterion: nn.Module, outputs: Tensor) -> Tensor:
    """Per pattern, the second derivative of cross-entropy or MSELoss by each output."""
    if isinstance(criterion, nn.MSELoss):
        return torch.full_like(outputs, 2 / outputs[0].numel())
    p = outputs.softmax(-1)
    return p * (1 - p)


def check_outputs(criterion: nn.Module, outputs: Tensor, labels: Tensor) -> None:
    """Refuse outputs that are not one row of classes for each label.

    Raises:
        ValueError: another shape, or a label out of range.
    """
    if isinstance(criterion, nn.MSELoss):
        if outputs.shape != labels.shape:
            shapes = f"{tuple(outputs.shape)} and {tuple(labels.shape)}"
            raise ValueError(f"MSELoss needs outputs and targets of one shape, got {shapes}")
        return
    if outputs.ndim != 2 or len(outputs) != len(labels):
        raise ValueError(f"outputs must be (N, classes), got {tuple(outputs.shape)}")
    if isinstance(criterion, nn.CrossEntropyLoss):
        labels = labels[labels != criterion.ignore_index]
    check_classes(labels, outputs.shape[1])
