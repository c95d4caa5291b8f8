"""docs/ablations.md: which records make which table or figure."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from experiments.ablations import figures as ablation_figures
from experiments.ablations import purposes
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
    return lambda results: ablations.effects_table(ablations.effects(_ablated(results)[direction]))


def brief(results: Path) -> pd.DataFrame:
    """The changes of ``original`` that move its test error most, one a component."""
    return ablations.brief_table(_ablated(results), COMPONENTS)


def _purposes(measures: Callable[..., list[purposes.Measure]]) -> Callable[[Path], pd.DataFrame]:
    """Effects on the purposes of the components."""
    return lambda results: purposes.table(
        measures(_measured(results), read_json(results / ABLATIONS))
    )


def learning(results: Path) -> pd.DataFrame:
    """Effects on the speed of learning, and on learning from few patterns."""
    few = {size: _measured(results, size) for size in purposes.FEW}
    content = read_json(results / ABLATIONS)
    return purposes.table(purposes.learning(_measured(results), few, content))


def _of(folder: str, table: Callable[..., pd.DataFrame]) -> Callable[[Path], pd.DataFrame]:
    """A table of a folder's runs and nothing else."""
    return lambda results: table(runs_in(results, folder))


TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    **{f"ablations-{direction}": _effects(direction) for direction in ablations.TITLES},
    "ablations-brief": brief,
    "ablations-rejection": _purposes(purposes.rejection),
    "ablations-invariance": _purposes(purposes.invariance),
    "ablations-learning": learning,
    "ablations-work": lambda results: purposes.work(_measured(results)),
    "ablations-speed": _of(ABLATED, rates.speed),
    "tuned": _of(TUNED, rates.tuned),
    "rates": _of(TUNED, rates.reliable),
}
FIGURES: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "ablations.png": (ablation_figures.forest, (ABLATED,)),
    "ladder.png": (ablation_figures.ladder, (ABLATED, ABLATIONS)),
    "rejection.png": (ablation_figures.rejections, (ABLATED, ABLATIONS)),
    "rates.png": (rates.sensitivity, (TUNED,)),
    "speed.png": (rates.against_time, (ABLATED,)),
}
"""What draws each figure, and the sources that it is given."""
