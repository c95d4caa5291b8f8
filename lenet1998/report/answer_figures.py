"""Figures of one run: its curves, and what its net reads right and wrong."""

import numpy as np
import pandas as pd
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure

from lenet1998.report import style
from lenet1998.report.style import BLUE, PICTURES, PLAIN, RIGHT, STYLE, VERMILION, WRONG
from lenet1998.training.records import RunRecord

ARROW = "\N{RIGHTWARDS ARROW}"

# --- Curves -------------------------------------------------------------------------------------


@rc_context(STYLE)
def curves(record: RunRecord) -> Figure:
    """Mean loss of each pass, and the errors on the fly and after it, with the accuracies."""
    passes = [entry["pass"] for entry in record.per_pass]
    figure = Figure(figsize=(8.6, 3.6), layout="constrained")
    loss, error = figure.subplots(1, 2)
    # The dots are for runs of one pass, which make no line.
    dots = {"marker": ".", "ms": 5}
    loss.plot(passes, _column(record, "loss"), color=BLUE, **dots)
    loss.set(ylabel=f"mean loss of the pass ({record.recipe['loss'].replace('_', ' ')})")
    for key, colour, dashes, label in (
        ("test_error_percent", VERMILION, "-", "test, after the pass"),
        ("train_error_percent", BLUE, "--", "training, on the fly"),
    ):
        error.plot(passes, _column(record, key), color=colour, ls=dashes, label=label, **dots)
    error.set(ylabel="error, %")
    error.legend()
    for axes in (loss, error):
        largest = max(line.get_ydata().max() for line in axes.lines)
        axes.set(xlabel="pass", ylim=(0, 1.08 * largest or 1))
        axes.xaxis.get_major_locator().set_params(integer=True)
    accuracy = error.secondary_yaxis("right", functions=(_complement, _complement))
    accuracy.set_ylabel("accuracy, %")
    ending = "" if record.status == "finished" else f", {record.status} in the next pass"
    last = f"{record.last['test_error_percent']:.2f} % after pass {record.last['pass']}{ending}"
    title = f"{record.recipe['name']}, seed {record.seed}: test error {last}"
    style.head(figure, title)
    return figure


def _column(record: RunRecord, key: str) -> list[float]:
    return [entry[key] for entry in record.per_pass]


def _complement(percent):
    return 100 - percent


# --- Classes ------------------------------------------------------------------------------------


@rc_context({**PICTURES, "axes.grid": True, "axes.grid.axis": "x"})
def accuracy_by_class(classes: pd.DataFrame, title: str) -> Figure:
    """The accuracy of each digit with its 95 % interval, beside that of all.

    Args:
        classes: of :func:`~lenet1998.report.net_tables.by_class`.
    """
    digits, everything = classes.iloc[:-2], classes.iloc[-1]
    places = digits.index
    figure = Figure(figsize=(7.2, 3.8), layout="constrained")
    axes = figure.subplots()
    axes.axvline(everything["accuracy_percent"], color="#777777", ls=":", lw=1.2)
    axes.hlines(places, digits["low"], digits["high"], color=BLUE, lw=1.6)
    axes.plot(digits["accuracy_percent"], places, "o", color=BLUE, ms=6)
    axes.set_yticks(places)
    axes.invert_yaxis()
    misclassified = digits["misclassified"].map("{:,} of ".format) + digits["patterns"].map(
        "{:,}".format
    )
    aside = axes.secondary_yaxis("right")
    aside.set_yticks(places, misclassified)
    aside.tick_params(length=0)
    aside.spines["right"].set_visible(False)
    aside.set_ylabel("misclassified", labelpad=8)
    axes.set(xlabel="accuracy, % (bar: 95 % interval; dotted: all digits)", ylabel="digit")
    style.head(figure, title)
    return figure


@rc_context(PICTURES)
def confusion(table: pd.DataFrame, title: str) -> Figure:
    """Confusion matrix, its shades logarithmic.

    Args:
        table: of :func:`~lenet1998.report.net_tables.confusion`.
    """
    counts = table.to_numpy()
    shades = LogNorm(1, max(counts.max(), 2))
    colours = LinearSegmentedColormap.from_list("", ["#e3eef6", BLUE, "#00263d"])
    figure = Figure(figsize=(6.0, 5.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(np.where(counts, counts, np.nan), cmap=colours, norm=shades)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            ink = "white" if shades(count) > 0.4 else "black"
            axes.text(column, row, f"{count:,}", ha="center", va="center", color=ink)
    axes.set(xlabel="answer", ylabel="label", xticks=table.columns, yticks=table.index)
    down, across = (np.arange(side + 1) - 0.5 for side in counts.shape)
    axes.hlines(down, -0.5, across[-1], clip_on=False, **PLAIN)
    axes.vlines(across, -0.5, down[-1], clip_on=False, **PLAIN)
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    style.head(figure, title)
    return figure


# --- Pictures -----------------------------------------------------------------------------------

COLUMNS = 10
GAP = (13, 6)  # pixels between pictures: words go above each
MISCLASSIFIED = 40
"""As many misclassified patterns are shown at most."""


@rc_context(PICTURES)
def predictions(images: np.ndarray, truth: np.ndarray, answers: np.ndarray, title: str) -> Figure:
    """The first pattern of each digit that was read right, then the first misclassified ones.

    Args:
        images: (N, H, W), ink above background.
        truth, answers: (N,) labels, and what the net took them for.
    """
    right = truth == answers
    first = [np.flatnonzero(right & (truth == digit))[:1] for digit in range(COLUMNS)]
    misclassified = np.flatnonzero(~right)
    which = f"the first {MISCLASSIFIED} of " if len(misclassified) > MISCLASSIFIED else ""
    words = f"{which}the {len(misclassified):,} misclassified: label {ARROW} answer"
    parts = [
        (np.concatenate(first), "the first of each digit that is classified correctly", RIGHT),
        (misclassified[:MISCLASSIFIED], words, WRONG),
    ]
    parts = [part for part in parts if len(part[0])]
    rows = [-(-len(indices) // COLUMNS) for indices, _, _ in parts]
    figure = Figure(figsize=(7.6, 1.05 * sum(rows) + 0.5), layout="constrained")
    every = figure.subplots(len(parts), height_ratios=rows, squeeze=False)
    for axes, (indices, words, look) in zip(every[:, 0], parts, strict=True):
        _pictures(axes, images[indices], truth[indices], answers[indices], look)
        axes.set_title(words, color=look["color"])
    style.head(figure, title)
    return figure


def _pictures(axes: Axes, images, truth, answers, look: dict) -> None:
    sheet, corners = style.tile(images, COLUMNS, GAP)
    style.show(axes, sheet, colormaps["gray_r"], images.min(), images.max())
    height, width = images.shape[1:]
    for corner, label, answer in zip(corners, truth, answers, strict=True):
        style.frame(axes, corner, (height, width), **look)
        words = f"{label}" if label == answer else f"{label} {ARROW} {answer}"
        centre = corner[1] + width / 2
        axes.text(centre, corner[0] - 2.5, words, ha="center", color=look["color"])
    axes.set_ylim(len(sheet) + 1, -GAP[0])
    axes.set_xlim(-2, COLUMNS * (width + GAP[1]))
