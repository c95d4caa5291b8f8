"""Microkernels: straight-line vector code for one small block of a layer.

Everything that is used more than once is held in registers. Backward kernels come with ``power``
1 for gradients and 2 for the curvature, whose recursion is backpropagation with every factor
squared (Appendix C, eqs. 23 to 27): slopes and pooled values are squared here, weights and inputs
come squared.
"""

from lenet1998.engines.compiled.vectors import LANES, microkernel

SIDE = 5  # of every convolution's kernels
TAPS = SIDE * SIDE
WIDTH = 10  # of C3's rows

# What a squashing function's 16 numbers are: f(a) = offset + a P(a^2) / Q(a^2), a held within
# +-limit, and f' = constant + linear y + square y^2 where y > floor, else 0.
LIMIT, P, Q, OFFSET, CONSTANT, LINEAR, SQUARE, FLOOR, SCALE = 0, 1, 6, 10, 11, 12, 13, 14, 15
DEGREE = 4  # of P and Q, whose constant term is 1


def _sigmoid(v, x, f: list):
    """f(x), where f is given by its numbers as vectors."""
    limit = f[LIMIT]
    x = v.where(x, ">", limit, limit, x)  # NaN stays
    minus = v.builder.fneg(limit)
    x = v.where(x, "<", minus, minus, x)
    square = v.multiply(x, x)
    p, q = f[P + DEGREE], f[Q + DEGREE - 1]
    for k in reversed(range(DEGREE)):
        p = v.multiply_add(p, square, f[P + k])
        q = v.multiply_add(q, square, f[Q + k - 1] if k else v.constant(1.0))
    return v.add(v.builder.fdiv(v.multiply(p, x), q), f[OFFSET])


def _slope(v, y, numbers, power: int):
    """f', or its square, where f's value is y."""
    constant, linear, square, floor = (v.splat(numbers, k) for k in range(CONSTANT, FLOOR + 1))
    slope = v.multiply_add(y, v.multiply_add(y, square, linear), constant)
    slope = v.where(y, "<=", floor, v.constant(0.0), slope)
    return v.multiply(slope, slope) if power == 2 else slope


@microkernel(2)
def sigmoid(v, states, numbers, vectors: int):
    """states <- f(states)."""
    f = [v.splat(numbers, k) for k in range(OFFSET + 1)]
    for at in range(0, vectors * LANES, LANES):
        v.store(_sigmoid(v, v.load(states, at), f), states, at)


@microkernel(3)
def times_slopes(v, delta, states, numbers, vectors: int, power: int):
    """From dE/d(f's values) to dE/d(its arguments)."""
    for at in range(0, vectors * LANES, LANES):
        slope = _slope(v, v.load(states, at), numbers, power)
        v.store(v.multiply(v.load(delta, at), slope), delta, at)


# C1: maps of rows of 32, 28 of them used.


@microkernel(4)
def correlate(v, out, image, kernel, bias, rows: int, pitch: int):
    """out[y, x] = bias + sum_rc kernel[r, c] image[y + r, x + c], for 16 columns."""
    total = [v.splat(bias)] * rows
    for c in range(SIDE):
        taps = [v.splat(kernel, SIDE * r + c) for r in range(SIDE)]
        for y in range(rows + SIDE - 1):
            pixels = v.load(image, y * pitch + c)
            for r in range(max(0, y - rows + 1), min(SIDE, y + 1)):
                total[y - r] = v.multiply_add(taps[r], pixels, total[y - r])
    for y in range(rows):
        v.store(total[y], out, y * pitch)


@microkernel(3)
def products(v, gradient, delta, image, rows: int, pitch: int):
    """gradient[r, c] += sum_yx delta[y, x] image[y + r, x + c], over 16 columns.

    Adds 0 to the seven floats after the 25.
    """
    total = [None] * TAPS
    deltas: dict[int, object] = {}  # five rows of them are in use at a time
    for y in range(rows + SIDE - 1):
        if y < rows:
            deltas[y] = v.load(delta, y * pitch)
        for c in range(SIDE):
            pixels = v.load(image, y * pitch + c)
            for r in range(max(0, y - rows + 1), min(SIDE, y + 1)):
                tap = SIDE * r + c
                total[tap] = v.multiply_add(deltas[y - r], pixels, total[tap])
    for first in range(0, TAPS, LANES):
        sums = v.sums(total[first : first + LANES])
        v.store(v.add(v.load(gradient, first), sums), gradient, first)


