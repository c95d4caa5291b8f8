"""Straight-line vector code for the compiled loops: convolutions and pooling, 16 floats at a time.

Each function here emits LLVM instructions for one small block of a map, with everything that is
used more than once held in registers; :func:`microkernel` makes it callable from Numba:
``correlate(rows=10, pitch=16)`` is a Numba function. LLVM splits the vectors where registers are
narrower, so nothing is tied to one processor. :mod:`~lenet1998.engines.compiled.plain` has the same
microkernels as loops.

Maps lie in rows of whole vectors: a 10x10 map of C3 is 10 rows of 16 floats.
"""

import functools
from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16
SIDE = 5  # of every convolution's kernels
TAPS = SIDE * SIDE
C1_ROWS, C1_BLOCKS = 14, (0, 16, 14 * 32, 14 * 32 + 16)
"""C1's maps are taken as four blocks of 14 rows of 16."""
FAST = ("contract",)
FLOAT, INT = ir.FloatType(), ir.IntType(32)


@intrinsic
def nearest(typing, x):
    """The whole number nearest to x."""

    def generate(context, builder, signature, arguments):
        return builder.call(builder.module.declare_intrinsic("llvm.rint", [FLOAT]), arguments)

    return types.float32(types.float32), generate


@intrinsic
def two_to_the(typing, n):
    """2^n for a whole number n, by writing its exponent; never undefined, not even for NaN."""

    def generate(context, builder, signature, arguments):
        # 1.5 * 2^23 + n has n in its lowest bits.
        number = builder.bitcast(builder.fadd(arguments[0], FLOAT(1.5 * 2**23)), INT)
        return builder.bitcast(builder.add(builder.shl(number, INT(23)), INT(127 << 23)), FLOAT)

    return types.float32(types.float32), generate


class Vectors:
    """Emits vector instructions at an LLVM builder's insertion point.

    ``base`` is always a pointer to float and ``index`` a Python int.
    """

    kind = ir.VectorType(FLOAT, LANES)

    def __init__(self, builder: ir.IRBuilder):
        self.builder = builder

    def _pointer(self, base, index: int, kind):
        at = self.builder.gep(base, [ir.Constant(ir.IntType(64), index)])
        return self.builder.bitcast(at, kind.as_pointer())

    def load(self, base, index: int):
        return self.builder.load(self._pointer(base, index, self.kind), align=4)

    def store(self, value, base, index: int):
        self.builder.store(value, self._pointer(base, index, self.kind), align=4)

    def splat(self, base, index: int):
        """One float in every lane."""
        number = self.builder.load(self._pointer(base, index, FLOAT), align=4)
        empty = ir.Constant(self.kind, ir.Undefined)
        first = self.builder.insert_element(empty, number, INT(0))
        return self.shuffle(first, empty, [0] * LANES)

    def constant(self, number: float):
        return ir.Constant(self.kind, [number] * LANES)

    def shuffle(self, a, b, lanes: list[int]):
        """Lanes of a (0 to 15) and b (16 to 31)."""
        mask = ir.Constant(ir.VectorType(INT, LANES), lanes)
        return self.builder.shuffle_vector(a, b, mask)

    def add(self, a, b):
        return self.builder.fadd(a, b, flags=FAST)

    def multiply(self, a, b):
        return self.builder.fmul(a, b, flags=FAST)

    def multiply_add(self, a, b, total):
        """a b + total in one rounding where the machine can; ``total`` None is nothing yet."""
        return self.multiply(a, b) if total is None else self.add(self.multiply(a, b), total)

    def sums(self, vectors: list):
        """One vector whose lane k is the sum of the k-th vector's lanes; 0 beyond the last."""
        vectors = vectors + [None] * (LANES - len(vectors))
        stride = LANES
        while stride := stride // 2:
            # Fold each vector onto half its lanes, and put two of them side by side.
            keep = [lane + LANES * bool(lane & stride) for lane in range(LANES)]
            cross = [(lane ^ stride) + LANES * bool(lane & stride) for lane in range(LANES)]
            pairs = zip(vectors[:stride], vectors[stride:], strict=True)
            vectors = [self._fold(a, b, keep, cross) for a, b in pairs]
        return vectors[0]

    def _fold(self, a, b, keep: list[int], cross: list[int]):
        if a is None:  # then b is None, too
            return None
        b = self.constant(0.0) if b is None else b
        return self.add(self.shuffle(a, b, keep), self.shuffle(a, b, cross))


def microkernel(arrays: int):
    """Make of ``emit(vectors, *pointers, **sizes)`` what makes a Numba function for sizes.

    That function takes, for each pointer, an array and the index of the float to begin with.
    """

    def build(emit: Callable, sizes: dict[str, int], kinds: tuple):
        def generate(context, builder, signature, arguments):
            pointers = []
            for i in range(0, len(kinds), 2):
                array = context.make_array(kinds[i])(context, builder, arguments[i])
                base = builder.bitcast(array.data, FLOAT.as_pointer())
                pointers.append(builder.gep(base, [arguments[i + 1]]))
            emit(Vectors(builder), *pointers, **sizes)
            return context.get_dummy_value()

        return types.void(*kinds), generate

    def decorated(emit: Callable):
        @functools.wraps(emit)
        def make(**sizes: int):
            # Numba wants a fixed number of named arguments.
            if arrays == 2:
                return intrinsic(lambda typing, a, i, b, j: build(emit, sizes, (a, i, b, j)))
            return intrinsic(
                lambda typing, a, i, b, j, c, k: build(emit, sizes, (a, i, b, j, c, k))
            )

        return make

    return decorated


