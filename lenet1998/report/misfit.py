"""How far a reading of the paper is from what survives of 1998: docs/protocol.md's misfit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lenet1998 import paper
from lenet1998.statistics import log_ratio_rms

CURVES_UNIT, RATES_UNIT, NET_UNIT = 0.1, math.log(2), math.log(1.5)
"""What S, R and N are measured in: protocol.md says why."""


@dataclass(frozen=True)
class Trial:
    """One run of a reading.

    Attributes:
        recipe: its name.
        seed: its seed.
        train: errors on the fly, percent, by pass.
        test: test errors, percent, by pass.
        rates: the smallest and the largest effective rate of the first pass.
        diverged: whether it did.
    """

    recipe: str
    seed: int
    train: tuple[float, ...]
    test: tuple[float, ...]
    rates: tuple[float, float]
    diverged: bool = False

    @classmethod
    def of(cls, run: Mapping) -> "Trial":
        """A run of ``search.json``."""
        ended = run["status"] == "diverged"
        columns = (tuple(run[key]) for key in ("train", "test", "rates"))
        return cls(run["recipe"], run["seed"], *columns, ended)


@dataclass(frozen=True)
class Misfit:
    """S, R and N in their units, and M of those measured; infinite where a run diverged."""

    curves: float
    rates: float
    net: float | None = None

    @property
    def all(self) -> float:
        parts = [part for part in (self.curves, self.rates, self.net) if part is not None]
        return math.sqrt(sum(part**2 for part in parts) / len(parts))


NONE = Misfit(math.inf, math.inf)


def misfit(
    trials: Sequence[Trial],
    sizes: Sequence[Mapping[str, float]] = (),
    theirs: Mapping[str, float] | None = None,
) -> Misfit:
    """The misfit of a reading's runs, over as many passes as they have.

    Args:
        trials: one a seed.
        sizes: the quantities of nets of that reading, one mapping a seed; none: not measured.
        theirs: those of the 1998 net.
    """
    if any(trial.diverged or not trial.train for trial in trials):
        return NONE
    published, passes = paper.fig5_curve(), min(len(trials[0].train), paper.PASSES)
    apart = [
        log_ratio_rms(np.mean([getattr(t, key)[:passes] for t in trials], axis=0), curve[:passes])
        for key, curve in (("train", published.train_error), ("test", published.test_error))
    ]
    rates = np.exp(np.mean(np.log([trial.rates for trial in trials]), axis=0))
    return Misfit(
        math.hypot(*apart) / math.sqrt(2) / CURVES_UNIT,
        log_ratio_rms(rates, paper.RATE_RANGE) / RATES_UNIT,
        of_the_net(sizes, theirs) if sizes and theirs else None,
    )


def of_the_net(sizes: Sequence[Mapping[str, float]], theirs: Mapping[str, float]) -> float:
    """N, in its unit: how far nets of ours are from that of 1998."""
    apart = list(differences(sizes, theirs).values())
    return float(np.sqrt(np.mean(np.square(apart)))) / NET_UNIT


def differences(
    sizes: Sequence[Mapping[str, float]], theirs: Mapping[str, float]
) -> dict[str, float]:
    """By quantity the logarithm of ours over 1998's, or of the odds' ratio for a share.

    A quantity that is one is called so: ``C1 states of 1.5 and more, share``.
    """
    return {
        name: float(np.mean([_scaled(name, net[name]) for net in sizes]))
        - _scaled(name, theirs[name])
        for name in theirs
    }


def _scaled(name: str, value: float) -> float:
    return math.log(value / (1 - value)) if name.endswith("share") else math.log(value)