# C3: its 16 maps in the lanes. Rows of S2's maps are of 16 pixels, 14 of them used.


def _row(v, pixels, r: int, pitch: int):
    """The pixels of a row of S2, each in all lanes, with the taps that it meets: (pixel, x, c)."""
    for column in range(WIDTH + SIDE - 1):
        pixel = v.splat(pixels, r * pitch + column)
        for c in range(max(0, column - WIDTH + 1), min(SIDE, column + 1)):
            yield pixel, column - c, c


@microkernel(3)
def convolve(v, out, pixels, kernels, pitch: int):
    """out[x, o] += sum_rc kernels[r, c, o] pixels[r, x + c], a row of all maps from one of S2."""
    total = [v.load(out, LANES * x) for x in range(WIDTH)]
    for r in range(SIDE):
        taps = [v.load(kernels, LANES * (SIDE * r + c)) for c in range(SIDE)]
        for pixel, x, c in _row(v, pixels, r, pitch):
            total[x] = v.multiply_add(taps[c], pixel, total[x])
    for x in range(WIDTH):
        v.store(total[x], out, LANES * x)


@microkernel(3)
def convolve_products(v, gradient, delta, pixels, pitch: int):
    """gradient[r, c, o] += sum_x delta[x, o] pixels[r, x + c], of a row."""
    deltas = [v.load(delta, LANES * x) for x in range(WIDTH)]
    for r in range(SIDE):
        # A sum of their own for each row: nearer than one long sum over all rows and patterns.
        total = [None] * SIDE
        for pixel, x, c in _row(v, pixels, r, pitch):
            total[c] = v.multiply_add(deltas[x], pixel, total[c])
        for c, place in enumerate(range(LANES * SIDE * r, LANES * SIDE * (r + 1), LANES)):
            v.store(v.add(v.load(gradient, place), total[c]), gradient, place)


@microkernel(2)
def turn(v, maps, row, size: int):
    """A row of all maps, from one vector a position to one vector a map, 0 in its padding."""
    rows = [v.load(row, LANES * x) for x in range(WIDTH)]
    for o, values in enumerate(v.transposed(rows + [v.constant(0.0)] * (LANES - WIDTH))):
        v.store(values, maps, size * o)


@microkernel(3)
def spread(v, out, delta, kernel, rows: int, pitch: int):
    """out[y + r, x + c] += sum kernel[r, c] delta[y, x], from one map of C3 to one of S2.

    Reads up to four floats before a row of ``delta``: padding, which is 0.
    """
    total = [v.load(out, y * pitch) for y in range(rows + SIDE - 1)]
    for c in range(SIDE):
        taps = [v.splat(kernel, LANES * (SIDE * r + c)) for r in range(SIDE)]
        for y in range(rows):
            shifted = v.load(delta, y * pitch - c)
            for r in range(SIDE):
                total[y + r] = v.multiply_add(taps[r], shifted, total[y + r])
    for y in range(rows + SIDE - 1):
        v.store(total[y], out, y * pitch)


# Subsampling: S2's lanes are 16 windows side by side, S4's are its maps.

