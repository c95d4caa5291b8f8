"""The second look at one out of ``original``: seeds of its own, judged by themselves.

docs/protocol.md, "Fresh seeds".
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lenet1998.records import RunRecord
from lenet1998.report.ablations import (
    DIFFERENCE,
    Effect,
    effects,
    effects_table,
    families,
    interval,
    of_changes,
    tell_verdicts,
    test_error,
)
from lenet1998.report.style import BLACK, STYLE, save
from lenet1998.statistics import paired

FIRST, SECOND = "first look", "second look"


def runs_of(content: Mapping) -> list[RunRecord]:
    """The runs of ``fresh_seeds.json`` whose seed is complete, with what it has of them."""
    names = {run["recipe"] for run in content["runs"]}
    seeds = {run["seed"] for run in content["runs"]}
    had = {(run["recipe"], run["seed"]) for run in content["runs"]}
    complete = {seed for seed in seeds if all((name, seed) in had for name in names)}
    return [_record(run) for run in content["runs"] if run["seed"] in complete]


def _record(run: Mapping) -> RunRecord:
    return RunRecord(
        recipe={"name": run["recipe"]},
        seed=run["seed"],
        dataset={},
        layers=[],
        environment={},
        status=run["status"],
        per_pass=[{"test_error_percent": error} for error in run["test"]],
    )


def looks(runs: Sequence[RunRecord], content: Mapping) -> list[tuple[Effect, Effect]]:
    """Each change's effect in the first and in the second look.

    Args:
        runs: of the ablations, the first look's.
        content: of ``fresh_seeds.json``.
    """
    first, second = (effects(families(some)["out"]) for some in (runs, runs_of(content)))
    again = {effect.of.key: effect for effect in second}
    return [(effect, again[effect.of.key]) for effect in first if effect.of.key in again]


def table(runs: Sequence[RunRecord], content: Mapping) -> pd.DataFrame:
    """One row a change: the second look's effect, the first's verdict, all pairs together."""
    found = looks(runs, content)
    rows = effects_table([second for _, second in found])
    return rows.drop(columns=["test error, %", "base, %"], errors="ignore").assign(
        **{FIRST: [first.verdict for first, _ in found]},
        **{"both, points": [_together(*pair) for pair in found]},
    )


def _together(first: Effect, second: Effect) -> str:
    """The difference over both looks' pairs, with its interval."""
    (ours, base), (others, bases) = first.of.pairs(test_error), second.of.pairs(test_error)
    pair = paired([*ours, *others], [*base, *bases])
    return f"{pair.difference:+.3f} ({pair.low:+.3f} to {pair.high:+.3f}; n = {pair.n})"


def brief(runs: Sequence[RunRecord], content: Mapping, words: Mapping[str, str]) -> pd.DataFrame:
    """One row a component: of its changes the one that moves the first look's error most.

    Args:
        runs, content: as of :func:`looks`.
        words: what each component is.
    """
    largest: dict[str, tuple[Effect, Effect]] = {}
    for pair in looks(runs, content):
        component = pair[0].of.component
        if component not in largest or _size(pair) > _size(largest[component]):
            largest[component] = pair
    return pd.DataFrame(
        [
            {
                "historical": words[component],
                "becomes": first.of.title,
                "test error, points": _in_short(first),
                "verdict": first.verdict,
                "ten more seeds": _in_short(second),
                "verdict on them": second.verdict,
            }
            for component, (first, second) in largest.items()
        ]
    )


def _size(pair: tuple[Effect, Effect]) -> float:
    return abs(pair[0].pair.difference)


def _in_short(effect: Effect) -> str:
    pair = effect.pair
    return f"{pair.difference:+.2f} ({pair.low:+.2f} to {pair.high:+.2f}; n = {pair.n})"


def figure(
    runs: Sequence[RunRecord], content: Mapping, file: Path, source: str | None = None
) -> None:
    """Both looks' effects, a row a change, the second's below the first's."""
    found = looks(runs, content)
    with rc_context(STYLE):
        drawing = Figure(figsize=(8, 0.34 * len(found) + 1.3), layout="constrained")
        axes = drawing.subplots()
        of_changes(axes, [f"{first.of.component}: {first.of.title}" for first, _ in found])
        for place, (first, second) in enumerate(found):
            interval(axes, first, place - 0.17)
            interval(axes, second, place + 0.17, inside="white")
        axes.set_xlabel(DIFFERENCE)
        marks = [
            Line2D([], [], color=BLACK, marker="o", mfc=inside, lw=0, label=label)
            for label, inside in ((FIRST, BLACK), (SECOND, "white"))
        ]
        tell_verdicts(drawing, *marks)
        save(drawing, file, source)
