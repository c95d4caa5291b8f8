"""A line of digits on any picture file as a field that the replicated network reads.

Found as single digits are (:mod:`~lenet1998.data.pictures`), then straightened by the ink's
principal axis, and sized so that a digit of usual height has MNIST's 20 pixels.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy import ndimage

from lenet1998 import paper
from lenet1998.data.ink import Ink, find_ink
from lenet1998.data.patterns import CENTRE
from lenet1998.data.pictures import Source, look, naming, read_image, to_bytes
from lenet1998.data.pieces import Piece, pieces_of
from lenet1998.data.sums import centre_of_mass, total
from lenet1998.errors import BadInput

LONGEST = 8192  # pixels at most that a line is looked for in: 400 digits of 20
ELONGATED = 6  # times the variance of ink across: a shorter line's axis is its digits' slant
TALL = 0.5  # of the tallest piece: a lower one is a dot or half a digit
STEEPEST = 50  # degrees: a steeper axis is no line's
WIDEST = 20_000  # pixels of the field at most
COARSE = 10  # pixels high at least: digits that scaling down leaves lower are mostly misclassified


# Of the usual height of a digit, where nothing else is said.
DOUBLE = 1.7  # as tall a piece is of two lines that touch
WITHIN = 0.4  # of a piece's own height: less of it among the line's rows is of another line
FLAT = 0.4  # a lower piece is part of a digit,
NEAR = 0.5  # of its own height: if it is no farther from the line, and, if that is left or right
BESIDE = 0.1  # of its width: of a digit, shares as many columns with it
PART = 0.2  # a lower piece is a part of something or a dirt, wherever it is
STRAIGHT = 6  # times as long as thick is a 1, or a slash
BEYOND = 0.04  # a slash reaches out of the line above and below,
TALLER = 1.08  # times the tallest digit is its height,
FINE = 0.42  # of the digits' strokes is its own


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


def read_line(source: Source, size: int = paper.INPUT_SIZE) -> Line:
    """Read a picture of one line of digits: any format of Pillow's, any size, dark ink or light.

    Args:
        source: as :func:`~lenet1998.data.pictures.read_picture` takes it.
        size: height of the field, the network's input_size.

    Raises:
        BadInput: no file, no picture, a damaged one, one too large, one with nothing on it, with
            more than one line, with a mark that is no digit, with a line too long for its height,
            or so large a line that too little of the digits would be left.
    """
    with naming(source):
        ink, block = look(read_image(source), LONGEST)
        return _laid(ink, block, size)


def to_line(levels: np.ndarray, block: int = 1, size: int = paper.INPUT_SIZE) -> Line:
    """Make a field of grey levels.

    Args:
        levels: (H, W) float, 0 black and 1 white.
        block: pixels of the picture, along a side, that each of them is the mean of.
        size: height of the field.

    Raises:
        BadInput: as :func:`read_line`.
    """
    return _laid(find_ink(levels), block, size)


def _laid(found: Ink, block: int, size: int) -> Line:
    """Straighten the ink, size it and lay it into a field."""
    ink = found.field
    degrees = _slope(ink)
    if degrees:
        ink = ndimage.rotate(ink, degrees, order=1)
    ink = _box(ink)
    usual = _usual_height(_pieces(ink))
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
    return Line(to_bytes(field), found.dark, degrees)


def _pieces(ink: np.ndarray) -> list[Piece]:
    return pieces_of(ink, ink > ink.max() / 10)


def _slope(ink: np.ndarray) -> float:
    """The angle of the ink's principal axis, in degrees clockwise; 0 if it has no long one.

    Raises:
        BadInput: there are several pieces along an axis steeper than STEEPEST.
    """
    y, x = np.nonzero(ink)
    if len(x) < 2:
        return 0.0
    weights = ink[y, x]
    amount = total(weights)
    x, y = (along - total(weights * along) / amount for along in (x, y))
    across, mixed, down = (float(total(weights * square)) for square in (x * x, x * y, y * y))
    spread = math.hypot(across - down, 2 * mixed)
    if across + down + spread < ELONGATED * (across + down - spread):
        return 0.0
    degrees = math.degrees(math.atan2(2 * mixed, across - down) / 2)
    if abs(degrees) <= STEEPEST:
        return degrees
    if len(_pieces(ink)) < 3:
        return 0.0
    raise BadInput("its digits stand above each other: turn it, or cut it to one line")


def _box(ink: np.ndarray) -> np.ndarray:
    """Crop to the ink: no empty rows and columns around it."""
    # Turning leaves traces of interpolation.
    inked = ink > ink.max() / 100
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _usual_height(pieces: list[Piece]) -> float:
    """The median height of the pieces of a straight line that are as tall as a digit, in pixels.

    Raises:
        BadInput: there are pieces of another line, or marks that are no digits.
    """
    tallest = max(piece.height for piece in pieces)
    digits = [piece for piece in pieces if piece.height > TALL * tallest]
    usual = float(np.median([piece.height for piece in digits]))
    middle = sorted(digits, key=lambda piece: piece.rows.start + piece.rows.stop)[len(digits) // 2]
    for piece in pieces:
        least = -NEAR if piece.height < FLAT * usual else WITHIN
        apart = _shared(piece.rows, middle.rows) < least * min(piece.height, usual)
        if (apart and piece.height > PART * usual) or piece.height > DOUBLE * usual:
            raise BadInput("more than one line of digits: cut the picture so that one is left")
    for piece in pieces:
        others = [other for other in pieces if other is not piece]
        flat = piece.height < FLAT * usual
        alone = all(
            _shared(piece.columns, other.columns) < BESIDE * min(piece.width, other.width)
            for other in others
        )
        beside = [other for other in digits if other is not piece]
        if (flat and alone) or (not flat and beside and _is_slash(piece, beside, usual)):
            raise BadInput("a mark that is no digit is in its line: cut the picture beside it")
    return usual


def _shared(one: slice, other: slice) -> int:
    """Rows or columns that two pieces share; below 0 what is between them."""
    return min(one.stop, other.stop) - max(one.start, other.start)


def _is_slash(piece: Piece, digits: list[Piece], usual: float) -> bool:
    """Test for a straight stroke that is longer, at both ends or in all, or finer than a 1."""
    if piece.straight < STRAIGHT:
        return False
    above = np.quantile([digit.rows.start for digit in digits], 0.25) - piece.rows.start
    below = piece.rows.stop - np.quantile([digit.rows.stop for digit in digits], 0.75)
    fine = piece.half_width < FINE * np.median([digit.half_width for digit in digits])
    tall = piece.height > TALLER * max(digit.height for digit in digits)
    return bool(min(above, below) > BEYOND * usual or fine or tall)
