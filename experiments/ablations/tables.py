"""The tables of docs/ablations.md."""

from collections.abc import Callable, Sequence

import pandas as pd

from experiments.ablations import measures_tables as of_nets
from experiments.ablations import rates_tables as rates
from experiments.ablations.measures_tables import families
from experiments.ablations.rates_tables import ABLATED
from experiments.results import ABLATIONS, shows
from lenet1998.ablate import effects as ablations
from lenet1998.ablate.components import COMPONENTS
from lenet1998.ablate.effects import Families, effects_table
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
    """The changes of ``original`` that move its test error most, one a component.

    What is tuned is taken from ``tuned``, beside SDLM tuned alike.
    """
    groups = families(runs)
    tuned = ablations.effects(groups["tuned"])
    alike = {effect.of.ours[0].recipe["name"] for effect in tuned}
    untuned = [
        effect
        for effect in ablations.effects(groups["out"])
        if effect.of.ours[0].recipe["name"] not in alike
    ]
    rows = []
    for component in COMPONENTS:
        of = [effect for effect in untuned + tuned if effect.of.component == component]
        if not of:
            continue
        effect = max(of, key=lambda effect: abs(effect.pair.difference))
        pair = effect.pair
        rows.append(
            {
                "historical": COMPONENTS[component],
                "becomes": effect.of.title,
                "beside": "SDLM tuned alike" if effect.of.direction == "tuned" else "original",
                "test error, points": f"{pair.difference:+.2f}",
                "95 %": f"{pair.low:+.2f} to {pair.high:+.2f} (n = {pair.n})",
                "verdict": effect.verdict,
            }
        )
    return pd.DataFrame(rows)


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
