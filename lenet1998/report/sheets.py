"""Many small pictures on one sheet: one axes draws them in a tenth of the time of many."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.patches import Rectangle

from lenet1998.report.figures import BLUE, STYLE, VERMILION

PICTURES = {
    **STYLE,
    "axes.grid": False,
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
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
