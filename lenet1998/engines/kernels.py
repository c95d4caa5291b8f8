"""The compiled engine's arithmetic: one pattern's forward pass, backward pass and update as loops.

Every recipe runs through the same machine code: a switch is a number that the loops read (which
squashing function, which loss), so that one compilation serves them all. Maps are stored with
padding, each row a whole number of vectors: C1's 28 columns in 32, C3's 10 in 16. Padding holds
finite leftovers in the forward pass and exact zeros in the backward pass, so that nothing has to
be masked. A 28x28 input is a 32x32 one whose last rows and columns nothing sees.
"""

import hashlib
import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit

from lenet1998.engines import vectors as v
from lenet1998.engines.vectors import LANES, TAPS

_log = logging.getLogger(__name__)

# NaN and infinity must stay what they are: a diverged loss has to be seen.
OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}
_inner = njit(**OPTIONS)
_inlined = njit(inline="always", **OPTIONS)  # not compiled on its own


class Parameters(NamedTuple):
    """One flat array per parameter of the network: its values, rates, velocities or gradients."""

    c1_weight: np.ndarray  # 6 x 25
    c1_bias: np.ndarray
    s2_weight: np.ndarray
    s2_bias: np.ndarray
    c3_weight: np.ndarray  # 60 (or 96) pairs x 25
    c3_bias: np.ndarray
    s4_weight: np.ndarray
    s4_bias: np.ndarray
    c5_weight: np.ndarray  # 120 x 400 (or 256)
    c5_bias: np.ndarray
    f6_weight: np.ndarray  # 84 x 120
    f6_bias: np.ndarray
    output_weight: np.ndarray  # 10 x 84; the codes, if the output is RBF
    output_bias: np.ndarray


class Squashing(NamedTuple):
    """f(a) = offset + amplitude tanh(slope a), or a rectifier, or nothing; and f' as y's quadratic.

    f' = constant + linear y + square y^2 where y > floor, else 0.
    """

    kind: int
    amplitude: np.float32
    slope: np.float32
    offset: np.float32
    constant: np.float32
    linear: np.float32
    square: np.float32
    floor: np.float32


SIGMOID, RECTIFIER, IDENTITY = range(3)


class Switches(NamedTuple):
    """What the loops must know of a recipe."""

    squash: Squashing
    subsampling_squash: Squashing
    pool_scale: np.float32
    pool_max: bool
    loss: int
    factor: float
    rubbish_j: float
    sgd: bool
    momentum: np.float32


DISTANCE, DISCRIMINATIVE, CROSS_ENTROPY = range(3)


class Workspace(NamedTuple):
    """One pattern's states; deltas overwrite the maps they belong to as the backward pass goes."""

    image: np.ndarray  # 32 x 32
    c1: np.ndarray  # 6 x 28 x 32
    s2_pooled: np.ndarray  # 6 x 14 x 16
    s2: np.ndarray
    s2_delta: np.ndarray
    c3: np.ndarray  # 16 x 10 x 16
    s4_pooled: np.ndarray  # 16 x 5 x 8
    s4: np.ndarray
    s4_delta: np.ndarray
    column: np.ndarray  # 400 (or 256): S4 without its padding
    column_delta: np.ndarray
    c5: np.ndarray  # 120
    f6: np.ndarray  # 84
    output: np.ndarray  # 10


def workspace(features: int) -> Workspace:
    """Zeros for ``features`` values of S4."""
    c1, s2, c3, s4 = 6 * 28 * 32, 6 * 14 * 16, 16 * 10 * 16, 16 * 5 * 8
    sizes = (32 * 32, c1, s2, s2, s2, c3, s4, s4, s4, features, features, 120, 84, 10)
    return Workspace(*map(aligned_zeros, sizes))


