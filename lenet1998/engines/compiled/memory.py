"""The compiled loops' memory: where each parameter and each state stands in one array of floats.

Every parameter of the network lies in one array, and so do, in the same places, its rates, its
gradient, its velocity. Rows are whole vectors. What stands between, and what a network lacks (the
pairs that Table I leaves out, a 28x28 network's outer pixels of S4), is a weight of 0 at rate 0.

C1 and S2 are stored map by map. C3 and S4 are stored position by position, the 16 maps side by
side in the lanes of one vector, so that pooling, squashing and all sums over positions need no
exchange between lanes.
"""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from lenet1998 import paper
from lenet1998.engines.compiled.vectors import LANES

TAPS, MAPS = 25, 16  # of a kernel; of C3 and S4
C1_KERNEL, C3_KERNELS = 2 * LANES, TAPS * MAPS  # floats from one to the next
C1_PITCH, C1_MAP = 32, 28 * 32
S2_PITCH, S2_MAP = 16, 14 * 16
C3_ROW, C3_MAP = 10 * MAPS, 10 * 16  # by position; of the map by map copy of its deltas
S4_ROW, COLUMN = 5 * MAPS, 25 * MAPS
C5_UNITS, F6_UNITS, OUTPUTS = 120, 84, 12  # the last with room for a blank class
C5_SIZE, F6_SIZE = 128, 96  # the same as whole vectors


def _places(sizes: dict[str, int], room: int = 0) -> dict[str, int]:
    """Start of each part, with ``room`` floats before each and after the last."""
    starts, at = {}, room
    for name, size in sizes.items():
        starts[name] = at
        at += size + room
    return {**starts, "end": at}


_PARAMETERS = _places(
    {
        "c1.weight": 6 * C1_KERNEL,
        "c1.bias": LANES,
        "s2.weight": LANES,
        "s2.bias": LANES,
        "c3.weight": 6 * C3_KERNELS,
        "c3.bias": MAPS,
        "s4.weight": MAPS,
        "s4.bias": MAPS,
        "c5.bias": C5_SIZE,
        "f6.bias": F6_SIZE,
        "output.bias": LANES,
        # The dense layers' weights, last because they may be updated as the backward pass goes.
        "c5.weight": C5_UNITS * COLUMN,
        "f6.weight": F6_UNITS * C5_SIZE,
        "output.weight": OUTPUTS * F6_SIZE,
    }
)
C1_WEIGHT, C1_BIAS = _PARAMETERS["c1.weight"], _PARAMETERS["c1.bias"]
S2_WEIGHT, S2_BIAS = _PARAMETERS["s2.weight"], _PARAMETERS["s2.bias"]
C3_WEIGHT, C3_BIAS = _PARAMETERS["c3.weight"], _PARAMETERS["c3.bias"]
S4_WEIGHT, S4_BIAS = _PARAMETERS["s4.weight"], _PARAMETERS["s4.bias"]
C5_WEIGHT, C5_BIAS = _PARAMETERS["c5.weight"], _PARAMETERS["c5.bias"]
F6_WEIGHT, F6_BIAS = _PARAMETERS["f6.weight"], _PARAMETERS["f6.bias"]
OUTPUT_WEIGHT, OUTPUT_BIAS = _PARAMETERS["output.weight"], _PARAMETERS["output.bias"]
DENSE, PARAMETERS = C5_WEIGHT, _PARAMETERS["end"]

# Blocks of vectors are read a little over an array's ends; there stand zeros.
_STATES = _places(
    {
        "image": 32 * 32,
        "c1": 6 * C1_MAP,
        "s2_pooled": 6 * S2_MAP,
        "s2": 6 * S2_MAP,
        "s2_delta": 6 * S2_MAP,
        "c3": 10 * C3_ROW,
        "c3_maps": MAPS * C3_MAP,
        "s4_pooled": COLUMN,
        "s4": COLUMN,
        "s4_delta": COLUMN,
        "c5": C5_SIZE,
        "c5_delta": C5_SIZE,
        "f6": F6_SIZE,
        "f6_delta": F6_SIZE,
        "output": LANES,
        "output_delta": LANES,
    },
    room=4 * LANES,
)
IMAGE, C1, C3 = _STATES["image"], _STATES["c1"], _STATES["c3"]
S2_POOLED, S2, S2_DELTA = _STATES["s2_pooled"], _STATES["s2"], _STATES["s2_delta"]
C3_MAPS = _STATES["c3_maps"]
S4_POOLED, S4, S4_DELTA = _STATES["s4_pooled"], _STATES["s4"], _STATES["s4_delta"]
C5, C5_DELTA, F6, F6_DELTA = (_STATES[key] for key in ("c5", "c5_delta", "f6", "f6_delta"))
OUTPUT, OUTPUT_DELTA = _STATES["output"], _STATES["output_delta"]
STATES = _STATES["end"]


