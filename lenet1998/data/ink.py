"""Ink on grey levels: what of a picture is written, apart from paper, light, rules and frames.

The paper is what most of the border shows, and ink what differs from it. Where that leaves no
strokes clear of the picture's edges, as under a shadow's edge or for a sheet on a desk, the paper
is looked for around each stroke. Ink of both ways is then freed of what people leave around a
digit: rules from edge to edge, frames, and pieces that hug an edge.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from lenet1998.data.sums import total
from lenet1998.errors import BadInput

BORDER = 1 / 20  # of the shorter side: what the paper's brightness is fitted to
FAINTEST = 0.02  # of the way from black to white: less is no ink but a flaw in the paper
NOISE = 3  # standard deviations of the paper's noise that are not ink
SPECK = 1 / 20  # of the largest piece's ink: a smaller piece is no part of the digit
NEAR = (1 / 16, 1 / 12, 1 / 8, 1 / 6, 1 / 4, 1 / 3)  # of the shorter side: how far around a stroke paper is looked for
AROUND = np.ones((3, 3), bool)
RULE = 0.1  # of the picture: a thicker bar is no rule
CLEAR = 0.85  # of the picture: ink that takes more of it was cut out, and may reach its edges
SHEET = 0.8
RECTANGLE = 0.88
THICK = 0.18
SAME = 0.96
FEW = 0.25
SMALLEST = 48
FILLED = 0.8  # of a piece's size: strokes of a digit are nowhere so far from paper


class Ink(NamedTuple):
    """Ink of a picture.

    Attributes:
        field: (H, W) float64, ink of positive levels on exactly 0.
        dark: whether the ink is darker than the paper.
    """

    field: np.ndarray
    dark: bool


def find_ink(levels: np.ndarray) -> Ink:
    """Find the ink on grey levels, (H, W), 0 black and 1 white.

    Raises:
        BadInput: there is none.
    """
    difference, noise = _from_paper(levels)
    dark = bool(total((difference * difference * difference).ravel()) < 0)
    field = np.maximum(0, (-difference if dark else difference) - NOISE * noise)
    usual = None
    if field.max() >= FAINTEST:
        usual = _written(field)
        if usual.clear:
            sheet = _sheet(usual)
            on_sheet = None if sheet is None else _on_sheet(levels, sheet)
            return on_sheet or Ink(usual.field, dark)
    found = _in_any_light(levels)
    if found:
        return found
    if usual is None:
        raise BadInput("nothing on it stands out from its background")
    return Ink(usual.field, dark)


def _on_sheet(levels, sheet):
    inside = ndimage.binary_erosion(sheet, AROUND, iterations=max(2, round(min(sheet.shape) / 100)))
    levels = np.where(inside, levels, np.median(levels[inside]))
    difference, noise = _from_paper(levels)
    dark = bool(total((difference * difference * difference).ravel()) < 0)
    field = np.maximum(0, (-difference if dark else difference) - NOISE * noise)
    if field.max() < FAINTEST:
        return None
    found = _written(np.where(inside, field, 0), ~inside)
    return Ink(found.field, dark) if found.clear else None


def _sheet(written):
    if not written.pieces:
        return None
    piece = max(written.pieces, key=lambda p: p.size)
    filled = ndimage.binary_fill_holes(piece.mask)
    if piece.half_width < THICK * piece.size:
        return None
    if piece.mask.sum() < SHEET * filled.sum() or min(piece.height, piece.width) < 10:
        return None
    y, x = np.nonzero(filled ^ ndimage.binary_erosion(filled))
    turns = np.linspace(0, np.pi / 2, 90, endpoint=False)[:, None]
    along, across = x * np.cos(turns) + y * np.sin(turns), y * np.cos(turns) - x * np.sin(turns)
    rectangle = ((np.ptp(along, axis=1) + 1) * (np.ptp(across, axis=1) + 1)).min()
    if filled.sum() < RECTANGLE * rectangle:
        return None
    whole = np.zeros(written.field.shape, bool)
    whole[piece.rows, piece.columns] = filled
    return whole


def _in_any_light(levels: np.ndarray) -> Ink | None:
    """Ink that is the same at a reach and at half of it; of dark and light, what is larger."""
    found = []
    if min(levels.shape) < SMALLEST:
        return None
    for dark in (True, False):
        seen = []
        for near in NEAR:
            reach = 2 * round(near * min(levels.shape) / 2) + 1
            field = _from_paper_around(levels if dark else 1 - levels, reach)
            if field.max() < FAINTEST:
                continue
            written = _written(field)
            mask = written.field > 0
            seen.append(mask)
            if not written.clear or len(seen) < 3:
                continue
            before = seen[-3]
            largest = max(written.pieces, key=lambda piece: piece.size)
            if 2 * largest.half_width < FILLED * reach and (mask & before).sum() > SAME * (
                mask | before
            ).sum():
                found.append(Ink(written.field, dark))
    amounts = [ink.field.sum() for ink in found]
    found = [ink for ink, amount in zip(found, amounts, strict=True) if amount > FEW * max(amounts)]
    return max(found, key=_extent, default=None)


def _extent(ink: Ink) -> int:
    """Pixels of the box around the ink."""
    rows, columns = ndimage.find_objects((ink.field > 0).astype(np.int8))[0]
    return (rows.stop - rows.start) * (columns.stop - columns.start)


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


def _from_paper_around(levels: np.ndarray, reach: int) -> np.ndarray:
    """How much darker than the paper around it each pixel is, of the paper's brightness; (H, W).

    A grey closing fills strokes narrower than ``reach`` with the darkest paper beside them.
    """
    lightest = ndimage.maximum_filter(levels, reach, mode="constant", cval=0.0)
    paper = ndimage.minimum_filter(lightest, reach, mode="constant", cval=1.0)
    difference = (paper - levels) / np.maximum(paper, 0.05)
    middle = np.median(difference)
    noise = float(np.median(np.abs(difference - middle))) / 0.67
    return np.maximum(0, difference - middle - NOISE * noise)


# --- Pieces -------------------------------------------------------------------------------------


class Piece(NamedTuple):
    """A connected piece of ink."""

    mask: np.ndarray  # (h, w) of its box
    rows: slice
    columns: slice
    amount: float

    @property
    def height(self) -> int:
        return self.rows.stop - self.rows.start

    @property
    def width(self) -> int:
        return self.columns.stop - self.columns.start

    @property
    def size(self) -> int:
        return max(self.height, self.width)

    @property
    def half_width(self) -> float:
        """Pixels from the middle of its thickest stroke to paper."""
        return float(ndimage.distance_transform_edt(np.pad(self.mask, 1)).max())

    @property
    def centre(self) -> tuple[float, float]:
        y, x = np.nonzero(self.mask)
        return self.rows.start + y.mean(), self.columns.start + x.mean()

    @property
    def is_straight(self) -> bool:
        """Whether it is one straight stroke, at least six times as long as thick."""
        y, x = np.nonzero(self.mask)
        if len(y) < 3:
            return False
        short, long = np.linalg.eigvalsh(np.cov(y, x))
        return long > 36 * max(short, 1 / 12)


def pieces_of(field: np.ndarray, mask: np.ndarray) -> list[Piece]:
    """Pieces of ink, specks left out."""
    labels, n = ndimage.label(mask, AROUND)
    amounts = ndimage.sum_labels(field, labels, np.arange(1, n + 1))
    boxes = ndimage.find_objects(labels)
    return [
        Piece(labels[box] == number, *box, float(amount))
        for number, (box, amount) in enumerate(zip(boxes, amounts, strict=True), 1)
        if amount > SPECK * amounts.max()
    ]


class Written(NamedTuple):
    field: np.ndarray
    pieces: list
    clear: bool


def _written(field: np.ndarray, outside=None) -> Written:
    """The field with strokes only, and whether they are clear of the edges."""
    mask = field > otsu(field[field > 0]) / 2
    mask = _without_rules(mask)
    pieces = _without_rubbish(pieces_of(field, mask), field.shape)
    out = _only(field, pieces)
    clear = _keeps_clear(pieces, field.shape) and (outside is None or not out[ndimage.binary_dilation(outside)].any())
    return Written(out, pieces, clear)


def _only(field: np.ndarray, pieces: list[Piece]) -> np.ndarray:
    """The field without what is no part of the pieces, nor beside them: edges are fainter."""
    mask = np.zeros(field.shape, bool)
    for piece in pieces:
        mask[piece.rows, piece.columns] |= piece.mask
    return np.where(ndimage.binary_dilation(mask, AROUND), field, 0)


def _touches(piece: Piece, shape: tuple[int, int]) -> bool:
    return (
        min(piece.rows.start, piece.columns.start) == 0
        or piece.rows.stop == shape[0]
        or piece.columns.stop == shape[1]
    )


def _keeps_clear(pieces, shape):
    return bool(pieces) and not any(_touches(p, shape) for p in pieces)


def _without_rubbish(pieces: list[Piece], shape) -> list[Piece]:
    """Pieces but frames around others, what hugs an edge, and long thin pieces beside the rest."""
    inner = [p for p in pieces if not any(_encloses(p, q) for q in pieces if q is not p)]
    inside = [p for p in inner if not _touches(p, shape)]
    digits = [p for p in inside if p.height >= p.width / 2]
    if digits:
        tallest = max(p.size for p in digits)
        r0 = min(p.rows.start for p in digits); r1 = max(p.rows.stop for p in digits)
        similar = [p for p in inner if _touches(p, shape) and 0.6 < p.height / tallest < 1.6 and not _hugs(p, shape)]
        if not similar and tallest > max((p.size for p in inner), default=0) / 8:
            inner = inside
    if len(inner) > 1:
        for p in list(inner):
            rest = [q for q in inner if q is not p]
            if _is_rule_beside(p, rest):
                inner = rest
                break
    return inner


def _hugs(piece, shape):
    m = piece.mask
    contact = max(
        m[0].sum() * (piece.rows.start == 0), m[-1].sum() * (piece.rows.stop == shape[0]),
        m[:, 0].sum() * (piece.columns.start == 0), m[:, -1].sum() * (piece.columns.stop == shape[1]),
    )
    return contact >= 0.5 * piece.size


def _encloses(outer: Piece, inner: Piece) -> bool:
    if not (outer.rows.start < inner.rows.start and outer.rows.stop > inner.rows.stop
            and outer.columns.start < inner.columns.start and outer.columns.stop > inner.columns.stop):
        return False
    if inner.size < 0.15 * outer.size:
        return False
    holes = ndimage.binary_fill_holes(outer.mask)
    if outer.mask.sum() > holes.sum() / 2:
        return False
    r, c = inner.rows.start - outer.rows.start, inner.columns.start - outer.columns.start
    return bool(holes[r : r + inner.height, c : c + inner.width][inner.mask].all())


def _is_rule_beside(piece: Piece, rest: list[Piece]) -> bool:
    if piece.size < 1.6 * max(q.size for q in rest) or not piece.is_straight:
        return False
    axis = "columns" if piece.height > piece.width else "rows"
    a = getattr(piece, axis)
    return all(getattr(q, axis).stop <= a.start or getattr(q, axis).start >= a.stop for q in rest)


# --- Rules --------------------------------------------------------------------------------------


def _without_rules(mask: np.ndarray) -> np.ndarray:
    for turned in (False, True):
        seen = mask.T if turned else mask
        bands = _rules(seen)
        if not bands:
            continue
        band = np.zeros(seen.shape, bool)
        thick = 0
        rows = np.arange(len(seen))[:, None]
        for y, t in bands:
            band |= np.abs(rows - y) <= t / 2 + 1
            thick = max(thick, t)
        rest = seen & ~band
        if not rest.any():
            continue
        inside = [p for p in pieces_of(rest.astype(float), rest)]
        inside = [p for p in inside if not _hugs(p, rest.shape)]
        if not inside or max(p.columns.stop for p in inside) - min(p.columns.start for p in inside) > CLEAR * seen.shape[1]:
            continue
        bridged = ndimage.grey_closing(rest.astype(np.uint8), round(thick) + 4) > 0
        rest |= bridged & band & seen
        mask = rest.T if turned else rest
    return mask


def _rules(mask: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Thin straight bars from the left edge to the right: the row at each column, and thickness."""
    height, width = mask.shape
    ends = [runs(mask[:, part].any(axis=1)) for part in (slice(0, 2), slice(-2, None))]
    columns = np.arange(width)
    near = ndimage.binary_dilation(mask, np.ones((3, 1), bool))
    found = []
    for start, long in zip(*ends[0], strict=True):
        for other, far in zip(*ends[1], strict=True):
            thick = max(long, far)
            left, right = start + (long - 1) / 2, other + (far - 1) / 2
            if thick > RULE * height or abs(left - right) > 0.25 * width:
                continue
            y = left + (right - left) * columns / max(1, width - 1)
            beside = [np.rint(y + way * (thick / 2 + 3)).astype(int) for way in (-1, 1)]
            alone = all(
                mask[np.clip(rows, 0, height - 1), columns].mean() < 0.5 for rows in beside
            )
            if alone and near[np.rint(y).astype(int), columns].mean() > 0.95:
                found.append((y, thick))
    return found


def runs(flags: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and lengths of runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return edges[::2], edges[1::2] - edges[::2]


def otsu(values: np.ndarray) -> float:
    """The threshold that parts positive values into the two classes that differ most."""
    counts, edges = np.histogram(values, 256, range=(0, values.max()))
    levels = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts) / counts.sum()
    moment = np.cumsum(counts * levels) / counts.sum()
    spread = below * (1 - below)
    between = (moment[-1] * below - moment) ** 2 / np.where(spread, spread, 1)
    return float(levels[np.argmax(between)])
