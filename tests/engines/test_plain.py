"""The compiled engine's vector code, and the same as plain loops, against what they are to do."""

import copy

import numpy as np
import pytest
import torch
from numba import njit

from lenet1998.data import prepare
from lenet1998.engines.compiled import plain, vectors, whole_pass
from lenet1998.engines.compiled.engine import CompiledEngine
from lenet1998.engines.compiled.layers import OPTIONS
from lenet1998.recipes import ORIGINAL

ROOM = 32
"""Floats in memory on either side of an array: more than any microkernel touches."""


def called(microkernel, *given) -> None:
    """Call what is there to be inlined: with arrays, and the index in each to begin with."""
    if len(given) == 4:
        njit(**OPTIONS)(lambda a, i, b, j: microkernel(a, i, b, j))(*given)
    else:
        njit(**OPTIONS)(lambda a, i, b, j, c, k: microkernel(a, i, b, j, c, k))(*given)


def roomy(values: np.ndarray) -> np.ndarray:
    return np.pad(values.astype(np.float32).ravel(), ROOM)[ROOM:]


def inside(array: np.ndarray, shape: tuple) -> np.ndarray:
    return array[: np.prod(shape)].reshape(shape)


@pytest.fixture
def maps(request):
    """A layer's input map, its output map and deltas with 0 in the padding, and a kernel."""
    rows, wide, pitch = request.param
    generator = np.random.default_rng(7)
    image = generator.standard_normal((rows + 4, pitch))
    image[:, wide + 4 :] = 0
    out = generator.standard_normal((rows, pitch))
    out[:, wide:] = 0
    return image, out, generator.standard_normal((5, 5)), wide


C1, C3 = (28, 28, 32), (10, 10, 16)  # rows, columns, and floats from one row to the next
SETS = pytest.mark.parametrize("microkernels", [vectors, plain], ids=["vectors", "plain"])
LAYERS = pytest.mark.parametrize("maps", [C1, C3], indirect=True, ids=["c1", "c3"])
TAPS = [(r, c) for r in range(5) for c in range(5)]


def blocks(microkernels, rows: int) -> tuple[int, tuple[int, ...]]:
    """Rows of a block, and where the blocks of a map begin."""
    return (microkernels.C1_ROWS, microkernels.C1_BLOCKS) if rows == C1[0] else (rows, (0,))


@SETS
@LAYERS
def test_correlate(microkernels, maps):
    image, out, kernel, wide = maps
    expected = out[:, :wide] + sum(
        kernel[r, c] * image[r : r + len(out), c : c + wide] for r, c in TAPS
    )
    rows, starts = blocks(microkernels, len(out))
    correlate = microkernels.correlate(rows=rows, pitch=out.shape[1])
    changed = roomy(out)
    for at in starts:
        called(correlate, changed, at, roomy(image), at, roomy(kernel), 0)
    np.testing.assert_allclose(inside(changed, out.shape)[:, :wide], expected, atol=1e-5)


@SETS
@LAYERS
def test_products(microkernels, maps):
    image, delta, gradient, wide = maps
    expected = [
        gradient[r, c] + (delta[:, :wide] * image[r : r + len(delta), c : c + wide]).sum()
        for r, c in TAPS
    ]
    rows, starts = blocks(microkernels, len(delta))
    products = microkernels.products(rows=rows, pitch=delta.shape[1])
    changed = roomy(gradient)
    for at in starts:
        called(products, changed, 0, roomy(delta), at, roomy(image), at)
    np.testing.assert_allclose(inside(changed, (25,)), expected, atol=1e-4)


@SETS
@pytest.mark.parametrize("maps", [C3], indirect=True, ids=["c3"])
def test_spread(microkernels, maps):
    expected, delta, kernel, wide = maps
    spread, changed = microkernels.spread(rows=len(delta), pitch=delta.shape[1]), roomy(expected)
    called(spread, changed, 0, roomy(delta), 0, roomy(kernel), 0)
    for r, c in TAPS:
        expected[r : r + len(delta), c : c + wide] += kernel[r, c] * delta[:, :wide]
    np.testing.assert_allclose(inside(changed, expected.shape), expected, atol=1e-5)


def windows(pixels: np.ndarray, pitch: int) -> np.ndarray:
    """16 windows' four corners in reading order, (16, 4), a copy."""
    return pixels.reshape(-1, 2, pitch // 2, 2).transpose(0, 2, 1, 3).reshape(16, 4)


@SETS
@pytest.mark.parametrize("pitch", [32, 16], ids=["s2", "s4"])
def test_pooling(microkernels, pitch):
    generator = np.random.default_rng(7)
    pixels = generator.integers(-3, 3, 64) / 4  # with equal maxima in many a window
    pooled, delta = generator.standard_normal((2, 16))
    corners = windows(pixels, pitch)

    def done(name: str, *arrays: np.ndarray) -> np.ndarray:
        given = [item for array in arrays for item in (roomy(array), 0)]
        called(getattr(microkernels, name)(pitch=pitch), *given)
        return inside(given[0], arrays[0].shape)

    np.testing.assert_array_equal(done("window_sums", pooled, pixels), corners.sum(1))
    maxima = done("window_maxima", pooled, pixels)
    np.testing.assert_array_equal(maxima, corners.max(1))
    product = windows(done("times_windows", pixels, pooled), pitch)
    np.testing.assert_allclose(product, corners * pooled[:, None], rtol=1e-6)
    first = np.arange(4) == corners.argmax(1)[:, None]
    expected = np.where(first, delta[:, None], 0).astype(np.float32)
    np.testing.assert_array_equal(
        windows(done("to_maxima", pixels, maxima, delta), pitch), expected
    )
    pixels[5] = np.nan
    np.testing.assert_array_equal(
        done("window_maxima", pooled, pixels), windows(pixels, pitch).max(1)
    )


@pytest.mark.slow  # compiles the whole pass of plain loops
def test_a_pass_of_plain_loops_learns_what_the_vector_code_learns(digits):
    images = prepare(digits.train_images[:60])
    labels = torch.from_numpy(digits.train_labels[:60]).long()
    model = ORIGINAL.build_model()
    curvature = {name: torch.full_like(p, 0.5) for name, p in model.named_parameters()}
    passes = whole_pass.PASS, whole_pass.Pass(plain)
    # Or one would be given the other's machine code from disk.
    assert len({of.train.py_func.__closure__[0].cell_contents for of in passes}) == 2
    learnt = []
    for compiled in passes:
        engine = CompiledEngine(ORIGINAL, copy.deepcopy(model), compiled)
        engine.begin_pass(ORIGINAL.learning_rate(1), [curvature])
        learnt.append((engine.train(images, labels), engine.model))
    ((loss, errors), one), ((other_loss, other_errors), other) = learnt
    assert errors == other_errors
    assert loss == pytest.approx(other_loss, rel=1e-6)
    for name, p in one.named_parameters():
        torch.testing.assert_close(p, other.get_parameter(name), rtol=0, atol=1e-5)
