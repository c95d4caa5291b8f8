"""docs/tour.md: what each layer counts, and the layers of 1998 at work on a pattern of Fig. 13.

States are those that the figure prints (section III-E, p.17), kernels those recovered from them
(:mod:`lenet1998.restore`). Like every figure's, they are drawn from what is committed.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.results import MODERN, ORIGINAL, RESTORATION, shows
from lenet1998 import paper
from lenet1998.recipes import KERNEL, WINDOW
from lenet1998.report import style
from lenet1998.report.inside_figures import SIGNED
from lenet1998.report.style import BLUE, GREEN, ORANGE, PICTURES, PLAIN, PURPLE, VERMILION, head
from lenet1998.restore.layers import as_pictures
from lenet1998.restore.printing import MIDDLE, PAPER
from lenet1998.training.records import RunRecord

PATTERN = 7  # of Fig. 13, from 0: a 3 without noise, its strokes broken
GREYS = colormaps["gray"].with_extremes(bad=style.EMPTY)


# --- What each layer counts ---------------------------------------------------------------------


def _title(layer: str) -> str:
    """Name of a layer as the paper prints it."""
    return layer if layer == "output" else layer.upper()


@shows(ORIGINAL)
def layers(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """Every layer of the network that was trained: what it counts, and how that comes about."""
    counted = runs[0].layers  # the same in all
    before = [{"maps": 1, "size": paper.INPUT_SIZE}, *counted[:-1]]
    return pd.DataFrame(list(map(_row, before, counted)))


@shows(ORIGINAL)
def layer(runs: Sequence[RunRecord], name: str) -> pd.DataFrame:
    """The same of one layer."""
    number = {counted["name"]: place for place, counted in enumerate(runs[0].layers)}
    return layers(runs).iloc[[number[name]]]


@shows(ORIGINAL, MODERN)
def parameters_apart(original: Sequence[RunRecord], modern: Sequence[RunRecord]) -> pd.DataFrame:
    """Layers whose parameters differ between two networks."""
    nets = [runs[0].layers for runs in (original, modern)]
    rows = []
    for ours, theirs in zip(*nets, strict=True):
        if difference := theirs["parameters"] - ours["parameters"]:
            rows.append(
                (_title(ours["name"]), ours["parameters"], theirs["parameters"], difference)
            )
    total = [sum(layer["parameters"] for layer in net) for net in nets]
    rows.append(("all layers", *total, total[1] - total[0]))
    return pd.DataFrame(
        [(name, *(f"{count:,}" for count in counts), f"{more:+,}") for name, *counts, more in rows],
        columns=["layer", "original", "modern", "difference"],
    )


def _row(before: dict, counted: dict) -> dict:
    name, side = counted["name"], counted["size"]
    parameters, connections = sums(before, counted)
    return {
        "layer": _title(name),
        "maps": f"{counted['maps']} of {side}×{side}" if name not in ("f6", "output") else "",
        "units": f"{counted['maps'] * side**2:,}",
        "parameters": _equation(parameters, counted["parameters"]),
        "connections": _equation(connections, counted["connections"]),
    }


def sums(before: dict, counted: dict) -> tuple[str, str]:
    """Sums of a layer's parameters and connections (section II-B, p.7-8).

    Args:
        before: the maps and size of the layer that it sees.
        counted: its own name, maps and size.
    """
    name, maps, side = counted["name"], counted["maps"], counted["size"]
    at = f"{side}×{side}×" if side > 1 else ""
    if name == "output":
        return "0", f"{maps}×{paper.CODE_LENGTH}"
    if name in ("s2", "s4"):
        return f"{maps}×2", f"{at}{maps}×({WINDOW**2} + 1)"
    if name == "f6":
        total = f"{maps}×({before['maps']} + 1)"
    elif name == "c3":
        total = f"{sum(map(len, paper.C3_TABLE))}×{KERNEL**2} + {maps}"
        return total, f"{at}({total})"
    else:
        inputs = KERNEL**2 if before["maps"] == 1 else f"{before['maps']}×{KERNEL**2}"
        total = f"{maps}×({inputs} + 1)"
    return total, f"{at}{total}"


def _equation(how: str, count: int) -> str:
    return f"{how} = {count:,}" if how != f"{count}" else how


# --- Layers of 1998 at work ---------------------------------------------------------------------


@shows(facts=("fig13_states",))
@rc_context(PICTURES)
def centring() -> Figure:
    """Three of Fig. 13's patterns, and what MNIST's preparation would have made of them."""
    from lenet1998.data.patterns import CENTRE, normalise  # it needs torch, and --check does not

    pad = (paper.INPUT_SIZE - paper.FIELD_SIZE) // 2
    figure = Figure(figsize=(6.6, 5.2), layout="compressed")
    places = figure.subplots(2, 3)
    for (above, below), number in zip(places.T, (0, 1, PATTERN), strict=True):
        greys = paper.fig13_states().input[number]
        ink = np.where(greys < PAPER - 30, PAPER - greys, 0.0)  # the print's paper is uneven
        field = np.pad(normalise(ink), pad)
        for axes, picture in ((above, ink), (below, field)):
            axes.imshow(picture, cmap="gray_r", interpolation="nearest")
            outline(axes)
        below.plot(CENTRE + pad, CENTRE + pad, "+", color=VERMILION, ms=9, mew=1.5)
        for side, look in ((paper.FIELD_SIZE, ":"), (paper.DIGIT_SIZE, "-")):
            corner = (paper.INPUT_SIZE - side) / 2
            style.frame(below, (corner, corner), (side, side), color=BLUE, lw=1.2, ls=look)
    places[0, 0].set_title("as it was drawn")
    places[1, 0].set_title("20×20 box (solid), 28×28 field (dotted), centre of mass (+)")
    head(figure, "MNIST's digits are scaled into one box and centred by their mass")
    return figure


@shows(RESTORATION, facts=("fig13_states",))
@rc_context(PICTURES)
def c1(result: dict) -> Figure:
    """C1's six kernels as recovered, over the six maps that Fig. 13 prints for a pattern."""
    kernels, _ = as_pictures(result["weights"])
    shown = paper.fig13_states()
    figure = Figure(figsize=(6.6, 2.7), layout="compressed")
    places = figure.subplots(2, 7)
    places[0, 0].axis("off")
    _picture(places[1, 0], shown.input[PATTERN])
    places[1, 0].set_title("the pattern")
    largest = np.abs(kernels).max()
    for number, (above, below) in enumerate(places.T[1:]):
        style.show(above, kernels[number], SIGNED, -largest, largest)
        _picture(below, shown.c1[PATTERN, number])
        above.set_title(f"map {number}")
    head(figure, "Each kernel of C1 (blue: positive, orange: negative) makes a map of the pattern")
    return figure


