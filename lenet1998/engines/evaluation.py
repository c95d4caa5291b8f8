"""Predictions of a network for many patterns, on its device, by the fastest means there."""

import numpy as np
import torch
from torch import Tensor

from lenet1998.engines.compiled.network import CompilerUnavailable, Network
from lenet1998.engines.exactly import one_thread
from lenet1998.models import LeNet5

BATCH = 500


@one_thread()
@torch.no_grad()
def outputs(model: LeNet5, images: Tensor) -> Tensor:
    """A network's outputs, (N, classes) on the CPU, which are its own but for rounding.

    On the CPU in float32 they are the compiled loops', the same bytes on every processor.

    Args:
        model: on whatever device it is.
        images: (N, 1, input_size, input_size), prepared.
    """
    parameter = next(model.parameters())
    if parameter.device.type == "cpu" and parameter.dtype == torch.float32:
        try:
            return Network(model).outputs(images)
        except CompilerUnavailable:
            pass
    return torch.cat([model(part.to(parameter.device)).cpu() for part in images.split(BATCH)])


def predict(model: LeNet5, images: Tensor) -> np.ndarray:
    """The labels that a network gives, (N,) uint8; of equal outputs the first one's."""
    found = outputs(model, images).numpy()
    best = found.argmin(1) if model.smallest_wins else found.argmax(1)
    return best.astype(np.uint8)
