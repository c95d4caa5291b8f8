"""The losses in loops: of distances (eqs. 8 and 9) and of logits, and their second derivatives."""

import numpy as np

from lenet1998.engines.compiled import memory as m
from lenet1998.engines.compiled.switches import CROSS_ENTROPY, DISTANCE, inline
from lenet1998.engines.compiled.vectors import fma, two_to_the

# Exponential and logarithm in float64: their series, as far as float64 sees.
E0, E1, E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12 = (
    1 / np.prod(np.arange(1.0, n + 1)) for n in range(13)
)
LN2, LN2_REST, LOG2_E = 6.93147180369123816490e-01, 1.90821492927058770002e-10, 1 / np.log(2)
TO_WHOLE = 1.5 * 2**52  # what leaves no place for a fraction
SQRT_2 = np.sqrt(2)


@inline
def exp(x):
    """e^x for x <= 0 in float64; 0 below -700."""
    n = (x * LOG2_E + TO_WHOLE) - TO_WHOLE
    r = fma(-n, LN2_REST, fma(-n, LN2, x))
    p = fma(r, fma(r, fma(r, fma(r, E12, E11), E10), E9), E8)
    p = fma(r, fma(r, fma(r, fma(r, p, E7), E6), E5), E4)
    p = fma(r, fma(r, fma(r, fma(r, p, E3), E2), E1), E0)
    return 0.0 if x < -700 else p * two_to_the(n)


@inline
def log(x):
    """log x for x >= 1 and not large, in float64."""
    n = 0.0
    while x > SQRT_2:
        x *= 0.5
        n += 1.0
    s = (x - 1.0) / (x + 1.0)
    square = s * s
    total = 0.0
    for k in range(21, 0, -2):
        total = fma(total, square, 1.0 / k)
    return fma(n, LN2, fma(2.0 * s, total, n * LN2_REST))


@inline
def _log_sum_exp(scores, floor):
    """log(e^floor + sum e^scores); the scores become their shares of it."""
    largest = floor
    for i in range(scores.size):
        largest = scores[i] if scores[i] > largest else largest
    total = exp(floor - largest)
    for i in range(scores.size):
        scores[i] = exp(scores[i] - largest)
        total += scores[i]
    for i in range(scores.size):
        scores[i] /= total
    return largest + log(total)


@inline
def loss(switches, work, label, shares):
    """The loss of a pattern and the label read, after ``output``.

    ``shares`` becomes the loss's derivative by each score: those of the softmax, or of eq. 9's
    posteriors, less 1 for the right class.
    """
    read = 0
    distances = switches.loss != CROSS_ENTROPY
    for i in range(shares.size):
        found, best = work[m.OUTPUT + i], work[m.OUTPUT + read]
        if (found < best) if distances else (found > best):
            read = i
        shares[i] = -switches.factor * found if distances else found
    right = shares[label]
    normaliser = 0.0
    if switches.loss == DISTANCE:
        shares[:] = 0.0
    else:
        normaliser = _log_sum_exp(shares, -switches.rubbish_j if distances else -np.inf)
    shares[label] -= 1.0
    return normaliser - right, read


@inline
def state_curvature(switches, net, work, shares, curvature):
    """The second derivatives at F6's states, for RBF outputs: see ``criteria``.

    ``shares`` are the classes' posteriors.
    """
    factor = 2.0 * switches.factor
    rubbish = 1.0
    for i in range(shares.size):
        rubbish -= shares[i]
    for j in range(m.F6_UNITS):
        x = work[m.F6 + j]
        if switches.constant_curvature:
            work[curvature + j] = np.float32(1)
        elif switches.loss == DISTANCE:
            work[curvature + j] = np.float32(factor)
        else:
            mean = 0.0
            for i in range(shares.size):
                mean += shares[i] * factor * (x - net[m.OUTPUT_WEIGHT + i * m.F6_SIZE + j])
            total = factor * rubbish + rubbish * mean * mean
            for i in range(shares.size):
                off = factor * (x - net[m.OUTPUT_WEIGHT + i * m.F6_SIZE + j]) - mean
                total += shares[i] * off * off
            work[curvature + j] = np.float32(total)
