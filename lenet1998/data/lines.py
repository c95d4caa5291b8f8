"""A line of digits on any picture file as a field that the replicated network reads.

Found as single digits are (:mod:`~lenet1998.data.pictures`), then straightened by the ink's
principal axis, and sized so that a digit of usual height has MNIST's 20 pixels.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from lenet1998 import paper
from lenet1998.data.patterns import CENTRE
from lenet1998.data.ink import find_ink
from lenet1998.data.pictures import read_levels, to_bytes
from lenet1998.data.sums import centre_of_mass, total
from lenet1998.errors import BadInput

LONGEST = 8192  # pixels at most that a line is looked for in: 400 digits of 20
ELONGATED = 6  # times the variance of ink across: a shorter line's axis is its digits' slant
TALL = 0.5  # of the tallest piece: a lower one is a dot or half a digit
SECOND = 0.6  # of the tallest line: as tall a one is another line, and no part of a digit
WIDEST = 20_000  # pixels of the field at most
COARSE = 10  # pixels high at least: digits that scaling down leaves lower are mostly misread


@dataclass(frozen=True, eq=False)
class Line:
    """A line of digits as the networks know strings.

    Attributes:
        field: (size, W) uint8, 0 the background, 255 ink, the line's centre of mass in the middle
            row, and half a field of background at either end.
        dark_ink: whether the picture was black on white.
        degrees: by how much it was turned, against the clock.
    """

    field: np.ndarray
    dark_ink: bool
    degrees: float


def read_line(file: str | os.PathLike, size: int = paper.INPUT_SIZE) -> Line:
    """Read a picture of one line of digits: any format of Pillow's, any size, dark ink or light.

    Args:
        file: the picture.
        size: height of the field, the network's input_size.

    Raises:
        BadInput: no file, no picture, a damaged one, one too large, one with nothing on it, with
            more than one line, with a line too long for its height, or so large around its line
            that too little of the digits would be left.
    """
    try:
        return to_line(*read_levels(Path(file), LONGEST), size)
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None


def to_line(levels: np.ndarray, block: int = 1, size: int = paper.INPUT_SIZE) -> Line:
    """Make a field of grey levels.

    Args:
        levels: (H, W) float, 0 black and 1 white.
        block: pixels of the picture, along a side, that each of them is the mean of.
        size: height of the field.

    Raises:
        BadInput: as :func:`read_line`.
    """
    ink, dark_ink = find_ink(levels)
    degrees = _slope(ink)
    if degrees:
        ink = ndimage.rotate(ink, degrees, order=1)
    ink = _box(ink)
    _refuse_more_lines(ink)
    usual = _usual_height(ink)
    scale = paper.DIGIT_SIZE / usual
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    if width > WIDEST:
        raise BadInput(f"its line would be {width:,} pixels long with digits 20 high: cut it")
    if block > 1 and usual < COARSE:
        raise BadInput(
            f"scaled down to be read, its digits are {usual:.0f} pixels high, fewer than {COARSE}:"
            " cut it to the line"
        )
    small = Image.fromarray(ink.astype(np.float32)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    digits = np.asarray(small)
    rows = np.arange(height) - round(centre_of_mass(total(digits, axis=1)))
    rows += CENTRE + (size - paper.FIELD_SIZE) // 2
    kept = (rows >= 0) & (rows < size)
    field = np.zeros((size, width + size))
    field[rows[kept], size // 2 : size // 2 + width] = digits[kept]
    return Line(to_bytes(field), dark_ink, degrees)


def _slope(ink: np.ndarray) -> float:
    """The angle of the ink's principal axis, in degrees clockwise; 0 if it has no long one."""
    y, x = np.nonzero(ink)
    if len(x) < 2:
        return 0.0
    weights = ink[y, x]
    amount = total(weights)
    x, y = (along - total(weights * along) / amount for along in (x, y))
    across, mixed, down = (float(total(weights * square)) for square in (x * x, x * y, y * y))
    if across < ELONGATED * down:
        return 0.0
    return math.degrees(math.atan2(2 * mixed, across - down) / 2)


def _box(ink: np.ndarray) -> np.ndarray:
    """Crop to the ink: no empty rows and columns around it."""
    # Turning leaves traces of interpolation.
    inked = ink > ink.max() / 100
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _refuse_more_lines(ink: np.ndarray) -> None:
    """BadInput if there are lines of digits above each other."""
    _, heights = _runs((ink > ink.max() / 100).any(axis=1))
    if (heights > SECOND * heights.max()).sum() > 1:
        raise BadInput("more than one line of digits: cut the picture so that one is left")


def _runs(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths of runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return edges[::2], edges[1::2] - edges[::2]


def _usual_height(ink: np.ndarray) -> float:
    """The median height of the pieces of ink that are as tall as a digit."""
    pieces, _ = ndimage.label(ink > ink.max() / 10, np.ones((3, 3)))
    heights = np.array([rows.stop - rows.start for rows, _ in ndimage.find_objects(pieces)])
    return float(np.median(heights[heights > TALL * heights.max()]))
