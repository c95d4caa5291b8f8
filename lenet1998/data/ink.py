"""Ink on grey levels: strokes of digits, apart from paper, light, and what else a picture shows.

Paper is what most of the border shows, and ink what differs from it: what differs most says whether
ink is darker or lighter, and Otsu's threshold where it begins. If that leaves no strokes clear of
the picture's edges, the light was uneven, and paper is looked for around each stroke. If it leaves
a sheet on a desk, ink is looked for on the sheet.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from lenet1998.data.pieces import AROUND, Piece, pieces_of, without_rules, written
from lenet1998.data.sums import total
from lenet1998.errors import BadInput

BORDER = 1 / 20  # of the shorter side: what the paper's brightness is fitted to
FAINTEST = 0.02  # of the way from black to white: less is no ink but a flaw in the paper
NOISE = 3  # standard deviations of the paper's noise that are not ink

REACHES = (1 / 16, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3)  # of the shorter side; each half of a second
SMALLEST = 48  # pixels of the shorter side that have room for these
FILLED = 0.8  # of a reach: a thicker stroke may be filled in part only
SAME = 0.96  # of ink found at either of two reaches is found at both
FEW = 0.25  # of the most ink found: less is noise

SHEET = 0.8  # of a sheet is paper,
RECTANGLE = 0.88  # it fills as much of the smallest rectangle around it, as seen from aside,
THICK = 0.18  # and of its size, so far is its middle from ink and desk


class Ink(NamedTuple):
    """Ink of a picture.

    Attributes:
        field: (H, W) float64, ink of positive levels on exactly 0.
        dark: whether it is darker than the paper.
    """

    field: np.ndarray
    dark: bool


class _Strokes(NamedTuple):
    """Strokes on a picture.

    Attributes:
        ink: theirs alone.
        pieces: what it consists of.
        clear: whether there are any and none touches the picture's edge.
    """

    ink: Ink
    pieces: list[Piece]
    clear: bool

    @property
    def largest(self) -> Piece:
        return max(self.pieces, key=lambda piece: piece.size)


def find_ink(levels: np.ndarray) -> Ink:
    """Find the ink on grey levels, (H, W), 0 black and 1 white.

    Raises:
        BadInput: there is none.
    """
    usual = _on_even_paper(levels)
    if usual and usual.clear:
        sheet = _sheet(usual.largest, levels.shape)
        return (sheet is not None and _on_sheet(levels, sheet)) or usual.ink
    if found := _in_uneven_light(levels):
        return found
    if usual is None:
        raise BadInput("nothing on it stands out from its background")
    return usual.ink


def _on_even_paper(levels: np.ndarray, within: np.ndarray | bool = True) -> _Strokes | None:
    """Strokes that differ from the paper of the border, if any do; only ``within`` a mask."""
    difference, noise = _from_paper(levels)
    dark = bool(total((difference * difference * difference).ravel()) < 0)
    field = np.maximum(0, (-difference if dark else difference) - NOISE * noise)
    return _strokes(Ink(np.where(within, field, 0), dark))


def _strokes(ink: Ink) -> _Strokes | None:
    field = ink.field
    if field.max() < FAINTEST:
        return None
    pieces = pieces_of(field, without_rules(field > _otsu(field[field > 0]) / 2))
    pieces = written(pieces, field.shape)
    # Half Otsu's threshold, and a pixel around what is above it: edges are fainter than strokes.
    mask = np.zeros(field.shape, bool)
    for piece in pieces:
        mask[piece.rows, piece.columns] |= piece.mask
    alone = np.where(ndimage.binary_dilation(mask, AROUND), field, 0)
    clear = bool(pieces) and not any(piece.touches(field.shape) for piece in pieces)
    return _Strokes(Ink(alone, ink.dark), pieces, clear)


# --- Sheets -------------------------------------------------------------------------------------


def _sheet(piece: Piece, shape: tuple[int, int]) -> np.ndarray | None:
    """The area (H, W) of a piece of ink that is in truth a sheet with something on it."""
    filled = ndimage.binary_fill_holes(piece.mask)
    if piece.half_width < THICK * piece.size or piece.mask.sum() < SHEET * filled.sum():
        return None
    y, x = np.nonzero(filled ^ ndimage.binary_erosion(filled))
    turns = np.linspace(0, np.pi / 2, 90, endpoint=False)[:, None]
    along, across = x * np.cos(turns) + y * np.sin(turns), y * np.cos(turns) - x * np.sin(turns)
    around = ((np.ptp(along, axis=1) + 1) * (np.ptp(across, axis=1) + 1)).min()
    if filled.sum() < RECTANGLE * around:
        return None
    area = np.zeros(shape, bool)
    area[piece.rows, piece.columns] = filled
    return area


def _on_sheet(levels: np.ndarray, sheet: np.ndarray) -> Ink | None:
    """Ink on a sheet, if some is clear of its edges."""
    shrunk = max(2, round(min(sheet.shape) / 100))
    inside = ndimage.binary_erosion(sheet, AROUND, iterations=shrunk)
    if not inside.any():
        return None
    found = _on_even_paper(np.where(inside, levels, np.median(levels[inside])), inside)
    if found is None or not found.clear:
        return None
    return None if found.ink.field[ndimage.binary_dilation(~inside)].any() else found.ink


# --- Light --------------------------------------------------------------------------------------


def _in_uneven_light(levels: np.ndarray) -> Ink | None:
    """Ink that is the same at a reach and at half of it.

    A shadow's edge grows with the reach. Of dark and light ink the one that takes more room is
    taken: the other is what a digit's strokes surround.
    """
    found = []
    if min(levels.shape) < SMALLEST:
        return None
    for dark in (True, False):
        masks = []
        for part in REACHES:
            reach = 2 * round(part * min(levels.shape) / 2) + 1
            strokes = _strokes(Ink(_from_paper_around(levels if dark else 1 - levels, reach), dark))
            if strokes is None:
                continue
            masks.append(strokes.ink.field > 0)
            if len(masks) < 3 or not strokes.clear:
                continue
            both, either = masks[-1] & masks[-3], masks[-1] | masks[-3]
            if both.sum() > SAME * either.sum() and 2 * strokes.largest.half_width < FILLED * reach:
                found.append(strokes.ink)
    most = max((ink.field.sum() for ink in found), default=0)
    return max((ink for ink in found if ink.field.sum() > FEW * most), key=_room, default=None)


def _room(ink: Ink) -> int:
    """Pixels of the box around the ink."""
    ((rows, columns),) = ndimage.find_objects((ink.field > 0).astype(np.int8))
    return (rows.stop - rows.start) * (columns.stop - columns.start)


def _from_paper_around(levels: np.ndarray, reach: int) -> np.ndarray:
    """Darkness of each pixel below the paper around it, as a share of the paper's level; (H, W).

    A grey closing fills strokes narrower than ``reach`` with the darkest paper beside them.
    """
    lightest = ndimage.maximum_filter(levels, reach, mode="constant", cval=0.0)
    paper = ndimage.minimum_filter(lightest, reach, mode="constant", cval=1.0)
    difference = (paper - levels) / np.maximum(paper, 0.05)
    middle = np.median(difference)
    # Half of a normal deviate's sizes are below 0.67 standard deviations.
    noise = float(np.median(np.abs(difference - middle))) / 0.67
    return np.maximum(0, difference - middle - NOISE * noise)


# --- Paper --------------------------------------------------------------------------------------


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
