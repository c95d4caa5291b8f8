"""One pattern after another, compiled: forward pass, backward pass and update from end to end."""

import hashlib
import logging
from pathlib import Path
from types import FunctionType, ModuleType
from typing import NamedTuple

import numpy as np
from numba import njit

from lenet1998.engines.compiled import layers as loops
from lenet1998.engines.compiled import vectors
from lenet1998.engines.compiled.vectors import LANES, TAPS

logger = logging.getLogger(__name__)


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
    c5_bias: np.ndarray
    f6_bias: np.ndarray
    output_bias: np.ndarray
    # The dense layers' weights, last because they alone are updated as the backward pass goes.
    c5_weight: np.ndarray  # 120 x 400 (or 256)
    f6_weight: np.ndarray  # 84 x 120
    output_weight: np.ndarray  # 10 (or 11) x 84; the codes, if the output is RBF


DENSE = 3
S2_MAP, C1_MAP, C3_MAP = 14 * 16, 28 * 32, 10 * 16  # floats from one map to the next
S4_MAP = 5 * 8


class Workspace(NamedTuple):
    """One pattern's states."""

    image: np.ndarray  # 32 x 32
    c1: np.ndarray  # 6 x 28 x 32, then its deltas
    s2_pooled: np.ndarray  # 6 x 14 x 16
    s2: np.ndarray
    s2_delta: np.ndarray
    c3: np.ndarray  # 16 x 10 x 16, then its deltas
    s4_pooled: np.ndarray  # 16 x 5 x 8
    s4: np.ndarray
    s4_delta: np.ndarray
    column: np.ndarray  # 400 (or 256): S4 without its padding
    column_delta: np.ndarray
    c5: np.ndarray  # 120
    f6: np.ndarray  # 84
    output: np.ndarray  # 10, or 11 with a blank class


