"""The tables of docs/ablations.md, and the effects in docs/why.md."""

from collections.abc import Callable, Sequence

import pandas as pd

from experiments.ablations import measures_tables as of_nets
from experiments.ablations import rates_tables as rates
from experiments.ablations.rates_tables import ABLATED
from experiments.results import ABLATIONS, shows
from lenet1998.ablate import effects as ablations
from lenet1998.ablate.components import COMPONENTS
from lenet1998.ablate.effects import Families, effects_table, families
from lenet1998.training.records import RunRecord


def _measured(runs: Sequence[RunRecord], train_size: int | None = None) -> Families:
    """The directions whose nets are measured; those of ``tuned`` are in ``out``, too."""
    found = families(runs, train_size)
    return {direction: found[direction] for direction in found if direction != "tuned"}


def _of_nets(
    runs: Sequence[RunRecord], measures: Callable[[Families], list[of_nets.Measure]]
) -> pd.DataFrame:
    """Effects on the purposes of the components."""
    return of_nets.table(measures(_measured(runs)))


@shows(ABLATED)
def effects(runs: Sequence[RunRecord], direction: str) -> pd.DataFrame:
    """Effects of a direction's changes on the test error."""
    return effects_table(ablations.effects(families(runs)[direction]))


@shows(ABLATED)
def brief(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """The changes of ``original`` that move its test error most, one a component."""
    return ablations.brief_table(families(runs), COMPONENTS)


@shows(ABLATED)
def worth(runs: Sequence[RunRecord], component: str) -> pd.DataFrame:
    """Every change of a component, of ``original`` and of ``modern``."""
    return ablations.worth_table(families(runs), component)


@shows(ABLATED, ABLATIONS)
def rejection(runs: Sequence[RunRecord], content: dict) -> pd.DataFrame:
    """Effects on the rejection of what is no character."""
    return _of_nets(runs, lambda groups: of_nets.rejection(groups, content))


@shows(ABLATED, ABLATIONS)
def invariance(runs: Sequence[RunRecord], content: dict) -> pd.DataFrame:
    """Effects on the errors on digits moved, and with noise."""
    return _of_nets(runs, lambda groups: of_nets.invariance(groups, content))


@shows(ABLATED, ABLATIONS)
def learning(runs: Sequence[RunRecord], content: dict) -> pd.DataFrame:
    """Effects on the speed of learning, and on learning from few patterns."""
    few = {size: _measured(runs, size) for size in of_nets.FEW}
    return _of_nets(runs, lambda groups: of_nets.learning(groups, few, content))


@shows(ABLATED)
def work(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """Size, work and training time of a network of each kind."""
    return of_nets.work(_measured(runs))


@shows(ABLATED)
def speed(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """Passes and seconds until fewer than 2 % are misread, by way to learn."""
    return rates.speed(runs)
