r"""The random planar affine distortions of section III-B.

The paper names the families, horizontal and vertical translation, scaling, squeezing
(simultaneous compression along one axis and elongation along the other) and horizontal shear, and
not their ranges. The ranges here are recovered from its Fig. 7: moments of the hundred distorted
digits shown there, against the MNIST patterns they were made from
(:func:`lenet1998.paper.fig7_affine`).

With x to the right and y downwards, both from the digit's centre of mass, a point moves to

.. math::
    x' = s_x x + k y + t_x \qquad y' = s_y y - a (s_y - 1) + t_y

where :math:`s_x = s / q`, :math:`s_y = s q`, and :math:`a` puts the fixed point of the scaling
that far below the centre of mass.
"""

from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from lenet1998 import paper
from lenet1998.data import CENTRE, Dataset

# Each recovered from Fig. 7 and drawn uniformly.
SHIFT = (-2.0, 2.0)  # t_x and t_y, pixels
SHRINK = (0.75, 1.4)  # 1 / s
SQUEEZE = (0.9, 1.1)  # q = sqrt(s_y / s_x)
SHEAR = (-0.15, 0.15)  # k, pixels of x per pixel of y
ANCHOR = 10.0  # a, pixels: about the lower edge of the digit's 20x20 box

BATCH = 4096  # patterns warped at a time, for memory; the result does not depend on it


class Affine(NamedTuple):
    """One affine map per pattern, as in the module's formula; every field has shape (N,)."""

    shift_x: np.ndarray
    shift_y: np.ndarray
    scale_x: np.ndarray
    scale_y: np.ndarray
    shear: np.ndarray


def draw(n: int, generator: np.random.Generator) -> Affine:
    """Draw the maps of `n` patterns, every parameter independent of the others."""
    scale = 1 / generator.uniform(*SHRINK, n)
    squeeze = generator.uniform(*SQUEEZE, n)
    return Affine(
        shift_x=generator.uniform(*SHIFT, n),
        shift_y=generator.uniform(*SHIFT, n),
        scale_x=scale / squeeze,
        scale_y=scale * squeeze,
        shear=generator.uniform(*SHEAR, n),
    )


def warp(images: np.ndarray, maps: Affine) -> np.ndarray:
    """Move every pattern by its map, interpolating bilinearly.

    What leaves the field is lost; of MNIST's ink, about 1 % at random.

    Args:
        images: (N, 28, 28) uint8, centred as :mod:`lenet1998.data` centres them.
        maps: N maps.

    Returns:
        (N, 28, 28) uint8.
    """
    warped = np.empty_like(images)
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        batch = torch.as_tensor(images[part], dtype=torch.float32)[:, None]
        grid = _source_points(Affine(*(field[part] for field in maps)), images.shape[-1])
        moved = F.grid_sample(batch, grid, mode="bilinear", align_corners=False)
        warped[part] = moved[:, 0].round().clamp(0, 255).to(torch.uint8).numpy()
    return warped


def distort(images: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Distort every pattern once, at random.

    Args:
        images: (N, 28, 28) uint8.
        generator: the distortions' own, so that nothing else depends on how much is drawn.

    Returns:
        (N, 28, 28) uint8.

    Source: section III-B, with the ranges recovered from Fig. 7.
    """
    return warp(images, draw(len(images), generator))


def measure(before: np.ndarray, after: np.ndarray) -> Affine:
    """The maps between two sets of patterns, from the moments of their ink.

    Args:
        before, after: (N, H, W), the same patterns in the same order.

    Returns:
        N maps, their shifts those of the centre of mass; that is how Fig. 7's were measured.
    """
    cx, cy, xx, xy, yy = _moments(before)
    new_cx, new_cy, new_xx, new_xy, new_yy = _moments(after)
    scale_y = np.sqrt(new_yy / yy)
    scale_x = np.sqrt((new_xx - new_xy**2 / new_yy) / (xx - xy**2 / yy))
    shear = (new_xy / scale_y - scale_x * xy) / yy
    return Affine(new_cx - cx, new_cy - cy, scale_x, scale_y, shear)


def distorted_training_set(
    dataset: Dataset,
    seed: int,
    copies: int = paper.DISTORTED_PATTERNS // paper.TRAIN_SIZE,
) -> Dataset:
    """The data with `copies` distorted versions of each training pattern after the originals.

    Args:
        dataset: whose test patterns are kept as they are.
        seed: the same seed gives the same distortions.
        copies: 9 makes MNIST's 60,000 into the paper's 600,000 patterns, 470 MB.

    Returns:
        A data set of the same name and a checksum of its own; pattern ``i + j * n`` of its
        training set is version ``j`` of pattern ``i`` of the ``n`` originals.

    Source: section III-B.
    """
    originals = dataset.train_images
    n = len(originals)
    images = np.empty(((copies + 1) * n, *originals.shape[1:]), dtype=np.uint8)
    images[:n] = originals
    generator = np.random.Generator(np.random.PCG64(seed))
    for start in range(n, len(images), n):
        images[start : start + n] = distort(originals, generator)
    identity = f"{dataset.checksum} distorted seed={seed} copies={copies}"
    return replace(
        dataset,
        train_images=images,
        train_labels=np.tile(dataset.train_labels, copies + 1),
        checksum=sha256(identity.encode()).hexdigest(),
    )


def _source_points(maps: Affine, size: int) -> torch.Tensor:
    """Where each pixel of the result comes from, (N, size, size, 2), in grid_sample's -1..1."""
    shift_x, shift_y, scale_x, scale_y, shear = (
        torch.as_tensor(field, dtype=torch.float32)[:, None, None] for field in maps
    )
    from_centre = torch.arange(size, dtype=torch.float32) - CENTRE
    y = (from_centre[:, None] - shift_y + ANCHOR * (scale_y - 1)) / scale_y
    x = (from_centre - shift_x - shear * y) / scale_x
    points = torch.stack(torch.broadcast_tensors(x, y), dim=-1) + CENTRE
    # grid_sample's -1 and 1 are the outer edges of the first and last pixel, not their centres.
    return (2 * points + 1) / size - 1


def _moments(images: np.ndarray) -> tuple[np.ndarray, ...]:
    """Centre of mass x, y and second moments xx, xy, yy of the ink, each (N,)."""
    weight = images / images.sum(axis=(1, 2), keepdims=True, dtype=np.float64)
    y, x = np.mgrid[: images.shape[1], : images.shape[2]]
    cx, cy = ((weight * along).sum(axis=(1, 2)) for along in (x, y))
    dx, dy = x - cx[:, None, None], y - cy[:, None, None]
    return cx, cy, *((weight * product).sum(axis=(1, 2)) for product in (dx * dx, dx * dy, dy * dy))
