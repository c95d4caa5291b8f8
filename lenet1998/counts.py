"""Count each layer's parameters, connections and multiply-accumulates as the paper does."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lenet1998.models import STEP, LeNet5, lenet5, within
from lenet1998.modules import MappedConv2d, RBFOutput, Subsampling2d
from lenet1998.recipes import multiply_accumulates

__all__ = [
    "Counts",
    "LayerCount",
    "LayerForm",
    "Replication",
    "count",
    "forms",
    "replication",
]

_STEPS = {"c1": 1, "s2": 2, "c3": 2}
"""Pixels of the field from one unit of a map to the next; from S4 on as many as STEP."""


@dataclass(frozen=True)
class LayerCount:
    """One layer: its maps (or units) and their size, and what it counts.

    ``multiply_accumulates`` are to read one pattern, as
    :func:`lenet1998.recipes.multiply_accumulates` defines them.
    """

    name: str
    maps: int
    size: int
    parameters: int
    connections: int
    multiply_accumulates: int


@dataclass(frozen=True)
class Counts:
    """All layers and the network's totals."""

    layers: tuple[LayerCount, ...]

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def connections(self) -> int:
        return sum(layer.connections for layer in self.layers)

    @property
    def multiply_accumulates(self) -> int:
        return sum(layer.multiply_accumulates for layer in self.layers)


@dataclass(frozen=True)
class Replication:
    """A network's work on a field larger than its own (section VII-A, p.27).

    Attributes:
        positions: rows and columns of the output vectors.
        multiply_accumulates: of the replicated network, which computes each state once.
        swept: of the network moved over the field, one window for each output vector.
    """

    positions: tuple[int, int]
    multiply_accumulates: int
    swept: int


@dataclass(frozen=True)
class LayerForm:
    """Form of one layer: kernels or windows, their side and stride, and the squashing after them.

    A layer without maps (F6 and the output) has neither side nor stride.
    """

    name: str
    kind: str
    kernel: int | None
    stride: int | None
    activation: str


def _connections(layer: nn.Module, maps: int, positions: int) -> int:
    """Connections of a layer's units, biases included; pooling that is not trained has none."""
    module = within(layer)
    if isinstance(module, (nn.AvgPool2d, nn.MaxPool2d)):
        return maps * positions * module.kernel_size**2  # type: ignore[operator]  # as LeNet5 has it
    if isinstance(module, Subsampling2d):
        return maps * positions * (module.window**2 + 1)
    if isinstance(module, RBFOutput):
        return positions * module.codes.numel()
    if isinstance(module, (nn.Conv2d, nn.Linear, MappedConv2d)):
        return positions * sum(parameter.numel() for parameter in module.parameters())
    raise TypeError(f"no rule to count the connections of {type(layer).__name__}")


def _layers(model: LeNet5) -> dict[str, nn.Module]:
    names = ("c1", "s2", "c3", "s4", "c5", "f6", "output")
    return {name: getattr(model, name) for name in names}


@torch.no_grad()
def count(model: LeNet5) -> Counts:
    """Count a network layer by layer (LeCun et al. 1998, section II-B).

    The RBF's 840 links to the fixed codes are connections but not parameters: that is how the
    published 340,908 and 60,000 (end of section II-A, p.7) come out.

    Raises:
        TypeError: another network.
    """
    model = lenet5(model)
    shapes: dict[str, torch.Size] = {}
    layers = _layers(model)
    handles = [
        layer.register_forward_hook(lambda _m, _a, out, name=name: shapes.update({name: out.shape}))
        for name, layer in layers.items()
    ]
    size, channels = model.switches["input_size"], model.switches.get("in_channels", 1)
    model(next(model.parameters()).new_zeros(1, channels, size, size))
    for handle in handles:
        handle.remove()
    rows = []
    for name, layer in layers.items():
        maps, side = shapes[name][1], shapes[name][-1] if len(shapes[name]) == 4 else 1
        counts: dict[str, Any] = {
            "name": name,
            "maps": maps,
            "size": side,
            "parameters": sum(p.numel() for p in layer.parameters()),
            "connections": _connections(layer, maps, side * side),
        }
        work = multiply_accumulates(counts, model.switches["pooling"])
        rows.append(LayerCount(**counts, multiply_accumulates=work))
    return Counts(tuple(rows))


def replication(model: LeNet5, height: int, width: int) -> Replication:
    """Multiply-accumulates for a field of so many pixels, replicated and swept.

    Raises:
        ValueError: a field smaller than the network's own.
    """
    size = model.switches["input_size"]
    if min(height, width) < size:
        raise ValueError(f"a field must be at least {size}x{size}, got {height}x{width}")
    # How much larger the field is, in whole windows: what is left over is not seen.
    down, right = ((side - size) // STEP * STEP for side in (height, width))
    positions = down // STEP + 1, right // STEP + 1
    counts = count(model)
    replicated = 0
    for layer in counts.layers:
        step = _STEPS.get(layer.name, STEP)
        units = (layer.size + down // step) * (layer.size + right // step)
        replicated += layer.multiply_accumulates // layer.size**2 * units
    swept = counts.multiply_accumulates * positions[0] * positions[1]
    return Replication(positions, replicated, swept)


def forms(model: LeNet5) -> tuple[LayerForm, ...]:
    """Forms of a network's layers, from the first to the output."""
    hidden, pooled = model.switches["squash"], model.switches["subsampling_squash"]
    activations = {"s2": pooled, "s4": pooled, "output": _output_activation(model)}
    return tuple(
        LayerForm(name, *_kind(layer), activations.get(name, hidden))
        for name, layer in _layers(model).items()
    )


def _kind(layer: nn.Module) -> tuple[str, Any, Any]:
    """A layer's kind in words, and the side and stride of its kernels or windows."""
    module = within(layer)
    if isinstance(module, Subsampling2d):
        kind = "trainable average" if module.average else "trainable subsampling"
        return kind, module.window, module.window
    if isinstance(module, (nn.Conv2d, MappedConv2d)):
        by_table = " by table" if isinstance(module, MappedConv2d) else ""
        return f"convolution{by_table}", module.kernel_size[0], module.stride[0]
    if isinstance(module, (nn.AvgPool2d, nn.MaxPool2d)):
        kind = "average" if isinstance(module, nn.AvgPool2d) else "max"
        return f"{kind} pooling", module.kernel_size, module.stride
    return "RBF" if isinstance(module, RBFOutput) else "full", None, None


def _output_activation(model: LeNet5) -> str:
    return "squared distance" if model.smallest_wins else "none"
