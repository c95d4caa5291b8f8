"""The whole network in one picture, and one unit of C1 worked with numbers: light and dark.

Each function returns a figure as wide as a page of the site, so that letters have their sizes in
points there. States are those that Fig. 13 prints.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments.results import ORIGINAL, RESTORATION, shows
from experiments.tour.layers import KERNEL, PATTERN, WINDOW
from lenet1998 import paper
from lenet1998.report import style
from lenet1998.report.style import STYLE
from lenet1998.restore.layers import as_pictures
from lenet1998.restore.printing import MIDDLE, PAPER
from lenet1998.training.records import RunRecord

WIDTH = 7.6
SMALL, LARGE = 8.1, 9.5
"""Points."""


class Theme(NamedTuple):
    """Colours of a figure: ground, letters, lines, gaps between pictures, marks; - and + weights.

    The last two are the live page's.
    """

    ground: str
    ink: str
    line: str
    gap: str
    mark: str
    minus: str
    plus: str


_LIGHT = Theme("#ffffff", "#1a1a1a", "#767676", style.EMPTY, style.BLUE, "#b84a0a", "#0b5f9c")
_DARK = Theme("#131416", "#e8e8e8", "#a0a0a0", "#3a4048", style.SKY, "#f0894a", "#5db4f2")
THEMES = {"light": _LIGHT, "dark": _DARK}


def _sheet(height: float, theme: Theme) -> tuple[Figure, Axes]:
    """A figure and its only axes, whose units are inches from the upper left."""
    figure = Figure(figsize=(WIDTH, height), facecolor=theme.ground)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.set(xlim=(0, WIDTH), ylim=(height, 0))
    return figure, axes


# --- The whole network --------------------------------------------------------------------------


class Column(NamedTuple):
    """A layer's column: its middle, the height of its picture, the steps from map to map."""

    middle: float
    height: float
    across: int


COLUMNS = {
    "input": Column(0.47, 0.86, 1),
    "c1": Column(1.52, 1.35, 2),
    "s2": Column(2.5, 0.98, 2),
    "c3": Column(3.45, 0.95, 4),
    "s4": Column(4.38, 0.66, 4),
    "c5": Column(5.18, 1.0, 1),
    "f6": Column(5.9, 0.86, 1),
    "output": Column(6.98, 0.8, 5),
}
FROM_THE_LAYER_BEFORE = {
    "c1": f"convolution\n{KERNEL}×{KERNEL}",
    "s2": f"subsampling\n{WINDOW}×{WINDOW}",
    "c3": f"convolution\n{KERNEL}×{KERNEL}, Table I",
    "s4": f"subsampling\n{WINDOW}×{WINDOW}",
    "c5": f"convolution\n{KERNEL}×{KERNEL}",
    "f6": "full\nconnection",
    "output": "squared distance\nto the ten codes",
}
PICTURES = 1.2  # the middle of the row of pictures, inches from above


@shows(ORIGINAL, facts=("fig13_states", "C3_TABLE", "digit_codes"))
def network(runs: Sequence[RunRecord], ground: str = "light") -> Figure:
    """LeNet-5 from the input to the ten codes, with sizes, counts, Table I and the rule of sizes.

    Args:
        runs: of the network.
        ground: ``light`` or ``dark``.
    """
    layers, theme = runs[0].layers, THEMES[ground]
    with rc_context({**STYLE, "font.size": SMALL, "text.color": theme.ink}):
        figure, axes = _sheet(4.7, theme)
        first = {"name": "input", "maps": 1, "size": paper.INPUT_SIZE}
        ends = [_layer(axes, counted, theme) for counted in (first, *layers)]
        for (_, right), (left, _) in pairwise(ends):
            middle = (left + right) / 2
            look = {"arrowstyle": "->", "color": theme.line, "lw": 1.1}
            places = ((middle + shift, PICTURES) for shift in (0.08, -0.09))
            axes.annotate("", *places, arrowprops=look)
        for number, what in enumerate(("parameters", "connections")):
            axes.text(0.06, 2.52 + 0.18 * number, what, va="center")
        total = [sum(counted[what] for counted in layers) for what in ("parameters", "connections")]
        axes.text(
            WIDTH / 2,
            2.95,
            "in all {:,} trainable parameters and {:,} connections".format(*total),
            size=LARGE,
            ha="center",
        )
        _table(axes, theme)
        _sizes(axes, layers)
    return figure


