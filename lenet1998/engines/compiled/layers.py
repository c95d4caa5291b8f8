"""The compiled loops, layer by layer: the forward pass, the losses, the backward pass, the updates.

Every recipe runs through the same machine code: a switch is a number that the loops read (which
squashing function, which loss), so that one compilation serves them all. The order of every sum is
written down, here or in :mod:`~lenet1998.engines.compiled.blocks`, and nothing is left to a
library: what is learnt is the same bytes on every processor.

Padding holds finite leftovers in the forward pass and exact zeros in the backward pass, so that
nothing has to be masked. Deltas, dE/d(a unit's activation), overwrite the states they belong to
where those have served.
"""

from typing import NamedTuple

import numpy as np
from numba import config, njit

from lenet1998.engines.compiled import blocks
from lenet1998.engines.compiled import memory as m
from lenet1998.engines.compiled.vectors import LANES, fma, two_to_the

# NaN and infinity must stay what they are: a diverged loss has to be seen.
OPTIONS = {"nogil": True, "error_model": "numpy"}
_njit = njit(forceinline=True, **OPTIONS)

if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set")

SIGMOID, RECTIFIER, IDENTITY = range(3)
DISTANCE, DISCRIMINATIVE, CROSS_ENTROPY = range(3)
DESCENT, MOMENTUM, ADAM = range(3)


class Switches(NamedTuple):
    """What the loops must know of a recipe, beside the functions' numbers."""

    squash: int
    subsampling_squash: int
    pool_max: bool
    classes: int
    loss: int
    factor: float  # of eq. 7's distance
    rubbish_j: float
    constant_curvature: bool  # 1 at F6, whatever the loss
    update: int
    momentum: np.float32
    batch_size: int
    features: bool  # whether C1 to S4 learn


ZERO, ONE = np.float32(0), np.float32(1)
BETA_1, BETA_2 = 0.9, 0.999  # torch's defaults for Adam, and so is epsilon
B2, EPSILON = np.float32(BETA_2), np.float32(1e-8)
NEW_1, NEW_2 = np.float32(1 - BETA_1), np.float32(1 - BETA_2)  # not 1 less a rounded number

# Exponential and logarithm in float64: their series, as far as float64 sees.
E0, E1, E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12 = (
    1 / np.prod(np.arange(1.0, n + 1)) for n in range(13)
)
LN2, LN2_REST, LOG2_E = 6.93147180369123816490e-01, 1.90821492927058770002e-10, 1 / np.log(2)
TO_WHOLE = 1.5 * 2**52  # what leaves no place for a fraction
SQRT_2 = np.sqrt(2)


@_njit
def exp(x):
    """e^x for x <= 0 in float64; 0 below -700."""
    n = (x * LOG2_E + TO_WHOLE) - TO_WHOLE
    r = fma(-n, LN2_REST, fma(-n, LN2, x))
    p = fma(r, fma(r, fma(r, fma(r, E12, E11), E10), E9), E8)
    p = fma(r, fma(r, fma(r, fma(r, p, E7), E6), E5), E4)
    p = fma(r, fma(r, fma(r, fma(r, p, E3), E2), E1), E0)
    return 0.0 if x < -700 else p * two_to_the(n)


@_njit
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


@_njit
def power(base, exponent):
    """base to a whole exponent > 0, by squaring."""
    result = 1.0
    while exponent:
        if exponent % 2:
            result *= base
        base *= base
        exponent //= 2
    return result


_sigmoid_1, _sigmoid_4 = blocks.sigmoid(vectors=1), blocks.sigmoid(vectors=4)


