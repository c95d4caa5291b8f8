"""The 1998 network's layers that torch lacks, and the drawing of parameters as Start says.

They know tensors, not LeNet. :func:`draw_parameters` draws theirs and those of torch's own layers,
so that a network is drawn from one private generator.
"""

import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor, fx, nn
from torch.nn import functional as F

from lenet1998 import paper
from lenet1998.errors import as_int

__all__ = [
    "SQUASHINGS",
    "MappedConv2d",
    "RBFOutput",
    "ScaledTanh",
    "Start",
    "Subsampling2d",
    "draw_parameters",
]


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


def draw_parameters(
    network: nn.Module, generator: Generator | None = None, start: Start = DEFAULT_START
) -> None:
    """Draw the parameters of all convolutions, linear and 1998's layers, the first layer's first.

    Other modules' parameters stay as they are.
    """
    for module in network.modules():
        if isinstance(module, (Subsampling2d, MappedConv2d, RBFOutput)):
            module.reset_parameters(generator, start)
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            bound = start.bound(module.weight[0].numel())
            _uniform_(module.weight, bound, generator)
            if module.bias is not None:
                _uniform_(module.bias, bound if start.draw_bias else 0.0, generator)


def recorded(tensor: Tensor) -> bool:
    """Test for a call that torch.jit or torch.fx records, where shapes are no numbers."""
    return torch.jit.is_tracing() or isinstance(tensor, fx.Proxy)


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

    def forward(self, activation: Tensor) -> Tensor:
        return self.amplitude * torch.tanh(self.slope * activation)

    def extra_repr(self) -> str:
        return f"amplitude={self.amplitude:g}, slope={self.slope:g}"


SQUASHINGS: dict[str, type[nn.Module]] = {
    "scaled_tanh": ScaledTanh,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "logistic": nn.Sigmoid,
    "none": nn.Identity,
}


