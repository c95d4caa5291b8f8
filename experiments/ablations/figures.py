"""Figures of docs/ablations.md: all effects, the ladder to ``modern``, rejection."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from experiments.ablations.measures_tables import Measure, rejection
from lenet1998.ablate import effects as ablations
from lenet1998.ablate.effects import TITLES, test_error
from lenet1998.report.statistics import summarise
from lenet1998.report.style import BLUE, GREEN, STYLE, VERMILION, save
from lenet1998.training.records import RunRecord

MARKS = (("o", VERMILION), ("s", BLUE), ("^", GREEN))


def forest(runs: Sequence[RunRecord], file: Path, source: str | None = None) -> None:
    """All effects on the test error."""
    families = ablations.families(runs)
    found = {TITLES[key]: ablations.effects(some) for key, some in families.items()}
    ablations.forest(found, file, source)


def ladder(runs: Sequence[RunRecord], content: dict, file: Path, source: str | None = None) -> None:
    """Test error, and rejection of what stands between two digits, from rung to rung."""
    families = ablations.families(runs)
    rungs = families["ladder"]
    titles = ["original", *(f"{rung.component}: {rung.title}" for rung in rungs)]
    between = rejection(families, content)[0]
    with rc_context(STYLE):
        figure = Figure(figsize=(8.6, 4.4), layout="constrained")
        error, area = figure.subplots(1, 2, sharey=True)
        steps = [rungs[0].base, *(rung.ours for rung in rungs)]
        _steps(error, [[test_error(run) for run in some if run.last] for some in steps])
        kept = between.families["ladder"]
        nets = [kept[0].base, *(rung.ours for rung in kept)]
        _steps(area, [[between.value(run) for run in some] for some in nets])
        error.set_yticks(range(len(titles)), titles)
        error.invert_yaxis()
        error.set_xlabel("test error, %")
        area.set_xlabel("area under the ROC curve,\nagainst what is between two digits")
        save(figure, file, source)


def _steps(axes, values: Sequence[Sequence[float]]) -> None:
    """A row for each rung: its runs, their mean and its interval, joined from rung to rung."""
    summaries = [summarise(some) for some in values]
    axes.plot([s.mean for s in summaries], range(len(values)), color=BLUE, lw=0.8)
    for place, (some, summary) in enumerate(zip(values, summaries, strict=True)):
        axes.plot(some, [place] * len(some), "o", color=BLUE, ms=3, alpha=0.35)
        axes.plot([summary.low, summary.high], [place, place], color=VERMILION, lw=2)
        axes.plot(summary.mean, place, "o", color=VERMILION, ms=5)


def rejections(
    runs: Sequence[RunRecord], content: dict, file: Path, source: str | None = None
) -> None:
    """Rejection of three kinds of rubbish by every net of one out and one in."""
    families = ablations.families(runs)
    measures = rejection(families, content)[:3]
    shown = {direction: families[direction] for direction in ("out", "in")}
    heights = [len(rows) + 2 for rows in shown.values()]
    with rc_context(STYLE):
        figure = Figure(figsize=(8, 0.24 * sum(heights) + 1), layout="constrained")
        panels = figure.subplots(len(shown), 1, sharex=True, height_ratios=heights)
        for axes, direction in zip(panels, shown, strict=True):
            for measure, (mark, colour) in zip(measures, MARKS, strict=True):
                _missed(axes, measure, direction, mark, colour)
            names = ["original" if direction == "out" else "modern"]
            names += [f"{one.component}: {one.title}" for one in shown[direction]]
            axes.set_yticks(range(len(names)), names)
            axes.set_ylim(len(names) - 0.4, -0.6)
            axes.set_title(TITLES[direction], loc="left", fontsize="medium")
            axes.set_xscale("log")
        panels[-1].set_xlabel("1 - area under the ROC curve (bars: standard deviation of runs)")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        save(figure, file, source)


def _missed(axes, measure: Measure, direction: str, mark: str, colour: str) -> None:
    """Distance from a perfect area, a mark for each net's kind."""
    comparisons = measure.families[direction]
    groups: list[Sequence[RunRecord]] = [comparisons[0].base, *(one.ours for one in comparisons)]
    for place, some in enumerate(groups):
        lacking = 1 - np.array([measure.value(run) for run in some])
        low, high = lacking.mean() - lacking.std(), lacking.mean() + lacking.std()
        axes.plot([max(low, 1e-6), high], [place, place], color=colour, lw=1)
        label = measure.title.removeprefix("area, ") if not place else None
        axes.plot(lacking.mean(), place, mark, color=colour, ms=5, label=label)
