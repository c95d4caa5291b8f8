"""Evidence of the recovered layers on the 1998 net, with its uncertainty."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.optimize import least_squares
from torch import Tensor

from experiments.net_1998.printed_strings import whole_field
from lenet1998 import paper
from lenet1998.models import LeNet5
from lenet1998.modules import Subsampling2d
from lenet1998.restore.layers import LAYERS, PRIORS, A, S, fit_convolution, fit_map, window_sums
from lenet1998.restore.printing import FIG25_FIRST, FIG25_LAST, MIDDLE, Reading, Scale
from lenet1998.restore.refine import STEPS, Restored, layer_states, network, restore

ALL = tuple(range(6))


def states_of(restored: Restored, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """States of the recovered layers for pixels (N, H, W)."""
    with torch.no_grad():
        found = layer_states(network(restored.weights), torch.from_numpy(pixels)[:, None])
    return {layer: states.numpy() for layer, states in found.items()}


def as_restored(model: LeNet5) -> dict[str, np.ndarray]:
    """A net's weights by name, the coefficients of S2 and S4 as of sums, as the recovered are."""
    weights = {name: p.detach().numpy() for name, p in model.named_parameters()}
    for name, layer in model.named_children():
        if isinstance(layer, Subsampling2d):
            weights[f"{name}.weight"] = layer.of_sums().detach().numpy()
    return weights


def drawn_as(states: np.ndarray, limit: float) -> np.ndarray:
    """States as shares of the display's limit, cut off there."""
    return (states / limit).clip(-1, 1)


# --- What it shows ------------------------------------------------------------------------------


def table_one(restored: Restored, c3: Reading) -> list[dict]:
    """The norms of C3's kernels when each map may see all six of S2, as if Table I were not known.

    Args:
        restored: the recovered layers.
        c3: C3's printed states.

    Returns:
        Per map ``norms`` (6,), ``connected`` by Table I, and the share of its states at the limit.
    """
    s2 = states_of(restored, restored.pixels)["s2"]
    fits = fit_convolution(s2, c3.value, (ALL,) * len(paper.C3_TABLE), PRIORS["c3"])
    return [
        {
            "map": number,
            "norms": np.linalg.norm(fit.weights[:-1].reshape(6, 25), axis=1).tolist(),
            "connected": list(paper.C3_TABLE[number]),
            "at_limit": float(np.mean(np.abs(c3.value[:, number]) >= 1)),
        }
        for number, fit in enumerate(fits)
    ]


SQUASHINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "scaled tanh": lambda sums: A * np.tanh(S * sums),
    "none": lambda sums: sums,
    "logistic": lambda sums: 1 / (1 + np.exp(-sums)),
}


def squashings(restored: Restored, states: dict[str, Reading]) -> dict[str, dict[str, list[float]]]:
    """Residuals of S2 and S4 by squashing function, map by map (rms).

    Coefficient and bias are fitted anew for each function.
    """
    computed = states_of(restored, restored.pixels)
    found: dict[str, dict[str, list[float]]] = {}
    for layer, below in (("s2", "c1"), ("s4", "c3")):
        sums, drawn = window_sums(computed[below]), states[layer].value
        found[layer] = {
            name: [
                _left_by(function, sums[:, c].ravel(), drawn[:, c].ravel(), restored.limit)
                for c in range(sums.shape[1])
            ]
            for name, function in SQUASHINGS.items()
        }
    return found


def _left_by(function: Callable, sums: np.ndarray, drawn: np.ndarray, limit: float) -> float:
    def residual(weights):
        return drawn_as(function(weights[0] * sums + weights[1]), limit) - drawn

    fits = [
        least_squares(residual, [start, 0.0], loss="soft_l1", f_scale=0.04) for start in (0.1, -0.1)
    ]
    best = min(fits, key=lambda fit: fit.cost)
    return float(np.sqrt(np.mean(residual(best.x) ** 2)))


