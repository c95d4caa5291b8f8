"""Vector code for the compiled loops: 16 floats at a time, every addition in its place.

:func:`microkernel` makes of a function that emits LLVM instructions one that Numba can call. LLVM
may not reorder, fuse or widen any of them: no instruction has a fast-math flag, a multiply-add is
``llvm.fma`` wherever it is one rounding, and a sum over lanes is a fixed tree. So the bytes are the
same wherever LLVM splits the vectors because registers are narrower, and on a processor without
fused multiply-adds, where a library function takes their place.
"""

import functools
from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16
FLOAT, INT = ir.FloatType(), ir.IntType(32)


@intrinsic
def fma(typing, a, b, c):
    """a b + c in one rounding, float32 or float64."""

    def generate(context, builder, signature, arguments):
        kind = arguments[0].type
        whole = ir.FunctionType(kind, [kind] * 3)
        return builder.call(builder.module.declare_intrinsic("llvm.fma", [kind], whole), arguments)

    return a(a, a, a), generate


@intrinsic
def two_to_the(typing, n):
    """2^n for a whole n of float64, by writing its exponent; never undefined, not even for NaN."""

    def generate(context, builder, signature, arguments):
        double, long = ir.DoubleType(), ir.IntType(64)
        # 1.5 * 2^52 + n has n in its lowest bits.
        number = builder.bitcast(builder.fadd(arguments[0], double(1.5 * 2**52)), long)
        return builder.bitcast(builder.add(builder.shl(number, long(52)), long(1023 << 52)), double)

    return types.float64(types.float64), generate


class Vectors:
    """Emits vector instructions at an LLVM builder's insertion point.

    ``base`` is always a pointer to float and ``index`` a Python int, in floats.
    """

    kind = ir.VectorType(FLOAT, LANES)

    def __init__(self, builder: ir.IRBuilder):
        self.builder = builder

    def _pointer(self, base, index: int, kind):
        return self.builder.bitcast(self.beyond(base, index), kind.as_pointer())

    def beyond(self, base, index: int):
        """The pointer so many floats further on."""
        return self.builder.gep(base, [ir.Constant(ir.IntType(64), index)])

    def load(self, base, index: int = 0):
        return self.builder.load(self._pointer(base, index, self.kind), align=4)

    def store(self, value, base, index: int = 0):
        self.builder.store(value, self._pointer(base, index, self.kind), align=4)

    def store_lane(self, value, lane: int, base, index: int = 0):
        """One float of a vector."""
        number = self.builder.extract_element(value, INT(lane))
        self.builder.store(number, self._pointer(base, index, FLOAT), align=4)

    def splat(self, base, index: int = 0):
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
        """a + b; a None is nothing yet."""
        return b if a is None else self.builder.fadd(a, b)

    def multiply(self, a, b):
        return self.builder.fmul(a, b)

    def multiply_add(self, a, b, total):
        """a b + total in one rounding; ``total`` None is nothing yet."""
        if total is None:
            return self.multiply(a, b)
        name = f"llvm.fma.v{LANES}f32"
        module = self.builder.module
        known = module.globals.get(name)
        whole = ir.FunctionType(self.kind, [self.kind] * 3)
        return self.builder.call(known or ir.Function(module, whole, name), [a, b, total])

    def where(self, a, comparison: str, b, then, otherwise):
        """``then`` in the lanes where a compares so with b, not NaN; else ``otherwise``."""
        return self.builder.select(self.builder.fcmp_ordered(comparison, a, b), then, otherwise)

    def _cross(self, a, b, stride: int) -> tuple:
        """Two vectors whose halves of ``stride`` lanes have changed places, as in a transpose."""
        lanes = range(LANES)
        low = [lane if not lane & stride else LANES + (lane ^ stride) for lane in lanes]
        high = [(lane ^ stride) if not lane & stride else LANES + lane for lane in lanes]
        return self.shuffle(a, b, low), self.shuffle(a, b, high)

    def sums(self, vectors: list):
        """One vector whose lane k is the sum of the k-th vector's lanes; 0 beyond the last."""
        vectors = vectors + [None] * (LANES - len(vectors))
        stride = LANES
        while stride := stride // 2:
            # Fold each vector onto half its lanes, and put two of them side by side.
            pairs = zip(vectors[:stride], vectors[stride:], strict=True)
            vectors = [self._fold(a, b, stride) for a, b in pairs]
        return vectors[0]

    def _fold(self, a, b, stride: int):
        if a is None:  # then b is None, too
            return None
        zero = self.constant(0.0)
        return self.add(*self._cross(a, zero if b is None else b, stride))

    def transposed(self, rows: list) -> list:
        """Sixteen vectors, of which the k-th holds the rows' k-th lanes."""
        stride = 1
        while stride < LANES:
            for i in range(LANES):
                if not i & stride:
                    rows[i], rows[i | stride] = self._cross(rows[i], rows[i | stride], stride)
            stride *= 2
        return rows


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
            names = ", ".join(f"array_{k}, index_{k}" for k in range(arrays))
            source = f"lambda typing, {names}: build(emit, sizes, ({names}))"
            return intrinsic(eval(source, {"build": build, "emit": emit, "sizes": sizes}))

        return make

    return decorated