EVEN, ODD = list(range(0, 2 * LANES, 2)), list(range(1, 2 * LANES, 2))
FIRST = [lane // 2 + LANES * (lane % 2) for lane in range(LANES)]
SECOND = [lane + LANES // 2 for lane in FIRST]


class _S2:
    """A row of C1's windows: two vectors of its upper row, two of its lower."""

    cells = (0, LANES, 2 * LANES, 3 * LANES)

    @staticmethod
    def corners(v, cells: list) -> list:
        return [v.shuffle(*pair, half) for pair in (cells[:2], cells[2:]) for half in (EVEN, ODD)]

    @staticmethod
    def in_cells(v, corners: list) -> list:
        pairs = (corners[:2], corners[2:])
        return [v.shuffle(*pair, half) for pair in pairs for half in (FIRST, SECOND)]


class _S4:
    """One window of all of C3's maps: four neighbouring vectors."""

    cells = (0, LANES, WIDTH * LANES, (WIDTH + 1) * LANES)

    @staticmethod
    def corners(v, cells: list) -> list:
        return cells

    in_cells = corners


def _pooled(v, corners: list, scale, maximum: bool):
    """The windows' sums times ``scale``, or maxima: the first, and NaN wins, as in torch."""
    if not maximum:
        a, b, c, d = corners
        return v.multiply(v.add(v.add(a, b), v.add(c, d)), scale)
    best, *others = corners
    for corner in others:
        larger = v.builder.fcmp_ordered(">", corner, best)
        nan = v.builder.fcmp_unordered("uno", corner, corner)
        best = v.builder.select(v.builder.or_(larger, nan), corner, best)
    return best


def _routed(v, corners: list, best, delta) -> list:
    """``delta`` in each window's first maximum, 0 in the other corners."""
    zero, routed = v.constant(0.0), []
    for corner in corners:
        routed.append(v.where(corner, "==", best, delta, zero))
        delta = v.where(corner, "==", best, zero, delta)
    return routed


class _Backward:
    """The backward pass of a subsampling layer, window after window, with the sums it gathers."""

    def __init__(self, v, windows, pointers, maximum: bool, power: int, connections: bool):
        self.v, self.windows, self.maximum, self.power = v, windows, maximum, power
        self.connections = connections  # whether the coefficient's are added up
        self.delta, self.out, self.pooled, self.maps, self.weight, self.numbers = pointers
        scale = v.splat(self.numbers, LANES + SCALE)
        self.scale = v.multiply(scale, scale) if power == 2 else scale
        self.by_weight = self.by_bias = self.by_bias_below = None

    def window(self, at: int, maps_at: int, weight) -> None:
        """From dE/d(out) to the deltas of ``maps``, in place."""
        v, power = self.v, self.power
        slope = _slope(v, v.load(self.out, at), v.beyond(self.numbers, LANES), power)
        delta = v.multiply(v.load(self.delta, at), slope)
        pooled = v.load(self.pooled, at)
        cells = [v.load(self.maps, maps_at + cell) for cell in self.windows.cells]
        factor = v.multiply(pooled, pooled) if power == 2 else pooled
        if self.connections:
            squares = [v.multiply(cell, cell) for cell in self.windows.corners(v, cells)]
            factor = _pooled(v, squares, self.scale, False)
        self.by_weight = v.multiply_add(delta, factor, self.by_weight)
        self.by_bias = v.add(self.by_bias, delta)
        delta = v.multiply(delta, v.multiply(weight, self.scale))
        if self.maximum:
            delta = v.multiply(delta, _slope(v, pooled, self.numbers, power))
            corners = self.windows.corners(v, cells)
            cells = self.windows.in_cells(v, _routed(v, corners, pooled, delta))
        else:
            slopes = [_slope(v, cell, self.numbers, power) for cell in cells]
            deltas = self.windows.in_cells(v, [delta] * 4)
            cells = [v.multiply(a, b) for a, b in zip(slopes, deltas, strict=True)]
        for cell, value in zip(self.windows.cells, cells, strict=True):
            v.store(value, self.maps, maps_at + cell)
        a, b, c, d = cells
        total = v.add(v.add(a, b), v.add(c, d))
        self.by_bias_below = v.add(self.by_bias_below, total)


@microkernel(6)
def s2_forward(v, out, pooled, maps, weight, bias, numbers, maximum: bool, rows: int):
    """Pool, scale and shift a map; keeps what the coefficient multiplies in ``pooled``."""
    w, b, scale = v.splat(weight), v.splat(bias), v.splat(numbers, LANES + SCALE)
    for y in range(rows):
        cells = [v.load(maps, 4 * LANES * y + cell) for cell in _S2.cells]
        value = _pooled(v, _S2.corners(v, cells), scale, maximum)
        v.store(value, pooled, LANES * y)
        v.store(v.multiply_add(w, value, b), out, LANES * y)


@microkernel(6)
def s4_forward(v, out, pooled, maps, weight, bias, numbers, maximum: bool, rows: int):
    """The same for a row of windows of all maps."""
    w, b, scale = v.load(weight), v.load(bias), v.splat(numbers, LANES + SCALE)
    for x in range(rows):
        cells = [v.load(maps, 2 * LANES * x + cell) for cell in _S4.cells]
        value = _pooled(v, cells, scale, maximum)
        v.store(value, pooled, LANES * x)
        v.store(v.multiply_add(w, value, b), out, LANES * x)


@microkernel(9)
def s2_backward(v, by_weight, by_bias, by_bias_below, *pointers, rows: int, **options):
    """A map's gradients, and the deltas of the map below; pointers: see ``_Backward``."""
    layer = _Backward(v, _S2, pointers, **options)
    weight = v.splat(layer.weight)
    for y in range(rows):
        layer.window(LANES * y, 4 * LANES * y, weight)
    sums = v.sums([layer.by_weight, layer.by_bias, layer.by_bias_below])
    for lane, place in enumerate((by_weight, by_bias, by_bias_below)):
        v.store_lane(v.add(sums, v.splat(place)), lane, place)


@microkernel(9)
def s4_backward(v, by_weight, by_bias, by_bias_below, *pointers, rows: int, **options):
    """The same for a row of windows of all maps."""
    layer = _Backward(v, _S4, pointers, **options)
    layer.by_weight, layer.by_bias, layer.by_bias_below = (
        v.load(place) for place in (by_weight, by_bias, by_bias_below)
    )
    weight = v.load(layer.weight)
    for x in range(rows):
        layer.window(LANES * x, 2 * LANES * x, weight)
    v.store(layer.by_weight, by_weight)
    v.store(layer.by_bias, by_bias)
    v.store(layer.by_bias_below, by_bias_below)


# Dense layers: rows of weights, their sizes whole vectors.


@microkernel(4)
def dense(v, out, weight, inputs, bias, rows: int, size: int):
    """out[i] = bias[i] + sum_j weight[i, j] inputs[j], for some rows; writes 16 floats."""
    total = [None] * rows
    for at in range(0, size, LANES):
        x = v.load(inputs, at)
        for i in range(rows):
            total[i] = v.multiply_add(v.load(weight, i * size + at), x, total[i])
    v.store(v.add(v.sums(total), v.load(bias)), out)


@microkernel(5)
def dense_step(v, weight, rates, inputs, delta, inputs_delta, rows: int, size: int):
    """The inputs' deltas by the old weights, and the weights' update, in one sweep."""
    d = [v.splat(delta, i) for i in range(rows)]
    for at in range(0, size, LANES):
        x, back = v.load(inputs, at), v.load(inputs_delta, at)
        for i in range(rows):
            w, rate = v.load(weight, i * size + at), v.load(rates, i * size + at)
            back = v.multiply_add(w, d[i], back)
            step = v.multiply_add(v.builder.fneg(rate), v.multiply(d[i], x), w)
            v.store(step, weight, i * size + at)
        v.store(back, inputs_delta, at)


@microkernel(5)
def dense_gather(v, weight, gradient, inputs, delta, inputs_delta, rows: int, size: int):
    """The same with the weights left as they are: gradient[i, j] += delta[i] inputs[j]."""
    d = [v.splat(delta, i) for i in range(rows)]
    for at in range(0, size, LANES):
        x, back = v.load(inputs, at), v.load(inputs_delta, at)
        for i in range(rows):
            place = i * size + at
            back = v.multiply_add(v.load(weight, place), d[i], back)
            v.store(v.multiply_add(d[i], x, v.load(gradient, place)), gradient, place)
        v.store(back, inputs_delta, at)


@microkernel(3)
def distances(v, out, codes, state, rows: int, size: int):
    """out[i] = sum_j (state[j] - codes[i, j])^2 (eq. 7); writes 16 floats."""
    total = [None] * rows
    for at in range(0, size, LANES):
        x = v.load(state, at)
        for i in range(rows):
            difference = v.builder.fsub(x, v.load(codes, i * size + at))
            total[i] = v.multiply_add(difference, difference, total[i])
    v.store(v.sums(total), out)


@microkernel(4)
def pull(v, delta, pulls, codes, state, rows: int, size: int):
    """delta[j] = sum_i pulls[i] (state[j] - codes[i, j])."""
    each = [v.splat(pulls, i) for i in range(rows)]
    for at in range(0, size, LANES):
        x, total = v.load(state, at), None
        for i in range(rows):
            difference = v.builder.fsub(x, v.load(codes, i * size + at))
            total = v.multiply_add(each[i], difference, total)
        v.store(total, delta, at)
