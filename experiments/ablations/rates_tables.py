"""SDLM beside other ways to learn: what tuning found, and what the error owes to the rate."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from experiments.ablations.measures_tables import first_below
from experiments.ablations.tuning import OPTIMIZERS, SCHEDULES, TUNINGS, Tuning
from experiments.results import shows
from lenet1998.ablate.effects import test_error
from lenet1998.report.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, STYLE, VERMILION, head
from lenet1998.report.tables import brief, by_recipe
from lenet1998.training.records import RunRecord

ABLATED, TUNED = "ablations", "tuning"
LOST = 50.0
"""Percent: a run that ends above it has learnt nothing, or has diverged."""
_COLOURS = VERMILION, BLUE, GREEN, PURPLE, ORANGE
LOOKS = dict(zip(OPTIMIZERS, zip(_COLOURS, "os^vD", strict=True), strict=True))
"""Colour and marker of each optimizer."""

Runs = Mapping[str, Sequence[RunRecord]]
"""By the name of their recipe."""


def trials(tuning: Tuning, runs: Runs) -> dict[tuple[float, str], RunRecord]:
    """Trials of a tuning, with seed 0, by rate and schedule."""
    found = {}
    for pair in product(tuning.rates, SCHEDULES):
        for run in runs.get(tuning.at(*pair).name, ()):
            if run.seed == 0:
                found[pair] = run
    return found


def best(of: Mapping[tuple[float, str], RunRecord]) -> tuple[float, str]:
    """The rate and schedule of the least error held out; of equals, the larger rate."""
    return min(of, key=lambda pair: (_error(of[pair]), -pair[0]))


def _error(run: RunRecord) -> float:
    return test_error(run) if run.last else 100.0


@shows(TUNED)
def tuned(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """Tuned ways to learn: the best rate and schedule, its error held out, and its cost."""
    named = by_recipe(runs)
    rows = []
    for tuning in TUNINGS.values():
        of = trials(tuning, named)
        eta, schedule = best(of)
        lost = sum(_error(run) > LOST for run in of.values())
        rows.append(
            {
                "tuned": tuning.title,
                "trials": len(of),
                "rates": f"{min(tuning.rates):g} to {max(tuning.rates):g}",
                "best rate": f"{eta:g}",
                "schedule": schedule,
                "held-out error, % (n = 1)": f"{_error(of[eta, schedule]):.2f}",
                "trials that learnt nothing": lost,
                "core minutes": f"{sum(run.seconds for run in of.values()) / 60:.0f}",
            }
        )
    return pd.DataFrame(rows)


@shows(TUNED)
def reliable(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """Over three decades of rates: how wide the range is in which an optimizer does well."""
    named = by_recipe(runs)
    rows = []
    for key in OPTIMIZERS:
        tuning = TUNINGS[key]
        of = [named.get(recipe.name, []) for recipe in tuning.three_decades]
        every = [_error(run) for some in of for run in some]
        if not every:
            continue
        means = _means(tuning, named)
        rows.append(
            {
                "optimizer": tuning.title,
                "runs": len(every),
                "best mean, %": f"{np.nanmin(means):.2f}",
                "worst mean, %": f"{np.nanmax(means):.2f}",
                "rates within 0.5 points of the best": f"{_near(means)} of {len(means)}",
                "runs that learnt nothing": sum(error > LOST for error in every),
            }
        )
    return pd.DataFrame(rows)


def _near(means: Sequence[float]) -> int:
    return sum(mean <= np.nanmin(means) + 0.5 for mean in means)


@shows(TUNED)
@rc_context(STYLE)
def sensitivity(runs: Sequence[RunRecord]) -> Figure:
    """Held-out error against the global rate, over three decades, a line an optimizer."""
    named = by_recipe(runs)
    figure = Figure(figsize=(7.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for key, look in LOOKS.items():
        _line(axes, TUNINGS[key], named, *look)
    axes.set(xscale="log", yscale="log", xlabel="learning rate / tuned learning rate (log axes)")
    axes.set_ylabel("error on 10,000 held-out patterns, %")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.legend(loc="upper left", title="tuned rate in brackets")
    near = {
        TUNINGS[key].title: (_near(means), len(means))
        for key in LOOKS
        if np.isfinite(means := _means(TUNINGS[key], named)).any()
    }
    if near:
        widest = max(near, key=lambda title: near[title])
        where = "{} of {}".format(*near[widest])
        head(figure, f"{widest} is within 0.5 points of its best error at {where} learning rates")
    return figure


def _means(tuning: Tuning, named: Runs) -> list[float]:
    """Mean error at each rate of three decades; nan without runs."""
    of = [named.get(recipe.name, []) for recipe in tuning.three_decades]
    return [np.mean([_error(run) for run in some]) if some else np.nan for some in of]


def _line(axes: Axes, tuning: Tuning, named: Runs, colour: str, marker: str) -> None:
    points = [
        (recipe.eta / tuning.eta, _error(run))
        for recipe in tuning.three_decades
        for run in named.get(recipe.name, [])
    ]
    if not points:
        return
    rates, errors = np.array(points).T
    axes.plot(rates, errors, marker, color=colour, ms=3, alpha=0.4)
    at = np.unique(rates)
    means = [errors[rates == rate].mean() for rate in at]
    label = f"{tuning.title} ({tuning.eta:g})"
    axes.plot(at, means, color=colour, marker=marker, ms=5, label=label)


def ways(runs: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """The ablations' runs of each way to learn, at its best rate and as printed."""
    named = by_recipe(runs)
    found = {"SDLM, printed rates": named.get("original", [])}
    for key in OPTIMIZERS:
        tuning = TUNINGS[key]
        title = f"{tuning.title}, tuned"
        found[title] = named.get(tuning.base.changed(**tuning.settled).name, [])
    return {title: some for title, some in found.items() if some}