class Subsampling2d(nn.Module):
    r"""Sum each window, scale and shift it per map, then squash (layers S2 and S4).

    .. math:: y_{n,c,i,j} = f\Big(w_c \sum_{(u,v)\in\text{window}} x_{n,c,u,v} + b_c\Big)

    Source: LeCun et al. 1998, section II-B (the four inputs are added); section II-A says average,
    which ``average=True`` gives: open question Q4. The squashing function: open question Q5.

    Args:
        channels: number of maps C.
        squash: the squashing function f as a module; default :class:`ScaledTanh`.
        average: scale the window's mean instead of its sum.
        window: side of the windows, which do not overlap; 1998's are 2x2.

    Shape:
        - Input: (N, C, window H, window W); sides that no whole windows fill raise ``ValueError``.
        - Output: (N, C, H, W).

    Attributes:
        weight: (C,), constant 0.25, or as :class:`Start` says.
        bias: (C,), 0, or drawn from U(-g / F^p, g / F^p), F the window's pixels.
    """

    def __init__(
        self,
        channels: int,
        squash: nn.Module | None = None,
        average: bool = False,
        window: int = 2,
        device: torch.types.Device = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        if not isinstance(squash, nn.Module | None):
            raise TypeError(f"squash must be a module, got {squash!r}")
        self.channels = channels = as_int("channels", channels)
        self.average = average
        self.window = as_int("window", window)
        self.squash = ScaledTanh() if squash is None else squash
        self.weight = nn.Parameter(torch.empty(channels, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.empty(channels, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(
        self, generator: Generator | None = None, start: Start = DEFAULT_START
    ) -> None:
        if start.draw_coefficient:
            _uniform_(self.weight, start.coefficient, generator)
        else:
            nn.init.constant_(self.weight, start.coefficient)
        bound = start.bound(self.window**2) if start.draw_bias else 0.0
        _uniform_(self.bias, bound, generator)

    def pooled(self, maps: Tensor) -> Tensor:
        """The window sums (or means) that the coefficient multiplies, (N, C, H, W)."""
        if not recorded(maps):
            shape = tuple(maps.shape)
            if shape[-1] % self.window or shape[-2] % self.window:
                raise ValueError(
                    f"the sides of the maps must be multiples of {self.window}, got {shape}"
                )
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
        return f"{self.channels}, average={self.average}, window={self.window}"


def _pair(name: str, value: int | tuple[int, int], least: int = 1) -> tuple[int, int]:
    """One number for rows and columns, or a number for each.

    Raises:
        TypeError, ValueError: no whole numbers, or too small ones.
    """
    sides = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(sides) != 2:
        raise ValueError(f"{name} must be a number or a pair, got {value!r}")
    first, second = (as_int(name, side, least) for side in sides)
    return first, second


def _input_maps(row: Iterable[int], in_channels: int) -> tuple[int, ...]:
    """A row of a table, whatever holds it.

    Raises:
        ValueError: it does not name different input maps by their numbers.
    """
    items = row.tolist() if isinstance(row, (Tensor, np.ndarray)) else row
    try:
        numbers = list(items)
        if any(isinstance(number, (bool, np.bool_)) for number in numbers):
            raise TypeError
        maps = tuple(map(operator.index, numbers))
    except TypeError:
        maps = ()
    if not maps or len(set(maps)) != len(maps) or not all(0 <= i < in_channels for i in maps):
        raise ValueError(
            f"must name one or more different input maps of 0..{in_channels - 1} by their numbers"
            f" (of a mask, the positions that are True), got {items}"
        )
    return maps


class MappedConv2d(nn.Module):
    r"""A convolution whose output maps each see only the input maps that a table names (layer C3).

    .. math:: y_{n,o} = b_o + \sum_{i \in \text{table}[o]} k_{(o,i)} \star x_{n,i}

    One kernel is stored per connected pair, so there is nothing to mask and nothing that could leak
    into an absent connection. Source: LeCun et al. 1998, section II-B and Table I.

    Args:
        table: for each output map, the numbers of the input maps it sees: sequences, an array or a
            tensor. A mask is refused.
        in_channels: number of input maps I.
        kernel_size, stride, padding: as :class:`torch.nn.Conv2d` has them; kernels are K x L.
        bias: add a bias to each output map.

    Shape:
        as :class:`torch.nn.Conv2d`, from (N, I, H, W) to (N, O, H', W')

    Attributes:
        weight: (pairs, K, L) in the order of the table read output map by output map; each drawn
            from U(-g / F^p, g / F^p), F the KL weights of each of the maps that *its* output sees.
        bias: (O,), 0, or drawn from the same range; or None.
        pairs: (pairs,) places of the kernels in a dense (O, I). No state: it is made of ``table``.

    Raises:
        TypeError, ValueError: a row that is empty, names a map twice or one outside 0..I-1, or a
            mask; a kernel_size, stride or padding that cannot be, padding in words too.
    """

    bias: nn.Parameter | None
    pairs: Tensor

    def __init__(
        self,
        table: Sequence[Sequence[int]] | np.ndarray | Tensor,
        in_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        bias: bool = True,
        device: torch.types.Device = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        in_channels = as_int("in_channels", in_channels)
        rows = []
        for output, row in enumerate(table):
            try:
                rows.append(_input_maps(row, in_channels))
            except ValueError as error:
                raise ValueError(f"row {output} of the table {error}") from None
        if not rows:
            raise ValueError("the table must have a row for each of one or more output maps")
        self.table = tuple(rows)
        self.in_channels = in_channels
        self.out_channels = len(rows)
        self.kernel_size = _pair("kernel_size", kernel_size)
        self.stride = _pair("stride", stride)
        self.padding = _pair("padding", padding, 0)
        shape = (sum(map(len, rows)), *self.kernel_size)
        self.weight = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        bias_or_none = torch.empty(len(rows), device=device, dtype=dtype) if bias else None
        self.bias = None if bias_or_none is None else nn.Parameter(bias_or_none)
        first = range(0, self.out_channels * in_channels, in_channels)
        pairs = [o + i for o, row in zip(first, self.table, strict=True) for i in row]
        with torch.inference_mode(False):
            self.pairs = torch.tensor(pairs, device="cpu")
        self._place_pairs()
        self.reset_parameters()

    @torch.inference_mode(False)
    def _place_pairs(self) -> None:
        """Have the pairs where the weights are, unless those are nowhere."""
        if not self.weight.is_meta:
            self.pairs = self.pairs.to(self.weight.device)

    def _apply(self, fn, recurse: bool = True):
        """Move or cast the parameters, as all of torch's methods that do so; the pairs follow."""
        super()._apply(fn, recurse)
        self._place_pairs()
        return self

    def reset_parameters(
        self, generator: Generator | None = None, start: Start = DEFAULT_START
    ) -> None:
        first = 0
        for output, row in enumerate(self.table):
            bound = start.bound(len(row) * self.weight[0].numel())
            _uniform_(self.weight[first : first + len(row)], bound, generator)
            if self.bias is not None:
                _uniform_(self.bias[output : output + 1], bound * start.draw_bias, generator)
            first += len(row)

    def dense(self, kernels: Tensor) -> Tensor:
        """Per-pair kernels (pairs, K, L) as a dense (O, I, K, L) with zeros where unconnected."""
        grid = kernels.new_zeros(self.out_channels * self.in_channels, *self.kernel_size)
        grid = grid.index_copy(0, self.pairs.to(kernels.device), kernels)
        return grid.view(self.out_channels, self.in_channels, *self.kernel_size)

    def connected(self, dense: Tensor) -> Tensor:
        """The connected pairs (pairs, K, L) of a dense (O, I, K, L): the inverse of ``dense``."""
        return dense.flatten(0, 1).index_select(0, self.pairs.to(dense.device))

    def as_conv2d(self) -> nn.Conv2d:
        """A :class:`torch.nn.Conv2d` that computes the same, with zeros where unconnected."""
        sizes = (self.in_channels, self.out_channels, self.kernel_size, self.stride, self.padding)
        layer = nn.utils.skip_init(nn.Conv2d, *sizes, bias=self.bias is not None)
        layer.weight = nn.Parameter(self.dense(self.weight).detach())
        layer.bias = self.bias
        return layer

    def forward(self, maps: Tensor) -> Tensor:
        return F.conv2d(maps, self.dense(self.weight), self.bias, self.stride, self.padding)

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size},"
            f" stride={self.stride}, padding={self.padding}, pairs={len(self.pairs)}"
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

    def __init__(
        self,
        codes: Tensor | np.ndarray | None = None,
        drawn: bool = False,
        device: torch.types.Device = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.drawn = drawn
        given = torch.as_tensor(paper.digit_codes() if codes is None else codes, device="cpu")
        if given.ndim != 2:
            raise ValueError(f"codes must be (classes, features), got {tuple(given.shape)}")
        if not given.isfinite().all():
            raise ValueError("codes must be finite: no distance could be taken")
        self._given = given.detach().clone()
        self.register_buffer("codes", torch.empty(given.shape, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(
        self, generator: Generator | None = None, start: Start = DEFAULT_START
    ) -> None:
        """Set the codes to those given, or draw them; they are not trained."""
        with torch.no_grad():
            self.codes.copy_(self._given)
            if self.drawn:
                # Not bernoulli_, which is another library's on some processors.
                self.codes.random_(0, 2, generator=generator).mul_(2).sub_(1)

    def forward(self, state: Tensor) -> Tensor:
        # The explicit difference: expanding the square loses half the digits near a code.
        return (state.unsqueeze(-2) - self.codes).square().sum(-1)

    def extra_repr(self) -> str:
        return f"classes={self.codes.shape[0]}, features={self.codes.shape[1]}"
