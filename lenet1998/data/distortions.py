r"""The random planar affine distortions of section III-B.

The paper names the families, horizontal and vertical translation, scaling, squeezing
(simultaneous compression along one axis and elongation along the other) and horizontal shear, and
not their ranges. The ranges and the order in which the families act are fitted to its Fig. 7: each
of the hundred digits there is, to the resolution of the print, the MNIST pattern it was made from
under such a map (:func:`lenet1998.paper.fig7_affine`).

With x to the right and y downwards, both from the pixel that MNIST puts a digit's centre of mass
on, a point moves to

.. math::
    x' = x_0 + s_x \big(x + t_x + k (y + t_y - y_s) - x_0\big) \qquad
    y' = y_0 + s_y (y + t_y - y_0)

where :math:`s_x = s / q` and :math:`s_y = s q`: the original is shifted, sheared, and then scaled
and squeezed about the point :math:`(x_0, y_0)`, the middle column near the digit's lower edge.

Numbers are moved one operation at a time, each rounded once as IEEE 754 says, so that every machine
makes the same bytes.
"""

from typing import NamedTuple

import numpy as np

from lenet1998 import paper
from lenet1998.data.patterns import CENTRE, Dataset
from lenet1998.data.streams import stream, uniform

# Each fitted to Fig. 7 and drawn uniformly; docs/results.md says how sure the ranges are.
SHIFT = (-2.0, 2.0)  # t_x and t_y, pixels of the original
SHRINK = (0.77, 1.4)  # 1 / s
SQUEEZE = (0.9, 1.1)  # q = sqrt(s_y / s_x)
SHEAR = (-0.14, 0.14)  # k, pixels of x per pixel of y of the original
FIXED_X, FIXED_Y = -0.5, 10.0  # x_0 and y_0, what scaling leaves in its place, pixels
SHEAR_ROW = 2.0  # y_s, the row that shear leaves in its place, pixels

BATCH = 128  # patterns warped at a time, which caches hold; the result does not depend on it


class Affine(NamedTuple):
    """One affine map per pattern, as in the module's formula; every field has shape (N,)."""

    shift_x: np.ndarray
    shift_y: np.ndarray
    scale_x: np.ndarray
    scale_y: np.ndarray
    shear: np.ndarray


def draw(n: int, bits: np.random.PCG64) -> Affine:
    """Draw the maps of `n` patterns from a stream, every parameter independent of the others."""
    ranges = np.array([SHIFT, SHIFT, SHRINK, SQUEEZE, SHEAR])
    low, high = ranges.T
    shift_x, shift_y, shrink, squeeze, shear = (low + (high - low) * uniform(bits, (n, 5))).T
    return Affine(shift_x, shift_y, 1 / (shrink * squeeze), squeeze / shrink, shear)


def warp(images: np.ndarray, maps: Affine, size: int = paper.INPUT_SIZE) -> np.ndarray:
    """Move every pattern by its map, interpolating bilinearly, in the network's own field.

    What leaves the field is lost, as in Fig. 7, where ink stands in the outermost pixels of the
    32x32 field.

    Args:
        images: (N, 28, 28) uint8, centred as :mod:`lenet1998.data` centres them.
        maps: N maps.
        size: side of the field.

    Returns:
        (N, size, size) uint8.
    """
    n, side = images.shape[:2]
    wide = side + 3
    sources = np.pad(images, ((0, 0), (1, 2), (1, 2)))  # what a pixel outside is made of
    warped = np.empty((n, size, size), np.uint8)
    for start in range(0, n, BATCH):
        part = slice(start, start + BATCH)
        rows = sources[part].reshape(-1, wide)
        y, x = _source_points(Affine(*(field[part] for field in maps)), size, side)
        # A row of the result lies between the same two of its source, so that these are mixed once.
        upper = y.astype(np.int64)
        share = (y - upper)[:, :, None]
        upper += wide * np.arange(len(y))[:, None]
        mixed = _between(rows[upper].astype(float), rows[upper + 1].astype(float), share).ravel()
        left = x.astype(np.int64)
        share = x - left
        left += wide * np.arange(y.size).reshape(*y.shape, 1)
        # Nothing is clipped: that way NumPy need not look first.
        ends = (mixed.take(place, mode="clip") for place in (left, left + 1))
        warped[part] = np.rint(_between(*ends, share))
    return warped


class Pool:
    """The originals and their distorted versions, made when they are asked for.

    Version 0 of each of the data set's n training patterns is the original; pattern
    ``version * n + i`` is a version of original ``i``, the same whenever it is asked for.

    Source: section III-B: 60,000 originals and 540,000 distorted patterns.

    Args:
        dataset: whose training patterns are distorted.
        seed: the run's.
        size: side of the field that they are made in.
    """

    copies = paper.DISTORTED_PATTERNS // paper.TRAIN_SIZE

    def __init__(self, dataset: Dataset, seed: int, size: int = paper.INPUT_SIZE):
        self.images, self.labels = dataset.train_images, dataset.train_labels
        self.size = size
        n, versions = len(self.images), range(1, self.copies + 1)
        drawn = [draw(n, stream(seed, "distortions", version)) for version in versions]
        still = Affine(*np.zeros((2, n)), *np.ones((2, n)), np.zeros(n))
        self.maps = Affine(
            *(np.stack(fields).ravel() for fields in zip(still, *drawn, strict=True))
        )

    def versions_of(self, chosen: np.ndarray) -> np.ndarray:
        """All versions of the originals chosen, by their numbers in the pool."""
        return (np.arange(self.copies + 1)[:, None] * len(self.images) + chosen).ravel()

    def take(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Patterns (N, size, size) uint8 and labels (N,) by their numbers in the pool."""
        originals = indices % len(self.images)
        maps = Affine(*(field[indices] for field in self.maps))
        return warp(self.images[originals], maps, self.size), self.labels[originals]


def _between(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Interpolate between two arrays by a share; the second is overwritten."""
    second -= first
    second *= share
    second += first
    return second


def _source_points(maps: Affine, size: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Source of each pixel of the result, counted from one row above and one column left of it.

    Args:
        maps: N maps.
        size: side of the result.
        side: of the original; what is farther outside than one pixel counts as just that.

    Returns:
        y of every row, (N, size), for all maps leave rows level; and x, (N, size, size).
    """
    shift_x, shift_y, scale_x, scale_y, shear = (field[:, None] for field in maps)
    origin = CENTRE + 1
    from_centre = np.arange(size) - (CENTRE + (size - side) // 2)
    unscaled_x = FIXED_X + (from_centre - FIXED_X) / scale_x
    unscaled_y = FIXED_Y + (from_centre - FIXED_Y) / scale_y
    pushed = shear * (unscaled_y - SHEAR_ROW) + shift_x
    y = unscaled_y - shift_y + origin
    x = (unscaled_x + origin)[:, None, :] - pushed[:, :, None]
    return y.clip(0, side + 1), np.clip(x, 0, side + 1, out=x)
