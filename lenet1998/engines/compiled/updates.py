"""The updates in loops: descent with a rate for each weight, with momentum, and Adam's."""

import numpy as np

from lenet1998.engines.compiled.switches import inline
from lenet1998.engines.compiled.vectors import fma

BETA_1, BETA_2 = 0.9, 0.999  # torch's defaults for Adam, and so is epsilon
B2, EPSILON = np.float32(BETA_2), np.float32(1e-8)
NEW_1, NEW_2 = np.float32(1 - BETA_1), np.float32(1 - BETA_2)  # not 1 less a rounded number


@inline
def power(base, exponent):
    """base to a whole exponent > 0, by squaring."""
    result = 1.0
    while exponent:
        if exponent % 2:
            result *= base
        base *= base
        exponent //= 2
    return result


@inline
def divide(values, by):
    """Each value by a number."""
    for i in range(values.size):
        values[i] /= by


@inline
def descend(values, rates, gradient, size):
    """values <- values - rates gradient."""
    for i in range(size):
        values[i] = fma(-rates[i], gradient[i], values[i])


@inline
def descend_with_momentum(values, rates, gradient, velocity, momentum):
    """The same along a velocity."""
    for i in range(values.size):
        velocity[i] = fma(momentum, velocity[i], gradient[i])
        values[i] = fma(-rates[i], velocity[i], values[i])


@inline
def descend_by_adam(values, rates, gradient, first, second, step):
    """Adam's update number ``step``, as torch's: its moments, then its values."""
    root = np.float32(np.sqrt(1 - power(BETA_2, step)))
    larger = np.float32(1 / (1 - power(BETA_1, step)))
    for i in range(values.size):
        g = gradient[i]
        first[i] = fma(g - first[i], NEW_1, first[i])
        second[i] = fma(NEW_2 * g, g, B2 * second[i])
        values[i] -= rates[i] * larger * first[i] / (np.sqrt(second[i]) / root + EPSILON)
