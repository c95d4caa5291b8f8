"""Style of the figures: palette, saving, and sheets of many small pictures.

Figures are made without pyplot, here and in all of ``report``: a caller's backend and the figures
that are open there are none of our business.
"""

import io
import re
from pathlib import Path

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lenet1998.training.records import write_atomically

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
    # Not the user's own, which may ask for LaTeX.
    **{key: value for key, value in rcParamsDefault.items() if key != "backend"},
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "figure.dpi": 110,
    "savefig.bbox": "tight",
    "savefig.pad_inches": 0.05,
    # In SVG letters are curves, which look alike everywhere, and the same bytes each time.
    "svg.fonttype": "path",
    "svg.hashsalt": "lenet1998",
}


def plain(text: str) -> str:
    """A text in which a ``$``, as a file's name may hold it, begins no formula."""
    return text.replace("$", r"\$")


def save(figure: Figure, file: Path, source: str | None = None) -> None:
    """Write a figure as a PNG or SVG, in it a digest of the records it shows."""
    picture, kind = io.BytesIO(), file.suffix.removeprefix(".")
    about = {"Source": source} if source else {}
    about |= {"Date": None} if kind == "svg" else {}  # else no two files are the same
    with rc_context(STYLE):
        figure.savefig(picture, format=kind, metadata=about)
    write_atomically(file, _opaque(picture) if kind == "png" else picture.getvalue())


def _opaque(picture: io.BytesIO) -> bytes:
    """Leave out a PNG's alpha, which is an eighth of its bytes: the figures' ground is white."""
    smaller, about = io.BytesIO(), PngInfo()
    with Image.open(picture) as drawn:
        for key, text in drawn.text.items():
            about.add_text(key, text)
        drawn.convert("RGB").save(smaller, "png", pnginfo=about, dpi=drawn.info.get("dpi"))
    return smaller.getvalue()


def source_of(file: Path) -> str | None:
    """The digest that :func:`save` put into a PNG or SVG."""
    if file.suffix == ".svg":
        found = re.search("<dc:source>(.*)</dc:source>", file.read_text("utf-8"))
        return found and found[1]
    with Image.open(file) as image:
        return image.info.get("Source")


def head(figure: Figure, message: str) -> None:
    """Write the message over all that a figure with a layout draws, flush with its left edge."""
    figure.suptitle(message, x=0.01, ha="left", size=10)


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


# --- Sheets: one axes draws many pictures in a tenth of the time of many ------------------------

PICTURES = {
    **STYLE,
    "axes.grid": False,
}
EMPTY = "#d5dde5"  # what is no picture: between them, and where there is none
PLAIN = {"color": "#bbbbbb", "lw": 0.6}
# Told apart by colour, by the line, and in words: "7" beside "7 -> 2".
RIGHT = {"color": BLUE, "ls": "-", "lw": 1.2}
WRONG = {"color": VERMILION, "ls": (0, (2.5, 1.2)), "lw": 2.0}


def tile(
    pictures: np.ndarray, columns: int, gap: tuple[int, int] = (1, 1)
) -> tuple[np.ndarray, np.ndarray]:
    """Lay pictures out row by row.

    Args:
        pictures: (N, H, W).
        columns: in a row.
        gap: pixels between pictures, down and across.

    Returns:
        The sheet, nan where no picture is, and (N, 2) the row and column each picture starts in.
    """
    size = np.array(pictures.shape[1:])
    step = size + gap
    corners = np.stack(np.divmod(np.arange(len(pictures)), columns), 1) * step
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows, columns) * step - gap, np.nan)
    for picture, (top, left) in zip(pictures, corners, strict=True):
        sheet[top : top + size[0], left : left + size[1]] = picture
    return sheet, corners


def show(axes: Axes, sheet: np.ndarray, colours: Colormap, low: float, high: float) -> None:
    """Draw a sheet in the upper left of its place, without axes around it."""
    axes.imshow(sheet, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axes.set_anchor("NW")
    axes.axis("off")


def frame(axes: Axes, corner: tuple[float, float], shape: tuple[int, int], **look) -> None:
    """Frame the picture of a shape that starts at a corner (row, column)."""
    (top, left), (height, width) = corner, shape
    outline = Rectangle((left - 0.5, top - 0.5), width, height, fill=False, clip_on=False, **look)
    axes.add_patch(outline)
