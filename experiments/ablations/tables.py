"""The tables of docs/ablations.md, and the effects in docs/why.md."""

from collections.abc import Callable, Sequence

import pandas as pd

from experiments.ablations import measures_tables as of_nets
from experiments.ablations import rates_tables as rates
from experiments.ablations.measures_tables import families
from experiments.ablations.rates_tables import ABLATED
from experiments.results import ABLATIONS, shows
from lenet1998.ablate import effects as ablations
from lenet1998.ablate.components import COMPONENTS
from lenet1998.ablate.effects import Effect, Families, effects_table
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
    largest = {}
    for effect in _out_of_original(families(runs)):
        known = largest.setdefault(effect.of.component, effect)
        if abs(effect.pair.difference) > abs(known.pair.difference):
            largest[effect.of.component] = effect
    return pd.DataFrame(
        {"historical": COMPONENTS[component], **_worth(largest[component])}
        for component in COMPONENTS
        if component in largest
    )


@shows(ABLATED)
def worth(runs: Sequence[RunRecord], component: str) -> pd.DataFrame:
    """Every change of a component: of ``original``, then of ``modern``."""
    groups = families(runs)
    found = [*_out_of_original(groups), *ablations.effects(groups["in"])]
    return pd.DataFrame(_worth(effect) for effect in found if effect.of.component == component)


def _out_of_original(groups: Families) -> list[Effect]:
    """Effects of one component out; what is tuned stands beside SDLM tuned alike."""
    tuned = ablations.effects(groups["tuned"])
    alike = {effect.of.ours[0].recipe["name"] for effect in tuned}
    out = ablations.effects(groups["out"])
    return [one for one in out if one.of.ours[0].recipe["name"] not in alike] + tuned


def _worth(effect: Effect) -> dict:
    pair, tuned = effect.pair, effect.of.direction == "tuned"
    return {
        "becomes": effect.of.title,
        "beside": "SDLM tuned alike" if tuned else effect.of.base[0].recipe["name"],
        "test error, points": f"{pair.difference:+.2f}",
        "95 %": f"{pair.low:+.2f} to {pair.high:+.2f} (n = {pair.n})",
        "verdict": effect.verdict,
    }


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
    """Passes and seconds until fewer than 2 % are misclassified, by way to learn."""
    return rates.speed(runs)