def aligned_zeros(size: int) -> np.ndarray:
    """Zeros that start on a cache line, with a cache line to spare at either end."""
    memory = np.zeros(size + 3 * LANES, np.float32)
    first = LANES + (-memory.ctypes.data // memory.itemsize) % LANES
    return memory[first : first + size]


ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)
LN2, LOG2_E = np.float32(np.log(2)), np.float32(np.log2(np.e))
SATURATION = np.float32(18.2)  # tanh is 1 in float32 from half of this on
# e^r = 1 + r + r^2 (E2 + r E3 + ...) for |r| <= ln(2) / 2: minimax, relative error of e^r - 1 1e-8.
E2, E3, E4, E5, E6 = map(
    np.float32, (0.49999997, 0.16666539, 0.041667223, 0.008367181, 0.0013882392)
)


@_inner
def _squash(f, states):
    """states <- f(states), in place; tanh is good to 2.3 units in the last place."""
    if f.kind == SIGMOID:
        for i in range(states.size):
            # tanh(x) = E / (E + 2) with E = e^t - 1, t = 2 |x|; e^t = 2^n e^r.
            t = abs(TWO * f.slope * states[i])
            t = SATURATION if t > SATURATION else t
            n = v.nearest(t * LOG2_E)
            r = t - n * LN2
            power = v.two_to_the(n)
            less_one = power * (r + r * r * (E2 + r * (E3 + r * (E4 + r * (E5 + r * E6)))))
            less_one += power - ONE
            y = less_one / (less_one + TWO)
            states[i] = f.offset + f.amplitude * (-y if states[i] < ZERO else y)
    elif f.kind == RECTIFIER:
        for i in range(states.size):
            states[i] = ZERO if states[i] <= ZERO else states[i]


@_inner
def _slope(f, y):
    """f' where f's value is y."""
    return ZERO if y <= f.floor else f.constant + y * (f.linear + y * f.square)


@_inner
def _slopes(f, states):
    """f's values <- f', in place."""
    for i in range(states.size):
        states[i] = _slope(f, states[i])


@_inner
def _times_slopes(f, delta, values):
    for i in range(delta.size):
        delta[i] *= _slope(f, values[i])


@_inner
def _map(maps, size, m):
    return maps[m * size : (m + 1) * size]


@_inner
def _scale_and_shift(pooled, weight, bias, scale, out):
    """A subsampling layer's activations, map by map."""
    size = pooled.size // weight.size
    for c in range(weight.size):
        w, b = scale * weight[c], bias[c]
        source, target = _map(pooled, size, c), _map(out, size, c)
        for i in range(size):
            target[i] = w * source[i] + b


@_inner
def _scale_and_shift_backward(pooled, weight, scale, delta, by_weight, by_bias):
    """Turn the activations' ``delta`` into the pooled windows' in place; give the gradients."""
    size = pooled.size // weight.size
    for c in range(weight.size):
        w = scale * weight[c]
        source, target = _map(pooled, size, c), _map(delta, size, c)
        products = ZERO
        total = ZERO
        for i in range(size):
            products += target[i] * source[i]
            total += target[i]
            target[i] *= w
        by_weight[c] = scale * products
        by_bias[c] = total


@_inner
def _sums(maps, out):
    """Each map's sum."""
    size = maps.size // out.size
    for m in range(out.size):
        source = _map(maps, size, m)
        total = ZERO
        for i in range(size):
            total += source[i]
        out[m] = total


@_inner
def _fill(maps, values):
    """Set each map to one value."""
    size = maps.size // values.size
    for m in range(values.size):
        target = _map(maps, size, m)
        value = values[m]
        for i in range(size):
            target[i] = value


@_inner
def _pack(maps, column):
    """The 5x5 (or 4x4) corners of S4's padded maps as one column."""
    side = 5 if column.size == 400 else 4
    k = 0
    for row in range(0, maps.size, 8 * 5):
        for at in range(row, row + 8 * side, 8):
            for i in range(at, at + side):
                column[k] = maps[i]
                k += 1


@_inner
def _unpack(column, maps):
    """The inverse of ``_pack``; padding is left as it is."""
    side = 5 if column.size == 400 else 4
    k = 0
    for row in range(0, maps.size, 8 * 5):
        for at in range(row, row + 8 * side, 8):
            for i in range(at, at + side):
                maps[i] = column[k]
                k += 1


