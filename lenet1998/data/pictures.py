"""Any picture as a pattern like MNIST's: 28x28, size-normalised, centred, white on black.

Files, images and arrays are read here; what on them is ink is found by :mod:`lenet1998.data.ink`.
"""

import logging
import os
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

from lenet1998 import paper
from lenet1998.data.ink import Ink, find_ink
from lenet1998.data.patterns import CENTRE, normalise
from lenet1998.errors import BadInput, silent_libraries

MAX_PIXELS = 70_000_000  # telephones make pictures of 64 million

SIDE = 512  # pixels at most that ink is looked for in: many a digit's 20, and noise averages out
SMALL = 64  # pixels: lower ink is looked for once more in finer ones, where there are
FULL = 0.95  # of the pixels with ink; the rest is ink at its full strength

Source = str | os.PathLike | Image.Image | np.ndarray


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


def read_picture(source: Source) -> Picture:
    """Read a picture of one digit: any format of Pillow's, any size, dark ink or light.

    A picture that already is as MNIST's are, 28x28 with a digit of 20 pixels centred by mass on an
    even background, is taken as it is; any other is made so.

    Args:
        source: a file, an image of Pillow's, or an array as :func:`read_image` takes it.

    Raises:
        BadInput: no file, no picture, a damaged one, one too large, or one with nothing on it.
        TypeError, ValueError: as :func:`read_image`.
    """
    with naming(source):
        image = read_image(source)
        if image.size == (paper.FIELD_SIZE, paper.FIELD_SIZE):
            return to_picture(_levels(image, 1))
        return _normalised(look(image).ink)


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
    return _normalised(find_ink(levels))


def _normalised(ink: Ink) -> Picture:
    return Picture(to_bytes(normalise(ink.field)), ink.dark, normalised=True)


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


# --- Sources ------------------------------------------------------------------------------------


class Look(NamedTuple):
    """The ink of an image.

    Attributes:
        ink: as :func:`~lenet1998.data.ink.find_ink` finds it, on as much as is around it.
        block: pixels of the image, along a side, that each of its levels is the mean of.
    """

    ink: Ink
    block: int


def look(image: Image.Image, longest: int = SIDE) -> Look:
    """Find the ink on an image of :func:`read_image`, and look at what is small once more.

    What is looked at has at most SIDE pixels along its shorter side, and ``longest`` along the
    other. Ink that takes a small part of a large image is cut out, and looked for in finer pixels.

    Raises:
        BadInput: there is none.
    """
    block = _block(image.size, longest)
    ink = find_ink(_levels(image, block))
    rows, columns = (np.flatnonzero(ink.field.any(axis=axis)) for axis in (1, 0))
    if block > 1 and np.ptp(rows) < SMALL:
        around = (max(np.ptp(rows), np.ptp(columns)) // 2 + 8) * block
        left, top = (max(0, int(at[0]) * block - around) for at in (columns, rows))
        right, bottom = (
            min(length, (int(at[-1]) + 1) * block + around)
            for at, length in zip((columns, rows), image.size, strict=True)
        )
        part = image.crop((left, top, right, bottom))
        if (finer := _block(part.size, longest)) < block:
            return Look(find_ink(_levels(part, finer)), finer)
    return Look(ink, block)


def _block(size: tuple[int, int], longest: int) -> int:
    return max(-(-min(size) // SIDE), -(-max(size) // longest))


@contextmanager
def naming(source: Source):
    """Begin the message of a BadInput with the name of the file that it is about."""
    try:
        yield
    except BadInput as error:
        name = source if isinstance(source, str | os.PathLike) else "picture"
        raise BadInput(f"{name}: {error}") from None


def read_image(source: Source) -> Image.Image:
    """The first picture of a file, an image or an array, upright, with a mode of F, RGBA or L.

    Args:
        source: a file of any format of Pillow's; an image; or an array of uint8, or of bool or
            float from 0 to 1, (H, W), (H, W, 3) or (H, W, 4).

    Raises:
        BadInput: no file, no picture, a damaged one, or one too large.
        TypeError, ValueError: an array of another type, of other values or another shape.
    """
    if not isinstance(source, str | os.PathLike | Image.Image):
        source = Image.fromarray(_as_bytes(np.asarray(source)))
    try:
        if isinstance(source, Image.Image):
            return _upright(source)
        file = Path(source)
        if not file.exists():
            raise BadInput("no such file")
        if not file.is_file():
            raise BadInput("no regular file, but a directory or a device")
        if not file.stat().st_size:
            raise BadInput("empty, not a picture")
        # From a stream, not by name: Pillow maps some files, and then misreads turned TIFFs.
        with _silence(), file.open("rb") as stream, Image.open(stream) as image:
            return _upright(image)
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


def _as_bytes(values: np.ndarray) -> np.ndarray:
    """An array of one of the kinds that :func:`read_image` takes as uint8."""
    if not values.size or (
        values.ndim != 2 and (values.ndim != 3 or values.shape[2] not in (3, 4))
    ):
        raise ValueError(f"picture must be (H, W), (H, W, 3) or (H, W, 4), got {values.shape}")
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "bf":
        raise TypeError(f"picture must be of uint8, bool or float, got {values.dtype}")
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("picture of floats must have values from 0, black, to 1, white")
    return np.rint(255 * values.astype(float)).astype(np.uint8)


def _upright(image: Image.Image) -> Image.Image:
    """An image decoded, turned as its camera notes, and converted to one of three modes."""
    if not image.width * image.height:
        raise BadInput("has no pixels")
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError  # as Pillow does itself at far more
    shown = ImageOps.exif_transpose(image)
    if shown.mode.startswith(("I", "F")):
        return shown.convert("F")
    return shown.convert("RGBA" if shown.has_transparency_data else "L")


_DECODING = threading.Lock()


@contextmanager
def _silence():
    """Keep the warnings of Pillow, and of the libraries of C below it, to themselves.

    What cannot be read raises, the rest does not matter. Those libraries write to the process's
    standard error, which is one for all threads: one file is decoded at a time.
    """
    logger = logging.getLogger("PIL")
    with _DECODING, silent_libraries(), warnings.catch_warnings(action="ignore"):
        before = logger.level
        logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            logger.setLevel(before)


def _levels(image: Image.Image, block: int) -> np.ndarray:
    """The means of whole blocks of pixels, from black to white."""
    means = image.reduce(block)
    if image.mode == "F":
        return _stretch(np.asarray(means, dtype=np.float64))
    return _on_paper(means) if image.mode == "RGBA" else np.asarray(means) / 255


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
