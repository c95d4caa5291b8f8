"""The strings of Figs. 25 and 26 as windows that a net reads one by one, and how 1998 read them.

The replicated net of section VII has an output at every fourth column of its input, each of a field
as wide as LeNet-5's own: nine of them in the 64 columns of those figures.
"""

from itertools import combinations, pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lenet1998 import paper
from lenet1998.models import STEP
from lenet1998.restore.printing import FIG25_FIRST, FIG25_LAST, Scale


def fields() -> np.ndarray:
    """The five fields as the net of 1998 saw them, (5, 32, 64), Fig. 25's first."""
    shown = paper.printed_strings().input
    return whole_field(Scale.of([shown]).inputs(shown).value)


def inputs() -> np.ndarray:
    """Nine windows of each of the five strings: (5, 9, 32, 32)."""
    return windows(fields())


def whole_field(shown: np.ndarray) -> np.ndarray:
    """Inputs as Figs. 25 and 26 show them, (..., 32, 52), background where they show nothing.

    Returns:
        (..., 32, 64), what the replicated net saw.
    """
    field = np.full((*shown.shape[:-2], *paper.FIG25_FIELD), paper.BACKGROUND)
    field[..., FIG25_FIRST : FIG25_LAST + 1] = shown
    return field


def windows(fields: np.ndarray) -> np.ndarray:
    """Windows of the replicated net's outputs: (N, 32, 64) -> (N, 9, 32, 32)."""
    size = paper.INPUT_SIZE
    seen = sliding_window_view(fields, (size, size), axis=(1, 2))
    return seen[:, 0, ::STEP]


def f6_greys() -> np.ndarray:
    """The greys of F6's states in each window: (5, 9, 84)."""
    return paper.printed_strings().f6.reshape(5, 9, paper.CODE_LENGTH)


def distances(f6: np.ndarray) -> np.ndarray:
    """Squared distances of F6's states (..., 84) to the ten codes, (..., 10)."""
    return ((f6[..., None, :] - paper.digit_codes()) ** 2).sum(-1)


def digit_places(f6: np.ndarray, answer: str) -> tuple[int, ...]:
    """The windows that an answer's digits were read in.

    The rising places, no two of them contiguous (section VII-B, p.28), whose states are nearest to
    the codes of the answer's digits: of all ways the smallest sum of squared distances.

    Args:
        f6: (9, 84) states.
        answer: its digits.
    """
    digits = list(map(int, answer))
    costs = distances(f6)
    ways = combinations(range(len(f6)), len(digits))
    apart = [way for way in ways if all(b - a > 1 for a, b in pairwise(way))]
    return min(apart, key=lambda way: costs[list(way), digits].sum())