@_inner
def _dense(weight, bias, inputs, out):
    """out = weight inputs + bias."""
    for i in range(out.size):
        row = weight[i * inputs.size : (i + 1) * inputs.size]
        total = ZERO
        for j in range(inputs.size):
            total += row[j] * inputs[j]
        out[i] = total + bias[i]


@_inner
def _dense_backward(switches, weight, rates, velocity, inputs, delta, inputs_delta):
    """The inputs' deltas by the old weights, and the weights' update, in one sweep."""
    inputs_delta[:] = ZERO
    n = inputs.size
    for i in range(delta.size):
        d = delta[i]
        row = weight[i * n : (i + 1) * n]
        rate = rates[i * n : (i + 1) * n]
        if switches.sgd:
            speed = velocity[i * n : (i + 1) * n]
            for j in range(n):
                inputs_delta[j] += row[j] * d
                speed[j] = switches.momentum * speed[j] + d * inputs[j]
                row[j] -= rate[j] * speed[j]
        else:
            for j in range(n):
                inputs_delta[j] += row[j] * d
                row[j] -= rate[j] * (d * inputs[j])


@_inner
def _descend(switches, values, rates, velocity, gradient):
    """One update of one parameter."""
    if switches.sgd:
        for i in range(values.size):
            velocity[i] = switches.momentum * velocity[i] + gradient[i]
            values[i] -= rates[i] * velocity[i]
    else:
        for i in range(values.size):
            values[i] -= rates[i] * gradient[i]


@_inner
def _log_sum_exp(scores, floor):
    """log(e^floor + sum e^scores); the scores become their shares of it."""
    largest = floor
    for i in range(scores.size):
        largest = max(largest, scores[i])
    total = np.exp(floor - largest)
    for i in range(scores.size):
        total += np.exp(scores[i] - largest)
    normaliser = largest + np.log(total)
    for i in range(scores.size):
        scores[i] = np.exp(scores[i] - normaliser)
    return normaliser


@_inner
def _rbf(switches, codes, f6, label, output, shares, f6_delta):
    """The loss and the label read; ``f6_delta`` becomes dE/dF6."""
    nearest = 0
    for i in range(output.size):
        code = codes[i * f6.size : (i + 1) * f6.size]
        total = ZERO
        for j in range(f6.size):
            total += (f6[j] - code[j]) ** 2
        output[i] = total
        if total < output[nearest]:
            nearest = i
    loss = switches.factor * output[label]
    shares[:] = 0.0
    if switches.loss == DISCRIMINATIVE:
        for i in range(output.size):
            shares[i] = -switches.factor * output[i]
        loss += _log_sum_exp(shares, -switches.rubbish_j)
    shares[label] -= 1.0
    f6_delta[:] = ZERO
    for i in range(output.size):
        code = codes[i * f6.size : (i + 1) * f6.size]
        pull = np.float32(-2 * switches.factor * shares[i])
        if pull != ZERO:
            for j in range(f6.size):
                f6_delta[j] += pull * (f6[j] - code[j])
    return loss, nearest


@_inner
def _softmax(output, label, shares, output_delta):
    """The loss and the label read; ``output_delta`` becomes dE/dz."""
    largest = 0
    for i in range(output.size):
        shares[i] = output[i]
        if output[i] > output[largest]:
            largest = i
    loss = _log_sum_exp(shares, -np.inf) - output[label]
    shares[label] -= 1.0
    for i in range(output.size):
        output_delta[i] = shares[i]
    return loss, largest


