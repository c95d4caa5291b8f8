"""docs/results.md's figures: learning curves, Fig. 6, and section III-E's invariance and noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from experiments.results import DISTORTIONS, ORIGINAL, REJECTION_INVARIANCE, shows
from lenet1998 import paper
from lenet1998.report import figures
from lenet1998.report.statistics import CONSISTENT, prediction_interval, verdict
from lenet1998.report.style import BLACK, BLUE, GREEN, STYLE, VERMILION, head
from lenet1998.training.records import RunRecord

BY_SIZE = (
    "published/original,train_size=15000",
    "published/original,train_size=30000",
    ORIGINAL,
    DISTORTIONS,
)
"""The runs of Fig. 6, in the order of its axis."""

learning_curve = shows(ORIGINAL)(figures.learning_curve)


# --- Fig. 6 -------------------------------------------------------------------------------------

FIGURE_RESOLUTION = 0.015
"""Percent to which a point that is read off Fig. 5 or Fig. 6 is known."""
ASIDE = 0.17  # of a place on the axis: the published point to the left, our runs to the right


@shows(*BY_SIZE)
@rc_context(STYLE)
def error_by_size(*groups: Sequence[RunRecord]) -> Figure:
    """Errors after the last pass by training set: every run, their mean, where one more would fall.

    Each group is the runs on one training set, in the order of the axis; over Fig. 6's points.
    """
    published = paper.fig6_points()
    figure = Figure(figsize=(6.7, 4.4), layout="constrained")
    axes = figure.subplots()
    labels, errors = [], {"test": [], "training, on the fly": []}
    verdicts: list[str] = []
    for place, records in enumerate(groups):
        recipe = records[0].recipe
        runs = [run for run in records if not run.diverged]
        size = recipe["train_size"] or paper.TRAIN_SIZE
        name = f"{size:,}"
        if recipe["distortions"]:
            name += f"\n+ {paper.DISTORTED_PATTERNS:,} distorted"
        labels.append(f"{name}\nn = {len(runs)}")
        # Fig. 6 draws the point with distortions above 60,000; here it has a place of its own.
        distorted = (published.distorted > 0) == recipe["distortions"]
        known = (published.train_size == size) & distorted
        kinds = [("test", "test_error_percent", published.test_error, VERMILION)]
        # With distortions the training error is one of distorted patterns, on another scale.
        if not recipe["distortions"]:
            error = published.train_error
            kinds.append(("training, on the fly", "train_error_percent", error, BLUE))
        for what, key, points, colour in kinds:
            values = [run.last[key] for run in runs]
            marker = "s" if recipe["distortions"] else "o"  # as in Fig. 6
            for point in points[known]:
                look = {"color": colour, "marker": marker, "mfc": "white", "ms": 6.5}
                axes.plot(place - ASIDE, point, mew=1.4, ls="none", zorder=3, **look)
                verdicts.append(verdict(float(point), values, FIGURE_RESOLUTION))
            if values:
                _one_more(axes, place + ASIDE, values, colour, marker)
                if not recipe["distortions"]:
                    errors[what].append((place + ASIDE, np.mean(values)))
    for (what, ours), colour in zip(errors.items(), (VERMILION, BLUE), strict=True):
        if ours:
            axes.plot(*zip(*ours, strict=True), color=colour, lw=1, alpha=0.45, zorder=1)
            beside = {"xytext": (16, 3), "textcoords": "offset points", "color": colour}
            axes.annotate(what, ours[-1], **beside)
    agree = f"{verdicts.count(CONSISTENT)} of {len(verdicts)}"
    head(figure, f"{agree} published errors could be one more run of ours")
    axes.set(xlabel="training patterns", ylabel="error after the last pass, %", ylim=(0, None))
    axes.set_xlim(-0.6, len(groups) - 0.4)
    axes.set_xticks(range(len(groups)), labels)
    axes.grid(visible=False, axis="x")
    axes.tick_params(axis="x", length=0)
    _explain(axes)
    return figure


def _one_more(axes: Axes, x: float, values: list[float], colour: str, marker: str) -> None:
    """Every value as a dot, their mean, and the 95 % prediction interval as a bar."""
    aside = np.linspace(-0.05, 0.05, len(values)) if len(values) > 1 else [0]
    dots = {"color": colour, "marker": marker, "ms": 2.6, "mew": 0, "alpha": 0.55, "ls": "none"}
    axes.plot(x + np.array(aside), values, **dots)
    axes.plot([x - 0.1, x + 0.1], [np.mean(values)] * 2, color=colour, lw=2)
    if len(values) > 1:
        axes.vlines(x, *prediction_interval(values), color=colour, lw=1)


def _explain(axes: Axes) -> None:
    """The legend of marks that both errors share, in grey."""
    grey = {"color": "#555555", "ls": "none"}
    hollow = {"mfc": "white", "ms": 6.5, "mew": 1.4, **grey}
    marks = [
        Line2D([], [], marker="o", label="published, Fig. 6", **hollow),
        Line2D([], [], marker="s", label="published, above 60,000 in Fig. 6", **hollow),
        Line2D([], [], marker="o", ms=3, mew=0, label="one run of ours", **grey),
        Line2D([], [], marker="_", ms=12, mew=2, label="mean of n runs", **grey),
        Line2D([], [], marker="|", ms=12, mew=1, label="one more run, 95 %", **grey),
    ]
    axes.legend(handles=marks, loc="upper right")


# --- Section III-E ------------------------------------------------------------------------------

NETS = {  # colour, dashes and marker of each kind of net
    "original": (BLUE, "-", "o"),
    "distortions": (VERMILION, "-", "s"),
    "noise": (GREEN, "-", "^"),
    "modern": (BLACK, "--", "D"),
}
HALF = paper.DIGIT_SIZE * paper.INVARIANT_VERTICAL_SHIFT
LEFT = (paper.INPUT_SIZE - paper.DIGIT_SIZE) / 2  # from a digit's box to the field's edge, pixels


@dataclass(frozen=True)
class Panel:
    """One transform: its axis, 1998's estimate of the range, and where the digit's box is cut."""

    key: str
    label: str
    unit: float = 1.0
    estimate: tuple[float, float] | None = None
    cut: tuple[float, ...] = ()
    ticks: tuple[float, ...] = ()


PANELS = (
    Panel(
        "scale",
        "scale, factor (log scale)",
        estimate=(1 / paper.INVARIANT_SCALE, paper.INVARIANT_SCALE),
        cut=(paper.INPUT_SIZE / paper.DIGIT_SIZE,),
        ticks=(0.4, 0.5, 0.7, 1, 1.4, 2),
    ),
    Panel(
        "shift",
        f"vertical shift, pixels down ({HALF:g} = half the digit's box)",
        estimate=(-HALF, HALF),
        cut=(-LEFT, LEFT),
    ),
    Panel(
        "rotation",
        "rotation, degrees clockwise",
        estimate=(-paper.INVARIANT_ROTATION, paper.INVARIANT_ROTATION),
    ),
    Panel("inverted", "pixels inverted, %", unit=100),
)


@shows(REJECTION_INVARIANCE)
@rc_context(STYLE)
def invariance(measures: dict) -> Figure:
    """Test error of each kind of net on patterns that were moved, turned, scaled or inverted."""
    figure = Figure(figsize=(7.4, 6.0), layout="constrained")
    grid = figure.subplots(2, 2, sharey=True)
    for panel, axes in zip(PANELS, grid.flat, strict=True):
        x = panel.unit * np.array(measures["axes"][panel.key])
        for name, nets in _kinds(measures):
            colour, dashes, marker = NETS[name]
            values = np.array([net[panel.key] for net in nets])
            look = {"color": colour, "ls": dashes, "marker": marker, "ms": 4, "lw": 1.3}
            axes.plot(x, values.mean(0), label=f"{name} (n = {len(nets)})", **look)
            axes.fill_between(x, values.min(0), values.max(0), color=colour, alpha=0.2, linewidth=0)
        _estimates(axes, panel)
        axes.set(xlabel=panel.label, yscale="log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.margins(x=0.02)
    grid[0, 0].yaxis.set_major_locator(FixedLocator([0.3, 1, 3, 10, 30, 100]))
    grid[0, 0].yaxis.set_minor_locator(NullLocator())
    figure.supylabel(
        f"error on the first {measures['patterns']:,} test patterns, % (log scale)", size=9
    )
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    most = {name: np.mean([net["inverted"][-1] for net in nets]) for name, nets in _kinds(measures)}
    share = PANELS[-1].unit * measures["axes"]["inverted"][-1]
    title = (
        f"With {share:g} % of the pixels inverted, {min(most, key=most.get)} has the least error"
    )
    head(figure, title)
    return figure


def _kinds(measures: dict) -> list[tuple[str, list[dict]]]:
    """Kinds of nets of which there are any, with what was measured of each net."""
    return [(name, nets) for name, nets in measures["nets"].items() if nets]


def _estimates(axes: Axes, panel: Panel) -> None:
    """Shade the paper's estimate; dot the lines beyond which the digit's box leaves the field."""
    top = {"xycoords": axes.get_xaxis_transform(), "color": "#555555", "size": 8.5}
    if panel.ticks:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(panel.ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:g}")
    if panel.estimate:
        axes.axvspan(*panel.estimate, color="#999999", alpha=0.15, lw=0, zorder=0)
        middle = np.sqrt(np.prod(panel.estimate)) if panel.ticks else np.mean(panel.estimate)
        axes.annotate("estimated in 1998", (middle, 0.96), ha="center", va="top", **top)
    for place in panel.cut:
        axes.axvline(place, color="#777777", ls=":", lw=1)
        axes.annotate("box cut off", (place, 0.03), ha="right", va="bottom", rotation=90, **top)
    if panel.key == "inverted":
        place = 100 * paper.NOISE_PROBABILITY
        axes.axvline(place, color=GREEN, ls=":", lw=1)
        axes.annotate("  in the noise net's training", (place, 0.03), va="bottom", **top)
