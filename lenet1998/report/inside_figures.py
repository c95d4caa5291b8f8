"""Figures of what goes on inside one net: kernels, states, and F6 beside the ten codes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from lenet1998 import paper
from lenet1998.report import style
from lenet1998.report.style import BLUE, PICTURES, PLAIN, RIGHT, VERMILION, WRONG

SIGNED = LinearSegmentedColormap.from_list("", [VERMILION, "white", BLUE], N=255).with_extremes(
    bad=style.EMPTY
)
GREY = colormaps["gray_r"].with_extremes(bad=style.EMPTY)


@dataclass(frozen=True, eq=False)
class Shown:
    """One image inside a net.

    Attributes:
        states: of :func:`~lenet1998.models.layer_states`.
        label, answer: what the image is, and what the net took it for.
        title: of its figures.
    """

    states: dict[str, np.ndarray]
    label: int
    answer: int
    title: str

    @property
    def marks(self) -> dict[int, tuple[dict, str]]:
        """The digits that stand out among ten, each with its look and a word."""
        if self.label == self.answer:
            return {self.label: (RIGHT, "answer, label")}
        return {self.label: (RIGHT, "label"), self.answer: (WRONG, "answer")}


# --- Kernels ------------------------------------------------------------------------------------


@rc_context(PICTURES)
def kernels(nets: Sequence[tuple[np.ndarray, np.ndarray, str]]) -> Figure:
    """C1's kernels, and right of each those that C3's maps put on what becomes of it in S2.

    Args:
        nets: drawn one below the other; of each C1's kernels (6, K, K), C3's (16, 6, K, K), nan
            where a map does not see another: the gaps of Table I, and a title.
    """
    figure = Figure(figsize=(7.4, 2.9 * len(nets)), layout="constrained")
    for part, (c1, c3, title) in zip(
        figure.subfigures(len(nets), squeeze=False).flat, nets, strict=True
    ):
        left, right = part.subplots(1, 2, width_ratios=(1, 19))
        words = [
            f"{_drawn(axes, of):.2f} in {name}"
            for axes, of, name in ((left, c1[None], "C1"), (right, c3, "C3"))
        ]
        left.set(title="C1", ylabel="map of C1", xticks=[])
        count = np.isfinite(c3[..., 0, 0]).sum()
        blank = "; blank: not connected" if np.isnan(c3).any() else ""
        right.set(title=f"C3: {count} kernels{blank}", xlabel="map of C3", ylabel="map of S2")
        style.head(part, f"{title}: weights up to {' and '.join(words)}")
        bar = part.colorbar(
            ScalarMappable(Normalize(-1, 1), SIGNED), ax=[left, right], aspect=30, pad=0.015
        )
        bar.set_ticks([-1, -0.5, 0, 0.5, 1])
        bar.set_label("weight / the layer's largest")
    return figure


def _drawn(axes: Axes, kernels: np.ndarray) -> float:
    """Draw kernels (columns, rows, K, K) as shares of the largest size, which is returned."""
    across, down, side = kernels.shape[:3]
    largest = np.nanmax(np.abs(kernels))
    sheet, _ = style.tile(kernels.swapaxes(0, 1).reshape(-1, side, side) / largest, across)
    style.show(axes, sheet, SIGNED, -1, 1)
    axes.axis("on")
    for axis, count in ((axes.xaxis, across), (axes.yaxis, down)):
        axis.set_ticks((side + 1) * np.arange(count) + (side - 1) / 2, map(str, range(count)))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return largest


# --- States -------------------------------------------------------------------------------------

ENLARGED = 5  # times in width and in height: 25 pixels for one of a 5x5 kernel
STRIP = 15  # units in a row of C5
BITMAP = (1, *paper.CODE_SHAPE)


@rc_context(PICTURES)
def feature_maps(shown: Shown, c1: np.ndarray) -> Figure:
    """The state of every layer for one image, C1's maps first, each under its kernel (6, K, K)."""
    states = shown.states
    figure = Figure(figsize=(6.6, 6.9))
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1)
    # In inches what each row is high when it is as wide as the figure, and a little more.
    heights = (1.05, 1.05, 1.05, 0.45, 0.43, 1.5)
    grid = figure.add_gridspec(6, 14, height_ratios=heights, hspace=0.33)
    _image(figure.add_subplot(grid[0, :2]), states["image"])
    _enlarged(figure.add_subplot(grid[0, 2:]), c1)
    _state(figure.add_subplot(grid[1, 2:]), "C1", states["c1"], 6)
    _state(figure.add_subplot(grid[2, 2:]), "S2", states["s2"], 6)
    _state(figure.add_subplot(grid[3, :]), "C3", states["c3"], 16)
    _state(figure.add_subplot(grid[4, :]), "S4", states["s4"], 16)
    _state(figure.add_subplot(grid[5, :6]), "C5", states["c5"][:, None, None], STRIP)
    _state(figure.add_subplot(grid[5, 6:9]), "F6", states["f6"].reshape(BITMAP), 1)
    _outputs(figure.add_subplot(grid[5, 10:12]), shown)
    _head(
        figure,
        f"{shown.title}\nEach layer from its smallest state (white) to its largest (black)",
    )
    return figure


