"""The compiled engine's microkernels against what they are to do, in NumPy and float64."""

import numpy as np
import pytest
from numba import njit

from lenet1998.engines.compiled import blocks
from lenet1998.engines.compiled.losses import exp, log
from lenet1998.engines.compiled.switches import OPTIONS
from lenet1998.engines.compiled.updates import power
from lenet1998.engines.compiled.vectors import LANES

ROOM = 64
"""Floats in memory on either side of an array: more than any microkernel touches."""
TAPS = [(r, c) for r in range(5) for c in range(5)]


def called(microkernel, *arrays) -> None:
    """Call what is there to be inlined, with arrays from their first number past the room on."""
    names = ", ".join(f"array_{k}, index_{k}" for k in range(len(arrays)))
    function = eval(f"lambda {names}: microkernel({names})", {"microkernel": microkernel})
    njit(**OPTIONS)(function)(*(part for array in arrays for part in (array, ROOM)))


def roomy(values: np.ndarray) -> np.ndarray:
    return np.pad(values.astype(np.float32).ravel(), ROOM)


def inside(array: np.ndarray, *shape: int) -> np.ndarray:
    return array[ROOM : ROOM + np.prod(shape)].reshape(shape)


@pytest.fixture
def random():
    return np.random.default_rng(7).standard_normal


def close(found, expected) -> None:
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5)


def test_correlate(random):
    image, kernel, bias, out = random((18, 32)), random((5, 5)), random(1), np.zeros((14, 32))
    expected = bias + sum(kernel[r, c] * image[r : r + 14, c : c + 16] for r, c in TAPS)
    found = roomy(out)
    called(blocks.correlate(rows=14, pitch=32), found, roomy(image), roomy(kernel), roomy(bias))
    close(inside(found, 14, 32)[:, :16], expected)
    assert not inside(found, 14, 32)[:, 16:].any()


def test_products(random):
    image, delta, gradient = random((32, 32)), random((28, 32)), random(32)
    expected = gradient.copy()
    expected[:25] += [(delta[:, :16] * image[r : r + 28, c : c + 16]).sum() for r, c in TAPS]
    found = roomy(gradient)
    called(blocks.products(rows=28, pitch=32), found, roomy(delta), roomy(image))
    np.testing.assert_allclose(inside(found, 32), expected, rtol=0, atol=1e-4)


def test_convolve_and_its_products(random):
    pixels, kernels, out = random((5, 16)), random((5, 5, 16)), random((10, 16))
    window = np.stack([pixels[:, x : x + 5] for x in range(10)])  # (x, r, c)
    found = roomy(out)
    called(blocks.convolve(pitch=16), found, roomy(pixels), roomy(kernels))
    close(inside(found, 10, 16), out + np.einsum("xrc,rco->xo", window, kernels))
    found = roomy(kernels)
    called(blocks.convolve_products(pitch=16), found, roomy(out), roomy(pixels))
    close(inside(found, 5, 5, 16), kernels + np.einsum("xo,xrc->rco", out, window))


def test_turn(random):
    row, found = random((10, 16)), roomy(random((16, 160)))
    called(blocks.turn(size=160), found, roomy(row))
    maps = inside(found, 16, 160)[:, :16]
    close(maps[:, :10], row.T)
    assert not maps[:, 10:].any()


def test_spread(random):
    out, delta, kernels = random((14, 16)), random((10, 16)), random((5, 5, 16))
    delta[:, 10:] = 0
    expected = out.copy()
    for r, c in TAPS:
        expected[r : r + 10, c : c + 10] += kernels[r, c, 0] * delta[:, :10]
    found = roomy(out)
    called(blocks.spread(rows=10, pitch=16), found, roomy(delta), roomy(kernels))
    close(inside(found, 14, 16), expected)


def numbers_of(slope=(1.0, 0.5, -0.25), floor=-np.inf, scale=0.25) -> np.ndarray:
    """Two functions' numbers, the derivatives' alone; the second has the pooling's scale."""
    numbers = np.zeros((2, LANES))
    numbers[:, blocks.CONSTANT : blocks.FLOOR] = slope
    numbers[:, blocks.FLOOR] = floor
    numbers[1, blocks.SCALE] = scale
    return numbers


