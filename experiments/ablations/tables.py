"""docs/ablations.md: which records make which table or figure."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from experiments.ablations import measures_tables as of_nets
from experiments.ablations import rates_tables as rates
from experiments.results import ABLATIONS, read_json, runs_in
from lenet1998.ablate import effects as ablations
from lenet1998.ablate.components import COMPONENTS

ABLATED, TUNED = "ablations", "tuning"


def _ablated(results: Path, train_size: int | None = None) -> ablations.Families:
    """The ablations' runs, change by change."""
    return ablations.families(runs_in(results, ABLATED), train_size)


def _measured(results: Path, train_size: int | None = None) -> ablations.Families:
    """The directions whose nets are measured; those of ``tuned`` are in ``out``, too."""
    found = _ablated(results, train_size)
    return {direction: found[direction] for direction in found if direction != "tuned"}


def _effects(direction: str) -> Callable[[Path], pd.DataFrame]:
    """Effects of a direction's changes on the test error."""

    def table(results: Path) -> pd.DataFrame:
        groups = _ablated(results)
        if (waits := ablations.under_way(groups, direction)) is not None:
            return waits
        return ablations.effects_table(ablations.effects(groups[direction]))

    return table


def brief(results: Path) -> pd.DataFrame:
    """The changes of ``original`` that move its test error most, one a component."""
    groups = _ablated(results)
    waits = ablations.under_way(groups, "out", "tuned")
    return ablations.brief_table(groups, COMPONENTS) if waits is None else waits


def _purposes(
    measures: Callable[..., list[of_nets.Measure]],
) -> Callable[[Path], pd.DataFrame]:
    """Effects on the purposes of the components."""

    def table(results: Path) -> pd.DataFrame:
        groups = _measured(results)
        if (waits := ablations.under_way(groups, *groups)) is not None:
            return waits
        return of_nets.table(measures(groups, read_json(results / ABLATIONS)))

    return table


def learning(results: Path) -> pd.DataFrame:
    """Effects on the speed of learning, and on learning from few patterns."""
    groups = _measured(results)
    if (waits := ablations.under_way(groups, *groups)) is not None:
        return waits
    few = {size: _measured(results, size) for size in of_nets.FEW}
    return of_nets.table(of_nets.learning(groups, few, read_json(results / ABLATIONS)))


def work(results: Path) -> pd.DataFrame:
    """Size, work and training time of a network of each kind."""
    groups = _measured(results)
    waits = ablations.under_way(groups, *groups)
    return of_nets.work(groups) if waits is None else waits


def speed(results: Path) -> pd.DataFrame:
    """Passes and seconds until fewer than 2 % are misread, by way to learn."""
    waits = ablations.under_way(_ablated(results), "tuned")
    return rates.speed(runs_in(results, ABLATED)) if waits is None else waits


def _of(folder: str, table: Callable[..., pd.DataFrame]) -> Callable[[Path], pd.DataFrame]:
    """A table of a folder's runs and nothing else."""
    return lambda results: table(runs_in(results, folder))


TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    **{f"ablations-{direction}": _effects(direction) for direction in ablations.TITLES},
    "ablations-brief": brief,
    "ablations-rejection": _purposes(of_nets.rejection),
    "ablations-invariance": _purposes(of_nets.invariance),
    "ablations-learning": learning,
    "ablations-work": work,
    "ablations-speed": speed,
    "tuned": _of(TUNED, rates.tuned),
    "rates": _of(TUNED, rates.reliable),
}
FIGURES: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "rates.png": (rates.sensitivity, (TUNED,)),
}
"""What draws each figure, and the sources that it is given."""
