"""Protocol of the engines eager, compiled and cuda, and the check of the tensors they save."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.weights import outline

Curvature = Mapping[str, Tensor]
"""A curvature for each parameter, by name, as :mod:`lenet1998.curvature` estimates it."""


@runtime_checkable
class Engine(Protocol):
    """Trains the networks of one or more runs of a recipe in step, each as if it were alone.

    A pass is :meth:`begin_pass`, as many calls of :meth:`train` as it takes, and :meth:`end_pass`.

    Attributes:
        name: what ``--engine`` calls it.
        arithmetic: the number of the arithmetic whose bytes it gives on every machine; None if its
            bytes depend on the machine.
        models: R networks, one for each run, trained in place; sure to be up to date only between
            passes.
    """

    name: str
    arithmetic: int | None
    models: Sequence[LeNet5]

    def curvature(self, model: LeNet5, images: Tensor, labels: Tensor) -> Curvature:
        """The curvature of a network of the recipe, on its device, averaged over patterns.

        Args:
            model: one of ``models``, between passes, or another.
            images: (N, 1, H, W), prepared, on the model's device.
            labels: (N,) of int64.
        """

    def begin_pass(self, eta: float, curvatures: Sequence[Curvature] | None) -> None:
        """Set the pass's rate, and for SDLM each run's curvature, frozen until the next pass.

        Args:
            eta: the global rate.
            curvatures: for SDLM one for each run; ignored otherwise.

        Raises:
            ValueError: SDLM without a curvature for each run.
        """

    def train(
        self, images: Tensor, labels: Tensor, order: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Let every run learn patterns of one pool, each in an order of its own.

        Args:
            images: the pool, (M, 1, H, W), prepared, of the models' dtype and device.
            labels: (M,) of int64.
            order: (R, N) of int64: for each run the indices into the pool. Default: all of the
                pool as it stands.

        Returns:
            For each run the sum of its patterns' losses, (R,) of float64, and the number
            misclassified, (R,) of int64, each measured on the fly: before the update that the
            pattern causes.
        """

    def end_pass(self) -> None:
        """Bring the models up to date."""

    def state_dicts(self) -> list[dict]:
        """For each run, what must be kept beside its weights to go on after a pass."""

    def load_state_dicts(self, states: Sequence[dict]) -> None:
        """Go on from where :meth:`state_dicts` was taken.

        Raises:
            BadInput: what an engine of this recipe cannot have kept.
        """


def check_tensor(name: str, value, shape: Sequence[int], dtype: torch.dtype) -> None:
    """Refuse what is not a tensor of this shape and type.

    Raises:
        BadInput: with the name; also where a value is no number.
    """
    asked = (tuple(shape), dtype, torch.strided, False)
    if not isinstance(value, Tensor) or outline(value) != asked:
        raise BadInput(f"its {name} is no tensor of {tuple(shape)} {dtype}")
    # Squares may have become infinite without any harm.
    if value.isnan().any() or ("exp_avg_sq" not in name and value.isinf().any()):
        raise BadInput(f"its {name} holds values that are no numbers")