@_inlined
def _forward(switches, net, work, seen, made):
    """From the image to F6."""
    squash = switches.squash
    _fill(work.c1, net.c1_bias)
    for m in range(6):
        for y in range(0, 28, v.C1_BLOCK):
            for at in (32 * y, 32 * y + LANES):
                v.c1_correlate(work.c1, m * 896 + at, work.image, at, net.c1_weight, m * TAPS)
    _squash(squash, work.c1)
    for i in range(0, work.s2.size, LANES):
        if switches.pool_max:
            v.s2_maxima(work.s2_pooled, i, work.c1, 4 * i)
        else:
            v.s2_sums(work.s2_pooled, i, work.c1, 4 * i)
    _scale_and_shift(work.s2_pooled, net.s2_weight, net.s2_bias, switches.pool_scale, work.s2)
    _squash(switches.subsampling_squash, work.s2)
    _fill(work.c3, net.c3_bias)
    for p in range(seen.size):
        v.c3_correlate(work.c3, made[p] * 160, work.s2, seen[p] * 224, net.c3_weight, p * TAPS)
    _squash(squash, work.c3)
    for i in range(0, work.s4.size, LANES):
        if switches.pool_max:
            v.s4_maxima(work.s4_pooled, i, work.c3, 4 * i)
        else:
            v.s4_sums(work.s4_pooled, i, work.c3, 4 * i)
    _scale_and_shift(work.s4_pooled, net.s4_weight, net.s4_bias, switches.pool_scale, work.s4)
    _squash(switches.subsampling_squash, work.s4)
    _pack(work.s4, work.column)
    _dense(net.c5_weight, net.c5_bias, work.column, work.c5)
    _squash(squash, work.c5)
    _dense(net.f6_weight, net.f6_bias, work.c5, work.f6)
    _squash(squash, work.f6)


@_inlined
def _backward(switches, net, rates, velocity, gradient, work, seen, made):
    """From dE/dF6, which is in F6's bias gradient, down; updates the dense layers on the way.

    A bias's gradient is its unit's delta.
    """
    squash = switches.squash
    f6_delta, c5_delta = gradient.f6_bias, gradient.c5_bias
    _times_slopes(squash, f6_delta, work.f6)
    _dense_backward(
        switches, net.f6_weight, rates.f6_weight, velocity.f6_weight, work.c5, f6_delta, c5_delta
    )
    _times_slopes(squash, c5_delta, work.c5)
    _dense_backward(
        switches,
        net.c5_weight,
        rates.c5_weight,
        velocity.c5_weight,
        work.column,
        c5_delta,
        work.column_delta,
    )
    _unpack(work.column_delta, work.s4_delta)
    _times_slopes(switches.subsampling_squash, work.s4_delta, work.s4)
    _scale_and_shift_backward(
        work.s4_pooled,
        net.s4_weight,
        switches.pool_scale,
        work.s4_delta,
        gradient.s4_weight,
        gradient.s4_bias,
    )
    if switches.pool_max:
        _times_slopes(squash, work.s4_delta, work.s4_pooled)
        for i in range(0, work.s4.size, LANES):
            v.s4_to_maxima(work.c3, 4 * i, work.s4_pooled, i, work.s4_delta, i)
    else:
        _slopes(squash, work.c3)
        for i in range(0, work.s4.size, LANES):
            v.s4_times(work.c3, 4 * i, work.s4_delta, i)
    _sums(work.c3, gradient.c3_bias)
    work.s2_delta[:] = ZERO
    gradient.c3_weight[:] = ZERO
    for p in range(seen.size):
        i, o = seen[p] * 224, made[p] * 160
        v.c3_spread(work.s2_delta, i, work.c3, o, net.c3_weight, p * TAPS)
        v.c3_products(gradient.c3_weight, p * TAPS, work.c3, o, work.s2, i)
    _times_slopes(switches.subsampling_squash, work.s2_delta, work.s2)
    _scale_and_shift_backward(
        work.s2_pooled,
        net.s2_weight,
        switches.pool_scale,
        work.s2_delta,
        gradient.s2_weight,
        gradient.s2_bias,
    )
    if switches.pool_max:
        _times_slopes(squash, work.s2_delta, work.s2_pooled)
        for i in range(0, work.s2.size, LANES):
            v.s2_to_maxima(work.c1, 4 * i, work.s2_pooled, i, work.s2_delta, i)
    else:
        _slopes(squash, work.c1)
        for i in range(0, work.s2.size, LANES):
            v.s2_times(work.c1, 4 * i, work.s2_delta, i)
    _sums(work.c1, gradient.c1_bias)
    gradient.c1_weight[:] = ZERO
    for m in range(6):
        for y in range(0, 28, v.C1_BLOCK):
            for at in (32 * y, 32 * y + LANES):
                v.c1_products(gradient.c1_weight, m * TAPS, work.c1, m * 896 + at, work.image, at)