def aligned_zeros(size: int) -> np.ndarray:
    """Zeros that start on a cache line, with a cache line to spare at either end."""
    memory = np.zeros(size + 3 * LANES, np.float32)
    first = LANES + (-memory.ctypes.data // memory.itemsize) % LANES
    return memory[first : first + size]


def workspace(features: int, classes: int) -> Workspace:
    """Zeros for a network whose S4 has so many units, and its output so many classes."""
    s2, s4 = 6 * S2_MAP, 16 * S4_MAP
    maps = (6 * C1_MAP, s2, s2, s2, 16 * C3_MAP, s4, s4, s4)
    return Workspace(*map(aligned_zeros, (32 * 32, *maps, features, features, 120, 84, classes)))


_inlined = njit(inline="always", **loops.OPTIONS)  # not compiled on its own


@_inlined
def _loss(switches, net, rates, velocity, gradient, work, label, shares):
    """The loss and the label read; leaves dE/dF6 in the gradient of F6's bias."""
    f6_delta, output_delta = gradient.f6_bias, gradient.output_bias
    if switches.loss == loops.CROSS_ENTROPY:
        weight, rate, speed = net.output_weight, rates.output_weight, velocity.output_weight
        loops.dense(weight, net.output_bias, work.f6, work.output)
        loss, read = loops.softmax(work.output, label, shares, output_delta)
        loops.dense_backward(switches, weight, rate, speed, work.f6, output_delta, f6_delta)
    else:
        codes = net.output_weight
        loss, read = loops.rbf(switches, codes, work.f6, label, work.output, shares, f6_delta)
    return loss, read


def _forward_and_backward(microkernels: ModuleType):
    """The forward and the backward pass, with one set of microkernels."""
    m = microkernels
    blocks = m.C1_BLOCKS
    c1_correlate = m.correlate(rows=m.C1_ROWS, pitch=32)
    c1_products = m.products(rows=m.C1_ROWS, pitch=32)
    c3_correlate = m.correlate(rows=10, pitch=16)
    c3_spread = m.spread(rows=10, pitch=16)
    c3_products = m.products(rows=10, pitch=16)
    s2, s2_backward = loops.subsampling(m, pitch=32)
    s4, s4_backward = loops.subsampling(m, pitch=16)

    @_inlined
    def forward(switches, net, work, seen, made):
        """From the image to F6."""
        squash = switches.squash
        loops.fill_maps(work.c1, net.c1_bias)
        for m in range(6):
            for at in blocks:
                c1_correlate(work.c1, m * C1_MAP + at, work.image, at, net.c1_weight, m * TAPS)
        loops.squash(squash, work.c1)
        s2(switches, work.c1, net.s2_weight, net.s2_bias, work.s2_pooled, work.s2)
        loops.fill_maps(work.c3, net.c3_bias)
        for p in range(seen.size):
            i, o = seen[p] * S2_MAP, made[p] * C3_MAP
            c3_correlate(work.c3, o, work.s2, i, net.c3_weight, p * TAPS)
        loops.squash(squash, work.c3)
        s4(switches, work.c3, net.s4_weight, net.s4_bias, work.s4_pooled, work.s4)
        loops.pack(work.s4, work.column)
        loops.dense(net.c5_weight, net.c5_bias, work.column, work.c5)
        loops.squash(squash, work.c5)
        loops.dense(net.f6_weight, net.f6_bias, work.c5, work.f6)
        loops.squash(squash, work.f6)

    @_inlined
    def backward_below(switches, net, gradient, work, seen, made):
        """From what C5 passes down to the gradients of S4 to C1."""
        loops.unpack(work.column_delta, work.s4_delta)
        s4_backward(
            switches,
            work.c3,
            net.s4_weight,
            work.s4_pooled,
            work.s4,
            work.s4_delta,
            gradient.s4_weight,
            gradient.s4_bias,
        )
        loops.map_sums(work.c3, gradient.c3_bias)
        work.s2_delta[:] = loops.ZERO
        gradient.c3_weight[:] = loops.ZERO
        for p in range(seen.size):
            i, o = seen[p] * S2_MAP, made[p] * C3_MAP
            c3_spread(work.s2_delta, i, work.c3, o, net.c3_weight, p * TAPS)
            c3_products(gradient.c3_weight, p * TAPS, work.c3, o, work.s2, i)
        s2_backward(
            switches,
            work.c1,
            net.s2_weight,
            work.s2_pooled,
            work.s2,
            work.s2_delta,
            gradient.s2_weight,
            gradient.s2_bias,
        )
        loops.map_sums(work.c1, gradient.c1_bias)
        gradient.c1_weight[:] = loops.ZERO
        for m in range(6):
            for at in blocks:
                c1_products(gradient.c1_weight, m * TAPS, work.c1, m * C1_MAP + at, work.image, at)

    @_inlined
    def backward(switches, net, rates, velocity, gradient, work, seen, made):
        """From dE/dF6 down to the gradients; the dense layers are updated on the way.

        The gradient of a bias of C5 or F6 is its unit's delta.
        """
        f6_delta, c5_delta = gradient.f6_bias, gradient.c5_bias
        loops.times_slopes(switches.squash, f6_delta, work.f6)
        weight, rate, speed = net.f6_weight, rates.f6_weight, velocity.f6_weight
        loops.dense_backward(switches, weight, rate, speed, work.c5, f6_delta, c5_delta)
        loops.times_slopes(switches.squash, c5_delta, work.c5)
        weight, rate, speed = net.c5_weight, rates.c5_weight, velocity.c5_weight
        loops.dense_backward(
            switches, weight, rate, speed, work.column, c5_delta, work.column_delta
        )
        if switches.features:
            backward_below(switches, net, gradient, work, seen, made)

    return forward, backward


def _over_patterns(sources: str):
    """The loops over patterns, to be compiled; ``sources`` is there to be in their cache's key.

    Numba on its own would only notice changes to this file. :class:`Pass` provides ``forward`` and
    ``backward``.
    """

    def train(images, labels, seen, made, switches, net, rates, velocity, gradient, work):
        """Learn patterns one after another; the sum of their losses and the number misread.

        C3's kernel p leads from S2's map ``seen[p]`` to C3's map ``made[p]``.
        """
        sources  # noqa: B018
        loss_sum = 0.0
        errors = 0
        shares = np.empty(work.output.size)
        for n in range(labels.size):
            image = images[n]
            for i in range(image.size):
                work.image[i] = image[i]
            forward(switches, net, work, seen, made)  # noqa: F821
            loss, read = _loss(switches, net, rates, velocity, gradient, work, labels[n], shares)
            loss_sum += loss
            errors += read != labels[n]
            backward(switches, net, rates, velocity, gradient, work, seen, made)  # noqa: F821
            for k in range(len(net) - DENSE):
                loops.descend(switches, net[k], rates[k], velocity[k], gradient[k])
        return loss_sum, errors

    def train_adam(
        images,
        labels,
        seen,
        made,
        switches,
        net,
        rates,
        velocity,
        gradient,
        work,
        etas,
        first,
        second,
        step,
    ):
        """The same with Adam, whose rates are ``etas`` and whose moments are updated in place.

        ``rates`` are 0 and the momentum, too, so that the dense layers' gradients end in
        ``velocity``. ``step`` is how many patterns came before.
        """
        sources  # noqa: B018
        loss_sum = 0.0
        errors = 0
        shares = np.empty(work.output.size)
        for n in range(labels.size):
            image = images[n]
            for i in range(image.size):
                work.image[i] = image[i]
            forward(switches, net, work, seen, made)  # noqa: F821
            loss, read = _loss(switches, net, rates, velocity, gradient, work, labels[n], shares)
            loss_sum += loss
            errors += read != labels[n]
            backward(switches, net, rates, velocity, gradient, work, seen, made)  # noqa: F821
            t = step + n + 1
            for k in range(len(net) - DENSE):
                loops.adam(net[k], etas[k], gradient[k], first[k], second[k], t)
            for k in range(len(net) - DENSE, len(net)):
                loops.adam(net[k], etas[k], velocity[k], first[k], second[k], t)
        return loss_sum, errors

    def features(images, seen, made, switches, net, work, f6):
        """F6's states for patterns, one after another, into ``f6``."""
        sources  # noqa: B018
        for n in range(len(images)):
            image = images[n]
            for i in range(image.size):
                work.image[i] = image[i]
            forward(switches, net, work, seen, made)  # noqa: F821
            for i in range(work.f6.size):
                f6[n, i] = work.f6[i]

    return train, train_adam, features


class Pass:
    """The loops over patterns, compiled.

    Args:
        microkernels: the module of those that they are built from.

    Attributes:
        train, train_adam, features: what :func:`_over_patterns` says; on disk unless no cache
            directory is writable.
    """

    def __init__(self, microkernels: ModuleType):
        modules = (__file__, loops.__file__, vectors.__file__, microkernels.__file__)
        sources = b"".join(Path(module).read_bytes() for module in modules)
        # As globals: in a closure, Numba would pickle them into the disk cache's key, and they are
        # pickled differently in every process.
        forward, backward = _forward_and_backward(microkernels)
        scope = {**globals(), "forward": forward, "backward": backward}
        made = (
            FunctionType(python.__code__, scope, closure=python.__closure__)
            for python in _over_patterns(hashlib.sha256(sources).hexdigest())
        )
        self._functions = dict(zip(("train", "train_adam", "features"), made, strict=True))
        try:
            self._compile(cache=True)
        except RuntimeError as error:
            logger.warning("the compiled loops are compiled anew in every process: %s", error)
            self._compile()

    def _compile(self, **options) -> None:
        for name, function in self._functions.items():
            setattr(self, name, njit(**options, **loops.OPTIONS)(function))

    def forget_disk(self, error: Exception) -> None:
        """Compile in memory from now on, as the disk cache led to an error."""
        logger.warning(
            "the compiled loops' disk cache is of no use (%s): compiling in memory", error
        )
        self._compile()


PASS = Pass(vectors)