@shows(facts=("fig13_states",))
@rc_context(PICTURES)
def s4() -> Figure:
    """The maps of C3 and S4 that Fig. 13 prints for a pattern."""
    shown = paper.fig13_states()
    figure = Figure(figsize=(6.6, 4.6), layout="constrained")
    for axes, maps, name in zip(
        figure.subplots(2, 1),
        (shown.c3[PATTERN], shown.s4[PATTERN]),
        ("C3", "S4, each unit over a window of the map of C3 in its place"),
        strict=True,
    ):
        alike = np.kron(maps, np.ones((20 // maps.shape[1],) * 2))  # both layers of one size
        sheet, corners = style.tile(alike, len(maps) // 2, (8, 2))
        style.show(axes, sheet, GREYS, 0, 255)
        for number, (top, left) in enumerate(corners):
            axes.text(left, top + 20.5, number, va="top")
            style.frame(axes, (top, left), (20, 20), **PLAIN)
        axes.set_ylim(len(sheet) + 8, -0.5)
        axes.set_title(name)
    head(figure, "C3's states are mostly saturated, black or white; S4's are grey")
    return figure


@shows(facts=("C3_TABLE",))
@rc_context(PICTURES)
def c3() -> Figure:
    """Table I, its groups told apart, with the inputs of every map and the uses of every input."""
    table = paper.C3_TABLE
    inputs = 1 + max(map(max, table))
    groups = {  # by how many maps of S2 one sees, and whether they follow each other around
        (3, True): (BLUE, "three neighbours"),
        (4, True): (GREEN, "four neighbours"),
        (4, False): (ORANGE, "four that are not neighbours"),
        (6, True): (PURPLE, "all six"),
    }
    figure = Figure(figsize=(6.7, 3.9), layout="constrained")
    axes = figure.subplots()
    for kind, (colour, label) in groups.items():
        of_kind = [n for n, row in enumerate(table) if (len(row), contiguous(row)) == kind]
        pairs = np.array([(number, seen) for number in of_kind for seen in table[number]])
        axes.scatter(*pairs.T, s=170, marker="s", color=colour, label=label)
    middle = {"ha": "center", "va": "center"}
    for number, row in enumerate(table):
        axes.text(number, inputs - 0.3, len(row), **middle)
    for number in range(inputs):
        axes.text(len(table) - 0.2, number, sum(number in row for row in table), **middle)
    axes.text(-1, inputs - 0.3, "sees", ha="right", va="center")
    axes.text(len(table) - 0.2, -1, "seen by", **middle)
    axes.set(xticks=range(len(table)), xlim=(-0.7, len(table) + 0.3), xlabel="map of C3")
    axes.set(yticks=range(inputs), ylim=(inputs + 0.1, -0.8), ylabel="map of S2")
    figure.legend(ncols=2, loc="outside lower center", markerscale=0.6)
    head(figure, "Table I: no two maps of C3 see the same maps of S2, and each is seen by ten")
    return figure


def contiguous(row: tuple[int, ...], inputs: int = 6) -> bool:
    """Test for a row of Table I whose maps follow each other, the first after the last.

    Example::

        >>> contiguous((0, 4, 5)), contiguous((0, 1, 3, 4))
        (True, False)
    """
    return sum((seen + 1) % inputs not in row for seen in row) <= 1


@shows(facts=("fig25_states",))
@rc_context(PICTURES)
def c5() -> Figure:
    """Fig. 25's string in the replicated net: the window of each position, C5's column, F6."""
    from lenet1998.models import STEP  # it needs torch, and --check does not

    string = paper.fig25_states()
    count = len(string.f6)
    figure = Figure(figsize=(6.6, 5.0), layout="constrained")
    field, column, state = figure.subplots(3, 1, height_ratios=(3.4, 1.5, 1.6))
    # The figure shows columns 6 to 57 of the 64 that the net saw.
    hidden = (paper.FIG25_FIELD[1] - string.input.shape[1]) // 2
    whole = np.pad(string.input.astype(float), ((0, 0), (hidden, hidden)), constant_values=PAPER)
    field.imshow(whole, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    for number, colour in ((0, BLUE), (count // 2, VERMILION), (count - 1, GREEN)):
        style.frame(field, (0, STEP * number), (32, 32), color=colour, lw=2)
    field.axis("off")
    field.set_anchor("NW")
    field.set(xlim=(-1, whole.shape[1]), ylim=(len(whole) + 0.5, -1))
    field.set_title(f"a field of 32×64, and three of the {count} windows, {STEP} pixels apart")
    columns, _ = style.tile(string.c5.reshape(count, 15, 8).astype(float), count, (0, 4))
    style.show(column, columns, GREYS, 0, 255)
    column.set_title(f"C5: {string.c5.shape[1]} maps, now one unit high and {count} wide")
    bitmaps, _ = style.tile(string.f6.astype(float), count, (0, 4))
    style.show(state, bitmaps, GREYS, 0, 255)
    state.set_title("F6 at each position")
    head(figure, f"One pass over the wide field computes the network at all {count} positions")
    return figure


@shows(facts=("digit_codes",))
@rc_context(PICTURES)
def codes() -> Figure:
    """The ten codes as the bitmaps they are, cells that all ten share in a colour of their own."""
    bitmaps = paper.digit_codes()
    shared = (bitmaps == bitmaps[0]).all(0).reshape(paper.CODE_SHAPE)
    figure = Figure(figsize=(6.0, 4.2), layout="compressed")
    for digit, axes in enumerate(figure.subplots(2, 5).flat):
        axes.imshow(bitmaps[digit].reshape(paper.CODE_SHAPE), cmap="gray_r", vmin=-1, vmax=1.6)
        for row, column in np.argwhere(shared):
            axes.plot(column, row, ".", color=VERMILION, ms=3.5)
        outline(axes)
        axes.set(xticks=np.arange(0.5, 6), yticks=np.arange(0.5, 11), title=f"{digit}")
        axes.tick_params(length=0, labelbottom=False, labelleft=False)
        axes.grid(visible=True, color="#dddddd", linewidth=0.5)
    head(figure, f"The ten codes share {shared.sum()} of {shared.size} cells (orange dots)")
    return figure


@shows(facts=("digit_codes", "fig13_states"))
@rc_context(PICTURES)
def distances() -> Figure:
    """Fig. 13's nine patterns: from F6's state as printed to each of the ten codes."""
    shown = paper.fig13_states()
    states = 1 - shown.f6.reshape(len(shown.f6), -1) / MIDDLE
    apart = np.square(states[:, None] - paper.digit_codes()).sum(-1)
    figure = Figure(figsize=(6.7, 4.8), layout="constrained")
    grid = figure.add_gridspec(len(apart), 2, width_ratios=(1, 10))
    axes = figure.add_subplot(grid[:, 1])
    # By the distance itself the winner alone is dark, and every number can be read.
    axes.imshow(np.sqrt(apart), cmap="Blues_r", aspect="auto", vmin=0)
    for (row, column), value in np.ndenumerate(apart):
        wins = column == apart[row].argmin()
        look = {"weight": "bold", "color": "white"} if wins else {}
        axes.text(column, row, f"{value:.1f}", ha="center", va="center", **look)
    outline(axes)
    axes.set(xticks=range(paper.CLASSES), xlabel="code")
    head(figure, "The code with the smallest squared distance from F6's state is the answer")
    for row, pattern in enumerate(shown.input):
        _picture(figure.add_subplot(grid[row, 0]), pattern)
    return figure


def _picture(axes: Axes, greys: np.ndarray) -> None:
    axes.imshow(greys, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    outline(axes)


def outline(axes: Axes) -> None:
    """A thin line around a picture instead of its axes."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=PLAIN["color"], lw=PLAIN["lw"])
