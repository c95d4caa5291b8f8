"""What a network answers to many patterns, by the compiled loops' forward pass."""

import numpy as np
import torch
from torch import Tensor

from lenet1998 import paper
from lenet1998.engines.compiled import network
from lenet1998.models import LeNet5

kernels = network.kernels


class Reader:
    """A network's outputs, several times as fast as its own forward pass on one core.

    They are the network's but for rounding. It is read as it stands when the reader is made, and
    shares its memory.

    Args:
        model: in float32 on the CPU.

    Raises:
        ValueError: a model of another device or dtype.
        CompilerUnavailable: Numba is missing or cannot compile here.
    """

    def __init__(self, model: LeNet5):
        network.check_available()
        self.model = model
        self._pairs = network.pairs(model.switches["c3"])
        loss = {"loss": network.loops.DISTANCE, "factor": 1.0, "rubbish_j": 1.0}
        update = {"sgd": False, "momentum": np.float32(0), "features": False}
        numbers = network.switches(model.switches)
        self._switches = network.loops.Switches(**numbers, **loss, **update)
        self._net = network.values(model)
        self._work = kernels.workspace(self._net.c5_weight.size // 120, model.classes)
        nothing = np.empty((0, paper.INPUT_SIZE**2), np.float32)
        network.compile_now(kernels.PASS, lambda: self._features(nothing))

    def _features(self, rows: np.ndarray) -> np.ndarray:
        f6 = np.empty((len(rows), paper.CODE_LENGTH), np.float32)
        run = kernels.PASS.features
        run(rows, *self._pairs, self._switches, self._net, self._work, f6)
        return f6

    @torch.no_grad()
    def outputs(self, images: Tensor) -> Tensor:
        """Distances or logits of images (N, 1, input_size, input_size), (N, classes).

        Raises:
            ValueError: images of another shape or dtype.
        """
        size = self.model.switches["input_size"]
        # The loops check no bounds.
        if images.shape != (len(images), 1, size, size) or images.dtype != torch.float32:
            raise ValueError(
                f"expected float32 images (N, 1, {size}, {size}), got {images.dtype} and"
                f" {tuple(images.shape)}"
            )
        return self.model.output(torch.from_numpy(self._features(network.rows(images))))
