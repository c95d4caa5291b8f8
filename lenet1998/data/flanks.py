"""The training patterns of section VII-B: a digit between two others, or a gap between them.

The paper says (p.28-29): a centre digit flanked by two random ones of the training set, -1 to 4
pixels between the bounding boxes of neighbours; in other instances no centre digit, and the target
is a blank. How often that is, and where the two others then stand, it does not say (open question
Q13). Here they are neighbours themselves, -1 to 4 pixels apart too, with the middle of the field
between them: what a replicated net sees between two digits of a string.
"""

from typing import NamedTuple

import numpy as np

from lenet1998 import paper
from lenet1998.data.streams import uniform

_DRAWS = 5  # numbers from the stream for each pattern


class Flanks(NamedTuple):
    """Flanks of each of N digits; every field has shape (N,)."""

    left: np.ndarray  # which pattern, of those to choose from
    right: np.ndarray
    gap_left: np.ndarray  # pixels between bounding boxes
    gap_right: np.ndarray
    blank: np.ndarray  # bool: there is no centre digit


def draw(n: int, choices: int, blank_share: float, bits: np.random.PCG64, skip: int = 0) -> Flanks:
    """Draw the flanks of ``n`` digits, every field independent of the others.

    Args:
        n: how many.
        choices: how many patterns a flank is chosen from.
        blank_share: how often the centre digit is missing.
        bits: the stream.
        skip: how many digits come before these in the stream.
    """
    bits.advance(_DRAWS * skip)
    left, right, gap_left, gap_right, centre = uniform(bits, (n, _DRAWS)).T
    first, last = paper.STRING_GAP
    gaps = last - first + 1
    return Flanks(
        (left * choices).astype(np.int64),
        (right * choices).astype(np.int64),
        first + (gap_left * gaps).astype(np.int64),
        first + (gap_right * gaps).astype(np.int64),
        centre < blank_share,
    )


def flank(
    centre: np.ndarray, left: np.ndarray, right: np.ndarray, flanks: Flanks, size: int
) -> np.ndarray:
    """Set digits between others. What leaves the field is lost; where ink meets, the darker stays.

    Args:
        centre, left, right: (N, H, H) uint8, as :mod:`lenet1998.data` stores patterns, or moved in
            the field.
        flanks: of N digits.
        size: side of the field.

    Returns:
        (N, size, size) uint8.
    """
    margin = (size - centre.shape[-1]) // 2
    field = np.pad(centre, ((0, 0), (margin, margin), (margin, margin)))
    field[flanks.blank] = 0
    first, last = (edge + margin for edge in _edges(centre))
    # Where there is no centre digit, one gap is between the two, and its middle that of the field.
    ends = np.where(
        flanks.blank, size // 2 - (flanks.gap_left + 1) // 2, first - flanks.gap_left - 1
    )
    begins = np.where(flanks.blank, ends, last) + 1
    begins += np.where(flanks.blank, flanks.gap_left, flanks.gap_right)
    rows = field[:, margin : size - margin]
    for images, shift in (
        (left, ends - _edges(left)[1]),
        (right, begins - _edges(right)[0]),
    ):
        np.maximum(rows, _moved(images, shift, size), out=rows)
    return field


def _edges(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last column with ink of each pattern, (N,) each."""
    inked = images.any(axis=1)
    return inked.argmax(axis=1), images.shape[-1] - 1 - inked[:, ::-1].argmax(axis=1)


def _moved(images: np.ndarray, shift: np.ndarray, size: int) -> np.ndarray:
    """Patterns as rows of ``size`` pixels, moved right by so many pixels of their own."""
    wide = np.pad(images, ((0, 0), (0, 0), (size, size)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, size, axis=2)
    return windows[np.arange(len(images)), :, (size - shift).clip(0, windows.shape[2] - 1)]


def string(
    digits: np.ndarray, gaps: np.ndarray | int = 0, size: int = paper.INPUT_SIZE
) -> np.ndarray:
    """A string of digits, its ends far enough from the field's for a window to centre on them.

    Args:
        digits: (K, H, H) uint8, as :mod:`lenet1998.data` stores patterns; each keeps its rows, so
            that its centre of mass is in the middle row.
        gaps: (K - 1,) pixels between the bounding boxes of neighbours, or the same for all. Where
            they are so small that ink meets, the darker stays.
        size: height of the field.

    Returns:
        (size, W) uint8; W is what the digits take and half of ``size`` on either side.

    Raises:
        ValueError: digits higher than the field, no digit, or one without ink.
    """
    margin, odd = divmod(size - digits.shape[1], 2)
    if margin < 0 or odd:
        raise ValueError(f"cannot pad {digits.shape[1]} pixels evenly to {size}")
    inked = [np.flatnonzero(digit.any(axis=0)) for digit in digits]
    if not inked or not all(map(len, inked)):
        raise ValueError("a string needs a digit, and every digit needs ink")
    boxes = [digit[:, ink[0] : ink[-1] + 1] for digit, ink in zip(digits, inked, strict=True)]
    widths = np.array([box.shape[1] for box in boxes])
    before = np.concatenate([[0], widths[:-1] + np.broadcast_to(gaps, len(boxes) - 1)])
    lefts = before.cumsum()
    lefts += size // 2 - lefts.min()
    field = np.zeros((size, (lefts + widths).max() + size // 2), np.uint8)
    for box, left in zip(boxes, lefts, strict=True):
        place = field[margin : size - margin, left : left + box.shape[1]]
        np.maximum(place, box, out=place)
    return field
