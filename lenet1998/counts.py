"""Parameters and connections of each layer, counted from its modules as the paper counts them."""

from dataclasses import dataclass

import torch
from torch import nn

from lenet1998.models import LeNet5
from lenet1998.modules import MappedConv2d, RBFOutput, Subsampling2d


@dataclass(frozen=True)
class LayerCount:
    """One layer: its maps (or units) and their size, and what it counts."""

    name: str
    maps: int
    size: int
    parameters: int
    connections: int


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


def _inputs_per_position(layer: nn.Module) -> int:
    """Connections into all of a layer's units that stand at one position, biases included."""
    if isinstance(layer, MappedConv2d):
        return layer.weight.numel() + layer.out_channels
    if isinstance(layer, Subsampling2d):
        return layer.channels * (layer.window**2 + 1)
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        return layer.weight.numel() + layer.bias.numel()
    if isinstance(layer, RBFOutput):
        return layer.codes.numel()
    raise TypeError(f"no rule to count the connections of {type(layer).__name__}")


def _connections(layer: nn.Module, maps: int, positions: int) -> int:
    """Untrained pooling has its four inputs per unit and no bias."""
    for module in layer.modules():
        if isinstance(module, (nn.AvgPool2d, nn.MaxPool2d)):
            return maps * positions * module.kernel_size**2
    return _inputs_per_position(layer) * positions


@torch.no_grad()
def count(model: LeNet5) -> Counts:
    """Count a network layer by layer (LeCun et al. 1998, section II-B).

    The RBF's 840 links to the fixed codes are connections but not parameters: that is how the
    published 340,908 and 60,000 come out.
    """
    shapes: dict[str, torch.Size] = {}
    layers = {name: getattr(model, name) for name in ("c1", "s2", "c3", "s4", "c5", "f6", "output")}
    handles = [
        layer.register_forward_hook(lambda _m, _a, out, name=name: shapes.update({name: out.shape}))
        for name, layer in layers.items()
    ]
    size = model.switches["input_size"]
    model(next(model.parameters()).new_zeros(1, 1, size, size))
    for handle in handles:
        handle.remove()
    rows = []
    for name, layer in layers.items():
        maps, side = shapes[name][1], shapes[name][-1] if len(shapes[name]) == 4 else 1
        parameters = sum(p.numel() for p in layer.parameters())
        rows.append(
            LayerCount(name, maps, side, parameters, _connections(layer, maps, side * side))
        )
    return Counts(tuple(rows))
