"""The CUDA kernel that trains one network per thread block (see ``engine``).

A block owns one run for a whole launch and walks that run's own order of the patterns, so nothing
is shared between runs and each is as stochastic as on one core. Within a block, threads divide a
layer's units among themselves, with a barrier between layers. Each unit's arithmetic is laid out by
the unit and not by the thread, so the result does not depend on the number of threads.

C1, S2, C3, S4 and all activations live in static shared memory (at most 48 KiB, so that no device
needs an opt-in attribute); the weights from C5 on, nearly all there are, and the rates, in global
memory, each touched once forwards and once backwards, where the update follows at once.

A layer's deltas (the loss differentiated by the units' weighted sums a_i) overwrite its outputs.
"""

import functools
import itertools
import math
from collections.abc import Callable

import numpy as np
from numba import config, cuda

from lenet1998 import paper
from lenet1998.recipes import NETWORK_SWITCHES

SWITCHES = (*NETWORK_SWITCHES, "loss", "rubbish_j", "half_distance", "optimizer", "momentum")
_LANES = 8  # partial sums of a dense unit: eight neighbouring floats are one sector of memory
LAYERS = ("c1", "s2", "c3", "s4", "c5", "f6", "output")  # in whose order the rates come
C1, S2, C3, S4, C5, F6, OUTPUT = range(7)
_BATCH = 12  # weights in flight at once when learning; divides C5's 120 and F6's 84 units

# An index `k & NATURAL` is k, but the compiler then knows that it is not negative, and leaves out
# what counts indices from the end: about half of the instructions in the inner loops.
NATURAL = 0xFFFFF

# Without these, Python's numbers would make all arithmetic float64.
ZERO, QUARTER, ONE, TWO = (np.float32(x) for x in (0, 0.25, 1, 2))


def _device(function: Callable) -> Callable:
    return cuda.jit(device=True)(function)


def _squashing(kind: str) -> tuple[Callable, Callable]:
    """f as a function of the weighted sum, and f' as a function of f's value."""
    a, s = np.float32(paper.TANH_AMPLITUDE), np.float32(paper.TANH_SLOPE)
    ratio = np.float32(paper.TANH_SLOPE / paper.TANH_AMPLITUDE)
    value, slope = {
        "scaled_tanh": (lambda x: a * math.tanh(s * x), lambda y: ratio * ((a - y) * (a + y))),
        "tanh": (lambda x: ONE * math.tanh(x), lambda y: (ONE - y) * (ONE + y)),
        "relu": (lambda x: ZERO if x < ZERO else x, lambda y: ONE if y > ZERO else ZERO),
        "logistic": (lambda x: ONE / (ONE + ONE * math.exp(-x)), lambda y: y * (ONE - y)),
        "none": (lambda x: x, lambda y: ONE),
    }[kind]
    return _device(value), _device(slope)


def _pooling(kind: str, slope: Callable) -> tuple[Callable, Callable]:
    """Pooling of a 2x2 window in S2 and S4, and the way back through it.

    ``slope`` is f' of the units below. A window is named by its first unit and the map's width.
    """

    @_device
    def pooled(maps, corner, width):
        above = corner + width
        if kind == "max":
            return max(max(maps[corner], maps[corner + 1]), max(maps[above], maps[above + 1]))
        total = (maps[corner] + maps[corner + 1]) + (maps[above] + maps[above + 1])
        return total if kind == "trainable" else QUARTER * total

    @_device
    def spread(maps, corner, width, delta):
        """Replace a window's outputs by their deltas, ``delta`` being that of the window's sum."""
        if kind == "max":
            best = corner  # the first of equals, as torch has it
            for k in range(1, 4):
                unit = corner + k // 2 * width + k % 2
                if maps[unit] > maps[best]:
                    best = unit
            for k in range(4):
                unit = corner + k // 2 * width + k % 2
                maps[unit] = delta * slope(maps[unit]) if unit == best else ZERO
        else:
            share = delta if kind == "trainable" else QUARTER * delta
            for k in range(4):
                unit = corner + k // 2 * width + k % 2
                maps[unit] = share * slope(maps[unit])

    return pooled, spread


