"""Layer by layer: each map's parameters by robust least squares, from its inputs and its print.

A map is fitted on what the recovered layers below it make of the input, and not on the print of
those layers, which is coarser and cut off at the display's limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.optimize import least_squares
from threadpoolctl import threadpool_limits

from lenet1998 import paper
from lenet1998.restore.printing import LIMIT, Reading

A, S = paper.TANH_AMPLITUDE, paper.TANH_SLOPE
DEVIATION = 0.02
"""Of a state from its print, as a share of the limit: what the greys leave open of it and of the
pixels that it was made of, roughly; it sets how much a prior counts beside the states."""
PRIORS = {"c1": 3.0, "c3": 1.0}
"""Standard deviation of the normal prior of a kernel's weights, mean 0. A map of C3 that is nearly
always saturated tells the direction of its kernels and hardly their size; the prior keeps it
finite. C1 hardly depends on it."""
LAYERS = ("c1", "s2", "c3", "s4")


@dataclass(frozen=True, eq=False)
class Fit:
    """One map: its weights with the bias last, and what is left, as shares of the limit."""

    weights: np.ndarray
    left: np.ndarray

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(self.left**2)))


def fit_map(
    inputs: np.ndarray,
    states: np.ndarray,
    prior: float | None = None,
    limit: float = LIMIT,
) -> Fit:
    """Weights of one map, through the scaled tanh and the display's clipping.

    Args:
        inputs: (units, n) what each unit multiplies with the same n weights.
        states: (units,) as shares of the limit.
        prior: standard deviation of the weights, not of the bias; None for none.
        limit: the display's.
    """
    design = np.column_stack([inputs, np.ones(len(inputs))])
    ridge = np.eye(design.shape[1])[:-1] / prior if prior else np.empty((0, design.shape[1]))

    def drawn(weights):
        return A * np.tanh(S * (design @ weights)) / limit

    def residual(weights):
        return np.concatenate([(drawn(weights).clip(-1, 1) - states) / DEVIATION, ridge @ weights])

    def jacobian(weights):
        shares = drawn(weights)
        slope = S * (A / limit - shares**2 * limit / A) * (np.abs(shares) < 1)
        return np.concatenate([slope[:, None] * design / DEVIATION, ridge])

    start = np.zeros(design.shape[1])  # where no unit is saturated
    # Small matrices: threads would only wait for each other, and round otherwise by their number.
    with threadpool_limits(1, "blas"):
        found = least_squares(residual, start, jacobian, loss="soft_l1", f_scale=2.0, max_nfev=300)
    return Fit(found.x, drawn(found.x).clip(-1, 1) - states)


def patches(maps: np.ndarray) -> np.ndarray:
    """Windows of a 5x5 convolution's units: (N, C, H, W) -> (N * h * w, C, 25)."""
    windows = sliding_window_view(maps, (5, 5), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)
    return windows.reshape(-1, maps.shape[1], 25)


def window_sums(maps: np.ndarray) -> np.ndarray:
    """The sums over 2x2 windows: (N, C, H, W) -> (N, C, H / 2, W / 2)."""
    n, c, height, width = maps.shape
    return maps.reshape(n, c, height // 2, 2, width // 2, 2).sum((3, 5))


def convolve(maps: np.ndarray, fits: Sequence[Fit], table: Sequence[Sequence[int]]) -> np.ndarray:
    """The states of a recovered convolution: (N, C, H, W) -> (N, maps, H - 4, W - 4)."""
    seen, (n, _, height, width) = patches(maps), maps.shape
    sums = [
        seen[:, list(inputs)].reshape(len(seen), -1) @ fit.weights[:-1] + fit.weights[-1]
        for fit, inputs in zip(fits, table, strict=True)
    ]
    return A * np.tanh(S * np.stack(sums, 1).reshape(n, height - 4, width - 4, -1)).transpose(
        0, 3, 1, 2
    )


def subsample(maps: np.ndarray, fits: Sequence[Fit]) -> np.ndarray:
    """The states of a recovered subsampling layer."""
    coefficient, bias = np.array([fit.weights for fit in fits]).T[:, :, None, None]
    return A * np.tanh(S * (coefficient * window_sums(maps) + bias))


def fit_convolution(
    maps: np.ndarray, states: np.ndarray, table: Sequence[Sequence[int]], prior: float
) -> list[Fit]:
    """Every map of a convolution: inputs (N, C, H, W), states (N, maps, h, w) as shares."""
    seen = patches(maps)
    return [
        fit_map(seen[:, list(inputs)].reshape(len(seen), -1), states[:, number].ravel(), prior)
        for number, inputs in enumerate(table)
    ]


def fit_subsampling(maps: np.ndarray, states: np.ndarray) -> list[Fit]:
    """Coefficient and bias of every map: inputs (N, C, H, W), states of half the size."""
    sums = window_sums(maps)
    return [fit_map(sums[:, c].reshape(-1, 1), states[:, c].ravel()) for c in range(maps.shape[1])]


SEES_IMAGE = ((0,),) * 6
"""C1's table: every map sees the image."""


def layer_by_layer(
    pixels: np.ndarray, states: dict[str, Reading], priors: Mapping[str, float] = PRIORS
) -> dict[str, list[Fit]]:
    """Recover C1, S2, C3 and S4, each on the recovered layers below.

    Args:
        pixels: (N, 32, 32).
        states: of each layer, (N, maps, side, side).
        priors: of C1 and C3.
    """
    fits = {"c1": fit_convolution(pixels[:, None], states["c1"].value, SEES_IMAGE, priors["c1"])}
    c1 = convolve(pixels[:, None], fits["c1"], SEES_IMAGE)
    fits["s2"] = fit_subsampling(c1, states["s2"].value)
    s2 = subsample(c1, fits["s2"])
    fits["c3"] = fit_convolution(s2, states["c3"].value, paper.C3_TABLE, priors["c3"])
    fits["s4"] = fit_subsampling(convolve(s2, fits["c3"], paper.C3_TABLE), states["s4"].value)
    return fits


def as_pictures(weights: dict) -> tuple[np.ndarray, np.ndarray]:
    """C1's kernels (6, 5, 5) and C3's (16, 6, 5, 5), nan where Table I has no connection."""
    c3 = np.full((len(paper.C3_TABLE), 6, 5, 5), np.nan)
    places = [(number, seen) for number, row in enumerate(paper.C3_TABLE) for seen in row]
    for place, kernel in zip(places, np.array(weights["c3.weight"]), strict=True):
        c3[place] = kernel
    return np.array(weights["c1.weight"]).reshape(6, 5, 5), c3
