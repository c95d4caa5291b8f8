"""C5 and F6 trained on the recovered layers, and told the states that the figures print of them.

C5 and F6 have 58,284 parameters, and Figs. 13, 25 and 26 (sections III-E and VII-B) print the
states of C5 for 18 inputs and of F6 for 54. That does not determine them; it does say which of the
many nets that training can give are nearer to 1998's.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from experiments.net_1998 import printed_strings as strings
from lenet1998 import engines, paper
from lenet1998.data import Dataset
from lenet1998.engines.exactly import one_thread, plain_modes
from lenet1998.models import LeNet5
from lenet1998.recipes import Recipe
from lenet1998.restore.printing import Scale
from lenet1998.restore.refine import layer_states
from lenet1998.training.records import RunRecord
from lenet1998.training.run import Run, train

A, S = paper.TANH_AMPLITUDE, paper.TANH_SLOPE
F6_LIMIT = 1.0
"""The display's limit of F6, whose states crowd there: the codes' -1 and +1. Not printed."""
STIFFNESS = 0.05
"""Over eta: what a change of the weights counts beside what the states lack (docs/protocol.md)."""


@dataclass(frozen=True, eq=False)
class Told:
    """Inputs with the states that are printed of them, as shares of the display's limit.

    Attributes:
        images: (N, 1, 32, 32) float32: Fig. 13's nine, Fig. 25's nine windows, Fig. 26's 36.
        c5: (M, 120), of the first M <= N inputs.
        f6: (N, 84).
    """

    images: Tensor
    c5: Tensor
    f6: Tensor

    def first(self, n: int) -> "Told":
        """The first n inputs: with 18, those whose C5 is printed."""
        return Told(self.images[:n], self.c5[:n], self.f6[:n])


def printed() -> Told:
    """All that the figures print of C5 and F6."""
    fig13 = paper.fig13_states()
    pixels = Scale.of([fig13.input]).inputs(fig13.input).value
    images = np.concatenate([pixels, strings.inputs().reshape(-1, *pixels.shape[1:])])
    c5 = np.concatenate([fig13.c5, paper.fig25_states().c5])
    f6 = np.concatenate([fig13.f6.reshape(9, -1), strings.f6_greys().reshape(45, -1)])
    shares = (torch.from_numpy(Scale.of([greys]).states(greys).value) for greys in (c5, f6))
    return Told(torch.from_numpy(images).float()[:, None], *shares)


class Nearness(NamedTuple):
    """States beside printed ones, both as shares of the display's limit and cut off there."""

    rms: float
    correlation: float


def nearness(states: Tensor, shares: Tensor, limit: float) -> Nearness:
    """Distance of states from those that are printed."""
    drawn = (states.double() / limit).clamp(-1, 1)
    both = torch.stack([drawn.flatten(), shares.flatten()])
    return Nearness(float((drawn - shares).square().mean().sqrt()), float(both.corrcoef()[0, 1]))


@torch.no_grad()
def dense_states(model: LeNet5, images: Tensor) -> tuple[Tensor, Tensor]:
    """The states of C5 (N, 120) and F6 (N, 84)."""
    c5 = model.squash(model.c5(layer_states(model, images)["s4"])).flatten(1)
    return c5, model.squash(model.f6(c5))


def move(
    layer: nn.Conv2d | nn.Linear, inputs: Tensor, shares: Tensor, limit: float, stiffness: float
) -> None:
    """Change a layer's weights and biases a little, so that its states come nearer to a print.

    By least squares: of each unit, the squares of what its weighted sums lack after the change, and
    of the change itself (times the stiffness), are together the smallest. Where the print is at
    the display's limit, nothing is lacking at the limit or beyond.

    Args:
        layer: C5 or F6, with biases; changed in place.
        inputs: (N, n) what each unit multiplies with its n weights.
        shares: (N, units) the print, as shares of the limit.
        limit: the display's.
        stiffness: > 0; the larger, the smaller the change.
    """
    parameters = [p for p in (layer.weight, layer.bias) if p is not None]
    design = torch.cat([inputs, torch.ones(len(inputs), 1)], 1).double()
    weights = torch.cat([p.reshape(len(p), -1) for p in parameters], 1).double()
    wanted = torch.atanh(shares * limit / A) / S
    lacking = wanted - design @ weights.T
    lacking = torch.where(shares >= 1, lacking.clamp(min=0), lacking)
    lacking = torch.where(shares <= -1, lacking.clamp(max=0), lacking)
    stiff = design @ design.T + stiffness * torch.eye(len(design), dtype=torch.float64)
    change = (design.T @ torch.linalg.solve(stiff, lacking)).T.to(inputs)
    for p, part in zip(parameters, change.split([inputs.shape[1], 1], 1), strict=True):
        p += part.reshape(p.shape)


@one_thread()
@plain_modes()
def fit_told(recipe: Recipe, seed: int, dataset: Dataset, told: Told, c5_limit: float) -> RunRecord:
    """Train as :func:`lenet1998.training.fit` does, and after every block of patterns move C5 and
    then F6 towards the states that are printed of them.

    Args:
        recipe: with ``features="1998"``. Its name should be one of its own, for its switches do not
            tell all that is done.
        seed, dataset: as for ``fit``.
        told: the states.
        c5_limit: the display's limit of C5.

    Returns:
        The run's record, weights included.
    """
    run = Run(recipe, seed, dataset, "auto", torch.device("cpu"))
    model = run.model
    with torch.no_grad():
        s4 = layer_states(model, told.images)["s4"]  # which never changes

    @torch.no_grad()
    def tell(pass_number: int, *_) -> None:
        stiffness = STIFFNESS / recipe.learning_rate(pass_number)
        move(model.c5, s4[: len(told.c5)].flatten(1), told.c5, c5_limit, stiffness)
        move(model.f6, model.squash(model.c5(s4)).flatten(1), told.f6, F6_LIMIT, stiffness)

    train(engines.create("auto", recipe, [model]), [run], tell)
    return run.record