def window_weights(restored: Restored, s2: Reading) -> list[list[float]]:
    """Each map of S2 with four weights of its own for the places in the window: (6, 4)."""
    c1 = states_of(restored, restored.pixels)["c1"]
    n, maps, height, width = c1.shape
    windows = c1.reshape(n, maps, height // 2, 2, width // 2, 2).transpose(1, 0, 2, 4, 3, 5)
    design = windows.reshape(maps, -1, 4)
    return [
        fit_map(design[c], s2.value[:, c].ravel(), limit=restored.limit).weights[:4].tolist()
        for c in range(maps)
    ]


def of_one_net(restored: Restored) -> dict[str, dict[str, float]]:
    """Fig. 25's C1 and C3 as the layers recovered from Fig. 13 compute them, where the input shows.

    Returns:
        Per layer the rms left as a share of the limit, what its greys leave open, the correlation
        and the number of states.
    """
    printed = paper.fig25_states()
    scale = Scale.of((printed.input, printed.c1, printed.c3))
    computed = states_of(restored, whole_field(scale.inputs(printed.input).value)[None])
    found = {}
    # A unit of C1 sees 5 columns of the input, one of C3 sees 14, in steps of 2.
    for layer, sees, step in (("c1", 5, 1), ("c3", 14, 2)):
        first, last = -(-FIG25_FIRST // step), (FIG25_LAST + 1 - sees) // step
        read = scale.states(getattr(printed, layer)[:, :, first : last + 1])
        ours = drawn_as(computed[layer][0, :, :, first : last + 1], restored.limit)
        found[layer] = {
            "rms": float(np.sqrt(np.mean((ours - read.value) ** 2))),
            "open": float(np.sqrt(np.mean(read.deviation**2))),
            "correlation": float(np.corrcoef(ours.ravel(), read.value.ravel())[0, 1]),
            "states": int(ours.size),
        }
    return found


# --- How sure -----------------------------------------------------------------------------------


def chosen(
    pixels: Reading, states: dict[str, Reading], patterns: np.ndarray
) -> tuple[Reading, dict[str, Reading]]:
    """Some of the patterns, with what is printed of them."""
    some = {layer: Reading(*(part[patterns] for part in read)) for layer, read in states.items()}
    return Reading(*(part[patterns] for part in pixels)), some


FACTORS = (1 / 3, 3.0)


def prior_dependence(
    restored: Restored, pixels: Reading, states: dict[str, Reading]
) -> dict[str, dict[str, list[float]]]:
    """Relative change of each kernel of C1 and C3 under other priors.

    Returns:
        By the factor on both priors' standard deviations, and by layer, one number a kernel.
    """
    found = {}
    for factor in FACTORS:
        other = restore(pixels, states, {layer: factor * prior for layer, prior in PRIORS.items()})
        found[f"{factor:.2g}"] = {
            layer: _relative(other, restored.weights, layer) for layer in PRIORS
        }
    return found


def held_out(
    pixels: Reading, states: dict[str, Reading], pair: tuple[int, int]
) -> dict[str, float]:
    """Residuals of two patterns' states by layers recovered without them (rms)."""
    rest = np.setdiff1d(np.arange(len(pixels.value)), pair)
    restored = restore(*chosen(pixels, states, rest))
    computed = states_of(restored, pixels.value[list(pair)])
    return {
        layer: float(
            np.sqrt(
                np.mean(
                    (drawn_as(computed[layer], restored.limit) - states[layer].value[list(pair)])
                    ** 2
                )
            )
        )
        for layer in LAYERS
    }


def bootstrap(
    pixels: Reading, states: dict[str, Reading], draws: int, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Standard deviation of every weight over layers recovered from patterns drawn with repeats."""
    found = []
    for _ in range(draws):
        patterns = generator.integers(len(pixels.value), size=len(pixels.value))
        found.append(restore(*chosen(pixels, states, patterns)).weights)
    return {name: np.std([weights[name] for weights in found], axis=0, ddof=1) for name in found[0]}


def recovered_from_our_own(
    model: LeNet5,
    pixels: Reading,
    scale: Scale,
    limit: float,
    generator: np.random.Generator,
    steps: int = STEPS,
) -> dict:
    """The same procedure on states of a net whose weights are known.

    The net sees the patterns of Fig. 13 with each pixel drawn from what its grey leaves open; both
    are printed as Fig. 13 is, and nothing else is given to the fit.

    Args:
        model: the net.
        pixels, scale: Fig. 13's patterns and greys.
        limit: the display's.
        generator: for the pixels.
        steps: of the refinement.

    Returns:
        ``relative``: of every kernel and coefficient by layer, the size of the error over the size
        of the weights; ``weights``: how far all are off, in all; ``rms``: what is left by layer.
    """
    model = model.double()
    width = np.sqrt(12) * pixels.deviation
    seen = pixels.value + width * (generator.random(pixels.value.shape) - 0.5)
    with torch.no_grad():
        states: dict[str, Tensor] = layer_states(model, torch.from_numpy(seen)[:, None])
    read = {
        layer: scale.states(scale.print_states(x.numpy(), limit)) for layer, x in states.items()
    }
    restored = restore(scale.inputs(scale.print_inputs(seen)), read, steps=steps)
    truth = as_restored(model)
    return {
        "relative": {layer: _relative(restored, truth, layer) for layer in LAYERS},
        "limit": restored.limit,
        "rms": {layer: restored.rms(layer) for layer in LAYERS},
        "open": {layer: float(np.sqrt(np.mean(read[layer].deviation ** 2))) for layer in LAYERS},
        "at_limit": {
            layer: float(np.mean(np.abs(read[layer].value) >= 1 - 1 / MIDDLE)) for layer in LAYERS
        },
    }


def _relative(restored: Restored, truth: dict[str, np.ndarray], layer: str) -> list[float]:
    """The error of each kernel or coefficient over its size."""
    ours, theirs = (
        weights[f"{layer}.weight"].reshape(-1, 25 if layer in ("c1", "c3") else 1)
        for weights in (restored.weights, truth)
    )
    return (np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)).tolist()
