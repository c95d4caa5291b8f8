"""Figures of run records, drawn to files. Colours are told apart by colour-blind readers too."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

from lenet1998 import paper
from lenet1998.records import RunRecord
from lenet1998.report.tables import curve

# Okabe and Ito's palette.
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#000000",
)

STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "figure.dpi": 110,
    "savefig.bbox": "tight",
}


def save(figure: plt.Figure, file: Path, source: str | None = None) -> None:
    """Write a PNG, in it a digest of the records it shows, and close the figure."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Source": source} if source else None)
    plt.close(figure)


def source_of(file: Path) -> str | None:
    """The digest that :func:`save` put into a PNG."""
    with Image.open(file) as image:
        return image.text.get("Source")


def band(axes: Axes, runs: list[list[float]], colour: str, label: str) -> None:
    """The runs' mean over passes as a line, in the band from their least to their greatest."""
    longest = max(map(len, runs))
    values = np.full((len(runs), longest), np.nan)
    for row, run in zip(values, runs, strict=True):
        row[: len(run)] = run
    passes = np.arange(1, longest + 1)
    # The dots are for runs of one pass, which make no line.
    axes.plot(passes, np.nanmean(values, 0), color=colour, label=label, marker=".", ms=4)
    if len(runs) > 1:
        low, high = np.nanmin(values, 0), np.nanmax(values, 0)
        axes.fill_between(passes, low, high, color=colour, alpha=0.2, linewidth=0)


def learning_curve(records: Sequence[RunRecord], file: Path, source: str | None = None) -> None:
    """Training error on the fly and test error after each pass, over Fig. 5's published points."""
    runs = [record for record in records if record.per_pass]
    first = records[0]
    name, dataset = first.recipe["name"], first.dataset["name"]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(6.4, 4.0))
        if runs:
            count = f"{len(runs)} run{'s' * (len(runs) > 1)}"
            for key, colour, label in (
                ("test_error_percent", VERMILION, f"test, {count}"),
                ("train_error_percent", BLUE, f"training on the fly, {count}"),
            ):
                band(axes, curve(runs, key), colour, label)
        if dataset == "mnist":
            published = paper.fig5_curve()
            shown = published.passes <= max(first.recipe["passes"], 2)
            for errors, colour, marker, label in (
                (published.test_error, VERMILION, "o", "test, Fig. 5 (1998)"),
                (published.train_error, BLUE, "s", "training on the fly, Fig. 5 (1998)"),
            ):
                look = {"color": colour, "marker": marker, "mfc": "white", "ls": "none", "ms": 4.5}
                axes.plot(published.passes[shown], errors[shown], label=label, **look)
        axes.set(xlabel="pass", ylabel="error, %", ylim=(0, None))
        axes.xaxis.get_major_locator().set_params(integer=True)
        patterns = first.dataset["train_patterns"]
        axes.set_title(f"{name} on {dataset}, {patterns:,} training patterns", loc="left")
        if axes.lines:
            axes.legend()
        save(figure, file, source)
