"""Tuned replacements of SDLM and of single patterns, by one budget.

docs/protocol.md, "Tuning", says how: on patterns held out of training, before the test set was
asked. ``experiments/ablations/tuning.py`` runs the trials.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from lenet1998.recipes import RECIPES, Recipe

HELD_OUT = 10_000
SCHEDULES = ("constant", "printed")
LADDER = [float(f"{digit}e{power}") for power in range(-8, 3) for digit in (1, 3)]
"""Rates half a decade apart."""


@dataclass(frozen=True)
class Tuning:
    """One way to learn.

    Attributes:
        title: what it is, in a few words.
        switches: of ``base``, without rate and schedule.
        rates: that were tried, each with every schedule.
        eta, schedule: the best of them.
        base: ``original`` or ``modern``.
    """

    title: str
    switches: Mapping[str, Any]
    rates: tuple[float, ...]
    eta: float
    schedule: str
    base: Recipe = RECIPES["original"]

    @property
    def settled(self) -> dict[str, Any]:
        """The switches, with the best rate and schedule."""
        return {**self.switches, "eta": self.eta, "schedule": self.schedule}

    def at(self, eta: float, schedule: str) -> Recipe:
        """The recipe of a trial, patterns held out."""
        switches = {**self.switches, "eta": eta, "schedule": schedule}
        return self.base.changed(**switches, held_out=HELD_OUT)

    @property
    def trials(self) -> list[Recipe]:
        return [self.at(*pair) for pair in product(self.rates, SCHEDULES)]

    @property
    def three_decades(self) -> list[Recipe]:
        """The best schedule with rates about the best one, half a decade apart."""
        middle = LADDER.index(self.eta)
        return [self.at(eta, self.schedule) for eta in LADDER[middle - 3 : middle + 4]]


_SGD = {"optimizer": "sgd"}
TUNINGS: dict[str, Tuning] = {
    "sdlm": Tuning("SDLM", {}, (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2), 3e-4, "printed"),
    "layer": Tuning(
        "SDLM, one rate a layer",
        {"rates": "layer"},
        (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
        1e-4,
        "printed",
    ),
    "sgd": Tuning("SGD, one rate", _SGD, (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2), 1e-3, "printed"),
    "fan_in": Tuning(
        "SGD, rates by fan-in",
        {**_SGD, "rates": "fan_in"},
        (3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0),
        3e-2,
        "constant",
    ),
    "momentum": Tuning(
        "SGD, momentum 0.9",
        {**_SGD, "momentum": 0.9},
        (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3),
        3e-4,
        "printed",
    ),
    "adam": Tuning(
        "Adam", {"optimizer": "adam"}, (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3), 3e-4, "printed"
    ),
    "16": Tuning(
        "SDLM, batches of 16",
        {"batch_size": 16},
        (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
        1e-2,
        "printed",
    ),
    "128": Tuning(
        "SDLM, batches of 128",
        {"batch_size": 128},
        (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
        1e-2,
        "constant",
    ),
    "modern": Tuning(
        "modern", {}, (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1), 1e-1, "constant", RECIPES["modern"]
    ),
}
"""By a key of one word."""
OPTIMIZERS = ("sdlm", "sgd", "fan_in", "momentum", "adam")
"""Those that Appendix C's claim is asked of, over three decades of rates."""
