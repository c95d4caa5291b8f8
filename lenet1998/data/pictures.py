"""Any picture file as a pattern like MNIST's: 28x28, size-normalised, centred, white on black.

What is paper and what is ink is found in three steps: what most of the border shows is paper, what
differs from it most says whether ink is darker or lighter, and Otsu's threshold where ink begins.
"""

import logging
import os
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

from lenet1998 import paper
from lenet1998.data.patterns import CENTRE, normalise
from lenet1998.data.sums import total
from lenet1998.errors import BadInput, silent_libraries

MAX_PIXELS = 70_000_000  # telephones make pictures of 64 million

SIDE = 512  # pixels at most that ink is looked for in: many a digit's 20, and noise averages out
BORDER = 1 / 20  # of the shorter side: what the paper's brightness is fitted to
FAINTEST = 0.02  # of the way from black to white: less is no ink but a flaw in the paper
NOISE = 3  # standard deviations of the paper's noise that are not ink
SPECK = 1 / 20  # of the largest piece's ink: a smaller piece is no part of the digit
FULL = 0.95  # of the pixels with ink; the rest is ink at its full strength


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the networks know patterns.

    Attributes:
        pattern: (28, 28) uint8, 0 the background, 255 ink.
        dark_ink: whether the picture was black on white.
        normalised: whether it was scaled and centred; False if it already was as MNIST's are.
    """

    pattern: np.ndarray
    dark_ink: bool
    normalised: bool


def read_picture(file: str | os.PathLike) -> Picture:
    """Read a picture of one digit: any format of Pillow's, any size, dark ink or light.

    A picture that already is as MNIST's are, 28x28 with a digit of 20 pixels centred by mass on an
    even background, is taken as it is; any other is made so.

    Raises:
        BadInput: no file, no picture, a damaged one, one too large, or one with nothing on it.
    """
    try:
        return to_picture(read_levels(Path(file)).grey)
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None


def to_picture(levels: np.ndarray) -> Picture:
    """Make a pattern of grey levels.

    Args:
        levels: (H, W) float, 0 black and 1 white.

    Raises:
        BadInput: there is nothing on it.
    """
    stored = np.rint(255 * levels).astype(np.uint8)
    for dark_ink, pattern in ((False, stored), (True, 255 - stored)):
        if _is_normalised(pattern):
            return Picture(pattern, dark_ink, normalised=False)
    ink, dark_ink = find_ink(levels)
    return Picture(to_bytes(normalise(ink)), dark_ink, normalised=True)


def to_bytes(field: np.ndarray) -> np.ndarray:
    """Ink of any positive levels on 0 as uint8, 255 where it has its full strength."""
    full = np.quantile(field[field > field.max() / 10], FULL)
    return np.rint(255 * np.minimum(1, field / full)).astype(np.uint8)


def _is_normalised(pattern: np.ndarray) -> bool:
    """Test a pattern for the norms that all 70,000 of MNIST keep; its negative then does not."""
    if pattern.shape != (paper.FIELD_SIZE, paper.FIELD_SIZE) or not pattern.any():
        return False
    sides = [np.ptp(np.flatnonzero(pattern.any(axis=axis))) + 1 for axis in (0, 1)]
    centre = ndimage.center_of_mass(pattern)
    # The faintest edge of a digit may have been rounded away.
    right_size = paper.DIGIT_SIZE - 1 <= max(sides) <= paper.DIGIT_SIZE
    return right_size and np.abs(np.subtract(centre, CENTRE)).max() < 0.55


# --- Files --------------------------------------------------------------------------------------


class Levels(NamedTuple):
    """A file's picture.

    Attributes:
        grey: (H, W) float, 0 black and 1 white.
        block: pixels of the file, along a side, that each of these is the mean of.
    """

    grey: np.ndarray
    block: int


def read_levels(file: Path, longest: int = SIDE) -> Levels:
    """A file's first picture as grey levels.

    The shorter side is at most SIDE pixels, and the longer at most ``longest``.

    Raises:
        BadInput: no file, no picture, a damaged one, or one too large.
    """
    try:
        if not file.exists():
            raise BadInput("no such file")
        if not file.is_file():
            raise BadInput("no regular file, but a directory or a device")
        if not file.stat().st_size:
            raise BadInput("empty, not a picture")
        # From a stream, not by name: Pillow maps some files, and then misreads turned TIFFs.
        with silent_libraries(), _silence(), file.open("rb") as stream, Image.open(stream) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError  # as Pillow does itself at far more
            shown = ImageOps.exif_transpose(image)
            block = max(-(-min(shown.size) // SIDE), -(-max(shown.size) // longest))
            return Levels(_levels(shown, block), block)
    except BadInput:
        raise
    except UnidentifiedImageError:
        raise BadInput(
            "not a picture, or a damaged one; PNG, JPEG, GIF, TIFF, BMP or WebP would do"
        ) from None
    except Image.DecompressionBombError:
        raise BadInput(f"more than {MAX_PIXELS:,} pixels: scale it down") from None
    # A damaged file makes Pillow's readers raise whatever they stumble upon, EOFError to TypeError.
    except Exception as error:
        raise BadInput(f"cannot be read as a picture ({error})") from None


@contextmanager
def _silence():
    """Keep Pillow's warnings to itself: what cannot be read raises, the rest does not matter."""
    logger = logging.getLogger("PIL")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.setLevel(before)