def _states(name: str) -> np.ndarray:
    """Pictures of a layer, (N, H, W) of grey levels: 1998's states, and the output's codes."""
    shown = paper.fig13_states()
    if name == "output":
        return MIDDLE * (1 - paper.digit_codes().reshape(-1, *paper.CODE_SHAPE).astype(float))
    states = getattr(shown, name)[PATTERN].astype(float)
    if name == "c5":
        return states.reshape(1, -1, 8)
    return states if states.ndim == 3 else states[None]


def _layer(axes: Axes, counted: Mapping, theme: Theme) -> tuple[float, float]:
    """A layer's name, form and counts around its picture, whose left and right it returns."""
    name, maps, size = (counted[key] for key in ("name", "maps", "size"))
    column = COLUMNS[name]
    middle = {"ha": "center", "va": "center"}
    title = name if name in ("input", "output") else name.upper()
    form = f"{size}×{size}" if maps == 1 else f"{maps} of {size}×{size}" if size > 1 else f"{maps}"
    axes.text(column.middle, 0.16, title, size=LARGE, weight="bold", **middle)
    axes.text(column.middle, 0.35, form, **middle)
    if how := FROM_THE_LAYER_BEFORE.get(name):
        axes.text(column.middle, 2.17, how, linespacing=1.3, **middle)
        for number, what in enumerate(("parameters", "connections")):
            axes.text(column.middle, 2.52 + 0.18 * number, f"{counted[what]:,}", **middle)
    return _picture(axes, name, column, theme)


def _picture(axes: Axes, name: str, column: Column, theme: Theme) -> tuple[float, float]:
    states = _states(name)
    gap = (2, 1) if name == "output" else (1, 1) if len(states) > 1 else (0, 0)
    sheet, corners = style.tile(states, column.across, gap)
    scale = column.height / len(sheet)
    left = column.middle - scale * sheet.shape[1] / 2
    top = PICTURES - column.height / 2
    right, bottom = left + scale * sheet.shape[1], top + column.height
    greys = LinearSegmentedColormap.from_list("", ["black", "white"]).with_extremes(bad=theme.gap)
    axes.imshow(
        sheet,
        cmap=greys,
        vmin=0,
        vmax=2 * MIDDLE,
        extent=(left, right, bottom, top),
        interpolation="nearest",
        aspect="auto",
    )
    axes.add_patch(
        Rectangle((left, top), right - left, column.height, fill=False, ec=theme.line, lw=0.6)
    )
    if name == "output":
        f6 = 1 - _states("f6").ravel() / MIDDLE
        apart = np.square(f6 - paper.digit_codes()).sum(1)
        nearest = apart.argmin()
        row, column_of = corners[nearest]
        height, width = paper.CODE_SHAPE
        place = left + scale * column_of, top + scale * row
        axes.add_patch(
            Rectangle(place, scale * width, scale * height, fill=False, ec=theme.mark, lw=2.2)
        )
        told = f"nearest: {nearest},\nat {apart[nearest]:.1f}"
        axes.text(column.middle, bottom + 0.2, told, ha="center", va="center", color=theme.mark)
    return left, right


def _table(axes: Axes, theme: Theme) -> None:
    """Table I, a square for each of C3's kernels."""
    cell, left, top = 0.165, 0.75, 3.6
    table = paper.C3_TABLE
    inputs = 1 + max(map(max, table))
    seen = np.array([[number in row for row in table] for number in range(inputs)])
    colours = ListedColormap([theme.ground, theme.mark])
    edges = [first + cell * np.arange(n + 1) for first, n in ((left, len(table)), (top, inputs))]
    axes.pcolormesh(*edges, seen, cmap=colours, edgecolors=theme.line, lw=0.5)
    for number in range(len(table)):
        axes.text(left + cell * (number + 0.5), top - 0.09, number, ha="center", va="center")
    for number in range(inputs):
        axes.text(left - 0.09, top + cell * (number + 0.5), number, ha="center", va="center")
    pairs = sum(map(len, table))
    axes.text(left, 3.34, f"Table I: {pairs} kernels, one for each blue square", weight="bold")
    axes.text(0.06, top + 0.5, "map\nof S2", va="center", linespacing=1.2)
    axes.text(left + cell * len(table) + 0.06, top - 0.09, "map of C3", va="center")