def _head(figure: Figure, title: str) -> None:
    """The figure's title, flush with its left edge and above all axes' titles."""
    look = {"size": 10, "linespacing": 1.5}
    figure.text(0, figure.subplotpars.top + 0.45 / figure.get_figheight(), title, **look)


def _image(axes: Axes, image: np.ndarray) -> None:
    _framed(axes, image, image.min(), image.max())
    axes.set_title("image")


def _framed(axes: Axes, sheet: np.ndarray, low: float, high: float) -> None:
    """Draw from white to black; the frame is for what is white at the edge."""
    style.show(axes, sheet, GREY, low, high)
    style.frame(axes, (0, 0), sheet.shape, **PLAIN)


def _enlarged(axes: Axes, c1: np.ndarray) -> None:
    """Kernels at about the size that the maps under them are drawn in."""
    largest = np.abs(c1).max()
    sheet, _ = style.tile(c1.repeat(ENLARGED, 1).repeat(ENLARGED, 2), len(c1))
    style.show(axes, sheet, SIGNED, -largest, largest)
    axes.set_title(f"C1's kernels: -{largest:.2f} (orange) to {largest:.2f} (blue)")


def _state(axes: Axes, name: str, maps: np.ndarray, columns: int) -> None:
    low, high = maps.min(), maps.max()
    gap = (1, 1) if maps[0].size > 1 else (0, 0)  # units need none
    _framed(axes, style.tile(maps, columns, gap)[0], low, high)
    axes.set_title(f"{name}: {low:.2f} to {high:.2f}")


def _outputs(axes: Axes, shown: Shown) -> None:
    """A bar and a value per digit, the answer's and the label's told apart in words too."""
    for digit, value in enumerate(shown.states["output"]):
        look, mark = shown.marks.get(digit, (PLAIN, ""))
        axes.barh(digit, value, color=look["color"], height=0.7)
        place = {"transform": axes.get_yaxis_transform(), "va": "center_baseline"}
        colour = look["color"] if mark else "black"
        axes.text(1.04, digit, f"{value:.3g} {mark}", color=colour, **place)
    axes.axvline(0, color="black", lw=0.8)
    axes.set_yticks(range(len(shown.states["output"])))
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.invert_yaxis()
    axes.set_title("output")


# --- F6 -----------------------------------------------------------------------------------------


@rc_context(PICTURES)
def f6(shown: Shown, codes: np.ndarray | None) -> Figure:
    """F6's state drawn as the 7x12 bitmap that the codes are, and its distance to each code.

    Args:
        shown: the image and its states.
        codes: (classes, 84), or None for a net without: its outputs are drawn instead.
    """
    state = shown.states["f6"]
    # On the codes' scale where there are codes, so that -1 and +1 look alike in both.
    low, high = (-1, 1) if codes is not None else (state.min(), state.max())
    figure = Figure(figsize=(7.1, 3.0))
    image, bitmap, output = figure.subplots(1, 3, width_ratios=(1.3, 1.3, 3.4))
    figure.subplots_adjust(left=0, right=1, wspace=0.12)
    _image(image, shown.states["image"])
    _framed(bitmap, state.reshape(paper.CODE_SHAPE), low, high)
    bitmap.set_title(f"F6: {state.min():.2f} to {state.max():.2f}")
    if codes is None:
        _outputs(output, shown)
        output.set_title("without codes F6 draws no digit; the outputs (logits)")
    else:
        _codes(output, codes, shown)
        number = "ten" if len(codes) == paper.CLASSES else "eleven"
        output.set_title(f"the {number} codes (+1 black), and F6's squared distance to each")
    _head(figure, shown.title)
    return figure


def _codes(axes: Axes, codes: np.ndarray, shown: Shown) -> None:
    """The codes in two rows, each over its distance; the answer's and the label's framed."""
    rows, columns = paper.CODE_SHAPE
    sheet, corners = style.tile(codes.reshape(-1, rows, columns), 5, (9, 5))
    style.show(axes, sheet, colormaps["gray_r"], -1, 1)
    for digit, (top, left) in enumerate(corners):
        look, mark = shown.marks.get(digit, (PLAIN, ""))
        style.frame(axes, (top - 0.5, left - 0.5), (rows + 1, columns + 1), **look)
        words = f"{shown.states['output'][digit]:.3g}\n{mark}"
        colour = look["color"] if mark else "black"
        axes.text(left + 3, top + 12.8, words, ha="center", va="top", color=colour)
    axes.set(xlim=(-2, len(sheet[0]) + 1), ylim=(len(sheet) + 6, -1.5))
