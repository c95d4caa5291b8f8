"""Measures of the components' purposes, change by change: docs/ablations.md's other tables.

Rejection, invariance, noise, few patterns and symmetry, each beside the base's by paired tests.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from lenet1998.ablate.components import changes
from lenet1998.ablate.effects import LEVEL, TITLES, Comparison, Families, effects, test_error
from lenet1998.report.statistics import summarise
from lenet1998.report.tables import PLUS_MINUS, by_recipe
from lenet1998.training.records import RunRecord

Net = Mapping
"""What ``ablations.json`` holds of one net."""
FEW = (1000, 5000)


@dataclass(frozen=True)
class Measure:
    """One number of every run of the ablations.

    Attributes:
        title: a table's column.
        families: the changes beside their bases, of runs that have the number.
        value: finds it.
        digits: behind the point.
    """

    title: str
    families: Families
    value: Callable[[RunRecord], float]
    digits: int = 1


def families(runs: Sequence[RunRecord], train_size: int | None = None) -> Families:
    """All changes beside their bases, as far as there are runs of both.

    Args:
        runs: of the ablations.
        train_size: which of them: those that learnt from so many patterns, or from all.
    """
    of = by_recipe(sorted(runs, key=lambda run: run.seed))
    found: dict[str, list[Comparison]] = {direction: [] for direction in TITLES}
    for change in changes():
        ours, base = (
            of.get(recipe.changed(train_size=train_size).name)
            for recipe in (change.recipe, change.base)
        )
        if ours and base:
            one = Comparison(change.direction, change.component, change.title, ours, base)
            found[change.direction].append(one)
    return found


def _measured(families: Families, nets: Mapping[tuple[str, int], Net]) -> Families:
    """The comparisons of those runs whose nets were measured."""

    def kept(runs: Sequence[RunRecord]) -> list[RunRecord]:
        return [run for run in runs if (run.recipe["name"], run.seed) in nets]

    return {
        direction: [replace(one, ours=kept(one.ours), base=kept(one.base)) for one in comparisons]
        for direction, comparisons in families.items()
    }


def of_nets(
    families: Families, content: dict, *columns: tuple[str, int, Callable]
) -> list[Measure]:
    """Measures of ``ablations.json``: title, digits, and what finds the number in a net's entry."""
    nets = {(net["recipe"], net["seed"]): net for net in content["nets"]}
    measured = _measured(families, nets)

    def of(find: Callable[[Net], float]) -> Callable[[RunRecord], float]:
        return lambda run: find(nets[run.recipe["name"], run.seed])

    return [Measure(title, measured, of(find), digits) for title, digits, find in columns]


def rejection(families: Families, content: dict) -> list[Measure]:
    """Separation of digits and of what is no character."""
    kinds = {"between": "between two digits", "half": "half digits", "noise": "pixels in any order"}
    return of_nets(
        families,
        content,
        *(
            (f"area, {words}", 4, lambda net, kind=kind: net["rejection"][kind])
            for kind, words in kinds.items()
        ),
        ("to reject for 0.5 % error, %", 2, lambda net: net["rejected"]),
    )


def invariance(families: Families, content: dict) -> list[Measure]:
    """Errors on digits moved, and with noise."""
    names = next(iter(content["nets"]))["invariance"]
    return of_nets(
        families,
        content,
        *((f"{name}, %", 1, lambda net, name=name: net["invariance"][name]) for name in names),
        ("a tenth inverted, %", 1, lambda net: net["noise"]),
    )


def learning(families: Families, few: Mapping[int, Families], content: dict) -> list[Measure]:
    """Speed of learning, learning from few patterns, and likeness of C3's maps.

    Args:
        families: of runs that learnt from all patterns.
        few: of runs that learnt from so many.
        content: of ``ablations.json``.
    """
    return [
        Measure("training error, %", families, lambda run: run.last["train_error_percent"], 2),
        Measure("passes to 2 %", families, passes_to_2_percent),
        *(Measure(f"{size:,} patterns, %", few[size], test_error, 2) for size in FEW),
        *of_nets(families, content, ("likeness of C3's maps", 3, lambda net: net["alikeness"])),
    ]


def first_below(run: RunRecord, percent: float = 2.0) -> int | None:
    """The first pass after which less than that is misclassified, from 1; None: there is none."""
    below = (row["pass"] for row in run.per_pass if row["test_error_percent"] < percent)
    return next(below, None)


def passes_to_2_percent(run: RunRecord) -> float:
    """The first pass after which fewer than 2 % are misclassified, or one more than there are."""
    return first_below(run) or run.recipe["passes"] + 1


def table(measures: Sequence[Measure]) -> pd.DataFrame:
    """A row a change and a base, a column a measure; ``*`` where the paired test tells them apart.

    That is Holm's p over a measure's family below 0.05.
    """
    rows = []
    for direction, comparisons in measures[0].families.items():
        if not comparisons:
            continue
        told = [_told_apart(measure, direction) for measure in measures]
        base = TITLES[direction]
        rows.append([base, "", *(_cell(m, _alike(m, comparisons[0]).base) for m in measures)])
        rows += [
            [
                one.component,
                one.title,
                *(
                    _cell(measure, _alike(measure, one).ours) + apart.get(one.key, "")
                    for measure, apart in zip(measures, told, strict=True)
                ),
            ]
            for one in comparisons
        ]
    return pd.DataFrame(rows, columns=["component", "becomes", *(m.title for m in measures)])


def work(families: Families) -> pd.DataFrame:
    """Size, work and training time of a network of each kind; a row a change."""
    rows = []
    for direction, comparisons in families.items():
        for component, title, runs in [
            *((TITLES[direction], "", one.base) for one in comparisons[:1]),
            *((one.component, one.title, one.ours) for one in comparisons),
        ]:
            rows.append(
                {
                    "component": component,
                    "becomes": title,
                    "n": len(runs),
                    "diverged": sum(run.diverged for run in runs),
                    "parameters": f"{runs[0].parameters:,}",
                    "connections": f"{runs[0].connections:,}",
                    "multiply-accumulates": f"{runs[0].multiply_accumulates:,}",
                    "seconds of a core (fastest)": f"{min(run.seconds for run in runs):.0f}",
                }
            )
    return pd.DataFrame(rows)


def _alike(measure: Measure, one: Comparison) -> Comparison:
    """The same change as the measure has it."""
    found = {other.key: other for other in measure.families[one.direction]}
    return found.get(one.key, replace(one, ours=[], base=[]))


def _told_apart(measure: Measure, direction: str) -> dict[tuple[str, str, str], str]:
    found = effects(measure.families[direction], measure.value)
    return {effect.of.key: "*" for effect in found if effect.p < LEVEL}


def _cell(measure: Measure, runs: Sequence[RunRecord]) -> str:
    values = [measure.value(run) for run in runs if run.last]
    if not values:
        return ""
    summary = summarise(values)
    if summary.n == 1:
        return f"{summary.mean:.{measure.digits}f} (n = 1)"
    return f"{summary.mean:.{measure.digits}f} {PLUS_MINUS} {summary.sd:.{measure.digits}f}"
