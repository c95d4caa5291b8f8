"""Connected pieces of ink: which are strokes of digits, and which are rules, frames and edges.

People write on ruled paper, into boxes and cells, and photograph more than they wrote. A rule runs
straight from one edge of the picture to another, a frame has ink within it, and a remnant of a cell
or a desk touches the picture's edge; digits that are not cut out closely do none of that.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

AROUND = np.ones((3, 3), bool)
SPECK = 1 / 20  # of the largest piece's ink: a smaller piece is no part of the digit
FRAME = 0.5  # of what it surrounds: more ink than that is no frame but a sheet
INSIDE = 0.15  # of a frame's size: smaller ink within it is no digit
REMNANT = 8  # times as large as the rest: what touches the edge is no remnant but the digit
RULE = 0.1  # of the picture: a thicker bar is no rule
WHOLE = 0.95  # of a rule's length shows ink
CLEAR = 0.85  # of the picture: ink that takes more of it was cut out, and is crossed by no rule
THIN = 12  # times as long as thick is a rule,
LONG = 1.6  # times as long as all that is beside it


class Piece(NamedTuple):
    """A connected piece of ink.

    Attributes:
        mask: (h, w) bool, the ink in its bounding box.
        rows, columns: where the box is.
        amount: sum of its ink.
    """

    mask: np.ndarray
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
    def straight(self) -> float:
        """Length of one straight stroke over its thickness; little if it is none."""
        y, x = np.nonzero(self.mask)
        if len(y) < 3:
            return 1.0
        short, long = np.linalg.eigvalsh(np.cov(y, x))
        return float(np.sqrt(long / max(short, 1 / 12)))

    def touches(self, shape: tuple[int, int]) -> bool:
        """Test for reaching an edge of a picture of this shape."""
        first = min(self.rows.start, self.columns.start) == 0
        return first or self.rows.stop == shape[0] or self.columns.stop == shape[1]

    def hugs(self, shape: tuple[int, int]) -> bool:
        """Test for lying along an edge with half its length."""
        edges = {
            0: self.rows.start == 0,
            1: self.columns.start == 0,
            2: self.rows.stop == shape[0],
            3: self.columns.stop == shape[1],
        }
        sides = self.mask[0], self.mask[:, 0], self.mask[-1], self.mask[:, -1]
        contact = max(sides[edge].sum() * there for edge, there in edges.items())
        return contact >= self.size / 2


def pieces_of(field: np.ndarray, mask: np.ndarray) -> list[Piece]:
    """The pieces of ink that a mask (H, W) shows of a field, without specks."""
    labels, n = ndimage.label(mask, AROUND)
    amounts = ndimage.sum_labels(field, labels, np.arange(1, n + 1))
    boxes = ndimage.find_objects(labels)
    return [
        Piece(labels[box] == number, *box, float(amount))
        for number, (box, amount) in enumerate(zip(boxes, amounts, strict=True), 1)
        if amount > SPECK * amounts.max()
    ]


def written(pieces: list[Piece], shape: tuple[int, int]) -> list[Piece]:
    """The pieces that are strokes of digits: not frames, remnants at the edge, or rules.

    If nothing but such is on the picture of this shape, it is the digit: a picture cut out closely.
    """
    kept = [one for one in pieces if not any(_frames(one, other) for other in pieces)]
    inside = [piece for piece in kept if not piece.touches(shape)]
    size = max((piece.size for piece in inside if piece.width <= 2 * piece.height), default=0)
    alike = any(
        0.6 * size < piece.height < 1.6 * size and not piece.hugs(shape)
        for piece in kept
        if piece.touches(shape)
    )
    if size and not alike and REMNANT * size > max(piece.size for piece in kept):
        kept = inside
    for piece in kept:
        others = [other for other in kept if other is not piece]
        if others and _is_rule_beside(piece, others):
            return others
    return kept


def _frames(one: Piece, other: Piece) -> bool:
    """Test for a piece that is a frame around the other."""
    top, left = other.rows.start - one.rows.start, other.columns.start - one.columns.start
    if min(top, left) <= 0 or other.size < INSIDE * one.size:
        return False
    filled = ndimage.binary_fill_holes(one.mask)
    part = filled[top : top + other.height, left : left + other.width]
    if part.shape != other.mask.shape or one.mask.sum() > FRAME * filled.sum():
        return False
    return bool(part[other.mask].all())


def _is_rule_beside(piece: Piece, others: list[Piece]) -> bool:
    if piece.size < LONG * max(other.size for other in others) or piece.straight < THIN:
        return False
    upright = piece.height > piece.width
    own, *rest = [one.columns if upright else one.rows for one in (piece, *others)]
    return all(other.stop <= own.start or other.start >= own.stop for other in rest)


# --- Rules --------------------------------------------------------------------------------------


def without_rules(mask: np.ndarray) -> np.ndarray:
    """Ink (H, W) but for rules from edge to edge; where they cross a stroke, the stroke stays."""
    across, down = _rules(mask), _rules(mask.T)
    bands = _band(across, mask.shape), _band(down, mask.T.shape).T
    rest = mask & ~bands[0] & ~bands[1]
    inside = [piece for piece in pieces_of(rest, rest) if not piece.hugs(rest.shape)]
    removed, thick = np.zeros(mask.shape, bool), 0
    for rules, band, along in zip((across, down), bands, (1, 0), strict=True):
        boxes = [(piece.rows, piece.columns)[along] for piece in inside]
        if rules and boxes:
            room = max(box.stop for box in boxes) - min(box.start for box in boxes)
            if room <= CLEAR * mask.shape[along]:
                removed |= band
                thick = max(thick, *(thickness for _, thickness in rules))
    if not thick:
        return mask
    rest = mask & ~removed
    bridged = ndimage.grey_closing(rest.astype(np.uint8), thick + 4) > 0
    return rest | (bridged & removed & mask)


def _band(rules: list[tuple[np.ndarray, int]], shape: tuple[int, int]) -> np.ndarray:
    """The pixels of rules, and one more on either side; (H, W) bool."""
    band, rows = np.zeros(shape, bool), np.arange(shape[0])[:, None]
    for y, thick in rules:
        band |= np.abs(rows - y) <= thick / 2 + 1
    return band


def _rules(mask: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Thin straight bars from the left edge to the right: row at each column (W,), thickness."""
    height, width = mask.shape
    lefts, rights = (_runs(mask[:, part].any(axis=1)) for part in (slice(2), slice(-2, None)))
    near = ndimage.binary_dilation(mask, np.ones((3, 1), bool))
    columns, found = np.arange(width), []
    for first, long in lefts:
        for last, far in rights:
            thick, left, right = max(long, far), first + (long - 1) / 2, last + (far - 1) / 2
            if thick > RULE * height or abs(left - right) > width / 4:
                continue
            y = np.linspace(left, right, width)
            beside = (np.rint(y + way * (thick / 2 + 3)).astype(int) for way in (-1, 1))
            alone = all(mask[rows.clip(0, height - 1), columns].mean() < 0.5 for rows in beside)
            if alone and near[np.rint(y).astype(int), columns].mean() > WHOLE:
                found.append((y, thick))
    return found


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Start and length of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return list(zip(edges[::2], edges[1::2] - edges[::2], strict=True))
