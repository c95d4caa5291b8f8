"""The rates and schedules of what replaces SDLM and single patterns: docs/protocol.md, "Tuning".

Judged by patterns held out of training; the test set is not asked.
"""

import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from experiments.study import cell_of, run_study
from lenet1998.ablate.components import TUNED
from lenet1998.recipes import RECIPES, Recipe
from lenet1998.training.study import Cell

HELD_OUT = 10_000
SCHEDULES = ("constant", "printed")
LADDER = [float(f"{digit}e{power}") for power in range(-8, 3) for digit in (1, 3)]
"""Rates half a decade apart."""


@dataclass(frozen=True)
class Tuning:
    """One way to learn.

    Attributes:
        title: what it is, in a few words.
        settled: its switches in ``base``, with the best rate and schedule of all trials.
        rates: that were tried, each with every schedule.
        base: ``original`` or ``modern``.
    """

    title: str
    settled: dict[str, Any]
    rates: tuple[float, ...]
    base: Recipe = RECIPES["original"]

    @property
    def eta(self) -> float:
        return self.settled["eta"]

    @property
    def schedule(self) -> str:
        return self.settled["schedule"]

    def at(self, eta: float, schedule: str) -> Recipe:
        """The recipe of a trial, patterns held out."""
        switches = {**self.settled, "eta": eta, "schedule": schedule}
        return self.base.changed(**switches, held_out=HELD_OUT)

    @property
    def trials(self) -> list[Recipe]:
        return [self.at(*pair) for pair in product(self.rates, SCHEDULES)]

    @property
    def three_decades(self) -> list[Recipe]:
        """The best schedule with rates about the best one, half a decade apart."""
        middle = LADDER.index(self.eta)
        return [self.at(eta, self.schedule) for eta in LADDER[middle - 3 : middle + 4]]


def _rates(first: float) -> tuple[float, ...]:
    """Six rungs of the ladder."""
    at = LADDER.index(first)
    return tuple(LADDER[at : at + 6])


TUNINGS: dict[str, Tuning] = {
    key: Tuning(title, TUNED[key], _rates(first))
    for key, title, first in (
        ("sdlm", "SDLM", 3e-5),
        ("layer", "SDLM, one rate a layer", 3e-5),
        ("sgd", "SGD, one rate", 1e-4),
        ("fan_in", "SGD, rates by fan-in", 3e-3),
        ("momentum", "SGD, momentum 0.9", 1e-5),
        ("adam", "Adam", 1e-5),
        ("16", "SDLM, batches of 16", 1e-4),
        ("128", "SDLM, batches of 128", 1e-3),
    )
} | {"modern": Tuning("modern", TUNED["modern"], _rates(1e-3), RECIPES["modern"])}
"""By a key of one word."""
OPTIMIZERS = ("sdlm", "sgd", "fan_in", "momentum", "adam")
"""Those that Appendix C's claim is asked of, over three decades of rates."""


def cells(results: Path) -> list[Cell]:
    return [
        cell_of(results, "tuning", trial, 0)
        for tuning in TUNINGS.values()
        for trial in tuning.trials
    ]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells))