def _sizes(axes: Axes, layers: Sequence[Mapping]) -> None:
    """The side of each layer's maps by the rule of convolutions."""
    left, top = 4.55, 3.34
    axes.text(left, top, "Side of a map: (W − F + 2P)/S + 1", weight="bold")
    before = paper.INPUT_SIZE
    for number, counted in enumerate(layers[:5]):
        side, stride = (WINDOW, WINDOW) if counted["name"] in ("s2", "s4") else (KERNEL, 1)
        worked = f"({before} − {side} + 0)/{stride} + 1 = {(before - side) // stride + 1}"
        y = top + 0.21 * (number + 1)
        axes.text(left, y, counted["name"].upper())
        axes.text(left + 0.35, y, worked)
        before = counted["size"]
    y = top + 0.21 * 6
    axes.text(left, y, "W side before, F kernel or window, P padding, S step", size=SMALL)


# --- One unit of C1, with numbers ---------------------------------------------------------------


MAP, PLACE = 1, (8, 20)
"""The unit that is worked: its map of C1, and its row and column in the map."""


@shows(RESTORATION, facts=("fig13_states",))
def convolution(result: Mapping, ground: str = "light") -> Figure:
    """One unit of C1: its 25 inputs, its 25 weights, their products, the sum and the squashing.

    Args:
        result: of the restoration, whose ``weights`` hold C1's of 1998.
        ground: ``light`` or ``dark``.
    """
    theme = THEMES[ground]
    kernel = as_pictures(result["weights"])[0][MAP]
    bias = result["weights"]["c1.bias"][MAP]
    ink = (PAPER - paper.fig13_states().input[PATTERN]) / PAPER
    image = paper.BACKGROUND + (paper.INK - paper.BACKGROUND) * ink
    row, column = PLACE
    window = image[row : row + KERNEL, column : column + KERNEL]
    total = float((window * kernel).sum())
    state = paper.TANH_AMPLITUDE * np.tanh(paper.TANH_SLOPE * (total + bias))
    largest = np.abs(kernel).max()
    signed = LinearSegmentedColormap.from_list("", [theme.minus, theme.ground, theme.plus])
    inked = LinearSegmentedColormap.from_list("", [theme.ground, theme.line])
    with rc_context({**STYLE, "font.size": SMALL, "text.color": theme.ink}):
        figure, axes = _sheet(3.05, theme)
        wide, side = paper.INPUT_SIZE, 1.05
        extent = (0.1, 0.1 + side, 0.85 + side, 0.85)
        axes.imshow(image, cmap="gray_r", extent=extent, interpolation="nearest", aspect="auto")
        pixel = side / wide
        corner = 0.1 + column * pixel, 0.85 + row * pixel
        axes.add_patch(
            Rectangle(corner, KERNEL * pixel, KERNEL * pixel, fill=False, ec=style.VERMILION, lw=2)
        )
        axes.text(0.1 + side / 2, 0.7, f"input, {wide}×{wide}", ha="center")
        # Half as dark as colours can be, so that the numbers on them can be read.
        span = paper.BACKGROUND, 2 * paper.INK
        signs = -2 * largest, 2 * largest
        _grid(axes, 1.4, window, "window x", inked, span)
        axes.text(3.43, 1.42, "×", size=12, ha="center", va="center")
        _grid(axes, 3.54, kernel, "kernel w", signed, signs)
        axes.text(5.57, 1.42, "=", size=12, ha="center", va="center")
        _grid(axes, 5.67, window * kernel, "products w x", signed, signs)
        steps = (
            f"sum of the {KERNEL**2} products {total:+.2f},  "
            f"with the bias {bias:+.2f}:  a = {total + bias:+.2f}"
        )
        axes.text(WIDTH / 2, 2.67, steps.replace("-", "−"), size=LARGE, ha="center")
        squashed = (
            f"state of the unit: {paper.TANH_AMPLITUDE} tanh(2/3 × {total + bias:+.2f})"
            f" = {state:+.2f}"
        )
        axes.text(WIDTH / 2, 2.93, squashed.replace("-", "−"), size=LARGE, ha="center")
    return figure


def _grid(
    axes: Axes,
    left: float,
    values: np.ndarray,
    title: str,
    colours: LinearSegmentedColormap,
    span: tuple[float, float],
) -> None:
    """Numbers in coloured cells."""
    cell, top = 0.385, 0.45
    extent = (left, left + cell * KERNEL, top + cell * KERNEL, top)
    axes.imshow(values, cmap=colours, vmin=span[0], vmax=span[1], extent=extent, aspect="auto")
    axes.text(left + cell * KERNEL / 2, 0.3, title, ha="center", weight="bold")
    for (row, column), value in np.ndenumerate(values):
        x, y = left + cell * (column + 0.5), top + cell * (row + 0.5)
        axes.text(x, y, f"{value:.2f}".replace("-", "−"), ha="center", va="center")