def _levels(image: Image.Image, block: int) -> np.ndarray:
    """The means of whole blocks of pixels, from black to white."""
    if image.mode.startswith(("I", "F")):
        return _stretch(np.asarray(image.convert("F").reduce(block), dtype=np.float64))
    if image.has_transparency_data:
        return _on_paper(image.convert("RGBA").reduce(block))
    return np.asarray(image.convert("L").reduce(block)) / 255


def _stretch(values: np.ndarray) -> np.ndarray:
    """The darkest value to 0 and the lightest to 1: in deep pictures no value stands for white."""
    if not np.isfinite(values).all():
        raise BadInput("holds values that are no numbers")
    low, high = values.min(), values.max()
    return (values - low) / (high - low or 1)


def _on_paper(image: Image.Image) -> np.ndarray:
    """A picture with transparent parts, laid on paper that its ink stands out from.

    If only the ink is there, the paper is white under dark ink and black under light ink. If there
    is paper too, a sticker with a digit on it, the same paper goes on under the transparent parts.
    """
    grey = np.asarray(image.convert("L")) / 255
    opacity = np.asarray(image.getchannel("A")) / 255
    if not opacity.any():
        raise BadInput("nothing on it: all of it is transparent")
    visible = opacity > opacity.max() / 2
    if visible.all():
        return grey
    edge = np.median(grey[visible & ndimage.binary_dilation(~visible)])
    only_ink = np.abs(grey[visible] - edge).max() < 0.5
    sheet = float(edge < 0.5) if only_ink else edge
    return sheet + opacity * (grey - sheet)


# --- Ink ----------------------------------------------------------------------------------------


def find_ink(levels: np.ndarray) -> tuple[np.ndarray, bool]:
    """The ink alone, (H, W) on exactly 0, and whether it is darker than the paper.

    Raises:
        BadInput: there is none.
    """
    difference, noise = _from_paper(levels)
    dark_ink = bool(total((difference * difference * difference).ravel()) < 0)
    ink = np.maximum(0, (-difference if dark_ink else difference) - NOISE * noise)
    if ink.max() < FAINTEST:
        raise BadInput("nothing on it stands out from its background")
    # Half Otsu's threshold, and a pixel around what is above it: edges are fainter than strokes.
    around = np.ones((3, 3))
    pieces, n = ndimage.label(ink > _otsu(ink[ink > 0]) / 2, around)
    amounts = np.zeros(n + 1)  # the first is the paper's: none
    amounts[1:] = ndimage.sum_labels(ink, pieces, np.arange(1, n + 1))
    kept = (amounts > SPECK * amounts.max())[pieces]
    return np.where(ndimage.binary_dilation(kept, around), ink, 0), dark_ink


def _from_paper(levels: np.ndarray) -> tuple[np.ndarray, float]:
    """Difference from the paper, (H, W), and the standard deviation of the paper's noise.

    Paper is what most of the border shows: of one brightness in even light, else a surface.
    """
    width = max(1, round(BORDER * min(levels.shape)))
    border = np.ones_like(levels, dtype=bool)
    border[width:-width, width:-width] = False
    difference = levels - np.median(levels[border])
    if np.median(np.abs(difference[border])) > FAINTEST:
        difference = levels - _surface(levels, border)
    # A quarter of a normal deviate's sizes are below 0.32 standard deviations; and a quarter of
    # the border is paper even if the digit fills the picture.
    return difference, float(np.quantile(np.abs(difference[border]), 0.25)) / 0.32


def _surface(levels: np.ndarray, border: np.ndarray) -> np.ndarray:
    """The surface of second order (H, W) that follows the levels on the border.

    Fitted by least absolute deviations, so that ink on the border does not bend it much.
    """
    y, x = np.meshgrid(*(np.linspace(-1, 1, side) for side in levels.shape), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    design, target = terms[border], levels[border]
    weights = np.ones_like(target)
    for _ in range(30):  # iteratively reweighted least squares
        weighted = design.T * weights
        factors = np.linalg.lstsq(weighted @ design, weighted @ target, rcond=None)[0]
        weights = 1 / np.maximum(np.abs(target - design @ factors), 1e-3)
    return terms @ factors


def _otsu(values: np.ndarray) -> float:
    """The threshold that parts positive values into the two classes that differ most."""
    counts, edges = np.histogram(values, 256, range=(0, values.max()))
    levels = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts) / counts.sum()
    moment = np.cumsum(counts * levels) / counts.sum()
    spread = below * (1 - below)
    between = (moment[-1] * below - moment) ** 2 / np.where(spread, spread, 1)
    return float(levels[np.argmax(between)])
