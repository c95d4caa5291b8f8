"""Switches of a recipe as numbers that the loops read, so that one compilation serves them all."""

from typing import NamedTuple

import numpy as np
from numba import config, njit

# NaN and infinity must stay what they are: a diverged loss has to be seen.
OPTIONS = {"nogil": True, "error_model": "numpy"}
inline = njit(forceinline=True, **OPTIONS)

if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set")

SIGMOID, RECTIFIER, IDENTITY = range(3)
SUMS, CONNECTIONS, MAXIMA = range(3)
DISTANCE, DISCRIMINATIVE, CROSS_ENTROPY = range(3)
DESCENT, MOMENTUM, ADAM = range(3)


class Switches(NamedTuple):
    """Switches that the loops read, beside the functions' numbers."""

    squash: int
    subsampling_squash: int
    pooling: int  # of sums, the coefficient's curvature by connections or not; or of maxima
    classes: int
    loss: int
    factor: float  # of eq. 7's distance
    rubbish_j: float
    constant_curvature: bool  # 1 at F6, whatever the loss
    update: int
    momentum: np.float32
    batch_size: int
    features: bool  # whether C1 to S4 learn
