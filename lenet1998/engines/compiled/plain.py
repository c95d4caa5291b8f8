"""The microkernels of :mod:`~lenet1998.engines.compiled.vectors` as plain Numba loops.

Nothing is trained with them: ``python -m lenet1998.benchmark`` measures what the vector code is
worth beside them. LLVM is given every chance: the innermost loops run over neighbouring floats, a
number of them that it knows, and convolutions over whole maps with their padding, which costs less
than to begin anew in every row.
"""

import numpy as np
from numba import njit

from lenet1998.engines.compiled.layers import OPTIONS
from lenet1998.engines.compiled.vectors import LANES, SIDE

C1_ROWS, C1_BLOCKS = 28, (0,)
"""C1's maps are taken whole."""

ZERO = np.float32(0)
_njit = njit(forceinline=True, **OPTIONS)


def correlate(rows: int, pitch: int):
    """out[y, x] += sum_rc kernel[r, c] image[y + r, x + c], five taps at a time."""
    size = rows * pitch

    @_njit
    def run(out, o, image, i, kernel, k):
        sums = out[o : o + size]
        for r in range(SIDE):
            pixels = image[i + r * pitch : i + r * pitch + size + SIDE]
            t = kernel[k + r * SIDE : k + (r + 1) * SIDE]
            a, b, c, d, e = t[0], t[1], t[2], t[3], t[4]
            for x in range(size):
                sums[x] += (
                    a * pixels[x]
                    + b * pixels[x + 1]
                    + c * pixels[x + 2]
                    + d * pixels[x + 3]
                    + e * pixels[x + 4]
                )

    return run


def spread(rows: int, pitch: int):
    """out[y + r, x + c] += sum kernel[r, c] delta[y, x]: the transpose of ``correlate``.

    What lies before a row of ``delta`` is padding, which is 0.
    """
    size = rows * pitch

    @_njit
    def run(out, o, delta, n, kernel, k):
        deltas = delta[n : n + size]
        for r in range(SIDE):
            sums = out[o + r * pitch : o + r * pitch + size]
            t = kernel[k + r * SIDE : k + (r + 1) * SIDE]
            a, b, c, d, e = t[0], t[1], t[2], t[3], t[4]
            sums[0] += a * deltas[0]
            sums[1] += a * deltas[1] + b * deltas[0]
            sums[2] += a * deltas[2] + b * deltas[1] + c * deltas[0]
            sums[3] += a * deltas[3] + b * deltas[2] + c * deltas[1] + d * deltas[0]
            for x in range(4, size):
                sums[x] += (
                    a * deltas[x]
                    + b * deltas[x - 1]
                    + c * deltas[x - 2]
                    + d * deltas[x - 3]
                    + e * deltas[x - 4]
                )

    return run


def products(rows: int, pitch: int):
    """gradient[r, c] += sum_yx delta[y, x] image[y + r, x + c], five at a time."""
    size = rows * pitch

    @_njit
    def run(gradient, k, delta, n, image, i):
        deltas = delta[n : n + size]
        for r in range(SIDE):
            pixels = image[i + r * pitch : i + r * pitch + size + SIDE]
            a = b = c = d = e = ZERO
            for x in range(size):
                a += deltas[x] * pixels[x]
                b += deltas[x] * pixels[x + 1]
                c += deltas[x] * pixels[x + 2]
                d += deltas[x] * pixels[x + 3]
                e += deltas[x] * pixels[x + 4]
            sums = gradient[k + r * SIDE : k + (r + 1) * SIDE]
            sums[0] += a
            sums[1] += b
            sums[2] += c
            sums[3] += d
            sums[4] += e

    return run


def window_sums(pitch: int):
    """The sums of 16 windows of 2x2."""
    across = pitch // 2

    @_njit
    def run(pooled, p, maps, m):
        sums, pixels = pooled[p : p + LANES], maps[m : m + 4 * LANES]
        for y in range(LANES // across):
            for x in range(across):
                at = 2 * y * pitch + 2 * x
                upper = pixels[at] + pixels[at + 1]
                sums[y * across + x] = upper + (pixels[at + pitch] + pixels[at + pitch + 1])

    return run


@_njit
def _larger(best, corner):
    """The larger; NaN wins, as in torch."""
    return corner if corner > best or corner != corner else best


def window_maxima(pitch: int):
    """The maxima of 16 windows of 2x2; NaN wins, as in torch."""
    across = pitch // 2

    @_njit
    def run(pooled, p, maps, m):
        maxima, pixels = pooled[p : p + LANES], maps[m : m + 4 * LANES]
        for y in range(LANES // across):
            for x in range(across):
                at = 2 * y * pitch + 2 * x
                best = _larger(pixels[at], pixels[at + 1])
                best = _larger(best, pixels[at + pitch])
                maxima[y * across + x] = _larger(best, pixels[at + pitch + 1])

    return run


def times_windows(pitch: int):
    """Multiply every pixel by its window's number."""
    across = pitch // 2

    @_njit
    def run(maps, m, pooled, p):
        numbers, pixels = pooled[p : p + LANES], maps[m : m + 4 * LANES]
        for y in range(LANES // across):
            for x in range(across):
                at, number = 2 * y * pitch + 2 * x, numbers[y * across + x]
                pixels[at] *= number
                pixels[at + 1] *= number
                pixels[at + pitch] *= number
                pixels[at + pitch + 1] *= number

    return run


def to_maxima(pitch: int):
    """Replace the first maximum of each window by the window's delta, every other pixel by 0."""
    across = pitch // 2

    @_njit
    def run(maps, m, pooled, p, delta, n):
        pixels = maps[m : m + 4 * LANES]
        for y in range(LANES // across):
            for x in range(across):
                i = y * across + x
                best, rest = pooled[p + i], delta[n + i]
                for corner in range(4):
                    at = (2 * y + corner // 2) * pitch + 2 * x + corner % 2
                    hit = pixels[at] == best
                    pixels[at] = rest if hit else ZERO
                    rest = ZERO if hit else rest

    return run
