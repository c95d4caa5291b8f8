"""Registration: the affine map between a distorted digit as printed and its original.

A map is the six numbers ``MAP``: a pixel (x', y') of the distorted digit shows the original's point
::

    xx x' + xy y' + x
    yx x' + yy y' + y

with x to the right and y downwards, both from row and column 16 of the 32x32 field.
"""

from typing import NamedTuple

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.optimize import least_squares

from lenet1998 import paper
from lenet1998.data.patterns import CENTRE

PADDING = (paper.INPUT_SIZE - paper.FIELD_SIZE) // 2
FROM_ORIGIN = np.arange(paper.INPUT_SIZE) - (CENTRE + PADDING)
MAP = ("xx", "xy", "x", "yx", "yy", "y")
ROUNDS = 8  # of fitting maps and ink in turn; as many again move no map by 1 % of its error


class Registration(NamedTuple):
    """Maps of n originals to their distorted digits.

    Attributes:
        maps: (n, 6), in the order of ``MAP``.
        errors: (n, 6), their standard errors.
        rms: (n,), what is left over, as a share of full ink.
        greys: (k,), the grey levels of the print.
        ink: (k,), what each stands for, 0 to 1.
    """

    maps: np.ndarray
    errors: np.ndarray
    rms: np.ndarray
    greys: np.ndarray
    ink: np.ndarray


def padded(images: np.ndarray) -> np.ndarray:
    """(N, 28, 28) bytes as (N, 32, 32) ink from 0 to 1."""
    return np.pad(images / 255, ((0, 0), (PADDING, PADDING), (PADDING, PADDING)))


def warp(original: np.ndarray, numbers: np.ndarray, pixels=FROM_ORIGIN) -> np.ndarray:
    """The original under a map, interpolated bilinearly, with nothing outside its field.

    Args:
        original: (32, 32) ink.
        numbers: the map, in the order of ``MAP``.
        pixels: rows and columns of the result, from the origin; by default those of the field.
    """
    xx, xy, x, yx, yy, y = numbers
    down, across = pixels[:, None], pixels
    points = np.stack([yx * across + yy * down + y, xx * across + xy * down + x])
    return map_coordinates(original, points - FROM_ORIGIN[0], order=1, mode="grid-constant")


def from_moments(original: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """The map without vertical shear that gives both the same centre and second moments."""
    centres, roots = [], []
    for image in (original, picture):
        weight = image / image.sum()
        points = np.stack(np.broadcast_arrays(FROM_ORIGIN[:, None], FROM_ORIGIN))
        centres.append((points * weight).sum(axis=(1, 2)))
        apart = points - centres[-1][:, None, None]
        roots.append(np.linalg.cholesky(np.einsum("iyx,jyx,yx->ij", apart, apart, weight)))
    (yy, _), (xy, xx) = matrix = roots[0] @ np.linalg.inv(roots[1])
    y, x = centres[0] - matrix @ centres[1]
    return np.array([xx, xy, x, 0.0, yy, y])


def fit(original: np.ndarray, picture: np.ndarray, start: np.ndarray):
    """The map with the least squared difference, its standard errors and what is left, rms.

    The errors hold though the print's are large in the strokes and nought outside them (White's
    estimate).
    """
    found = least_squares(lambda at: (warp(original, at) - picture).ravel(), start, method="lm")
    pull = np.linalg.pinv(found.jac) * found.fun
    return found.x, np.sqrt((pull**2).sum(axis=1)), np.sqrt(np.mean(found.fun**2))


def register(originals: np.ndarray, patterns: np.ndarray) -> Registration:
    """Fit the map of each pattern and, in turn with them, the ink of each grey of the print.

    Args:
        originals: (n, 32, 32) ink from 0 to 1.
        patterns: (n, 32, 32) uint8, the background 255.
    """
    greys, place = np.unique(patterns, return_inverse=True)
    place, ink = place.reshape(patterns.shape), 1 - greys / 255
    pairs = list(zip(originals, ink[place], strict=True))
    maps = [from_moments(*pair) for pair in pairs]
    for turn in range(ROUNDS):
        if turn:
            drawn = np.stack([warp(*pair) for pair in zip(originals, maps, strict=True)])
            ink = np.bincount(place.ravel(), drawn.ravel()) / np.bincount(place.ravel())
        fits = [fit(*each) for each in zip(originals, ink[place], maps, strict=True)]
        maps, errors, rms = map(np.array, zip(*fits, strict=True))
    return Registration(maps, errors, rms, greys, ink)


def printed(picture: np.ndarray, greys: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Ink as the print shows it: the grey whose ink is nearest."""
    order = np.argsort(ink)
    between = (ink[order][1:] + ink[order][:-1]) / 2
    return greys[order][np.searchsorted(between, picture)]
