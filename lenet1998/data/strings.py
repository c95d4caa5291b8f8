"""Digits set side by side, as a field that the replicated network reads."""

import numpy as np

from lenet1998 import paper


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
