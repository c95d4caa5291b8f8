"""Patterns that are no digits, made of digits: what a reader has to reject.

RBF units answer in a bounded region only, so that what is no character falls outside all of them
and can be rejected, where sigmoid units cannot (section II-B, p.8-9; section X, p.38-39, where a
segmenter offers such patterns). Which ones 1998 rejected is not said; these kinds are ours.
"""

import numpy as np

from lenet1998.data.streams import order_of, stream, uniform

KINDS = ("between", "half", "noise")
"""What stands between two digits side by side; half a digit; a digit's pixels in any order."""


def rubbish(kind: str, images: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Patterns of one kind, always the same ones for the same digits.

    Args:
        kind: one of :data:`KINDS`.
        images: (N, H, W) uint8, digits as stored.
        labels: (N,), so that no two of one class stand side by side.
        count: how many.

    Returns:
        (count, H, W) uint8.

    Raises:
        ValueError: no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
    turn = KINDS.index(kind)
    draws = uniform(stream(0, "rubbish", turn), (count, 2))
    first, second = (draws * len(images)).astype(np.int64).T
    left = images[first]
    if kind == "noise":
        bits = stream(0, "rubbish", len(KINDS))
        flat = left.reshape(count, -1)
        return np.stack([row[order_of(bits, len(row))] for row in flat]).reshape(left.shape)
    middle = images.shape[-1] // 2
    if kind == "half":
        return _halves(left, second % 4, middle)
    # What a window sees half a field further: the right of one digit, the left of another.
    same = labels[first] == labels[second]
    while same.any():
        second = np.where(same, (second + 1) % len(images), second)
        same = labels[first] == labels[second]
    right = images[second]
    return np.concatenate([left[:, :, middle:], right[:, :, :middle]], axis=2)


def _halves(images: np.ndarray, sides: np.ndarray, middle: int) -> np.ndarray:
    """The left, right, upper or lower half of each; the rest is background."""
    halves = images.copy()
    halves[sides == 0, :, middle:] = 0
    halves[sides == 1, :, :middle] = 0
    halves[sides == 2, middle:] = 0
    halves[sides == 3, :middle] = 0
    return halves