def speed(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """Passes and seconds until fewer than 2 % of patterns are misclassified, by way to learn."""
    return pd.DataFrame(
        [
            {
                "way to learn": name,
                "n": len(some),
                "passes to 2 %": _until(some, lambda _, passes: passes),
                "seconds of a core to 2 %": _until(some, _seconds),
                "test error after 20 passes, %": brief([_error(run) for run in some], digits=2),
            }
            for name, some in ways(runs).items()
        ]
    )


def _until(runs: Sequence[RunRecord], value: Callable[[RunRecord, int], float]) -> str:
    reached = [(run, first_below(run)) for run in runs]
    text = brief([value(run, passes) for run, passes in reached if passes])
    never = sum(not passes for _, passes in reached)
    return f"{text}; {never} never" if never else text


def _seconds(run: RunRecord, passes: int) -> float:
    return sum(row["seconds"] for row in run.per_pass[:passes])


@shows(ABLATED)
@rc_context(STYLE)
def against_time(runs: Sequence[RunRecord]) -> Figure:
    """Test error against patterns seen and against seconds of a core, means over seeds."""
    figure = Figure(figsize=(7.4, 4.7), layout="constrained")
    seen, spent = figure.subplots(1, 2, sharey=True)
    looks = ((BLACK, "*"), *LOOKS.values())
    ends = {}
    for (name, some), (colour, marker) in zip(ways(runs).items(), looks, strict=False):
        kept = [run for run in some if not run.diverged]
        errors = np.mean([[row["test_error_percent"] for row in run.per_pass] for run in kept], 0)
        seconds = np.median([[row["seconds"] for row in run.per_pass] for run in kept], 0)
        ends[name] = errors[-1]
        patterns = kept[0].dataset["train_patterns"] * np.arange(1, len(errors) + 1)
        look = {"color": colour, "marker": marker, "ms": 4}
        seen.plot(patterns, errors, label=f"{name} (n = {len(kept)})", **look)
        spent.plot(np.cumsum(seconds), errors, **look)
    for axes, label in ((seen, "patterns seen"), (spent, "seconds of a core")):
        axes.set(xscale="log", yscale="log", xlabel=f"{label} (log scale)")
        for axis, few in ((axes.xaxis, (1, 3)), (axes.yaxis, (1, 1.2, 1.5, 2, 3, 5))):
            axis.set_major_locator(LogLocator(subs=few))
            axis.set_major_formatter("{x:,.8g}")
            axis.set_minor_locator(NullLocator())
    seen.set_ylabel("test error, % (log scale)")
    figure.legend(loc="outside lower center", ncols=2)
    least = min(ends, key=ends.get)
    head(figure, f"{least}, has the least error after the last pass: {ends[least]:.2f} %")
    return figure
