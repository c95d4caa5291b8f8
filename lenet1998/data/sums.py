"""Sums added up term by term, in the order of the terms: the same bits on every machine.

NumPy's sums and BLAS's products add in whatever order suits the processor and their version.
"""

import numpy as np


def total(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """The sum along an axis, in float64."""
    return values.cumsum(axis, dtype=np.float64).take(-1, axis)


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The matrix product of (M, K) and (K, N)."""
    result = np.zeros((len(left), right.shape[1]))
    for column, row in zip(left.T, right, strict=True):
        result += column[:, None] * row
    return result


def centre_of_mass(profile: np.ndarray) -> float:
    """The centre of mass of what stands in a row, (K,), in places from 0."""
    return float(total(np.arange(len(profile)) * profile) / total(profile))
