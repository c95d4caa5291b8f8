"""The modules against torch's own, finite differences and the constants of the paper."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lenet1998 import paper
from lenet1998.modules import (
    MappedConv2d,
    RBFOutput,
    ScaledTanh,
    Start,
    Subsampling2d,
    draw_parameters,
)


def randn(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


MODULES = {
    "scaled_tanh": (lambda **k: ScaledTanh(), (2, 3)),
    "subsampling": (lambda **k: Subsampling2d(3, **k), (2, 3, 4, 6)),
    "subsampling_average": (lambda **k: Subsampling2d(3, average=True, **k), (2, 3, 4, 4)),
    "subsampling_linear": (lambda **k: Subsampling2d(3, nn.Identity(), **k), (2, 3, 4, 4)),
    "mapped": (lambda **k: MappedConv2d([(0, 2), (1,), (0, 1, 2)], 3, 3, **k), (2, 3, 5, 6)),
    "rbf": (lambda **k: RBFOutput(**k), (2, 84)),
}


@pytest.mark.parametrize("name", MODULES)
def test_gradients_match_finite_differences(name):
    build, shape = MODULES[name]
    module = build(dtype=torch.float64)
    for i, p in enumerate(module.parameters()):
        p.data = randn(*p.shape, seed=i + 1)
    inputs = (randn(*shape).requires_grad_(), *module.parameters())

    def call(x, *parameters):
        names = [n for n, _ in module.named_parameters()]
        return torch.func.functional_call(module, dict(zip(names, parameters, strict=True)), (x,))

    assert torch.autograd.gradcheck(call, inputs)


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_both_precisions_and_describes_itself(name, dtype):
    build, shape = MODULES[name]
    module = build(dtype=dtype)
    assert module(torch.zeros(shape, dtype=dtype)).dtype == dtype
    assert module.extra_repr()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", MODULES)
def test_cuda_computes_the_same(name):
    build, shape = MODULES[name]
    module = build(dtype=torch.float64)
    expected = module(randn(*shape))
    assert torch.allclose(module.cuda()(randn(*shape).cuda()).cpu(), expected)


def test_scaled_tanh_is_one_at_one_and_bends_most_just_below():
    f = ScaledTanh()
    x = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    assert torch.allclose(f(torch.tensor([1.0, -1.0])), torch.tensor([1.0, -1.0]), atol=2e-5)
    second = torch.gradient(torch.gradient(f(x), spacing=(x,))[0], spacing=(x,))[0]
    assert abs(x[second.abs().argmax()].item()) == pytest.approx(0.988, abs=0.002)
    assert f(torch.tensor(50.0)).item() == pytest.approx(paper.TANH_AMPLITUDE)


def test_a_quarter_of_the_sum_is_average_pooling():
    layer = Subsampling2d(3, squash=nn.Identity(), dtype=torch.float64)
    nn.init.constant_(layer.weight, 0.25)
    x = randn(2, 3, 6, 4)
    assert torch.allclose(layer(x), F.avg_pool2d(x, 2))


def test_subsampling_is_sum_times_coefficient_plus_bias_squashed():
    layer = Subsampling2d(2, dtype=torch.float64)
    layer.weight.data, layer.bias.data = randn(2, seed=1), randn(2, seed=2)
    x = randn(1, 2, 4, 4)
    total = x[0, 1, 2:4, 0:2].sum()
    expected = 1.7159 * math.tanh(2 / 3 * (layer.weight[1] * total + layer.bias[1]).item())
    assert layer(x)[0, 1, 1, 0].item() == pytest.approx(expected, rel=1e-12)


def test_averaging_is_the_sum_with_a_quarter_of_the_coefficient():
    by_sum, by_mean = Subsampling2d(2), Subsampling2d(2, average=True)
    by_mean.weight.data = 4 * by_sum.weight.data
    x = randn(1, 2, 4, 4).float()
    assert torch.allclose(by_sum(x), by_mean(x))


def test_full_table_is_a_convolution():
    layer = MappedConv2d([(0, 1, 2)] * 4, 3, 5, dtype=torch.float64)
    x = randn(2, 3, 9, 8)
    dense = F.conv2d(x, layer.weight.view(4, 3, 5, 5), layer.bias)
    assert torch.allclose(layer(x), dense)


def test_table_one_is_a_sum_of_single_map_convolutions():
    layer = MappedConv2d(paper.C3_TABLE, 6, 5, dtype=torch.float64)
    x = randn(2, 6, 14, 14)
    kernels = iter(layer.weight)
    for output, row in enumerate(paper.C3_TABLE):
        expected = layer.bias[output] + sum(
            F.conv2d(x[:, [i]], next(kernels)[None, None])[:, 0] for i in row
        )
        assert torch.allclose(layer(x)[:, output], expected)
    assert layer.weight.shape == (60, 5, 5)
    assert sum(p.numel() for p in layer.parameters()) == paper.PARAMETERS["c3"]


def test_dense_and_connected_are_inverse():
    layer = MappedConv2d(paper.C3_TABLE, 6, 5)
    assert torch.equal(layer.connected(layer.dense(layer.weight)), layer.weight)
    assert (layer.dense(layer.weight) == 0).sum() == (96 - 60) * 25


@pytest.mark.parametrize("kernel", [3, (3, 2)])
@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), ((2, 1), (0, 2))])
@pytest.mark.parametrize("bias", [True, False])
def test_by_table_as_torch_convolves(kernel, stride, padding, bias):
    sizes = (3, kernel, stride, padding, bias)
    layer = MappedConv2d([(0, 2), (1,), (2, 0, 1)], *sizes, dtype=torch.float64)
    x = randn(2, 3, 9, 8)
    expected = F.conv2d(x, layer.dense(layer.weight), layer.bias, stride, padding)
    assert torch.equal(layer(x), expected)
    plain = layer.as_conv2d()
    assert type(plain) is nn.Conv2d
    assert torch.equal(plain(x), expected)
    dense = nn.Conv2d(3, 3, kernel, stride, padding, bias=bias, dtype=torch.float64)
    assert dense(x).shape == expected.shape


TABLE = [[0, 1], [1, 2], [2, 0]]


@pytest.mark.parametrize(
    "table",
    [
        TABLE,
        tuple(map(tuple, TABLE)),
        np.array(TABLE),
        torch.tensor(TABLE),
        [torch.tensor(row) for row in TABLE],
        [np.array(row, np.uint8) for row in TABLE],
        [range(0, 2), range(1, 3), [np.int64(2), torch.tensor(0)]],
    ],
)
def test_a_table_is_the_same_whatever_holds_it(table):
    assert MappedConv2d(table, 3, 5).table == ((0, 1), (1, 2), (2, 0))


FAULTS = {
    "a map twice": [[0, 0], [1, 2]],
    "out of range": [[0, 1], [1, 3]],
    "negative": [[0, 1], [-1, 2]],
    "a mask of bool": [[True, False], [False, True]],
    "a mask of float": [[1.0, 0.0], [0.0, 1.0]],
    "no rows": [0, 1],
}


@pytest.mark.parametrize("kind", [list, np.array, torch.tensor])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_table_that_is_none_is_refused_whatever_holds_it(fault, kind):
    with pytest.raises(ValueError, match=r"^row [01] of the table must name one or more different"):
        MappedConv2d(kind(FAULTS[fault]), 3, 5)


@pytest.mark.parametrize("empty", [[], np.zeros((0, 2), int), torch.zeros(0, 2, dtype=torch.long)])
def test_a_table_without_rows_is_refused(empty):
    with pytest.raises(ValueError, match="a row for each"):
        MappedConv2d(empty, 3, 5)


def test_pairs_are_no_state_and_go_where_the_weights_go():
    layer = MappedConv2d(paper.C3_TABLE, 6, 5)
    assert [name for name, _ in layer.named_buffers()] == []
    assert set(layer.state_dict()) == {"weight", "bias"}
    with torch.inference_mode():
        layer.to("cpu")
    layer(randn(1, 6, 14, 14).float()).sum().backward()
    assert layer.pairs.dtype == torch.int64


MADE = {
    "mapped": lambda: MappedConv2d(paper.C3_TABLE, 6, 5),
    "subsampling": lambda: Subsampling2d(6),
    "rbf": RBFOutput,
    "own codes": lambda: RBFOutput(paper.ascii_codes("xyz")),
}


@pytest.mark.parametrize("name", MADE)
def test_a_module_from_nowhere_is_whole_after_reset_parameters(name):
    with torch.device("meta"):
        module = MADE[name]()
    assert all(tensor.is_meta for tensor in module.state_dict().values())
    module.to_empty(device="cpu")
    for tensor in module.state_dict().values():
        tensor.fill_(torch.nan)
    torch.manual_seed(4)
    module.reset_parameters()
    torch.manual_seed(4)
    expected = MADE[name]().state_dict()
    for key, tensor in module.state_dict().items():
        assert torch.equal(tensor, expected[key]), key


@pytest.mark.parametrize("window", [1, 2, 3])
def test_windows_of_any_size(window):
    layer = Subsampling2d(3, nn.Identity(), window=window, dtype=torch.float64)
    nn.init.constant_(layer.weight, 1 / window**2)
    x = randn(2, 3, 6, 12)
    assert torch.allclose(layer(x), F.avg_pool2d(x, window))
    layer.reset_parameters(torch.Generator().manual_seed(0), Start(draw_bias=True))
    assert 0 < layer.bias.abs().max() <= 2.4 / window


def test_rbf_is_the_squared_distance_to_the_codes():
    codes = torch.tensor(paper.digit_codes())
    distances = RBFOutput()(codes.float())
    assert distances.argmin(1).tolist() == list(range(10))
    # Two codes that differ in d cells are 4 d apart.
    assert distances[6, 8] == 4 * 12
    assert torch.equal(distances.diagonal(), torch.zeros(10))


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: Subsampling2d(0), "channels must be >= 1, got 0"),
        (lambda: Subsampling2d(2, window=0), "window must be >= 1, got 0"),
        (lambda: Subsampling2d(2, window=(2, 2)), "window must be a whole number"),
        (lambda: Subsampling2d(2, "relu"), "squash must be a module, got 'relu'"),
        (lambda: MappedConv2d([(0,)], 1, 0), "kernel_size must be >= 1, got 0"),
        (lambda: MappedConv2d([(0,)], 1, (3, 3, 3)), "kernel_size must be a number or a pair"),
        (lambda: MappedConv2d([(0,)], 1, 3, stride=(1, 0)), "stride must be >= 1, got 0"),
        (lambda: MappedConv2d([(0,)], 1, 3, padding="same"), "padding must be a whole number"),
        (lambda: MappedConv2d([(0,)], 1.0, 3), "in_channels must be a whole number"),
        (lambda: Subsampling2d(2)(torch.zeros(1, 2, 3, 4)), "multiples of 2"),
        (lambda: Subsampling2d(2)(torch.zeros(1, 3, 4, 4)), "expected 2 maps"),
        (lambda: MappedConv2d([()], 3, 5), "row 0"),
        (lambda: MappedConv2d([(0,), (1, 1)], 3, 5), "row 1"),
        (lambda: MappedConv2d([(3,)], 3, 5), "0..2"),
        (lambda: RBFOutput(torch.zeros(3)), "classes, features"),
        (lambda: RBFOutput(torch.full((2, 3), torch.nan)), "codes must be finite"),
    ],
)
def test_wrong_calls_say_what_is_wrong(make, fault):
    with pytest.raises((TypeError, ValueError), match=fault):
        make()


@pytest.mark.parametrize(
    ("start", "bound", "bias_bound"),
    [
        (Start(), 2.4 / math.sqrt(25), 0),
        (Start(power=1), 2.4 / 25, 0),
        (Start(power=1, count_bias=True, draw_bias=True), 2.4 / 26, 2.4 / 26),
        (Start(gain=1, draw_bias=True), 1 / 5, 1 / 5),
    ],
)
def test_weights_fill_the_range_of_their_fan_in(start, bound, bias_bound):
    layer = nn.Conv2d(1, 200, 5)
    draw_parameters(layer, torch.Generator().manual_seed(0), start)
    assert 0.98 * bound < layer.weight.abs().max().item() <= bound
    assert abs(layer.weight.mean().item()) < 0.03 * bound
    assert 0.9 * bias_bound <= layer.bias.abs().max().item() <= bias_bound


def test_a_mapped_convolution_counts_each_outputs_own_inputs():
    layer = MappedConv2d([(0,)] * 200 + [(0, 1, 2, 3)] * 200, 4, 5)
    layer.reset_parameters(torch.Generator().manual_seed(0), Start(power=1))
    one, four = layer.weight[:200].abs().max().item(), layer.weight[200:].abs().max().item()
    assert one == pytest.approx(2.4 / 25, rel=0.01)
    assert four == pytest.approx(2.4 / 100, rel=0.01)


def test_a_private_generator_decides_everything_it_draws():
    layers = [nn.Conv2d(1, 2, 5), nn.Linear(4, 3), MappedConv2d([(0,)], 1, 5), Subsampling2d(2)]
    start = Start(draw_bias=True, draw_coefficient=True)
    for layer in layers:
        drawn = []
        for noise in (1, 2):
            torch.manual_seed(noise)
            draw_parameters(layer, torch.Generator().manual_seed(7), start)
            drawn.append(nn.utils.parameters_to_vector(layer.parameters()).clone())
        assert torch.equal(*drawn)
        assert len(drawn[0].unique()) == len(drawn[0])


def test_subsampling_starts_as_said():
    layer = Subsampling2d(6)
    assert torch.equal(layer.weight, torch.full((6,), 0.25))
    assert torch.equal(layer.bias, torch.zeros(6))
