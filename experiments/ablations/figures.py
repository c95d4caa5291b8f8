"""Figures of docs/ablations.md: all effects, the ladder to ``modern``, rejection."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from experiments.ablations.measures_tables import Measure, families, rejection
from experiments.ablations.rates_tables import ABLATED
from experiments.results import ABLATIONS, shows
from lenet1998.ablate import effects as ablations
from lenet1998.ablate.effects import TITLES, Comparison, test_error
from lenet1998.errors import BadInput
from lenet1998.report.statistics import summarise
from lenet1998.report.style import BLUE, GREEN, STYLE, VERMILION, head
from lenet1998.training.records import RunRecord

MARKS = (("o", VERMILION), ("s", BLUE), ("^", GREEN))


def _measured(measure: Measure, *directions: str) -> dict[str, list[Comparison]]:
    """The changes whose nets and their base's are measured, of the directions that have any.

    Raises:
        BadInput: none has.
    """
    found = {
        direction: [one for one in measure.families[direction] if one.ours and one.base]
        for direction in directions
    }
    if not any(found.values()):
        raise BadInput(
            f"{ABLATIONS}: no change and its base are measured ({', '.join(directions)})"
        )
    return {direction: rows for direction, rows in found.items() if rows}


@shows(ABLATED)
def forest(runs: Sequence[RunRecord]) -> Figure:
    """All effects on the test error, of the directions that have any."""
    found = {TITLES[key]: ablations.effects(some) for key, some in families(runs).items()}
    return ablations.forest({title: some for title, some in found.items() if some})


@shows(ABLATED, ABLATIONS)
@rc_context(STYLE)
def ladder(runs: Sequence[RunRecord], content: dict) -> Figure:
    """Test error, and rejection of what stands between two digits, from rung to rung."""
    between = rejection(families(runs), content)[0]
    rungs = _measured(between, "ladder")["ladder"]
    titles = ["original", *(rung.named for rung in rungs)]
    figure = Figure(figsize=(7.4, 4.2), layout="constrained")
    error, area = figure.subplots(1, 2, sharey=True)
    steps = [rungs[0].base, *(rung.ours for rung in rungs)]
    for axes, value in ((error, test_error), (area, between.value)):
        _steps(axes, [[value(run) for run in some if run.last] for some in steps])
    error.set_yticks(range(len(titles)), titles)
    error.invert_yaxis()
    error.margins(x=0.08)
    area.margins(x=0.08)
    error.set_xlabel("test error, %")
    area.set_xlabel("rejection of what is between\ntwo digits: area under the ROC curve")
    means = [summarise([test_error(run) for run in some if run.last]).mean for some in steps]
    changes = np.diff(means)
    largest = np.abs(changes).argmax()
    head(
        figure,
        f'The largest step from original to modern is "{rungs[largest].named}":'
        f" {changes[largest]:+.2f} points",
    )
    figure.legend(*error.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _steps(axes, values: Sequence[Sequence[float]]) -> None:
    """A row for each rung: its runs, their mean and its interval, joined from rung to rung."""
    summaries = [summarise(some) for some in values]
    axes.plot([s.mean for s in summaries], range(len(values)), color=BLUE, lw=0.8, alpha=0.5)
    for place, (some, summary) in enumerate(zip(values, summaries, strict=True)):
        dots = axes.plot(some, [place] * len(some), "o", color=BLUE, ms=3, alpha=0.35)
        axes.plot([summary.low, summary.high], [place, place], color=VERMILION, lw=2)
        mean = axes.plot(summary.mean, place, "D", color=VERMILION, ms=5)
    dots[0].set_label("one run")
    mean[0].set_label("mean of the runs and its 95 % interval, joined from rung to rung")


@shows(ABLATED, ABLATIONS)
@rc_context(STYLE)
def rejections(runs: Sequence[RunRecord], content: dict) -> Figure:
    """Rejection of three kinds of rubbish by every net of one out and one in, a dot a net."""
    measures = rejection(families(runs), content)[:3]
    shown = _measured(measures[0], "out", "in")
    heights = [len(rows) + 2 for rows in shown.values()]
    figure = Figure(figsize=(7.4, 0.21 * sum(heights) + 1.2), layout="constrained")
    panels = figure.subplots(len(shown), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (direction, rows) in zip(panels, shown.items(), strict=True):
        groups = [rows[0].base, *(one.ours for one in rows)]
        for shift, measure, (mark, colour) in zip((-0.2, 0, 0.2), measures, MARKS, strict=True):
            missed = [1 - np.array([measure.value(run) for run in some]) for some in groups]
            places = [np.full(len(some), place + shift) for place, some in enumerate(missed)]
            look = {"color": colour, "ms": 3, "alpha": 0.6, "mew": 0}
            label = measure.title.removeprefix("area, ")
            axes.plot(np.concatenate(missed), np.concatenate(places), mark, label=label, **look)
        names = ["original" if direction == "out" else "modern", *(one.named for one in rows)]
        axes.set_yticks(range(len(names)), names, fontsize=8)
        axes.set(ylim=(len(names) - 0.4, -0.6), xscale="log")
        axes.set_title(TITLES[direction])
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
        axes.xaxis.set_major_formatter("{x:g}")
    panels[-1].set_xlabel("1 - area under the ROC curve (log axis; one mark for each net)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    rows = next(iter(shown.values()))
    between = measures[0].value
    worst = max(rows, key=lambda one: -np.median([between(run) for run in one.ours]))
    missed = [1 - np.median([between(run) for run in some]) for some in (worst.base, worst.ours)]
    head(
        figure,
        f'"{worst.named}" rejects worst what is between two digits\n(1 - area, median:'
        " {:.1g} in the base, {:.1g} with the change)".format(*missed),
    )
    return figure