@_njit
def squash(kind, numbers, f, work, first, size):
    """The states of a layer <- f(its activations)."""
    if kind == SIGMOID:
        for at in range(first, first + size // 64 * 64, 64):
            _sigmoid_4(work, at, numbers, f)
        for at in range(first + size // 64 * 64, first + size, LANES):
            _sigmoid_1(work, at, numbers, f)
    elif kind == RECTIFIER:
        states = work[first : first + size]
        for i in range(size):
            states[i] = ZERO if states[i] <= ZERO else states[i]


@_njit
def see(image, work):
    """Copy a pattern to where the loops look for it."""
    pixels = work[m.IMAGE : m.IMAGE + image.size]
    for i in range(image.size):
        pixels[i] = image[i]


_correlate = blocks.correlate(rows=14, pitch=m.C1_PITCH)
_convolve = blocks.convolve(pitch=m.S2_PITCH)
_s2_sums, _s2_maxima = (blocks.s2_forward(maximum=most, rows=14) for most in (False, True))
_s4_sums, _s4_maxima = (blocks.s4_forward(maximum=most, rows=5) for most in (False, True))
ROWS = 12  # of weights at a time; 120, 84 and 12 are multiples
_dense_c5 = blocks.dense(rows=ROWS, size=m.COLUMN)
_dense_f6 = blocks.dense(rows=ROWS, size=m.C5_SIZE)
_dense_output = blocks.dense(rows=ROWS, size=m.F6_SIZE)
_distances = blocks.distances(rows=ROWS, size=m.F6_SIZE)
FOURTEEN_ROWS, SIXTEEN_COLUMNS = 14 * m.C1_PITCH, 16
C1_BLOCKS = (0, SIXTEEN_COLUMNS, FOURTEEN_ROWS, FOURTEEN_ROWS + SIXTEEN_COLUMNS)


@_njit
def forward(switches, numbers, net, work):
    """From the image to F6."""
    for i in range(6):
        for at in C1_BLOCKS:
            out, kernel = m.C1 + i * m.C1_MAP + at, m.C1_WEIGHT + i * m.C1_KERNEL
            _correlate(work, out, work, m.IMAGE + at, net, kernel, net, m.C1_BIAS + i)
    squash(switches.squash, numbers, 0, work, m.C1, 6 * m.C1_MAP)
    for i in range(6):
        out, pooled, maps = m.S2 + i * m.S2_MAP, m.S2_POOLED + i * m.S2_MAP, m.C1 + i * m.C1_MAP
        weight, bias = m.S2_WEIGHT + i, m.S2_BIAS + i
        if switches.pool_max:
            _s2_maxima(work, out, work, pooled, work, maps, net, weight, net, bias, numbers, 0)
        else:
            _s2_sums(work, out, work, pooled, work, maps, net, weight, net, bias, numbers, 0)
    squash(switches.subsampling_squash, numbers, LANES, work, m.S2, 6 * m.S2_MAP)
    for y in range(10):
        row = work[m.C3 + y * m.C3_ROW : m.C3 + (y + 1) * m.C3_ROW]
        for i in range(m.C3_ROW):
            row[i] = net[m.C3_BIAS + i % m.MAPS]
        for i in range(6):
            pixels, kernels = m.S2 + i * m.S2_MAP + y * m.S2_PITCH, m.C3_WEIGHT + i * m.C3_KERNELS
            _convolve(work, m.C3 + y * m.C3_ROW, work, pixels, net, kernels)
    squash(switches.squash, numbers, 0, work, m.C3, 10 * m.C3_ROW)
    for y in range(5):
        out, pooled, maps = m.S4 + y * m.S4_ROW, m.S4_POOLED + y * m.S4_ROW, m.C3 + 2 * y * m.C3_ROW
        weight, bias = m.S4_WEIGHT, m.S4_BIAS
        if switches.pool_max:
            _s4_maxima(work, out, work, pooled, work, maps, net, weight, net, bias, numbers, 0)
        else:
            _s4_sums(work, out, work, pooled, work, maps, net, weight, net, bias, numbers, 0)
    squash(switches.subsampling_squash, numbers, LANES, work, m.S4, m.COLUMN)
    for i in range(0, m.C5_UNITS, ROWS):
        weight = m.C5_WEIGHT + i * m.COLUMN
        _dense_c5(work, m.C5 + i, net, weight, work, m.S4, net, m.C5_BIAS + i)
    squash(switches.squash, numbers, 0, work, m.C5, m.C5_SIZE)
    for i in range(0, m.F6_UNITS, ROWS):
        weight = m.F6_WEIGHT + i * m.C5_SIZE
        _dense_f6(work, m.F6 + i, net, weight, work, m.C5, net, m.F6_BIAS + i)
    squash(switches.squash, numbers, 0, work, m.F6, m.F6_SIZE)
    for j in range(m.F6_UNITS, m.F6_SIZE):  # where there is no unit, but f(0) may be 1/2
        work[m.F6 + j] = ZERO


@_njit
def output(switches, net, work):
    """Distances to the codes, or logits."""
    if switches.loss == CROSS_ENTROPY:
        _dense_output(work, m.OUTPUT, net, m.OUTPUT_WEIGHT, work, m.F6, net, m.OUTPUT_BIAS)
    else:
        _distances(work, m.OUTPUT, net, m.OUTPUT_WEIGHT, work, m.F6)


@_njit
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


@_njit
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


@_njit
def clear(array, first, size):
    """Zeros in a part of an array."""
    part = array[first : first + size]
    for i in range(size):
        part[i] = ZERO


@_njit
def add(total, first, values, at, size):
    """Add a part of an array to a part of another."""
    sums, summands = total[first : first + size], values[at : at + size]
    for i in range(size):
        sums[i] += summands[i]


def _dense_backward(units: int, size: int, weight: int):
    """The backward pass of a dense layer whose weights start there.

    Either each weight takes its step in the same sweep, or the gradient is added to.
    """
    step, gather = (
        kernel(rows=ROWS, size=size) for kernel in (blocks.dense_step, blocks.dense_gather)
    )

    @_njit
    def backward(stepping, net, rates, gradient, inputs, x, work, delta, below):
        clear(work, below, size)
        for i in range(0, units, ROWS):
            at = weight + i * size
            if stepping:
                step(net, at, rates, at, inputs, x, work, delta + i, work, below)
            else:
                gather(net, at, gradient, at, inputs, x, work, delta + i, work, below)

    return backward


_output_backward = _dense_backward(m.OUTPUTS, m.F6_SIZE, m.OUTPUT_WEIGHT)
_f6_backward = _dense_backward(m.F6_UNITS, m.C5_SIZE, m.F6_WEIGHT)
_c5_backward = _dense_backward(m.C5_UNITS, m.COLUMN, m.C5_WEIGHT)
_pull = blocks.pull(rows=ROWS, size=m.F6_SIZE)


@_njit
def linear_backward(stepping, net, rates, gradient, inputs, work):
    """From the deltas of linear outputs to those of F6's states."""
    add(gradient, m.OUTPUT_BIAS, work, m.OUTPUT_DELTA, LANES)
    _output_backward(stepping, net, rates, gradient, inputs, m.F6, work, m.OUTPUT_DELTA, m.F6_DELTA)


@_njit
def loss_backward(stepping, switches, net, rates, gradient, work, shares):
    """From the loss's derivatives by the scores to F6's deltas, before its squashing function."""
    factor = 1.0 if switches.loss == CROSS_ENTROPY else -2.0 * switches.factor
    for i in range(shares.size):
        work[m.OUTPUT_DELTA + i] = np.float32(factor * shares[i])
    if switches.loss == CROSS_ENTROPY:
        linear_backward(stepping, net, rates, gradient, work, work)
    else:
        _pull(work, m.F6_DELTA, work, m.OUTPUT_DELTA, net, m.OUTPUT_WEIGHT, work, m.F6)


def backward_pass(power: int):
    """The pass from F6's deltas to C1's: of gradients, or, with ``power`` 2, of curvatures.

    For the second, weights and ``inputs`` (the states that weights multiply) come squared.
    """
    slopes_c5 = blocks.times_slopes(vectors=m.C5_SIZE // LANES, power=power)
    slopes_f6 = blocks.times_slopes(vectors=m.F6_SIZE // LANES, power=power)
    s2_sums, s2_maxima = (
        blocks.s2_backward(maximum=most, power=power, rows=14) for most in (False, True)
    )
    s4_sums, s4_maxima = (
        blocks.s4_backward(maximum=most, power=power, rows=5) for most in (False, True)
    )
    turn, spread = blocks.turn(size=m.C3_MAP), blocks.spread(rows=10, pitch=m.S2_PITCH)
    c3_products = blocks.convolve_products(pitch=m.S2_PITCH)
    c1_products = blocks.products(rows=28, pitch=m.C1_PITCH)

    @_njit
    def s4(switches, numbers, net, gradient, work):
        """To the deltas of C3, position by position and map by map."""
        by_weight, by_bias, below = m.S4_WEIGHT, m.S4_BIAS, m.C3_BIAS
        for y in range(5):
            at, maps = y * m.S4_ROW, m.C3 + 2 * y * m.C3_ROW
            delta, out, pooled = m.S4_DELTA + at, m.S4 + at, m.S4_POOLED + at
            # fmt: off
            if switches.pool_max:
                s4_maxima(gradient, by_weight, gradient, by_bias, gradient, below, work, delta,
                          work, out, work, pooled, work, maps, net, by_weight, numbers, 0)
            else:
                s4_sums(gradient, by_weight, gradient, by_bias, gradient, below, work, delta,
                        work, out, work, pooled, work, maps, net, by_weight, numbers, 0)
            # fmt: on
        for y in range(10):
            turn(work, m.C3_MAPS + y * m.S2_PITCH, work, m.C3 + y * m.C3_ROW)

    @_njit
    def c3(net, gradient, inputs, work, seen, made):
        """To the deltas of S2, and the kernels' gradients."""
        for i in range(6):
            for y in range(10):
                pixels = m.S2 + i * m.S2_MAP + y * m.S2_PITCH
                kernels, row = m.C3_WEIGHT + i * m.C3_KERNELS, m.C3 + y * m.C3_ROW
                c3_products(gradient, kernels, work, row, inputs, pixels)
        clear(work, m.S2_DELTA, 6 * m.S2_MAP)
        for p in range(seen.size):
            out, delta = m.S2_DELTA + seen[p] * m.S2_MAP, m.C3_MAPS + made[p] * m.C3_MAP
            kernel = m.C3_WEIGHT + seen[p] * m.C3_KERNELS + made[p]
            spread(work, out, work, delta, net, kernel)

    @_njit
    def s2_and_c1(switches, numbers, net, gradient, inputs, work):
        """To the deltas of C1, and its kernels' gradients."""
        for i in range(6):
            by_weight, by_bias, below = m.S2_WEIGHT + i, m.S2_BIAS + i, m.C1_BIAS + i
            at, maps = i * m.S2_MAP, m.C1 + i * m.C1_MAP
            delta, out, pooled = m.S2_DELTA + at, m.S2 + at, m.S2_POOLED + at
            # fmt: off
            if switches.pool_max:
                s2_maxima(gradient, by_weight, gradient, by_bias, gradient, below, work, delta,
                          work, out, work, pooled, work, maps, net, by_weight, numbers, 0)
            else:
                s2_sums(gradient, by_weight, gradient, by_bias, gradient, below, work, delta,
                        work, out, work, pooled, work, maps, net, by_weight, numbers, 0)
            # fmt: on
            for half in (0, LANES):
                kernel = m.C1_WEIGHT + i * m.C1_KERNEL
                c1_products(gradient, kernel, work, maps + half, inputs, m.IMAGE + half)

    @_njit
    def backward(stepping, switches, numbers, net, rates, gradient, inputs, work, seen, made):
        """Add to the gradients, or let the dense layers' weights take their steps at once."""
        slopes_f6(work, m.F6_DELTA, work, m.F6, numbers, 0)
        add(gradient, m.F6_BIAS, work, m.F6_DELTA, m.F6_SIZE)
        _f6_backward(stepping, net, rates, gradient, inputs, m.C5, work, m.F6_DELTA, m.C5_DELTA)
        slopes_c5(work, m.C5_DELTA, work, m.C5, numbers, 0)
        add(gradient, m.C5_BIAS, work, m.C5_DELTA, m.C5_SIZE)
        _c5_backward(stepping, net, rates, gradient, inputs, m.S4, work, m.C5_DELTA, m.S4_DELTA)
        if switches.features:
            s4(switches, numbers, net, gradient, work)
            c3(net, gradient, inputs, work, seen, made)
            s2_and_c1(switches, numbers, net, gradient, inputs, work)

    return backward


@_njit
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
            work[curvature + j] = ONE
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


@_njit
def divide(values, by):
    """Each value by a number."""
    for i in range(values.size):
        values[i] /= by


@_njit
def descend(values, rates, gradient, size):
    """values <- values - rates gradient."""
    for i in range(size):
        values[i] = fma(-rates[i], gradient[i], values[i])


@_njit
def descend_with_momentum(values, rates, gradient, velocity, momentum):
    """The same along a velocity."""
    for i in range(values.size):
        velocity[i] = fma(momentum, velocity[i], gradient[i])
        values[i] = fma(-rates[i], velocity[i], values[i])


@_njit
def descend_by_adam(values, rates, gradient, first, second, step):
    """Adam's update number ``step``, as torch's: its moments, then its values."""
    root = np.float32(np.sqrt(1 - power(BETA_2, step)))
    larger = np.float32(1 / (1 - power(BETA_1, step)))
    for i in range(values.size):
        g = gradient[i]
        first[i] = fma(g - first[i], NEW_1, first[i])
        second[i] = fma(NEW_2 * g, g, B2 * second[i])
        values[i] -= rates[i] * larger * first[i] / (np.sqrt(second[i]) / root + EPSILON)
