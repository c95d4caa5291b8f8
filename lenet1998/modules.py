"""The 1998 network's layers: four that torch lacks, and two of torch's, drawn as Start says.

They know tensors, not LeNet. Every module that owns parameters draws them in
``reset_parameters(generator, start)``, so a network is drawn from one private generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lenet1998 import paper


@dataclass(frozen=True)
class Start:
    r"""Initial parameters: weights from :math:`U(-g / F^p, g / F^p)`, F the unit's fan-in.

    Source: Appendix A, p.41, gives g = 2.4 and p = 1, and says why not 1/2; that 1/2 is taken all
    the same is open question Q1. How biases and subsampling coefficients start is not printed
    (open questions Q2, Q3).

    Attributes:
        gain: the constant g.
        power: the exponent p.
        count_bias: whether the bias counts as one more input in F.
        draw_bias: draw biases from the weights' range instead of starting them at 0.
        coefficient: the subsampling coefficient's starting value v.
        draw_coefficient: draw that coefficient from U(-v, v) instead.
    """

    gain: float = paper.INITIAL_WEIGHT_RANGE
    power: float = 0.5
    count_bias: bool = False
    draw_bias: bool = False
    coefficient: float = 0.25
    draw_coefficient: bool = False

    def bound(self, fan_in: int) -> float:
        """Half the width of the range for a unit with ``fan_in`` weights, its bias not counted."""
        return self.gain / (fan_in + self.count_bias) ** self.power


DEFAULT_START = Start()


def _uniform_(tensor: Tensor, bound: float, generator: torch.Generator | None) -> None:
    """Draw from U(-bound, bound) as torch does for float32, but the same bytes on every processor.

    Torch's own kernels differ in how often they round. Here a whole number of 24 bits becomes a
    number of float64 without any rounding, and that is rounded once.
    """
    half = float(np.float32(bound))
    whole = torch.empty_like(tensor, dtype=torch.float64, requires_grad=False)
    whole.random_(0, 2**24, generator=generator)
    with torch.no_grad():
        tensor.copy_(whole.mul_(2 * half / 2**24).sub_(half))


def _start_dense_(layer: "Conv2d | Linear", fan_in: int, generator, start: Start) -> None:
    bound = start.bound(fan_in)
    _uniform_(layer.weight, bound, generator)
    if layer.bias is not None:
        _uniform_(layer.bias, bound if start.draw_bias else 0.0, generator)


class Conv2d(nn.Conv2d):
    """:class:`torch.nn.Conv2d`, its parameters drawn as :class:`Start` says."""

    def reset_parameters(self, generator=None, start: Start = DEFAULT_START) -> None:
        _start_dense_(self, self.weight[0].numel(), generator, start)


class Linear(nn.Linear):
    """:class:`torch.nn.Linear`, its parameters drawn as :class:`Start` says."""

    def reset_parameters(self, generator=None, start: Start = DEFAULT_START) -> None:
        _start_dense_(self, self.in_features, generator, start)


class ScaledTanh(nn.Module):
    r"""The squashing function of all units up to F6.

    .. math:: f(a) = A \tanh(S a), \quad A = 1.7159, \; S = 2/3

    so that f(1) = 1 and f(-1) = -1. As printed, :math:`|f''|` is largest there; exactly, its
    maximum is at +-0.988.

    Source: LeCun et al. 1998, eq. 6 and Appendix A, p.41.

    Args:
        amplitude: the constant A.
        slope: the constant S.

    Shape:
        - Input: any shape.
        - Output: the input's shape, values in (-A, A).
    """

    def __init__(self, amplitude: float = paper.TANH_AMPLITUDE, slope: float = paper.TANH_SLOPE):
        super().__init__()
        self.amplitude = amplitude
        self.slope = slope

    def reset_parameters(self, generator=None, start: Start = DEFAULT_START) -> None:
        """Nothing to draw: A and S are fixed."""

    def forward(self, activation: Tensor) -> Tensor:
        return self.amplitude * torch.tanh(self.slope * activation)

    def extra_repr(self) -> str:
        return f"amplitude={self.amplitude:g}, slope={self.slope:g}"


SQUASHINGS = {
    "scaled_tanh": ScaledTanh,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "logistic": nn.Sigmoid,
    "none": nn.Identity,
}


class Subsampling2d(nn.Module):
    r"""Sum each 2x2 window, scale and shift it per map, then squash (layers S2 and S4).

    .. math:: y_{n,c,i,j} = f\Big(w_c \sum_{(u,v)\in\text{window}} x_{n,c,u,v} + b_c\Big)

    Source: LeCun et al. 1998, section II-B (the four inputs are added); section II-A says average,
    which ``average=True`` gives: open question Q4. The squashing function: open question Q5.

    Args:
        channels: number of maps C.
        squash: the squashing function f as a module; default :class:`ScaledTanh`.
        average: scale the window's mean instead of its sum.

    Shape:
        - Input: (N, C, 2H, 2W); an odd size raises ``ValueError``.
        - Output: (N, C, H, W).

    Attributes:
        weight: (C,), constant 0.25, or as :class:`Start` says.
        bias: (C,), 0, or drawn from U(-g / 4^p, g / 4^p).
    """

    window = 2

    def __init__(
        self,
        channels: int,
        squash: nn.Module | None = None,
        average: bool = False,
        device=None,
        dtype=None,
    ):
        super().__init__()
        if channels < 1:
            raise ValueError(f"Subsampling2d needs at least one channel, got {channels}")
        self.channels = channels
        self.average = average
        self.squash = ScaledTanh() if squash is None else squash
        self.weight = nn.Parameter(torch.empty(channels, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(channels, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self, generator=None, start: Start = DEFAULT_START) -> None:
        if start.draw_coefficient:
            _uniform_(self.weight, start.coefficient, generator)
        else:
            nn.init.constant_(self.weight, start.coefficient)
        bound = start.bound(self.window**2) if start.draw_bias else 0.0
        _uniform_(self.bias, bound, generator)

    def pooled(self, maps: Tensor) -> Tensor:
        """The window sums (or means) that the coefficient multiplies, (N, C, H, W)."""
        if not torch.jit.is_tracing():  # where shapes are no numbers
            shape = tuple(maps.shape)
            if shape[-1] % self.window or shape[-2] % self.window:
                raise ValueError(f"Subsampling2d needs maps of even size, got {shape}")
            if shape[-3] != self.channels:
                raise ValueError(f"expected {self.channels} maps, got {shape}")
        mean = F.avg_pool2d(maps, self.window)
        return mean if self.average else self.window**2 * mean

    def of_sums(self) -> Tensor:
        """The coefficients, (C,), as of window sums, whichever of the two they multiply here."""
        return self.weight / self.window**2 if self.average else self.weight

    def forward(self, maps: Tensor) -> Tensor:
        per_map = (-1, 1, 1)
        activation = self.weight.view(per_map) * self.pooled(maps) + self.bias.view(per_map)
        return self.squash(activation)

    def extra_repr(self) -> str:
        return f"{self.channels}, average={self.average}"


class MappedConv2d(nn.Module):
    r"""A convolution whose output maps each see only the input maps that a table names (layer C3).

    .. math:: y_{n,o} = b_o + \sum_{i \in \text{table}[o]} k_{(o,i)} \star x_{n,i}

    One kernel is stored per connected pair, so there is nothing to mask and nothing that could leak
    into an absent connection. Source: LeCun et al. 1998, section II-B and Table I.

    Args:
        table: for each output map, the input maps it sees.
        in_channels: number of input maps I.
        kernel_size: side K of the square kernels.

    Shape:
        - Input: (N, I, H, W)
        - Output: (N, O, H - K + 1, W - K + 1)

    Attributes:
        weight: (pairs, K, K) in the order of the table read output map by output map; each drawn
            from U(-g / F^p, g / F^p), F the K^2 weights of each of the maps that *its* output sees.
        bias: (O,), 0, or drawn from the same range.

    Raises:
        ValueError: an empty row, a map named twice in a row, or one outside 0..I-1.
    """

    pairs: Tensor

    def __init__(
        self,
        table: Sequence[Sequence[int]],
        in_channels: int,
        kernel_size: int,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.table = tuple(tuple(row) for row in table)
        self.in_channels = in_channels
        self.out_channels = len(self.table)
        self.kernel_size = kernel_size
        for output, row in enumerate(self.table):
            if not row or len(set(row)) != len(row) or not all(0 <= i < in_channels for i in row):
                raise ValueError(
                    f"row {output} of the table must name one or more different input maps"
                    f" of 0..{in_channels - 1}, got {row}"
                )
        pairs = [output * in_channels + i for output, row in enumerate(self.table) for i in row]
        self.register_buffer("pairs", torch.tensor(pairs, device=device), persistent=False)
        shape = (len(pairs), kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(self.out_channels, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self, generator=None, start: Start = DEFAULT_START) -> None:
        first = 0
        for output, row in enumerate(self.table):
            bound = start.bound(len(row) * self.kernel_size**2)
            _uniform_(self.weight[first : first + len(row)], bound, generator)
            _uniform_(self.bias[output : output + 1], bound * start.draw_bias, generator)
            first += len(row)

    def dense(self, kernels: Tensor) -> Tensor:
        """Per-pair kernels (pairs, K, K) as a dense (O, I, K, K) with zeros where unconnected."""
        grid = kernels.new_zeros(self.out_channels * self.in_channels, *kernels.shape[1:])
        grid = grid.index_copy(0, self.pairs, kernels)
        return grid.view(self.out_channels, self.in_channels, *kernels.shape[1:])

    def connected(self, dense: Tensor) -> Tensor:
        """The connected pairs (pairs, K, K) of a dense (O, I, K, K): the inverse of ``dense``."""
        return dense.flatten(0, 1).index_select(0, self.pairs)

    def forward(self, maps: Tensor) -> Tensor:
        return F.conv2d(maps, self.dense(self.weight), self.bias)

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size},"
            f" pairs={len(self.pairs)}"
        )


class RBFOutput(nn.Module):
    r"""Euclidean radial basis function units: the squared distance to each class's code.

    .. math:: y_{n,i} = \sum_j (x_{n,j} - w_{i,j})^2

    The smallest output wins. The codes are fixed, so they are a buffer. Source: LeCun et al. 1998,
    eq. 7; the default codes are the ten digits' 7x12 bitmaps of Fig. 3.

    Args:
        codes: (classes, features) of +-1; default: the ten codes of Fig. 3, (10, 84).
        drawn: let :meth:`reset_parameters` draw the codes, +1 and -1 as likely; then they stay.

    Shape:
        - Input: (N, features)
        - Output: (N, classes), in squared units of F6's output.
    """

    codes: Tensor

    def __init__(self, codes: Tensor | None = None, drawn: bool = False, device=None, dtype=None):
        super().__init__()
        self.drawn = drawn
        given = torch.as_tensor(paper.digit_codes() if codes is None else codes)
        if given.ndim != 2:
            raise ValueError(f"codes must be (classes, features), got {tuple(given.shape)}")
        dtype = torch.get_default_dtype() if dtype is None else dtype
        self.register_buffer("codes", given.to(device=device, dtype=dtype, copy=True))

    def reset_parameters(self, generator=None, start: Start = DEFAULT_START) -> None:
        """Draw the codes, if they are to be drawn; they are not trained."""
        if self.drawn:
            # Not bernoulli_, which is another library's on some processors.
            self.codes.random_(0, 2, generator=generator).mul_(2).sub_(1)

    def forward(self, state: Tensor) -> Tensor:
        # The explicit difference: expanding the square loses half the digits near a code.
        return (state.unsqueeze(-2) - self.codes).square().sum(-1)

    def extra_repr(self) -> str:
        return f"classes={self.codes.shape[0]}, features={self.codes.shape[1]}"