def aligned_zeros(size: int) -> np.ndarray:
    """Zeros that start on a cache line, with a cache line to spare at either end."""
    memory = np.zeros(size + 3 * LANES, np.float32)
    first = LANES + (-memory.ctypes.data // memory.itemsize) % LANES
    return memory[first : first + size]


def table(c3: str) -> list:
    """The maps of S2 that each map of C3 sees."""
    return paper.C3_TABLE if c3 == "table" else [range(6)] * MAPS


def pairs(c3: str) -> tuple[np.ndarray, np.ndarray]:
    """The maps of S2 and of C3 that each of C3's kernels leads from and to, map by map of S2."""
    found = sorted((i, o) for o, row in enumerate(table(c3)) for i in row)
    seen, made = np.array(found).T
    return np.ascontiguousarray(seen), np.ascontiguousarray(made)


class Layout:
    """Places of a network's parameters, each element of each in the order of its tensor.

    Args:
        switches: those of :class:`~lenet1998.models.LeNet5`.
        classes: how many outputs.
    """

    def __init__(self, switches: Mapping[str, object], classes: int):
        side = 5 if switches["input_size"] == paper.INPUT_SIZE else 4
        connected = np.array([(i, o) for o, row in enumerate(table(switches["c3"])) for i in row])
        taps = np.arange(TAPS)
        y, x, m = np.arange(side)[:, None], np.arange(side), np.arange(MAPS)[:, None, None]
        of_kernels = connected[:, :1] * C3_KERNELS + taps * MAPS + connected[:, 1:]
        within = {
            "c1.weight": np.arange(6)[:, None] * C1_KERNEL + taps,
            "c3.weight": of_kernels,
            "c5.weight": np.arange(C5_UNITS)[:, None] * COLUMN
            + ((5 * y + x) * MAPS + m).reshape(1, -1),
            "f6.weight": np.arange(F6_UNITS)[:, None] * C5_SIZE + np.arange(C5_UNITS),
            "output.weight": np.arange(classes)[:, None] * F6_SIZE + np.arange(F6_UNITS),
            "c5.bias": np.arange(C5_UNITS),
            "f6.bias": np.arange(F6_UNITS),
            "output.bias": np.arange(classes),
            **dict.fromkeys(("c1.bias", "s2.weight", "s2.bias"), np.arange(6)),
            **dict.fromkeys(("c3.bias", "s4.weight", "s4.bias"), np.arange(MAPS)),
        }
        self.places = {name: _PARAMETERS[name] + place.ravel() for name, place in within.items()}
        self.places["output.codes"] = self.places["output.weight"]

    def fill(self, memory: np.ndarray, tensors: Mapping[str, Tensor], lacking: float = 0.0) -> None:
        """Set memory to some tensors, each by its parameter's name, and to 0 elsewhere.

        Args:
            memory: (PARAMETERS,), overwritten.
            tensors: of float32 on the CPU.
            lacking: the coefficients of a pooling that has none.
        """
        memory[:] = 0
        for name in ("s2.weight", "s4.weight"):
            memory[self.places[name]] = lacking
        for name, tensor in tensors.items():
            memory[self.places[name]] = tensor.detach().numpy().ravel()

    def read(self, memory: np.ndarray, tensors: Mapping[str, Tensor]) -> None:
        """Set tensors to what memory holds in their places."""
        for name, tensor in tensors.items():
            values = memory.take(self.places[name])
            np.copyto(tensor.detach().numpy(), values.reshape(tensor.shape))
