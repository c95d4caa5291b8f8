"""Patterns as they are stored, and what is done to them before the network sees them.

Stored are bytes, 28x28; :func:`prepare` makes the network's input of them, free of chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.utils.data import TensorDataset

from lenet1998 import paper
from lenet1998.data.streams import order_of, stream
from lenet1998.data.sums import centre_of_mass, product, total
from lenet1998.recipes import SCALINGS

__all__ = ["CENTRE", "Dataset", "constant_order", "grey_levels", "normalise", "prepare", "scaled"]

CENTRE = 14  # row and column, from 0, of the pixel that MNIST puts a digit's centre of mass on


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Training and test patterns as stored: MNIST, the embedded digits, or one's own.

    Images are given in any form that :func:`prepare` takes, labels as whole numbers from 0, both as
    arrays or tensors.

    Attributes:
        name: "mnist", "digits", or a name of one's own.
        train_images, test_images: (N, H, W) uint8, 0 the background, 255 ink; 28x28 is the paper's.
        train_labels, test_labels: (N,) int64.
        checksum: SHA-256 that identifies the data, in hexadecimal; default: that of the arrays.

    Raises:
        TypeError, ValueError: arrays of another type or shape, levels out of range, or as many
            labels as there are no images; the argument is named.

    Example::

        >>> digits = load("digits")
        >>> digits
        Dataset('digits': 1,297 training and 500 test patterns of 28x28, 10 classes)
        >>> train, test = digits  # Datasets of torch, for a DataLoader
        >>> image, label = train[0]
        >>> image.shape, image.dtype, label
        (torch.Size([1, 28, 28]), torch.uint8, tensor(8))
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    checksum: str = ""

    def __post_init__(self):
        parts = []
        for part in ("train", "test"):
            images, labels = f"{part}_images", f"{part}_labels"
            levels = grey_levels(getattr(self, images), images)
            if levels.dtype != np.uint8:
                raise ValueError(f"{images} must be whole grey levels: 256 of them, 0 to 1 or 255")
            classes = _labels(getattr(self, labels), labels)
            if len(levels) != len(classes):
                raise ValueError(f"{len(levels):,} {images} with {len(classes):,} {labels}")
            object.__setattr__(self, images, levels)
            object.__setattr__(self, labels, classes)
            parts += [levels, classes]
        if parts[0].shape[1:] != parts[2].shape[1:]:
            sizes = " and ".join("x".join(map(str, each.shape[1:])) for each in parts[::2])
            raise ValueError(f"train_images and test_images must be of one size, got {sizes}")
        if not self.checksum:
            digest = sha256()
            for each in parts:
                digest.update(np.ascontiguousarray(each))
            object.__setattr__(self, "checksum", digest.hexdigest())

    @property
    def train(self) -> TensorDataset:
        """Training patterns as pairs: an image (1, H, W) uint8 and its label, int64."""
        return _pairs(self.train_images, self.train_labels)

    @property
    def test(self) -> TensorDataset:
        """Test patterns as pairs, as :attr:`train`."""
        return _pairs(self.test_images, self.test_labels)

    @property
    def classes(self) -> int:
        """Number of classes: the largest label and one."""
        return 1 + max(
            int(labels.max(initial=-1)) for labels in (self.train_labels, self.test_labels)
        )

    def __iter__(self) -> Iterator[TensorDataset]:
        return iter((self.train, self.test))

    def __repr__(self) -> str:
        n, height, width = self.train_images.shape
        return (
            f"Dataset({self.name!r}: {n:,} training and {len(self.test_images):,} test patterns"
            f" of {height}x{width}, {self.classes} classes)"
        )


def _pairs(images: np.ndarray, labels: np.ndarray) -> TensorDataset:
    return TensorDataset(torch.from_numpy(images)[:, None], torch.from_numpy(labels))


def _labels(labels: ArrayLike, name: str) -> np.ndarray:
    """Labels (N,) as int64; the name is for the complaint."""
    array = np.asarray(labels)
    if array.ndim != 1:
        raise ValueError(f"{name} must be (N,), got {array.shape}")
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be whole numbers, got {array.dtype}")
    if len(array) and not 0 <= array.min() <= array.max() < 256:
        raise ValueError(f"{name} must be from 0 to 255, got {array.min()} to {array.max()}")
    return array.astype(np.int64, copy=False)


def prepare(
    images: ArrayLike | torch.Tensor, size: int = paper.INPUT_SIZE, scaling: str = "paper"
) -> torch.Tensor:
    """Make the network's input: pad with background on all sides, then map the grey levels.

    Args:
        images: (N, H, W), (N, 1, H, W) or (H, W), ink on 0: uint8 or other whole numbers from 0 to
            255, floats from 0 to 1, or bool.
        size: height and width to pad to.
        scaling: a key of :data:`~lenet1998.recipes.SCALINGS`.

    Returns:
        (N, 1, size, size) float32, on the images' device.

    Raises:
        TypeError, ValueError: images of another form, one that allows two readings, or one that
            cannot be padded evenly.

    Source: sections II-B and III-A; that the padding is 2 pixels on each side of a 28x28 pattern
    is measured on the patterns of Fig. 8.

    Example::

        >>> prepare(load("digits").test_images[:5]).shape
        torch.Size([5, 1, 32, 32])
    """
    levels = grey_levels(images)
    inner = []
    for side in levels.shape[1:]:
        margin, odd = divmod(size - side, 2)
        if margin < 0 or odd:
            raise ValueError(f"cannot pad {side} pixels evenly to {size}")
        inner.append(slice(margin, size - margin))
    background = _levels(scaling)[0]
    prepared = np.full((len(levels), 1, size, size), background)
    prepared[:, 0, *inner] = scaled(levels, scaling)
    device = images.device if isinstance(images, torch.Tensor) else "cpu"
    return torch.from_numpy(prepared).to(device)


def grey_levels(images: ArrayLike | torch.Tensor, name: str = "images") -> np.ndarray:
    """Grey levels from 0 to 255, (N, H, W): uint8 where all are whole, else float64.

    Args:
        images: as for :func:`prepare`.
        name: for the complaint.

    Raises:
        TypeError, ValueError: as :func:`prepare`.
    """
    if isinstance(images, torch.Tensor):
        # NumPy has no bfloat16.
        images = images.detach().double() if images.is_floating_point() else images.detach()
        if images.ndim == 3 and len(images) == 3:
            raise ValueError(
                f"{name} {tuple(images.shape)} may be one picture in colour: v2.Grayscale makes it"
                " grey; three pictures are (3, 1, H, W)"
            )
        images = images.cpu().numpy()
    array = np.asarray(images)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array or tensor of numbers, got {array.dtype}")
    if array.ndim == 2:
        array = array[None]
    elif array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 3 or not all(array.shape[1:]) or array.shape[2] in (1, 3, 4):
        raise ValueError(
            f"{name} must be grey, (N, H, W), (H, W) or (N, 1, H, W) with the channel before the"
            f" rows, got {np.shape(images)}"
        )
    if array.dtype.kind == "b":
        return array * np.uint8(255)
    low, high = array.min(initial=0), array.max(initial=0)
    if array.dtype.kind == "f":
        return _of_floats(array, low, high, name)
    if low < 0 or high > 255:
        raise ValueError(f"{name} must be from 0 to 255, got {low} to {high}")
    if high == 1:
        raise ValueError(f"{name} have the levels 0 and 1 only, and ink is 255: give bool")
    return array.astype(np.uint8, copy=False)


_ROUNDING = 1e-4
"""Of a grey level: what arithmetic in float32 may add to a whole one, or to the range's end."""


def _of_floats(array: np.ndarray, low: float, high: float, name: str) -> np.ndarray:
    """Grey levels of floats from 0 to 1: those that bytes were made into are whole again."""
    if not -_ROUNDING <= low <= high <= 1 + _ROUNDING:  # a NaN is in no range
        raise ValueError(
            f"{name} of floats must be from 0 to 1, as torchvision has them, got {low:g} to"
            f" {high:g}: divide grey levels by 255, and do not normalise"
        )
    levels = 255 * array.astype(np.float64).clip(0, 1)
    whole = np.rint(levels)
    near = np.abs(levels - whole) < _ROUNDING
    return whole.astype(np.uint8) if near.all() else np.where(near, whole, levels)


def scaled(levels: np.ndarray, scaling: str = "paper") -> torch.Tensor:
    """Map grey levels from 0 to 255 of any shape, uint8 or float64; float32.

    Raises:
        ValueError: a scaling that is no key of :data:`~lenet1998.recipes.SCALINGS`.
    """
    table = _levels(scaling)
    if levels.dtype == np.uint8:
        return torch.from_numpy(table.take(levels))
    offset, gain = SCALINGS[scaling]
    return torch.from_numpy((offset + gain * levels / 255).astype(np.float32))


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