def _column_sums(rows: int) -> tuple[Callable, Callable]:
    """The two inner loops of a 5x5 convolution, on a column of ``rows`` units held in registers."""
    height = rows + 4

    @_device
    def convolve(source, corner, width, weights, kernel, sums):
        r"""Add :math:`\sum_{uv} k_{uv} x_{y+u,v}` to each of the column's units y."""
        column = cuda.local.array(height, np.float32)
        for v in range(5):
            v &= NATURAL
            for y in range(height):
                column[y] = source[corner + v + y * width]
            for u in range(5):
                w = weights[kernel + v + 5 * u]
                for y in range(rows):
                    sums[y] += w * column[y + u]

    @_device
    def correlate(deltas, top, delta_width, source, corner, width, sums):
        r"""Add :math:`\sum_y \delta_y x_{y+u}` for the taps u = 0..4, and for the bias."""
        held = cuda.local.array(rows, np.float32)
        column = cuda.local.array(height, np.float32)
        for y in range(rows):
            held[y] = deltas[top + y * delta_width]
            sums[5] += held[y]
        for y in range(height):
            column[y] = source[corner + y * width]
        for u in range(5):
            for y in range(rows):
                sums[u] += held[y] * column[y + u]

    return convolve, correlate


def _learning(optimizer: str, momentum: float) -> tuple[Callable, Callable]:
    """The update of one weight, and of a batch of a dense layer's weights.

    ``side`` is what is kept per weight: SDLM's rate, or the velocity.
    """
    momentum, momentous, sdlm = np.float32(momentum), momentum > 0, optimizer == "sdlm"
    keeps = momentous or sdlm

    @_device
    def change(weights, k, w, side, s, gradient, eta):
        if sdlm:
            weights[k] = w - s * gradient
        elif momentous:
            velocity = momentum * s + gradient
            side[k] = velocity
            weights[k] = w - eta * velocity
        else:
            weights[k] = w - eta * gradient

    @_device
    def learn(weights, k, side, gradient, eta):
        change(weights, k, weights[k], side, side[k] if keeps else ZERO, gradient, eta)

    @_device
    def descend(weights, first, inputs, x, deltas, unit, side, eta):
        """Return what ``_BATCH`` units send back to one of their inputs x; then let them learn."""
        held = cuda.local.array(_BATCH, np.float32)
        kept = cuda.local.array(_BATCH, np.float32)
        # All loads before the first store: the compiler must assume that the arrays overlap, and
        # would wait for memory once per weight.
        for k in range(_BATCH):
            held[k] = weights[first + k * inputs]
            kept[k] = side[first + k * inputs] if keeps else ZERO
        total = ZERO
        for k in range(_BATCH):
            delta = deltas[unit + k]
            total += held[k] * delta
            change(weights, first + k * inputs, held[k], side, kept[k], delta * x, eta)
        return total

    return learn, descend


def _output(loss: str, factor: float, j: float) -> tuple[Callable, Callable, Callable]:
    """Partial outputs, the loss with its derivatives, and the way back to F6, each as a stage."""
    rbf, distance = loss != "cross_entropy", loss == "distance"
    factor, rubbish = np.float32(factor), np.float32(-j)

    @_device
    def term(w, x):
        return (x - w) * (x - w) if rbf else w * x

    @_device
    def judge(y, label):
        """The loss and the decision; y becomes dE/dy. Run by one thread."""
        right = y[label]
        best = 0
        for i in range(1, 10):
            if (y[i] < y[best]) if rbf else (y[i] > y[best]):
                best = i
        if distance:
            for i in range(10):
                y[i] = factor if i == label else ZERO
            return factor * right, best
        # Scores with the largest first taken off: the log-sum-exp never overflows.
        top = max(rubbish, -factor * y[best]) if rbf else y[best]
        total = ONE * math.exp(rubbish - top) if rbf else ZERO
        for i in range(10):
            y[i] = math.exp((-factor * y[i] if rbf else y[i]) - top)
            total += y[i]
        normaliser = top + ONE * math.log(total)
        for i in range(10):
            share = y[i] / total - (ONE if i == label else ZERO)
            y[i] = -factor * share if rbf else share
        return (factor * right if rbf else -right) + normaliser, best

    @_device
    def back(slope, w, x):
        """One output's part in dE/dx."""
        return slope * TWO * (x - w) if rbf else slope * w

    return term, judge, back