def windows_of(maps: np.ndarray) -> np.ndarray:
    """(..., 2H, 2W) as (..., H, W, 4), each window in reading order."""
    *others, height, width = maps.shape
    parts = maps.reshape(*others, height // 2, 2, width // 2, 2)
    return np.moveaxis(parts, -3, -2).reshape(*others, height // 2, width // 2, 4)


LAYERS = pytest.mark.parametrize("layer", ["s2", "s4"])
MAXIMUM = pytest.mark.parametrize("maximum", [False, True], ids=["sums", "maxima"])


def of_layer(layer: str, values: np.ndarray) -> np.ndarray:
    """A row of maps (maps, H, W) as the layer has them: by position where maps are lanes."""
    return values if layer == "s2" else np.moveaxis(values, 0, -1)


def shapes(layer: str) -> tuple[int, int, int]:
    """Maps, and rows and columns of the layer below; S2 has one map at a time, S4 one row."""
    return (1, 28, 32) if layer == "s2" else (16, 2, 10)


@LAYERS
@MAXIMUM
def test_subsampling_forward(layer, maximum, random):
    maps, height, width = shapes(layer)
    below, weight, bias = random((maps, height, width)), random(maps), random(maps)
    windows = windows_of(below)
    pooled = windows.max(-1) if maximum else 0.25 * windows.sum(-1)
    expected = weight[:, None, None] * pooled + bias[:, None, None]
    out, kept = roomy(np.zeros(expected.size)), roomy(np.zeros(expected.size))
    kernel = getattr(blocks, f"{layer}_forward")(maximum=maximum, rows=14 if maps == 1 else 5)
    given = (of_layer(layer, below), weight, bias, numbers_of())
    called(kernel, out, kept, *map(roomy, given))
    shape = of_layer(layer, expected).shape
    close(inside(kept, *shape), of_layer(layer, pooled))
    close(inside(out, *shape), of_layer(layer, expected))


@LAYERS
@pytest.mark.parametrize(
    ("maximum", "squared", "connections"),
    [
        pytest.param(False, 1, False, id="sums"),
        pytest.param(True, 1, False, id="maxima"),
        pytest.param(False, 2, False, id="curvatures of sums"),
        pytest.param(True, 2, False, id="curvatures of maxima"),
        pytest.param(False, 2, True, id="curvatures by connections"),
    ],
)
def test_subsampling_backward(layer, maximum, squared, connections, random):
    maps, height, width = shapes(layer)
    below, weight = random((maps, height, width)), random(maps)
    windows = windows_of(below)
    pooled = windows.max(-1) if maximum else 0.25 * windows.sum(-1)
    scale = 1.0 if maximum else 0.25
    out, delta, before = random(pooled.shape), random(pooled.shape), random((3, maps))

    def slope(y):
        return (1 + 0.5 * y - 0.25 * y**2) ** squared

    delta_out = delta * slope(out)
    multiplied = pooled**squared
    if connections:
        multiplied = np.square(scale * windows).sum(-1)
    by_weight = (delta_out * multiplied).sum((1, 2))
    back = delta_out * weight[:, None, None] * scale**squared
    if maximum:
        back = back * slope(pooled)
        routed = back[..., None] * (windows == windows.max(-1, keepdims=True))
    else:
        routed = back[..., None] * slope(windows)
    kernel = getattr(blocks, f"{layer}_backward")(
        maximum=maximum,
        power=squared,
        connections=connections,
        rows=14 if maps == 1 else 5,
    )
    sums = [roomy(values) for values in before]
    found = roomy(of_layer(layer, below))
    others = [roomy(of_layer(layer, values)) for values in (delta, out, pooled)]
    called(kernel, *sums, *others, found, roomy(weight), roomy(numbers_of(scale=scale)))
    expected = (by_weight, delta_out.sum((1, 2)), routed.sum((1, 2, 3)))
    for gathered, start, added in zip(sums, before, expected, strict=True):
        np.testing.assert_allclose(inside(gathered, maps), start + added, rtol=1e-5, atol=1e-4)
    shape = of_layer(layer, below).shape
    given = inside(found, *shape)
    close(windows_of(given if layer == "s2" else np.moveaxis(given, -1, 0)), routed)


def test_of_equal_maxima_the_first_is_meant_and_nan_wins(random):
    below = np.zeros((1, 28, 32))
    below[0, 0, 2:4] = np.nan
    kept = roomy(np.zeros((14, 16)))
    given = (below, np.ones(1), np.zeros(1), numbers_of())
    called(blocks.s2_forward(maximum=True, rows=14), kept.copy(), kept, *map(roomy, given))
    assert np.isnan(inside(kept, 14, 16)[0, 1])
    found = roomy(np.zeros((28, 32)))
    delta = random((14, 16))
    flat = roomy(numbers_of(slope=(1, 0, 0), scale=1))
    sums = [roomy(np.zeros(1)) for _ in range(3)]
    kernel = blocks.s2_backward(maximum=True, power=1, connections=False, rows=14)
    zeros = roomy(np.zeros((14, 16)))
    called(kernel, *sums, roomy(delta), zeros, zeros, found, roomy(np.ones(1)), flat)
    routed = windows_of(inside(found, 28, 32))
    close(routed[..., 0], delta)
    assert not routed[..., 1:].any()


def test_dense_layers(random):
    weight, x, bias, delta = random((12, 128)), random(128), random(16), random(12)
    found = roomy(np.zeros(16))
    called(blocks.dense(rows=12, size=128), found, *map(roomy, (weight, x, bias)))
    expected = bias.copy()
    expected[:12] += weight @ x
    close(inside(found, 16), expected)
    rates, before, gradient = random((12, 128)), random(128), random((12, 128))
    stepped, below = roomy(weight), roomy(before)
    kernel = blocks.dense_step(rows=12, size=128)
    called(kernel, stepped, roomy(rates), roomy(x), roomy(delta), below)
    close(inside(below, 128), before + delta @ weight)
    close(inside(stepped, 12, 128), weight - rates * np.outer(delta, x))
    gathered, below = roomy(gradient), roomy(before)
    kernel = blocks.dense_gather(rows=12, size=128)
    called(kernel, roomy(weight), gathered, roomy(x), roomy(delta), below)
    close(inside(below, 128), before + delta @ weight)
    close(inside(gathered, 12, 128), gradient + np.outer(delta, x))


def test_distances_and_their_pull(random):
    codes, state, pulls = random((12, 96)), random(96), random(12)
    found = roomy(np.zeros(16))
    called(blocks.distances(rows=12, size=96), found, roomy(codes), roomy(state))
    np.testing.assert_allclose(inside(found, 12), ((state - codes) ** 2).sum(1), rtol=1e-6)
    found = roomy(np.zeros(96))
    called(blocks.pull(rows=12, size=96), found, *map(roomy, (pulls, codes, state)))
    close(inside(found, 96), pulls @ (state - codes))


def test_exponentials_and_logarithms_are_as_near_as_float64_is():
    x = np.concatenate([-np.geomspace(1e-12, 700, 5000), [0.0]])
    np.testing.assert_allclose([exp(value) for value in x], np.exp(x), rtol=1e-15)
    assert exp(-701.0) == exp(-np.inf) == 0
    assert np.isnan(exp(np.nan))
    y = np.concatenate([1 + np.geomspace(1e-12, 13, 5000), [1.0]])
    np.testing.assert_allclose([log(value) for value in y], np.log(y), rtol=2e-15, atol=1e-16)
    assert np.isnan(log(np.nan))
    steps = np.array([1, 2, 3, 10, 999, 1_200_000])
    found = [power(0.999, n) for n in steps]
    np.testing.assert_allclose(found, 0.999**steps, rtol=1e-10)
