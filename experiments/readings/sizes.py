"""The quantities by which a net is compared with that of 1998: docs/protocol.md, N.

All are of Fig. 13's nine patterns (section III-E, p.17) or of the weights themselves. Of the 1998
net, the weights and states of C1 to S4 are the recovered layers', C5's and F6's states the print's.
"""

import copy
from collections.abc import Mapping

import numpy as np
import torch

from experiments.net_1998.evidence import as_restored
from lenet1998 import paper
from lenet1998.models import LeNet5
from lenet1998.restore.printing import Reading, Scale
from lenet1998.restore.refine import layer_states, network

SIZES = (
    "C1 weights, rms",
    "C3 weights, rms",
    "S2 coefficients, mean size",
    "S4 coefficients, mean size",
    "S2 biases, rms",
    "S4 biases, rms",
    "C1 states of 1.5 and more, share",
    "C3 states of 1.5 and more, share",
    "C5 states of 1.5 and more, share",
    "S2 states, rms",
    "S4 states, rms",
    "F6 states of 1 and more, share",
    "F6 from the code, mean",
)
"""The thirteen quantities of a net."""
LARGE = 1.5
"""From which size on a state counts as saturated: f is 1.7159 at most, and the display cuts off at
about 1.67."""


def sizes(model: LeNet5, pixels: Reading, scale: Scale) -> dict[str, float]:
    """The quantities of a net of ours.

    Args:
        model: a net with trainable subsampling and an F6 of 84 units.
        pixels: (9, 32, 32), Fig. 13's patterns.
        scale: Fig. 13's greys, in which F6's states are printed, as 1998's are.
    """
    model = copy.deepcopy(model).double()
    with torch.no_grad():
        states = layer_states(model, torch.from_numpy(pixels.value)[:, None])
        column = model.squash(model.c5(states["s4"])).flatten(1)
        f6 = model.squash(model.f6(column)).numpy()
    drawn = scale.states(scale.print_states(f6, limit=1.0)).value
    return _quantities(as_restored(model), states, column.numpy(), drawn)


def of_1998(restoration: Mapping, pixels: Reading, scale: Scale) -> dict[str, float]:
    """The quantities of the 1998 net.

    Args:
        restoration: the content of ``restoration.json``: the recovered ``weights`` and the
            display's ``limit``, which is taken for C5's, too.
        pixels: Fig. 13's patterns.
        scale: its greys.
    """
    weights = {name: np.array(values) for name, values in restoration["weights"].items()}
    model = network(weights)
    with torch.no_grad():
        states = layer_states(model, torch.from_numpy(pixels.value)[:, None])
    printed = paper.fig13_states()
    column = restoration["limit"] * scale.states(printed.c5).value
    f6 = scale.states(printed.f6).value.reshape(len(printed.f6), -1)
    return _quantities(weights, states, column, f6)


def _quantities(weights, states, column: np.ndarray, f6: np.ndarray) -> dict[str, float]:
    def rms(values) -> float:
        return float(np.sqrt(np.mean(np.square(np.asarray(values)))))

    def large(values) -> float:
        return float(np.mean(np.abs(np.asarray(values)) >= LARGE))

    codes = paper.digit_codes()[paper.fig13_states().labels]
    found = (
        rms(weights["c1.weight"]),
        rms(weights["c3.weight"]),
        float(np.mean(np.abs(weights["s2.weight"]))),
        float(np.mean(np.abs(weights["s4.weight"]))),
        rms(weights["s2.bias"]),
        rms(weights["s4.bias"]),
        large(states["c1"]),
        large(states["c3"]),
        large(column),
        rms(states["s2"]),
        rms(states["s4"]),
        float(np.mean(np.abs(f6) >= 1)),
        float(np.mean(np.abs(f6 - codes))),
    )
    return dict(zip(SIZES, found, strict=True))