@microkernel(3)
def correlate(v, out, image, kernel, rows: int, pitch: int):
    """out[y, x] += sum_rc kernel[r, c] image[y + r, x + c]; each image row serves five of out."""
    total = [v.load(out, y * pitch) for y in range(rows)]
    for c in range(SIDE):
        taps = [v.splat(kernel, SIDE * r + c) for r in range(SIDE)]
        for y in range(rows + SIDE - 1):
            pixels = v.load(image, y * pitch + c)
            for r in range(max(0, y - rows + 1), min(SIDE, y + 1)):
                total[y - r] = v.multiply_add(taps[r], pixels, total[y - r])
    for y in range(rows):
        v.store(total[y], out, y * pitch)


@microkernel(3)
def spread(v, out, delta, kernel, rows: int, pitch: int):
    """out[y + r, x + c] += sum kernel[r, c] delta[y, x]: the transpose of ``correlate``.

    Reads up to four floats before a row of ``delta``: padding, which is 0.
    """
    total = [v.load(out, y * pitch) for y in range(rows + SIDE - 1)]
    for c in range(SIDE):
        taps = [v.splat(kernel, SIDE * r + c) for r in range(SIDE)]
        for y in range(rows):
            shifted = v.load(delta, y * pitch - c)
            for r in range(SIDE):
                total[y + r] = v.multiply_add(taps[r], shifted, total[y + r])
    for y in range(rows + SIDE - 1):
        v.store(total[y], out, y * pitch)


@microkernel(3)
def products(v, gradient, delta, image, rows: int, pitch: int):
    """gradient[r, c] += sum_yx delta[y, x] image[y + r, x + c].

    Adds 0 to the seven floats after the 25.
    """
    deltas = [v.load(delta, y * pitch) for y in range(rows)]
    total = [None] * TAPS
    for c in range(SIDE):
        pixels = [v.load(image, y * pitch + c) for y in range(rows + SIDE - 1)]
        for y in range(rows):
            for r in range(SIDE):
                tap = SIDE * r + c
                total[tap] = v.multiply_add(deltas[y], pixels[y + r], total[tap])
    for first in range(0, TAPS, LANES):
        sums = v.sums(total[first : first + LANES])
        v.store(v.add(v.load(gradient, first), sums), gradient, first)


EVEN, ODD = list(range(0, 2 * LANES, 2)), list(range(1, 2 * LANES, 2))
LOW = [lane // 2 for lane in range(LANES)]
HIGH = [LANES // 2 + lane for lane in LOW]


def _row_pairs(pitch: int) -> list[tuple[int, int]]:
    """Where the upper rows' two vectors lie, and the lower rows', in maps that 16 windows span."""
    second = LANES if pitch == 2 * LANES else 2 * LANES
    return [(0, second), (pitch, pitch + second)]


def _corners(v, maps, pitch: int) -> list:
    """The four corners of 16 windows in reading order."""
    corners = []
    for first, second in _row_pairs(pitch):
        a, b = v.load(maps, first), v.load(maps, second)
        corners += [v.shuffle(a, b, EVEN), v.shuffle(a, b, ODD)]
    return corners


@microkernel(2)
def window_sums(v, pooled, maps, pitch: int):
    """The sums of 16 windows of 2x2."""
    a, b, c, d = _corners(v, maps, pitch)
    v.store(v.add(v.add(a, b), v.add(c, d)), pooled, 0)


@microkernel(2)
def window_maxima(v, pooled, maps, pitch: int):
    """The maxima of 16 windows of 2x2; NaN wins, as in torch."""
    best, *others = _corners(v, maps, pitch)
    for corner in others:
        larger = v.builder.fcmp_ordered(">", corner, best)
        nan = v.builder.fcmp_unordered("uno", corner, corner)
        best = v.builder.select(v.builder.or_(larger, nan), corner, best)
    v.store(best, pooled, 0)


@microkernel(2)
def times_windows(v, maps, pooled, pitch: int):
    """Multiply every pixel by its window's number."""
    number = v.load(pooled, 0)
    halves = [v.shuffle(number, number, lanes) for lanes in (LOW, HIGH)]
    for row in _row_pairs(pitch):
        for at, half in zip(row, halves, strict=True):
            v.store(v.multiply(v.load(maps, at), half), maps, at)


@microkernel(3)
def to_maxima(v, maps, pooled, delta, pitch: int):
    """Replace the first maximum of each window by the window's delta, every other pixel by 0."""
    best, rest = v.load(pooled, 0), v.load(delta, 0)
    zero = v.constant(0.0)
    given = []
    for corner in _corners(v, maps, pitch):
        hit = v.builder.fcmp_ordered("==", corner, best)
        given.append(v.builder.select(hit, rest, zero))
        rest = v.builder.select(hit, zero, rest)
    for (first, second), pair in zip(_row_pairs(pitch), (given[:2], given[2:]), strict=True):
        lanes = [half + LANES * (i % 2) for i, half in enumerate(LOW)]
        v.store(v.shuffle(*pair, lanes), maps, first)
        v.store(v.shuffle(*pair, [lane + LANES // 2 for lane in lanes]), maps, second)
