"""Patterns as they are stored, and what is done to them before the network sees them.

Stored are bytes, 28x28; :func:`prepare` makes the network's input of them, free of chance.
"""

from dataclasses import dataclass

import numpy as np
import torch

from lenet1998 import paper
from lenet1998.data.streams import order_of, stream
from lenet1998.data.sums import centre_of_mass, product, total
from lenet1998.recipes import SCALINGS

CENTRE = 14  # row and column, from 0, of the pixel that MNIST puts a digit's centre of mass on


@dataclass(frozen=True, eq=False)
class Dataset:
    """Training and test patterns as stored.

    Attributes:
        name: "mnist" or "digits".
        train_images, test_images: (N, 28, 28) uint8, 0 the background.
        train_labels, test_labels: (N,) int64.
        checksum: SHA-256 that identifies the data, in hexadecimal.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    checksum: str


def prepare(
    images: np.ndarray, size: int = paper.INPUT_SIZE, scaling: str = "paper"
) -> torch.Tensor:
    """Make the network's input: pad with background on all sides, then map the grey levels.

    Args:
        images: (N, H, H) uint8.
        size: height and width to pad to.
        scaling: a key of :data:`~lenet1998.recipes.SCALINGS`.

    Returns:
        (N, 1, size, size) float32.

    Source: sections II-B and III-A; that the padding is 2 pixels on each side of a 28x28 pattern
    is measured on the patterns of Fig. 8.
    """
    margin, odd = divmod(size - images.shape[-1], 2)
    if margin < 0 or odd:
        raise ValueError(f"cannot pad {images.shape[-1]} pixels evenly to {size}")
    levels, inner = _levels(scaling), slice(margin, size - margin)
    prepared = np.full((len(images), 1, size, size), levels[0])
    prepared[:, 0, inner, inner] = levels.take(images)
    return torch.from_numpy(prepared)


def scaled(images: np.ndarray, scaling: str = "paper") -> torch.Tensor:
    """Map the grey levels of uint8 of any shape; float32.

    Raises:
        ValueError: a scaling that is no key of :data:`~lenet1998.recipes.SCALINGS`.
    """
    return torch.from_numpy(_levels(scaling).take(images))


def _levels(scaling: str) -> np.ndarray:
    """Network input for each of the 256 grey levels, float32."""
    if scaling not in SCALINGS:
        raise ValueError(f"unknown scaling {scaling!r}: choose from {', '.join(SCALINGS)}")
    offset, gain = SCALINGS[scaling]
    return (offset + gain * np.arange(256) / 255).astype(np.float32)


def constant_order(n: int, seed: int) -> np.ndarray:
    """The constant random order: shuffled once, then the same in every pass.

    Args:
        n: how many patterns.
        seed: the run's.

    Returns:
        (n,) int64, a permutation.

    Source: Appendix C.
    """
    return order_of(stream(seed, "order"), n)


def normalise(image: np.ndarray) -> np.ndarray:
    """Scale a digit's bounding box to 20x20, keeping its aspect ratio, and centre it in 28x28.

    Args:
        image: (H, W), ink of any positive levels on exactly 0; some ink there must be.

    Returns:
        (28, 28) float64, in the image's own levels.

    Source: section III-A, which does this to MNIST's bilevel originals.
    """
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    box = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * paper.DIGIT_SIZE / max(box.shape))) for side in box.shape)
    digit = product(_weights(height, box.shape[0]), box)
    digit = product(digit, _weights(width, box.shape[1]).T)
    top = _first(total(digit, axis=1))
    left = _first(total(digit, axis=0))
    field = np.zeros((paper.FIELD_SIZE, paper.FIELD_SIZE))
    field[top : top + height, left : left + width] = digit
    return field


def _weights(new: int, old: int) -> np.ndarray:
    """Bilinear interpolation from `old` to `new` samples, (new, old); the edges are held.

    Where samples get fewer, each is the mean of those it stands for: nothing falls between two.
    """
    position = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    distance = np.abs(position[:, None] - np.arange(old)) / max(1.0, old / new)
    weights = np.maximum(0.0, 1.0 - distance)
    return weights / total(weights, axis=1)[:, None]


def _first(profile: np.ndarray) -> int:
    """Start of a profile of ink in the field that puts its centre of mass on CENTRE."""
    first = round(CENTRE - centre_of_mass(profile))
    return int(np.clip(first, 0, paper.FIELD_SIZE - len(profile)))