def _trainer(sources: str):
    """The loop over patterns, to be compiled; ``sources`` is there to be in the disk cache's key.

    Numba itself only notices changes to this file.
    """

    def train(images, labels, seen, made, switches, net, rates, velocity, gradient, work):
        """Learn patterns one after another; the sum of their losses and the number misread."""
        sources  # noqa: B018
        loss_sum = 0.0
        errors = 0
        shares = np.empty(10)
        side = images.shape[1]
        for n in range(images.shape[0]):
            for y in range(side):
                source, target = images[n, y], work.image[32 * y : 32 * y + side]
                for x in range(side):
                    target[x] = source[x]
            _forward(switches, net, work, seen, made)
            if switches.loss == CROSS_ENTROPY:
                _dense(net.output_weight, net.output_bias, work.f6, work.output)
                loss, read = _softmax(work.output, labels[n], shares, gradient.output_bias)
                _dense_backward(
                    switches,
                    net.output_weight,
                    rates.output_weight,
                    velocity.output_weight,
                    work.f6,
                    gradient.output_bias,
                    gradient.f6_bias,
                )
                _descend(
                    switches,
                    net.output_bias,
                    rates.output_bias,
                    velocity.output_bias,
                    gradient.output_bias,
                )
            else:
                loss, read = _rbf(
                    switches,
                    net.output_weight,
                    work.f6,
                    labels[n],
                    work.output,
                    shares,
                    gradient.f6_bias,
                )
            loss_sum += loss
            errors += read != labels[n]
            _backward(switches, net, rates, velocity, gradient, work, seen, made)
            _descend(switches, net.f6_bias, rates.f6_bias, velocity.f6_bias, gradient.f6_bias)
            _descend(switches, net.c5_bias, rates.c5_bias, velocity.c5_bias, gradient.c5_bias)
            _descend(
                switches, net.s4_weight, rates.s4_weight, velocity.s4_weight, gradient.s4_weight
            )
            _descend(switches, net.s4_bias, rates.s4_bias, velocity.s4_bias, gradient.s4_bias)
            _descend(
                switches, net.c3_weight, rates.c3_weight, velocity.c3_weight, gradient.c3_weight
            )
            _descend(switches, net.c3_bias, rates.c3_bias, velocity.c3_bias, gradient.c3_bias)
            _descend(
                switches, net.s2_weight, rates.s2_weight, velocity.s2_weight, gradient.s2_weight
            )
            _descend(switches, net.s2_bias, rates.s2_bias, velocity.s2_bias, gradient.s2_bias)
            _descend(
                switches, net.c1_weight, rates.c1_weight, velocity.c1_weight, gradient.c1_weight
            )
            _descend(switches, net.c1_bias, rates.c1_bias, velocity.c1_bias, gradient.c1_bias)
        return loss_sum, errors

    return train


def _compiled():
    """The loop over patterns, compiled on disk unless no cache directory is writable."""
    files = (Path(__file__), Path(v.__file__))
    python = _trainer(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest())
    try:
        return njit(cache=True, **OPTIONS)(python)
    except RuntimeError as error:
        _log.warning("the compiled loops are compiled anew in every process: %s", error)
        return njit(**OPTIONS)(python)


def forget_disk(error: Exception) -> None:
    """Compile in memory from now on, as the disk cache led to an error."""
    global train
    _log.warning("the compiled loops' disk cache is of no use (%s): compiling in memory", error)
    train = njit(**OPTIONS)(train.py_func)


train = _compiled()
