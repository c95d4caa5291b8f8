"""Every random draw of a run: one function gives each purpose a private stream of bits.

What is drawn for one purpose, in one turn, from one seed says nothing of any other draw, and
drawing more for one purpose changes nothing for another. All is made of PCG64's raw output, which
numpy promises never to change between versions, as it does not for its distributions and
permutations: the runs of a record can be repeated.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from lenet1998.errors import as_int

if TYPE_CHECKING:
    import torch

# What tells a purpose's stream from the others. The order has no words: that is how the first
# records were drawn.
_WORDS = {
    "order": b"",
    "renewed order": b"order",
    "curvature": b"curvature",
    "curvature noise": b"curvature noise",
    "distortions": b"distortions",
    "distorted order": b"distorted order",
    "noise": b"noise",
    "test noise": b"test noise",
    "rubbish": b"rubbish",
    "flanks": b"flanks",
    "curvature flanks": b"curvature flanks",
    "test strings": b"test strings",
    "training strings": b"training strings",
    "test pictures": b"test pictures",
}
PURPOSES = tuple(_WORDS)
_LIMIT = 2**32


def stream(seed: int, purpose: str, turn: int = 0) -> np.random.PCG64:
    """A private stream of bits.

    Args:
        seed: the run's, 0 <= seed < 2^32.
        purpose: one of :data:`PURPOSES`.
        turn: tells draws for one purpose apart, such as those of each pass, 0 <= turn < 2^32.

    Raises:
        ValueError: no such purpose, or a seed or turn out of range.
    """
    if purpose not in _WORDS:
        raise ValueError(f"purpose {purpose!r} has no stream: choose from {', '.join(PURPOSES)}")
    for name, value in (("seed", seed), ("turn", turn)):
        if not 0 <= value < _LIMIT:
            raise ValueError(f"{name} must be from 0 to {_LIMIT - 1}, got {value}")
    return np.random.PCG64([seed, turn, *_WORDS[purpose]])


def plain_seed(seed) -> int:
    """A seed as Python's int, whatever kind of whole number it came as.

    Raises:
        TypeError: no whole number.
        ValueError: not 0 <= seed < 2^32.
    """
    return as_int("seed", seed, 0, _LIMIT - 1)


def initial_weights(seed: int) -> "torch.Generator":
    """The stream that initial weights are drawn from: a Mersenne Twister, as torch wants it.

    Raises:
        TypeError, ValueError: as :func:`plain_seed`.
    """
    import torch  # which the other streams do without

    return torch.Generator("cpu").manual_seed(plain_seed(seed))


def uniform(bits: np.random.PCG64, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers from U(0, 1), float64, one for every 64 bits."""
    raw = bits.random_raw(math.prod(shape))
    return ((raw >> np.uint64(11)) * 2.0**-53).reshape(shape)


def struck(
    bits: np.random.PCG64, probability: float, shape: tuple[int, ...], skip: int = 0
) -> np.ndarray:
    """Draw for each of many things whether a chance strikes it, one for every 32 bits.

    Args:
        bits: the stream.
        probability: of each.
        shape: how many; their number must be even.
        skip: how many come before them in the stream, an even number.

    Returns:
        bool, of the shape.
    """
    bits.advance(skip // 2)
    # Little endian on every machine: which half comes first is part of the promise.
    raw = bits.random_raw(math.prod(shape) // 2).astype("<u8", copy=False).view("<u4")
    below = math.ceil(probability * _LIMIT)
    hit = raw <= np.uint32(below - 1) if below else np.zeros(raw.shape, bool)
    return hit.reshape(shape)


def order_of(bits: np.random.PCG64, n: int) -> np.ndarray:
    """0 to n - 1 in an order drawn at random, by sorting raw output; (n,) of int64."""
    return np.argsort(bits.random_raw(n), kind="stable").astype(np.int64)


def shuffled(bits: np.random.PCG64, n: int) -> np.ndarray:
    """0 to n - 1 shuffled by Fisher and Yates; (n,) of int64.

    As numpy's ``Generator.permutation`` of version 2.4 does it, written out because numpy keeps the
    right to change it, and the committed records of renewed orders were drawn so.
    """
    halves = _halves(bits)
    order = list(range(n))
    for last in range(n - 1, 0, -1):
        mask = (1 << last.bit_length()) - 1
        while (place := next(halves) & mask) > last:
            pass
        order[last], order[place] = order[place], order[last]
    return np.array(order, dtype=np.int64)


def _halves(bits: np.random.PCG64):
    """The stream's 32-bit halves, the lower first, as Python's numbers."""
    while True:
        for word in bits.random_raw(4096).tolist():
            yield word & (_LIMIT - 1)
            yield word >> 32
