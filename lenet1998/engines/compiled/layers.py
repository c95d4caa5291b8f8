"""The compiled loops, layer by layer: the forward pass and the backward pass.

The order of every sum is written down, here or in :mod:`~lenet1998.engines.compiled.blocks`, and
nothing is left to a library: what is learnt is the same bytes on every processor.

Padding holds finite leftovers in the forward pass and exact zeros in the backward pass, so that
nothing has to be masked. Deltas, dE/d(a unit's activation), overwrite the states they belong to
where those have served.
"""

from functools import partial

import numpy as np

from lenet1998.engines.compiled import blocks
from lenet1998.engines.compiled import memory as m
from lenet1998.engines.compiled.switches import (
    CONNECTIONS,
    CROSS_ENTROPY,
    MAXIMA,
    RECTIFIER,
    SIGMOID,
    inline,
)
from lenet1998.engines.compiled.vectors import LANES

ZERO = np.float32(0)
_sigmoid_1, _sigmoid_4 = blocks.sigmoid(vectors=1), blocks.sigmoid(vectors=4)


@inline
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


@inline
def see(image, work):
    """Copy a pattern to where the loops look for it."""
    pixels = work[m.IMAGE : m.IMAGE + image.size]
    for i in range(image.size):
        pixels[i] = image[i]


def _subsample(kernel, **options):
    """A subsampling kernel by what is pooled; it has the same pointers whichever it is."""
    sums, maxima = (kernel(maximum=maximum, **options) for maximum in (False, True))

    @inline
    def either(pooling, *pointers):
        if pooling == MAXIMA:
            maxima(*pointers)
        else:
            sums(*pointers)

    return either


def _subsample_backward(kernel, power: int, **options):
    """The same for the backward pass; of curvatures the coefficient's are of two kinds."""
    kernels = _subsample(partial(kernel, connections=False), power=power, **options)
    if power == 1:
        return kernels
    by_connections = kernel(maximum=False, power=power, connections=True, **options)

    @inline
    def either(pooling, *pointers):
        if pooling == CONNECTIONS:
            by_connections(*pointers)
        else:
            kernels(pooling, *pointers)

    return either


_correlate = blocks.correlate(rows=14, pitch=m.C1_PITCH)
_convolve = blocks.convolve(pitch=m.S2_PITCH)
_s2 = _subsample(blocks.s2_forward, rows=14)
_s4 = _subsample(blocks.s4_forward, rows=5)
ROWS = 12  # of weights at a time; 120, 84 and 12 are multiples
_dense_c5 = blocks.dense(rows=ROWS, size=m.COLUMN)
_dense_f6 = blocks.dense(rows=ROWS, size=m.C5_SIZE)
_dense_output = blocks.dense(rows=ROWS, size=m.F6_SIZE)
_distances = blocks.distances(rows=ROWS, size=m.F6_SIZE)
FOURTEEN_ROWS, SIXTEEN_COLUMNS = 14 * m.C1_PITCH, 16
C1_BLOCKS = (0, SIXTEEN_COLUMNS, FOURTEEN_ROWS, FOURTEEN_ROWS + SIXTEEN_COLUMNS)


@inline
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
        pointers = work, out, work, pooled, work, maps, net, weight, net, bias, numbers, 0
        _s2(switches.pooling, *pointers)
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
        pointers = work, out, work, pooled, work, maps, net, weight, net, bias, numbers, 0
        _s4(switches.pooling, *pointers)
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


@inline
def output(switches, net, work):
    """Distances to the codes, or logits."""
    if switches.loss == CROSS_ENTROPY:
        _dense_output(work, m.OUTPUT, net, m.OUTPUT_WEIGHT, work, m.F6, net, m.OUTPUT_BIAS)
    else:
        _distances(work, m.OUTPUT, net, m.OUTPUT_WEIGHT, work, m.F6)


@inline
def clear(array, first, size):
    """Zeros in a part of an array."""
    part = array[first : first + size]
    for i in range(size):
        part[i] = ZERO


@inline
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

    @inline
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


@inline
def linear_backward(stepping, net, rates, gradient, inputs, work):
    """From the deltas of linear outputs to those of F6's states."""
    add(gradient, m.OUTPUT_BIAS, work, m.OUTPUT_DELTA, LANES)
    _output_backward(stepping, net, rates, gradient, inputs, m.F6, work, m.OUTPUT_DELTA, m.F6_DELTA)


@inline
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
    s2_backward = _subsample_backward(blocks.s2_backward, power=power, rows=14)
    s4_backward = _subsample_backward(blocks.s4_backward, power=power, rows=5)
    turn, spread = blocks.turn(size=m.C3_MAP), blocks.spread(rows=10, pitch=m.S2_PITCH)
    c3_products = blocks.convolve_products(pitch=m.S2_PITCH)
    c1_products = blocks.products(rows=28, pitch=m.C1_PITCH)

    @inline
    def s4(switches, numbers, net, gradient, work):
        """To the deltas of C3, position by position and map by map."""
        by_weight, by_bias, below = m.S4_WEIGHT, m.S4_BIAS, m.C3_BIAS
        for y in range(5):
            at, maps = y * m.S4_ROW, m.C3 + 2 * y * m.C3_ROW
            delta, out, pooled = m.S4_DELTA + at, m.S4 + at, m.S4_POOLED + at
            sums = gradient, by_weight, gradient, by_bias, gradient, below
            pointers = work, delta, work, out, work, pooled, work, maps, net, by_weight, numbers, 0
            s4_backward(switches.pooling, *sums, *pointers)
        for y in range(10):
            turn(work, m.C3_MAPS + y * m.S2_PITCH, work, m.C3 + y * m.C3_ROW)

    @inline
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

    @inline
    def s2_and_c1(switches, numbers, net, gradient, inputs, work):
        """To the deltas of C1, and its kernels' gradients."""
        for i in range(6):
            by_weight, by_bias, below = m.S2_WEIGHT + i, m.S2_BIAS + i, m.C1_BIAS + i
            at, maps = i * m.S2_MAP, m.C1 + i * m.C1_MAP
            delta, out, pooled = m.S2_DELTA + at, m.S2 + at, m.S2_POOLED + at
            sums = gradient, by_weight, gradient, by_bias, gradient, below
            pointers = work, delta, work, out, work, pooled, work, maps, net, by_weight, numbers, 0
            s2_backward(switches.pooling, *sums, *pointers)
            for half in (0, LANES):
                kernel = m.C1_WEIGHT + i * m.C1_KERNEL
                c1_products(gradient, kernel, work, maps + half, inputs, m.IMAGE + half)

    @inline
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
