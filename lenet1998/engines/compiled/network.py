"""A network as the compiled loops see it: numbers for its switches, arrays for its parameters."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from lenet1998 import paper
from lenet1998.models import LeNet5

try:
    from lenet1998.engines.compiled import layers as loops
    from lenet1998.engines.compiled import whole_pass as kernels
except (ImportError, OSError) as error:  # Numba is missing or broken, or too old for this NumPy
    loops = kernels = None
    _import_error = str(error)


class CompilerUnavailable(RuntimeError):  # noqa: N818
    """Numba cannot be imported or cannot compile here; the eager engine can do the same work."""


def unavailable() -> str | None:
    """Why the compiled loops cannot be had here, as one phrase; None if they can."""
    return f"Numba cannot be imported ({_import_error})" if kernels is None else None


def check_available() -> None:
    """Refuse to go on without Numba.

    Raises:
        CompilerUnavailable: it is missing or broken.
    """
    if reason := unavailable():
        raise CompilerUnavailable(reason)


def compile_now(compiled: "kernels.Pass", run: Callable[[], object]) -> None:
    """Compile loops by running them, or read them from disk.

    Raises:
        CompilerUnavailable: Numba cannot compile here.
    """
    try:
        run()
    except Exception as failure:  # a cache that is full or corrupt, or no working compiler
        compiled.forget_disk(failure)
        try:
            run()
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            raise CompilerUnavailable(f"Numba cannot compile here ({reason})") from error


def squashing(name: str) -> "loops.Squashing":
    """The numbers of a function in :data:`lenet1998.modules.SQUASHINGS`."""
    a, s = paper.TANH_AMPLITUDE, paper.TANH_SLOPE
    kind, *numbers = {
        # kind, amplitude, slope, offset; f' = constant + linear y + square y^2 where y > floor
        "scaled_tanh": (loops.SIGMOID, a, s, 0, a * s, 0, -s / a, -np.inf),
        "tanh": (loops.SIGMOID, 1, 1, 0, 1, 0, -1, -np.inf),
        "logistic": (loops.SIGMOID, 0.5, 0.5, 0.5, 0, 1, -1, -np.inf),
        "relu": (loops.RECTIFIER, 0, 0, 0, 1, 0, 0, 0),
        "none": (loops.IDENTITY, 0, 0, 0, 1, 0, 0, -np.inf),
    }[name]
    return loops.Squashing(kind, *map(np.float32, numbers))


def switches(network: Mapping[str, object]) -> dict[str, object]:
    """Those of :class:`~lenet1998.models.LeNet5` as :class:`loops.Switches` has them."""
    averages = network["pooling"] in ("average", "trainable_average")
    return {
        "squash": squashing(network["squash"]),
        "subsampling_squash": squashing(network["subsampling_squash"]),
        "pool_scale": np.float32(0.25 if averages else 1),
        "pool_max": network["pooling"] == "max",
    }


def pairs(c3: str) -> tuple[np.ndarray, np.ndarray]:
    """The maps of S2 and of C3 that each of C3's kernels leads from and to."""
    table = paper.C3_TABLE if c3 == "table" else [range(6)] * 16
    seen = np.array([i for row in table for i in row])
    made = np.array([o for o, row in enumerate(table) for _ in row])
    return seen, made


def flat(tensors: Mapping[str, Tensor], classes: int, weight=0.0, bias=0.0) -> "kernels.Parameters":
    """The tensors' own memory in the loops' order; constants for what the network lacks."""
    constants = {"weight": weight, "bias": bias}
    arrays = []
    for field in kernels.Parameters._fields:
        layer, kind = field.split("_")
        tensor = tensors.get(f"{layer}.{kind}")
        if tensor is None:
            size = {"s2": 6, "s4": 16}.get(layer, classes)
            tensor = torch.full((size,), constants[kind], dtype=torch.float32)
        arrays.append(tensor.detach().view(-1).numpy())
    return kernels.Parameters(*arrays)


def values(model: LeNet5) -> "kernels.Parameters":
    """A network's parameters.

    Raises:
        ValueError: one that is not float32, or not on the CPU.
    """
    state = model.state_dict()
    for name, tensor in state.items():
        if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
            raise ValueError(
                f"{name} must be float32 on the cpu, is {tensor.dtype} on {tensor.device}"
            )
    if "output.codes" in state:
        state["output.weight"] = state["output.codes"]
    # A pooling without parameters is one with coefficient 1 and bias 0, at rate 0.
    return flat(state, model.classes, weight=1.0)


def rows(images: Tensor) -> np.ndarray:
    """Images (N, 1, 32, 32) or (N, 1, 28, 28) as the loops read them, (N, 1024)."""
    # A 28x28 network is a 32x32 one whose last rows and columns get no delta.
    margin = paper.INPUT_SIZE - images.shape[-1]
    padded = nn.functional.pad(images.detach(), (0, margin, 0, margin)) if margin else images
    return padded.detach().reshape(len(images), paper.INPUT_SIZE**2).contiguous().numpy()
