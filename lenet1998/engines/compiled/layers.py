"""The compiled engine's loops, layer by layer; ``whole_pass`` strings them up.

Every recipe runs through the same machine code: a switch is a number that the loops read (which
squashing function, which loss), so that one compilation serves them all.

Maps are stored with padding, each row a whole number of vectors: C1's 28 columns in 32, C3's 10
in 16. Padding holds finite leftovers in the forward pass and exact zeros in the backward pass, so
that nothing has to be masked. Blocks of vectors may run a little over an array's end: every array
written here has room around it. Deltas, dE/d(a unit's activation), overwrite the states they belong
to where those have served.
"""

from types import ModuleType
from typing import NamedTuple

import numpy as np
from numba import config, njit

from lenet1998.engines.compiled import vectors as v
from lenet1998.engines.compiled.vectors import LANES

# NaN and infinity must stay what they are: a diverged loss has to be seen.
OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}
# Inlined, or the process that compiles would run other machine code than those that load it from
# disk: a function of its own in memory goes before its copy in what was compiled.
_njit = njit(forceinline=True, **OPTIONS)

if config.DISABLE_JIT:
    raise ImportError("NUMBA_DISABLE_JIT is set")


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
    features: bool  # whether C1 to S4 learn


DISTANCE, DISCRIMINATIVE, CROSS_ENTROPY = range(3)

ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)
LN2, LOG2_E = np.float32(np.log(2)), np.float32(np.log2(np.e))
BETA_1, BETA_2 = 0.9, 0.999  # torch's defaults for Adam, and so is epsilon
B1, B2, EPSILON = np.float32(BETA_1), np.float32(BETA_2), np.float32(1e-8)
SATURATION = np.float32(18.2)  # tanh is 1 in float32 from half of this on
# e^r = 1 + r + r^2 (E2 + r E3 + ...) for |r| <= ln(2) / 2: minimax, relative error of e^r - 1 1e-8.
E2, E3, E4, E5, E6 = map(
    np.float32, (0.49999997, 0.16666539, 0.041667223, 0.008367181, 0.0013882392)
)


@_njit
def squash(f, states):
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


@_njit
def _slope(f, y):
    """f' where f's value is y."""
    return ZERO if y <= f.floor else f.constant + y * (f.linear + y * f.square)


@_njit
def _slopes(f, states):
    """f's values <- f', in place."""
    for i in range(states.size):
        states[i] = _slope(f, states[i])


@_njit
def times_slopes(f, delta, values):
    """From dE/d(f's values) to dE/d(its arguments), in place."""
    for i in range(delta.size):
        delta[i] *= _slope(f, values[i])


@_njit
def _map(maps, size, m):
    # A view: LLVM vectorises loops over it, but not loops that start at m * size.
    return maps[m * size : (m + 1) * size]


@_njit
def _scale_and_shift(pooled, weight, bias, scale, out):
    """A subsampling layer's activations, map by map."""
    size = pooled.size // weight.size
    for c in range(weight.size):
        w, b = scale * weight[c], bias[c]
        source, target = _map(pooled, size, c), _map(out, size, c)
        for i in range(size):
            target[i] = w * source[i] + b


@_njit
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


@_njit
def map_sums(maps, out):
    """Each map's sum."""
    size = maps.size // out.size
    for m in range(out.size):
        source = _map(maps, size, m)
        total = ZERO
        for i in range(size):
            total += source[i]
        out[m] = total


@_njit
def fill_maps(maps, values):
    """Set each map to one value."""
    size = maps.size // values.size
    for m in range(values.size):
        target = _map(maps, size, m)
        value = values[m]
        for i in range(size):
            target[i] = value


def subsampling(microkernels: ModuleType, pitch: int):
    """The forward and the backward pass of a subsampling layer whose maps have such rows."""
    sums = microkernels.window_sums(pitch=pitch)
    maxima = microkernels.window_maxima(pitch=pitch)
    times = microkernels.times_windows(pitch=pitch)
    to_maxima = microkernels.to_maxima(pitch=pitch)

    @_njit
    def forward(switches, maps, weight, bias, pooled, out):
        """Pool, scale, shift and squash; keeps the windows' sums (or maxima) in ``pooled``."""
        for i in range(0, pooled.size, LANES):
            if switches.pool_max:
                maxima(pooled, i, maps, 4 * i)
            else:
                sums(pooled, i, maps, 4 * i)
        _scale_and_shift(pooled, weight, bias, switches.pool_scale, out)
        squash(switches.subsampling_squash, out)

    @_njit
    def backward(switches, maps, weight, pooled, out, delta, by_weight, by_bias):
        """From dE/d(out) in ``delta`` to the deltas of ``maps``, in place, and the gradients."""
        times_slopes(switches.subsampling_squash, delta, out)
        _scale_and_shift_backward(pooled, weight, switches.pool_scale, delta, by_weight, by_bias)
        if switches.pool_max:
            times_slopes(switches.squash, delta, pooled)
            for i in range(0, pooled.size, LANES):
                to_maxima(maps, 4 * i, pooled, i, delta, i)
        else:
            _slopes(switches.squash, maps)
            for i in range(0, pooled.size, LANES):
                times(maps, 4 * i, delta, i)

    return forward, backward


@_njit
def pack(maps, column):
    """The 5x5 (or 4x4) corners of S4's padded maps as one column."""
    side = 5 if column.size == 400 else 4
    k = 0
    for top in range(0, maps.size, 8 * 5):
        for row in range(top, top + 8 * side, 8):
            for x in range(8):  # what is too much, the next row overwrites
                column[k + x] = maps[row + x]
            k += side


@_njit
def unpack(column, maps):
    """The inverse of ``pack``, with 0 in the padding."""
    side = 5 if column.size == 400 else 4
    k = 0
    for top in range(0, maps.size, 8 * 5):
        for row in range(top, top + 8 * side, 8):
            for x in range(8):
                maps[row + x] = column[k + x] if x < side else ZERO
            k += side


@_njit
def dense(weight, bias, inputs, out):
    """out = weight inputs + bias."""
    for i in range(out.size):
        row = weight[i * inputs.size : (i + 1) * inputs.size]
        total = ZERO
        for j in range(inputs.size):
            total += row[j] * inputs[j]
        out[i] = total + bias[i]


@_njit
def dense_backward(switches, weight, rates, velocity, inputs, delta, inputs_delta):
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


@_njit
def descend(switches, values, rates, velocity, gradient):
    """One update of one parameter."""
    if switches.sgd:
        for i in range(values.size):
            velocity[i] = switches.momentum * velocity[i] + gradient[i]
            values[i] -= rates[i] * velocity[i]
    else:
        for i in range(values.size):
            values[i] -= rates[i] * gradient[i]


@_njit
def adam(values, rates, gradient, first, second, step):
    """Adam's update number ``step`` of one parameter, as torch's: its moments, then its values."""
    root = np.float32(np.sqrt(1 - BETA_2**step))
    larger = np.float32(1 / (1 - BETA_1**step))
    for i in range(rates.size):  # as many as are learnt: none of the codes
        g = gradient[i]
        first[i] += (g - first[i]) * (ONE - B1)
        second[i] = B2 * second[i] + (ONE - B2) * g * g
        values[i] -= rates[i] * larger * first[i] / (np.sqrt(second[i]) / root + EPSILON)


@_njit
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


@_njit
def rbf(switches, codes, f6, label, output, shares, f6_delta):
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


@_njit
def softmax(output, label, shares, output_delta):
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
