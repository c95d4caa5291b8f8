"""Misfits of a reading with the figures that survive of 1998: docs/protocol.md."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lenet1998 import paper
from lenet1998.training.records import RunRecord

CURVES_UNIT, RATES_UNIT, NET_UNIT = 0.1, math.log(2), math.log(1.5)
"""What S, R and N are measured in: protocol.md says why."""
DRAWS, SURE = 10_000, 0.99
"""Of seeds, and the share of them in which one misfit must be below another."""


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
    def of_record(cls, run: RunRecord) -> "Trial":
        """A run with a record of its own, of one pass at least."""
        curves = (
            tuple(entry[f"{which}_error_percent"] for entry in run.per_pass)
            for which in ("train", "test")
        )
        rates = (run.per_pass[0]["rate_min"], run.per_pass[0]["rate_max"])
        return cls(run.recipe["name"], run.seed, *curves, rates, run.diverged)


@dataclass(frozen=True)
class Misfit:
    """S, R and N in their units, numbers or arrays of them; infinite where a run diverged."""

    curves: np.ndarray | float
    rates: np.ndarray | float
    net: np.ndarray | float | None = None

    @property
    def all(self) -> np.ndarray | float:
        """M, of those that are measured."""
        parts = [part for part in (self.curves, self.rates, self.net) if part is not None]
        return np.sqrt(sum(np.square(part) for part in parts) / len(parts))


def misfit(
    trials: Sequence[Trial],
    sizes: Sequence[Mapping[str, float]] = (),
    theirs: Mapping[str, float] | None = None,
    draw: np.random.Generator | None = None,
) -> Misfit:
    """The misfit of a reading's runs, over as many passes as they have.

    Args:
        trials: one a seed.
        sizes: the quantities of nets of that reading, one mapping a seed; none: not measured.
        theirs: those of the 1998 net.
        draw: draws seeds with repeats, :data:`DRAWS` times, and gives a misfit for each; without it
            every seed counts once.
    """
    if any(trial.diverged or not trial.train for trial in trials):
        return Misfit(math.inf, math.inf)
    published, passes = paper.fig5_curve(), min(len(trials[0].train), paper.PASSES)
    by_seed = _means(len(trials), draw)
    apart = [
        np.log(by_seed @ np.array([getattr(t, key)[:passes] for t in trials]) / curve[:passes])
        for key, curve in (("train", published.train_error), ("test", published.test_error))
    ]
    rates = by_seed @ np.log([trial.rates for trial in trials]) - np.log(paper.RATE_RANGE)
    net = None
    if sizes and theirs:
        off = np.array([list(differences(net, theirs).values()) for net in sizes])
        net = _rms(_means(len(sizes), draw) @ off) / NET_UNIT
    curves, rates = _rms(np.hstack(apart)) / CURVES_UNIT, _rms(rates) / RATES_UNIT
    if draw is not None:
        return Misfit(curves, rates, net)
    return Misfit(curves.item(), rates.item(), None if net is None else net.item())


def _means(n: int, draw: np.random.Generator | None) -> np.ndarray:
    """Weights of n seeds in a mean, a row a draw."""
    if draw is None:
        return np.full((1, n), 1 / n)
    return draw.multinomial(n, np.full(n, 1 / n), size=DRAWS) / n


def _rms(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.mean(np.square(values), axis=1))


def of_the_net(net: Mapping[str, float], theirs: Mapping[str, float]) -> float:
    """N, of one net, in its unit."""
    return float(np.sqrt(np.mean(np.square(list(differences(net, theirs).values()))))) / NET_UNIT


def differences(net: Mapping[str, float], theirs: Mapping[str, float]) -> dict[str, float]:
    """By quantity the logarithm of a net's over 1998's, or of the odds' ratio for a share.

    A quantity that is a share is called so: ``C1 states of 1.5 and more, share``.
    """
    return {name: _scaled(name, net[name]) - _scaled(name, theirs[name]) for name in theirs}


def _scaled(name: str, value: float) -> float:
    return math.log(value / (1 - value)) if name.endswith("share") else math.log(value)
