"""Pattern by pattern at the speed of the machine: the whole pass as compiled loops (Numba)."""

import numpy as np
import torch
from torch import Tensor

from lenet1998 import paper
from lenet1998.models import LeNet5
from lenet1998.recipes import Recipe

try:
    from lenet1998.engines import kernels
except ImportError as error:  # Numba is missing, or does not fit this NumPy
    kernels, _missing = None, str(error)


class CompilerUnavailable(RuntimeError):  # noqa: N818
    """Numba cannot be imported or cannot compile here; another engine can do the same work."""


def unsupported(recipe: Recipe) -> str | None:
    """Why this recipe cannot be trained by compiled loops, as one phrase; None if it can."""
    if kernels is None:
        return f"Numba cannot be imported ({_missing})"
    if recipe.batch_size != 1:
        return f"batch_size={recipe.batch_size}: the loops train pattern by pattern"
    if recipe.optimizer not in ("sdlm", "sgd"):
        return f"optimizer={recipe.optimizer}: the loops know sdlm and sgd"
    return None


def _squashing(name: str) -> "kernels.Squashing":
    """A squashing function by its name in :data:`lenet1998.modules.SQUASHINGS`."""
    a, s = paper.TANH_AMPLITUDE, paper.TANH_SLOPE
    numbers = {  # amplitude, slope, offset; f' = constant + linear y + square y^2; floor
        "scaled_tanh": (kernels.SIGMOID, a, s, 0, a * s, 0, -s / a, -np.inf),
        "tanh": (kernels.SIGMOID, 1, 1, 0, 1, 0, -1, -np.inf),
        "logistic": (kernels.SIGMOID, 0.5, 0.5, 0.5, 0, 1, -1, -np.inf),
        "relu": (kernels.RECTIFIER, 0, 0, 0, 1, 0, 0, 0),
        "none": (kernels.IDENTITY, 0, 0, 0, 1, 0, 0, -np.inf),
    }
    kind, *rest = numbers[name]
    return kernels.Squashing(kind, *map(np.float32, rest))


def _switches(recipe: Recipe) -> "kernels.Switches":
    losses = {
        "distance": kernels.DISTANCE,
        "discriminative": kernels.DISCRIMINATIVE,
        "cross_entropy": kernels.CROSS_ENTROPY,
    }
    averages = recipe.pooling in ("average", "trainable_average")
    return kernels.Switches(
        squash=_squashing(recipe.squash),
        subsampling_squash=_squashing(recipe.subsampling_squash),
        pool_scale=np.float32(0.25 if averages else 1),
        pool_max=recipe.pooling == "max",
        loss=losses[recipe.loss],
        factor=0.5 if recipe.half_distance else 1.0,
        rubbish_j=float(recipe.rubbish_j),
        sgd=recipe.optimizer == "sgd",
        momentum=np.float32(recipe.momentum),
    )


def _workspace(features: int) -> "kernels.Workspace":
    c1, s2, c3, s4 = 6 * 28 * 32, 6 * 14 * 16, 16 * 10 * 16, 16 * 5 * 8
    sizes = (32 * 32, c1, s2, s2, s2, c3, s4, s4, s4, features, features, 120, 84, 10)
    return kernels.Workspace(*map(kernels.aligned_zeros, sizes))


class CompiledEngine:
    """Trains a model as its recipe says, like the eager engine, in compiled loops.

    The loops work on the model's own memory, so the model is up to date after every call. They
    release the interpreter lock: engines in several threads run side by side.

    Args:
        recipe: one that :func:`unsupported` has nothing against.
        model: the network, in float32 on the CPU; updated in place.

    Raises:
        ValueError: an unsupported recipe, or a model elsewhere or in another dtype.
        CompilerUnavailable: Numba is missing or cannot compile here.
    """

    name = "compiled"

    def __init__(self, recipe: Recipe, model: LeNet5):
        if kernels is None:
            raise CompilerUnavailable(unsupported(recipe))
        if reason := unsupported(recipe):
            raise ValueError(f"no compiled loops for {reason}")
        for name, tensor in model.state_dict().items():
            if (tensor.device.type, tensor.dtype) != ("cpu", torch.float32):
                raise ValueError(f"{name} must be float32 on the CPU, is {tensor.dtype}")
        self.recipe = recipe
        self.model = model
        self.switches = _switches(recipe)
        table = paper.C3_TABLE if recipe.c3 == "table" else [range(6)] * 16
        self.seen = np.array([i for row in table for i in row])
        self.made = np.array([o for o, row in enumerate(table) for _ in row])
        self.net = self._arrays(dict(model.state_dict()))
        self.rates = self.velocity = None
        self.buffers = {
            name: torch.zeros_like(p) if self.switches.sgd else torch.zeros_like(p)
            for name, p in model.named_parameters()
        }
        self.velocity = self._arrays(self.buffers)
        self.work = _workspace(self.net.c5_weight.size // 120)
        self.gradient = kernels.Parameters(*(kernels.aligned_zeros(a.size) for a in self.net))

    def _arrays(self, tensors: dict[str, Tensor]) -> "kernels.Parameters":
        """The tensors' own memory in the loops' order."""
        stand_ins = {
            "output_weight": "output.codes",
        }

        def array(field: str):
            layer, kind = field.split("_")
            tensor = tensors.get(f"{layer}.{kind}")
            if tensor is None and field in stand_ins:
                tensor = tensors.get(stand_ins[field])
            if tensor is None:
                shape = {"s2": 6, "s4": 16, "output": 10}[layer]
                if tensors is self.__dict__.get("_rates"):
                    fill = 0
                else:
                    fill = float(kind == "weight")
                tensor = torch.full((shape, 84) if field == "output_weight" else (shape,), fill)
            return tensor.detach().numpy().reshape(-1)

        return kernels.Parameters(*map(array, kernels.Parameters._fields))

    def begin_pass(self, eta: float, curvature: dict[str, Tensor] | None) -> None:
        """Set the pass's rate, and for SDLM the curvature that stays frozen until the next."""
        self._rates = {
            name: torch.full_like(p, eta)
            if self.switches.sgd
            else eta / (self.recipe.mu + curvature[name].to(p))
            for name, p in self.model.named_parameters()
        }
        self.rates = self._arrays(self._rates)

    def train(self, images: Tensor, labels: Tensor) -> tuple[float, int]:
        return kernels.train(
            images.squeeze(1).contiguous().numpy(),
            labels.numpy(),
            self.seen,
            self.made,
            self.switches,
            self.net,
            self.rates,
            self.velocity,
            self.gradient,
            self.work,
        )
