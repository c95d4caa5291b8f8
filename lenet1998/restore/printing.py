"""Printing of states as greys in the paper's figures, and reading of those greys.

A state is drawn on a straight scale from white, the display's limit below zero, to black, the limit
above it; what lies beyond is cut off. The print then has only some of the 256 greys (56 in Fig. 13,
unevenly spaced), each for all that are nearest to it. So a grey tells its state to within half the
way to its neighbours, and white and black tell only that it is at the limit or beyond.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lenet1998 import paper

LIMIT = 1.68
"""The display's limit of C1 to S4 to begin a fit with; :mod:`.refine` fits it, too."""
MIDDLE = 127.5  # the grey of zero
PAPER = 222.0  # the grey of an input's background; its ink, 1.175 and more, is black
FIG25_FIRST, FIG25_LAST = 6, 57
"""The columns of the input, of 64, that Figs. 25 and 26 show; found by fitting."""


class Reading(NamedTuple):
    """Values read off greys, with the standard deviation of their quantisation."""

    value: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True, eq=False)
class Scale:
    """The greys that a print has.

    Attributes:
        levels: (K,) rising, from 0 to 255.
    """

    levels: np.ndarray

    @classmethod
    def of(cls, pictures: Iterable[np.ndarray]) -> "Scale":
        """The greys that occur in a figure's pictures, black and white in any case."""
        found = np.unique(np.concatenate([np.ravel(picture) for picture in pictures]))
        return cls(np.union1d(found, (0, 255)).astype(float))

    def _deviation(self, greys: np.ndarray) -> np.ndarray:
        """Quantisation of a grey, in greys: all those of the 256 nearest to it are as likely."""
        borders = (self.levels[1:] + self.levels[:-1]) / 2
        widths = np.diff(np.concatenate([[-0.5], borders, [255.5]]))
        return widths[np.searchsorted(self.levels, greys)] / np.sqrt(12)

    def states(self, greys: np.ndarray) -> Reading:
        """States as shares of the display's limit: 1 for black, -1 for white."""
        return Reading((MIDDLE - greys) / MIDDLE, self._deviation(greys) / MIDDLE)

    def inputs(self, greys: np.ndarray) -> Reading:
        """Pixels as the net saw them (section II-B: -0.1 for background, 1.175 for ink)."""
        a_grey = (paper.INK - paper.BACKGROUND) / PAPER
        return Reading(paper.BACKGROUND + a_grey * (PAPER - greys), a_grey * self._deviation(greys))

    def print_states(self, states: np.ndarray, limit: float) -> np.ndarray:
        """The greys that states are printed as."""
        return self._nearest(MIDDLE * (1 - states / limit))

    def print_inputs(self, pixels: np.ndarray) -> np.ndarray:
        """The greys that pixels are printed as."""
        a_grey = (paper.INK - paper.BACKGROUND) / PAPER
        return self._nearest(PAPER - (pixels - paper.BACKGROUND) / a_grey)

    def _nearest(self, greys: np.ndarray) -> np.ndarray:
        borders = (self.levels[1:] + self.levels[:-1]) / 2
        return self.levels[np.searchsorted(borders, np.clip(greys, 0, 255))].astype(np.uint8)
