"""A string inside the replicated net, drawn as Fig. 25 is: layer by layer, down to the answer."""

from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lenet1998 import paper
from lenet1998.report import style
from lenet1998.report.inside_figures import GREY
from lenet1998.report.style import PICTURES, PLAIN, RIGHT

WIDEST = 600  # columns of a field that are still drawn
INCHES = 0.062  # for a column
NAMES = (*map(str, range(paper.CLASSES)), "none")


@dataclass(frozen=True, eq=False)
class ShownString:
    """A field of W columns with T outputs inside a net, and what is read there.

    Attributes:
        states: of :func:`~lenet1998.models.layer_states`.
        penalties: (T, 11), the last column's of no character.
        text: the answer.
        positions: the output that each of its characters stands at.
        step: columns from one output to the next.
        title: of the figure.
    """

    states: dict[str, np.ndarray]
    penalties: np.ndarray
    text: str
    positions: tuple[int, ...]
    step: int
    title: str


@rc_context(PICTURES)
def string_figure(shown: ShownString) -> Figure:
    """Input, C1, C3, C5 and F6 at each position, the penalties, and the answer under them."""
    states = shown.states
    height, width = states["image"].shape
    sheets = {
        "C1": style.tile(states["c1"], 3)[0],
        "C3": style.tile(states["c3"], 4)[0],
    }
    inches = INCHES * max(width, 80)
    # As high as each is when it is as wide as the figure; C5 and the penalties are squeezed.
    heights = [inches * height / width, *(inches * np.divide(*s.shape) for s in sheets.values())]
    heights += [1.3, INCHES * shown.step * 12 / 7, 1.6]
    figure = Figure(figsize=(inches, 1.25 * sum(heights)))
    rows = figure.subplots(len(heights), height_ratios=heights)
    figure.subplots_adjust(left=0, right=1, bottom=0.05, top=0.97, hspace=0.5)
    _sheet(rows[0], states["image"], "input")
    for axes, (name, sheet) in zip(rows[1:3], sheets.items(), strict=True):
        _sheet(axes, sheet, name)
    edge = (height - shown.step) / 2  # an output's cell is in the middle of its window
    across = (edge, edge + shown.step * len(shown.penalties))
    _cells(rows[3], states["c5"].reshape(120, -1), across, width)
    rows[3].set_title("C5, 120 units at each position")
    rows[3].set_yticks([])
    bitmaps = states["f6"].reshape(paper.CODE_LENGTH, -1).T.reshape(-1, *paper.CODE_SHAPE)
    _cells(rows[4], np.concatenate(bitmaps, 1), across, width, low=-1, high=1)
    rows[4].set_title("F6 at each position, -1 white to +1 black")
    rows[4].set_yticks([])
    _penalties(rows[5], shown, across, width)
    figure.text(0, 1, shown.title, va="bottom")
    return figure


def _sheet(axes: Axes, sheet: np.ndarray, name: str) -> None:
    low, high = np.nanmin(sheet), np.nanmax(sheet)
    style.show(axes, sheet, GREY, low, high)
    style.frame(axes, (0, 0), sheet.shape, **PLAIN)
    axes.set_aspect("auto")  # so that each position stands under what it sees
    axes.set_title(f"{name}: {low:.2f} to {high:.2f}")


def _cells(
    axes: Axes, values: np.ndarray, across: tuple[float, float], width: int, low=None, high=None
) -> None:
    """Values of the outputs, each under the middle of its window."""
    axes.imshow(
        values,
        cmap=GREY,
        vmin=low,
        vmax=high,
        aspect="auto",
        interpolation="nearest",
        extent=(*across, len(values), 0),
    )
    axes.set(xlim=(0, width), xticks=[])
    axes.spines[:].set_visible(False)


def _penalties(axes: Axes, shown: ShownString, across: tuple[float, float], width: int) -> None:
    """Dark where a class costs little; what the answer is made of is framed."""
    _cells(axes, -np.log1p(shown.penalties.T), across, width)
    for digit, position in zip(shown.text, shown.positions, strict=True):
        left = across[0] + shown.step * position
        style.frame(axes, (int(digit) + 0.5, left + 0.5), (1, shown.step), **RIGHT)
        place = (left + shown.step / 2, len(NAMES) + 0.6)
        axes.text(*place, digit, ha="center", va="top", size=13, clip_on=False)
    axes.set_yticks(np.arange(len(NAMES)) + 0.5, NAMES, size=8)
    axes.tick_params(axis="y", length=0, pad=-14)
    axes.set_title("penalties of the classes, small ones dark; below, the answer")
