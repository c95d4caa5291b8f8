"""All layers at once: parameters, the input's pixels and the display's limit, from where
:mod:`.layers` ended.

Layer by layer, C1 takes what the print leaves open of the pixels for its own error, and what is
wrong in a layer is wrong in all above. Here every state of every layer counts by what its grey
leaves open, and each pixel may lie wherever its grey allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lenet1998 import paper
from lenet1998.engines.exactly import one_thread
from lenet1998.models import LeNet5, build_model
from lenet1998.recipes import ORIGINAL
from lenet1998.restore.layers import LAYERS, PRIORS, Fit, layer_by_layer
from lenet1998.restore.printing import LIMIT, Reading, Scale

SUMS = ORIGINAL.changed(pooling="trainable")
"""The network whose layers are recovered: S2 and S4 as section II-B has them."""
STEPS = 3000
RATES = {"weights": 0.01, "pixels": 0.05, "limit": 0.001}
"""Adam's largest rates: of weights, of pixels in standard deviations, of the limit's logarithm."""
PLACING = 0.004
"""Beside its grey, what a state leaves open as a share of the limit: the greys' own uncertainty."""
SOFT = 2.0
"""Standard deviations from which on a residual counts by its size and no longer by its square."""


@dataclass(frozen=True, eq=False)
class Restored:
    """The recovered layers.

    Attributes:
        weights: ``c1.weight`` (6, 1, 5, 5) to ``s4.bias`` (16,), as in a state dict.
        limit: the display's.
        left: per layer (N, maps, side, side), what is printed less what is computed, as shares of
            the limit.
        pixels: (N, 32, 32) the input within what its greys allow.
    """

    weights: dict[str, np.ndarray]
    limit: float
    left: dict[str, np.ndarray]
    pixels: np.ndarray

    def rms(self, layer: str) -> float:
        """Residual of a layer."""
        return float(np.sqrt(np.mean(self.left[layer] ** 2)))


def network(weights: Mapping[str, np.ndarray]) -> LeNet5:
    """The recovered layers in a network of float64; C5 and F6 are drawn, and not to be used."""
    model = build_model(SUMS).double()
    own = model.state_dict()
    state = {name: torch.from_numpy(x).reshape(own[name].shape) for name, x in weights.items()}
    model.load_state_dict(own | state)
    return model


def weights_of(fits: dict[str, list[Fit]]) -> dict[str, np.ndarray]:
    """The weights and biases of C1 to S4, each in a row, by their names."""
    found = {}
    for layer in LAYERS:
        found[f"{layer}.weight"] = np.concatenate([fit.weights[:-1] for fit in fits[layer]])
        found[f"{layer}.bias"] = np.array([fit.weights[-1] for fit in fits[layer]])
    return found


def layer_states(model: LeNet5, images: Tensor) -> dict[str, Tensor]:
    """The states of C1 to S4 for images (N, 1, H, W)."""
    c1 = model.squash(model.c1(images))
    s2 = model.s2(c1)
    c3 = model.squash(model.c3(s2))
    return dict(zip(LAYERS, (c1, s2, c3, model.s4(c3)), strict=True))


def recovered(model: LeNet5) -> dict[str, Tensor]:
    """The parameters of C1 to S4."""
    return {name: p for name, p in model.named_parameters() if name.partition(".")[0] in LAYERS}


@one_thread()
def restore(
    pixels: Reading,
    states: dict[str, Reading],
    priors: Mapping[str, float] = PRIORS,
    steps: int = STEPS,
) -> Restored:
    """Recover C1, S2, C3 and S4 from patterns and the states that are printed of them.

    Args:
        pixels: (N, 32, 32).
        states: of each of :data:`~lenet1998.restore.layers.LAYERS`, (N, maps, side, side), as
            shares of the display's limit.
        priors: standard deviations of the kernels' normal priors, of C1 and C3.
        steps: of the refinement.
    """
    model = network(weights_of(layer_by_layer(pixels.value, states, priors)))
    parameters = recovered(model)
    value, deviation = (torch.from_numpy(part)[:, None] for part in pixels)
    drawn = {name: torch.from_numpy(reading.value) for name, reading in states.items()}
    spread = {
        name: torch.from_numpy(reading.deviation) + PLACING for name, reading in states.items()
    }
    moved = torch.zeros_like(value, requires_grad=True)  # in standard deviations
    log_limit = torch.tensor(np.log(LIMIT), requires_grad=True)

    def left() -> dict[str, Tensor]:
        found = layer_states(model, value + moved * deviation)
        limit = log_limit.exp()
        return {name: drawn[name] - (found[name] / limit).clamp(-1, 1) for name in LAYERS}

    def energy() -> Tensor:
        total = moved.square().sum()
        for name, residual in left().items():
            total = total + (_soft(residual / spread[name])).sum()
        for layer, prior in priors.items():
            total = total + (parameters[f"{layer}.weight"] / prior).square().sum()
        return total

    free = {"weights": list(parameters.values()), "pixels": [moved], "limit": [log_limit]}
    groups = [{"params": free[kind], "lr": RATES[kind]} for kind in free]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, list(RATES.values()), steps)
    for _ in range(steps):
        optimizer.zero_grad()
        energy().backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return Restored(
            {name: p.numpy().copy() for name, p in parameters.items()},
            float(log_limit.exp()),
            {name: residual.numpy() for name, residual in left().items()},
            (value + moved * deviation)[:, 0].numpy(),
        )


def _soft(residual: Tensor) -> Tensor:
    """A square near zero, a straight line far from it."""
    return 2 * SOFT**2 * ((1 + residual.square() / SOFT**2).sqrt() - 1)


def read_fig13() -> tuple[Scale, Reading, dict[str, Reading]]:
    """Fig. 13 (section III-E, p.17): its greys, the nine patterns, and the states by layer."""
    printed = paper.fig13_states()
    scale = Scale.of(getattr(printed, layer) for layer in (*LAYERS, "c5", "f6"))
    states = {layer: scale.states(getattr(printed, layer)) for layer in LAYERS}
    return scale, scale.inputs(printed.input), states