@functools.cache
def build(switches: tuple, layout: tuple, threads: int) -> Callable:
    """The kernel for a recipe's switches, compiled when it is first launched.

    Args:
        switches: pairs of :data:`SWITCHES` and their values.
        layout: pairs of parameter names and numbers of elements, in the packed order.
        threads: per block.
    """
    chosen = dict(switches)
    size, linear = chosen["input_size"], chosen["output"] == "linear"
    trainable = chosen["pooling"].startswith("trainable")
    n1, n2, n3, n4 = size - 4, (size - 4) // 2, (size - 4) // 2 - 4, ((size - 4) // 2 - 4) // 2
    inputs5 = 16 * n4 * n4
    # Units of a map's column that one thread works on at once, and how many such strips there are.
    strips1, strips2, strips3 = 4, 2, 2
    rows1, rows2, rows3 = n1 // strips1, n2 // strips2, n3 // strips3
    reach2 = rows2 + 4
    chunks = n1 // 4  # of four columns each, for C1's kernels: their 784 terms would be too serial
    ends = itertools.accumulate(count for _, count in layout)
    at = {name: end - count for (name, count), end in zip(layout, ends, strict=True)}
    w1, w3, w5, w6 = (at[f"{layer}.weight"] for layer in ("c1", "c3", "c5", "f6"))
    w2, w4, w7 = (at.get(f"{layer}.weight", 0) for layer in ("s2", "s4", "output"))
    b5, b6, b7 = at["c5.bias"], at["f6.bias"], at.get("output.bias", 0)
    near_count = w5  # the parameters kept in shared memory: all before C5's

    table = paper.C3_TABLE if chosen["c3"] == "table" else [range(6)] * 16
    links = [(i, o) for o, row in enumerate(table) for i in row]
    pairs, b3 = len(links), w3 + 25 * len(links)
    input_of = np.array([i for i, _ in links], np.uint32)
    output_of = np.array([o for _, o in links], np.uint32)
    first_pair = np.searchsorted(output_of, np.arange(17)).astype(np.int32)
    uses = np.argsort(input_of, kind="stable").astype(np.uint32)  # pairs by input map
    first_use = np.searchsorted(input_of[uses], np.arange(7)).astype(np.int32)

    squash, slope = _squashing(chosen["squash"])
    squash_pooled, slope_pooled = _squashing(chosen["subsampling_squash"])
    pooled, spread = _pooling(chosen["pooling"], slope)
    convolve1, _ = _column_sums(rows1)
    convolve3, _ = _column_sums(rows3)
    _, correlate1 = _column_sums(n1 // 2)
    _, correlate3 = _column_sums(n3)
    learn, descend = _learning(chosen["optimizer"], chosen["momentum"])
    factor = 0.5 if chosen["half_distance"] else 1.0
    term, judge, back = _output(chosen["loss"], factor, chosen["rubbish_j"])

    count1, count2, count3 = 6 * n1 * n1, 6 * n2 * n2, 16 * n3 * n3
    scratch_count = max(count2, _LANES * 120)

    @_device
    def c1_forward(image, near, c1):
        sums = cuda.local.array(rows1, np.float32)
        for item in range(cuda.threadIdx.x, 6 * strips1 * n1, threads):
            item &= NATURAL
            x, strip, m = item % n1, item // n1 % strips1, item // (strips1 * n1)
            for y in range(rows1):
                sums[y] = near[w1 + 150 + m]
            convolve1(image, strip * rows1 * size + x, size, near, w1 + 25 * m, sums)
            for y in range(rows1):
                c1[(m * n1 + strip * rows1 + y) * n1 + x] = squash(sums[y])

    @_device
    def subsample(maps, near, w, channels, side, out):
        for item in range(cuda.threadIdx.x, channels * side * side, threads):
            item &= NATURAL
            a = pooled(maps, item // side * 4 * side + 2 * (item % side), 2 * side)
            if trainable:
                m = item // (side * side)
                a = near[w + m] * a + near[w + channels + m]
            out[item] = squash_pooled(a)

    @_device
    def c3_forward(s2, near, c3):
        sums = cuda.local.array(rows3, np.float32)
        for item in range(cuda.threadIdx.x, 16 * strips3 * n3, threads):
            item &= NATURAL
            x, strip, o = item % n3, item // n3 % strips3, item // (strips3 * n3)
            for y in range(rows3):
                sums[y] = near[b3 + o]
            for pair in range(first_pair[o], first_pair[o + 1]):
                pair &= NATURAL
                corner = (input_of[pair] * n2 + strip * rows3) * n2 + x
                convolve3(s2, corner, n2, near, w3 + 25 * pair, sums)
            for y in range(rows3):
                c3[(o * n3 + strip * rows3 + y) * n3 + x] = squash(sums[y])

    def dense(w, b, inputs, outputs, in_flight):
        """A dense layer's stage; ``in_flight`` weights are asked for before the first is needed."""
        step = _LANES * in_flight

        @_device
        def forward(row, x, out, scratch):
            for item in range(cuda.threadIdx.x, _LANES * outputs, threads):
                item &= NATURAL
                o, lane = item // _LANES, item % _LANES
                total = ZERO
                for i in range(0, inputs, step):
                    i = (i & NATURAL) + lane
                    for k in range(in_flight):
                        total += row[w + o * inputs + i + k * _LANES] * x[i + k * _LANES]
                scratch[lane * outputs + o] = total
            cuda.syncthreads()
            for o in range(cuda.threadIdx.x, outputs, threads):
                o &= NATURAL
                total = row[b + o]
                for lane in range(_LANES):
                    total += scratch[lane * outputs + o]
                out[o] = squash(total)

        return forward

    c5_forward = dense(w5, b5, inputs5, 120, 10 if size == 32 else 8)
    f6_forward = dense(w6, b6, 120, 84, 15)

    @_device
    def output_forward(row, codes, f6, y, scratch):
        for item in range(cuda.threadIdx.x, _LANES * 10, threads):
            item &= NATURAL
            i, lane = item // _LANES, item % _LANES
            total = ZERO
            for j in range(lane, 84, _LANES):
                j &= NATURAL
                total += term(row[w7 + 84 * i + j] if linear else codes[84 * i + j], f6[j])
            scratch[lane * 10 + i] = total
        cuda.syncthreads()
        for i in range(cuda.threadIdx.x, 10, threads):
            i &= NATURAL
            total = row[b7 + i] if linear else ZERO
            for lane in range(_LANES):
                total += scratch[lane * 10 + i]
            y[i] = total

    @_device
    def output_backward(row, codes, side, etas, y, f6):
        for j in range(cuda.threadIdx.x, 84, threads):
            j &= NATURAL
            x = f6[j]
            total = ZERO
            for i in range(10):
                total += back(y[i], row[w7 + 84 * i + j] if linear else codes[84 * i + j], x)
                if linear:
                    learn(row, w7 + 84 * i + j, side, y[i] * x, etas[OUTPUT])
            if linear and j < 10:
                learn(row, b7 + j, side, y[j], etas[OUTPUT])
            f6[j] = total * slope(x)
            learn(row, b6 + j, side, f6[j], etas[F6])

    @_device
    def f6_backward(row, side, etas, f6, c5, scratch):
        for item in range(cuda.threadIdx.x, 840, threads):  # 84 / 12 = 7 batches for each input
            item &= NATURAL
            i, unit = item % 120, item // 120 * _BATCH
            scratch[item] = descend(row, w6 + 120 * unit + i, 120, c5[i], f6, unit, side, etas[F6])
        cuda.syncthreads()
        for i in range(cuda.threadIdx.x, 120, threads):
            i &= NATURAL
            total = ZERO
            for k in range(i, 840, 120):
                total += scratch[k]
            c5[i] = total * slope(c5[i])
            learn(row, b5 + i, side, c5[i], etas[C5])

    @_device
    def c5_backward(row, near, side, etas, c5, s4, c3, scratch):
        for i in range(cuda.threadIdx.x, inputs5, threads):
            i &= NATURAL
            x = s4[i]
            total = ZERO
            for unit in range(0, 120, _BATCH):
                unit &= NATURAL
                first = w5 + inputs5 * unit + i
                total += descend(row, first, inputs5, x, c5, unit, side, etas[C5])
            total *= slope_pooled(x)
            corner = i // n4 * 4 * n4 + 2 * (i % n4)
            scratch[i] = total
            s4[i] = total * pooled(c3, corner, 2 * n4)
            spread(c3, corner, 2 * n4, near[w4 + i // (n4 * n4)] * total if trainable else total)
        cuda.syncthreads()
        if trainable:
            for item in range(cuda.threadIdx.x, 32, threads):  # 16 coefficients, 16 biases
                item &= NATURAL
                first = item % 16 * n4 * n4
                total = ZERO
                for i in range(first, first + n4 * n4):
                    i &= NATURAL
                    total += s4[i] if item < 16 else scratch[i]
                learn(near, w4 + item, side, total, etas[S4])
            cuda.syncthreads()  # before the scratch is written again

    @_device
    def c3_backward(near, side, etas, c3, s2, deltas):
        above = cuda.local.array(rows2, np.float32)
        column = cuda.local.array(reach2, np.float32)
        for item in range(cuda.threadIdx.x, 6 * strips2 * n2, threads):
            item &= NATURAL
            x, y, i = item % n2, item // n2 % strips2 * rows2, item // (strips2 * n2)
            for k in range(rows2):
                above[k] = ZERO
            for use in range(first_use[i], first_use[i + 1]):
                pair = uses[use]
                corner = output_of[pair] * n3 * n3
                for v in range(max(0, x - n3 + 1), min(5, x + 1)):
                    v &= NATURAL
                    left = corner + ((x - v) & NATURAL)
                    for k in range(reach2):
                        r = min(max(y - 4 + k, 0), n3 - 1)
                        delta = c3[left + r * n3]  # loaded even if unused: cheaper than a branch
                        column[k] = delta if r == y - 4 + k else ZERO
                    for u in range(5):
                        w = near[w3 + 25 * pair + v + 5 * u]
                        for k in range(rows2):
                            above[k] += w * column[k + 4 - u]
            for k in range(rows2):
                unit = (i * n2 + y + k) * n2 + x
                deltas[unit] = above[k] * slope_pooled(s2[unit])
        cuda.syncthreads()  # the kernels have been read; now they may change
        sums = cuda.local.array(6, np.float32)
        for item in range(cuda.threadIdx.x, 5 * pairs, threads):
            item &= NATURAL
            pair, v = item // 5, item % 5
            i, o = input_of[pair], output_of[pair]
            for u in range(6):
                sums[u] = ZERO
            for x in range(n3):
                x &= NATURAL
                correlate3(c3, o * n3 * n3 + x, n3, s2, i * n2 * n2 + x + v, n2, sums)
            for u in range(5):
                learn(near, w3 + 25 * pair + v + 5 * u, side, sums[u], etas[C3])
            if v == 0 and pair == first_pair[o]:
                learn(near, b3 + o, side, sums[5], etas[C3])

    @_device
    def s2_backward(near, deltas, c1, partial):
        for item in range(cuda.threadIdx.x, 6 * n2, threads):  # a row of a map
            item &= NATURAL
            w = near[w2 + item // n2] if trainable else ONE
            of_weight = of_bias = ZERO
            for x in range(n2):
                x &= NATURAL
                delta, corner = deltas[item * n2 + x], item * 4 * n2 + 2 * x
                of_weight += delta * pooled(c1, corner, n1)
                of_bias += delta
                spread(c1, corner, n1, w * delta)
            partial[item] = of_weight
            partial[6 * n2 + item] = of_bias

    @_device
    def c1_backward(near, side, etas, c1, image, partial2, partial1):
        sums = cuda.local.array(6, np.float32)
        for item in range(cuda.threadIdx.x, 30 * chunks, threads):
            item &= NATURAL
            chunk, v, m = item % chunks, item // chunks % 5, item // (5 * chunks)
            for u in range(6):
                sums[u] = ZERO
            for part in range(8):  # a column of four, half of it at a time
                x, y = 4 * chunk + (part & 3), (part >> 2 & 1) * (n1 // 2)
                top = (m * n1 + y) * n1 + x
                correlate1(c1, top, n1, image, y * size + x + v, size, sums)
            for u in range(5):
                partial1[156 * chunk + 25 * m + 5 * u + v] = sums[u]
            if v == 0:
                partial1[156 * chunk + 150 + m] = sums[5]
        cuda.syncthreads()
        for k in range(cuda.threadIdx.x, 156, threads):
            k &= NATURAL
            total = ZERO
            for chunk in range(chunks):
                total += partial1[156 * chunk + k]
            learn(near, w1 + k, side, total, etas[C1])
        if trainable:
            for k in range(cuda.threadIdx.x, 12, threads):
                k &= NATURAL
                total = ZERO
                for r in range(k * n2, (k + 1) * n2):
                    r &= NATURAL
                    total += partial2[r]
                learn(near, w2 + k, side, total, etas[S2])

    def train(images, labels, order, weights, side, etas, codes, losses, errors):
        run, thread = cuda.blockIdx.x, cuda.threadIdx.x
        near = cuda.shared.array(near_count, np.float32)
        c1 = cuda.shared.array(count1, np.float32)
        s2 = cuda.shared.array(count2, np.float32)
        c3 = cuda.shared.array(count3, np.float32)  # the image too, while C3 has no use for it
        s4 = cuda.shared.array(inputs5, np.float32)
        c5 = cuda.shared.array(120, np.float32)
        f6 = cuda.shared.array(84, np.float32)
        y = cuda.shared.array(10, np.float32)
        scratch = cuda.shared.array(scratch_count, np.float32)  # S2's deltas and partial sums
        row, kept, code = weights[run], side[run], codes[run]
        for k in range(thread, near_count, threads):
            near[k] = row[k]
        loss, wrong = 0.0, 0
        for t in range(order.shape[1]):
            pattern = order[run, t]
            label = labels[pattern]
            for k in range(thread, size * size, threads):
                c3[k] = images[pattern, k]
            cuda.syncthreads()
            c1_forward(c3, near, c1)
            cuda.syncthreads()
            subsample(c1, near, w2, 6, n2, s2)
            cuda.syncthreads()
            c3_forward(s2, near, c3)
            cuda.syncthreads()
            subsample(c3, near, w4, 16, n4, s4)
            cuda.syncthreads()
            c5_forward(row, s4, c5, scratch)
            cuda.syncthreads()
            f6_forward(row, c5, f6, scratch)
            cuda.syncthreads()
            output_forward(row, code, f6, y, scratch)
            cuda.syncthreads()
            if thread == 0:
                of_pattern, answer = judge(y, label)
                loss += of_pattern
                wrong += answer != label
            cuda.syncthreads()
            output_backward(row, code, kept, etas, y, f6)
            cuda.syncthreads()
            f6_backward(row, kept, etas, f6, c5, scratch)
            cuda.syncthreads()
            c5_backward(row, near, kept, etas, c5, s4, c3, scratch)
            c3_backward(near, kept, etas, c3, s2, scratch)
            cuda.syncthreads()
            s2_backward(near, scratch, c1, s4)
            for k in range(thread, size * size, threads):
                c3[k] = images[pattern, k]
            cuda.syncthreads()
            c1_backward(near, kept, etas, c1, c3, s4, scratch)
        cuda.syncthreads()
        for k in range(thread, near_count, threads):
            row[k] = near[k]
        if thread == 0:
            losses[run] += loss
            errors[run] += wrong

    if config.ENABLE_CUDASIM:
        return cuda.jit(train)
    # A block must fit in a multiprocessor's 65,536 registers; a thread can have 255.
    return cuda.jit(train, max_registers=min(255, 65_536 // threads // 8 * 8))
