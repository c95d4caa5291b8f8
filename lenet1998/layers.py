"""Layers of a recipe's network as its switches make them: what tables count, without torch.

:func:`lenet1998.counts.count` counts the modules of a network; a test holds the two together.
"""

from collections.abc import Mapping
from functools import cache

from lenet1998 import paper
from lenet1998.recipes import NETWORK_SWITCHES, Recipe

SUBSAMPLING = ("s2", "s4")
KERNEL, WINDOW = 5, 2


def multiply_accumulates(layer: Mapping, pooling: str) -> int:
    """Multiply-accumulates of a layer to read one pattern: the one definition.

    A multiply-accumulate is a connection, a bias's too; a subsampling unit, which adds its inputs
    up first, makes only one, and in max pooling none.

    Args:
        layer: its ``name``, ``maps``, ``size`` and ``connections``, as records hold them.
        pooling: the recipe's.
    """
    if layer["name"] not in SUBSAMPLING:
        return layer["connections"]
    return 0 if pooling == "max" else layer["maps"] * layer["size"] ** 2


def layers_of(recipe: Recipe) -> list[dict]:
    """Fields of each layer's :class:`~lenet1998.counts.LayerCount`, as records hold them."""
    return _layers(*(getattr(recipe, switch) for switch in NETWORK_SWITCHES))


@cache  # of each network once: they are many runs
def _layers(*values) -> list[dict]:
    switches = dict(zip(NETWORK_SWITCHES, values, strict=True))
    c1 = switches["input_size"] - KERNEL + 1
    c3 = c1 // WINDOW - KERNEL + 1
    s4 = c3 // WINDOW
    shapes = {"c1": (6, c1), "s2": (6, c1 // WINDOW), "c3": (16, c3), "s4": (16, s4)}
    classes = paper.CLASSES + (switches["blank"] != "none")
    shapes |= {"c5": (120, 1), "f6": (paper.CODE_LENGTH, 1), "output": (classes, 1)}
    trained = switches["pooling"].startswith("trainable")
    linear = switches["output"] == "linear"
    pairs = sum(map(len, paper.C3_TABLE)) if switches["c3"] == "table" else 6 * 16
    parameters = {
        "c1": 6 * (KERNEL**2 + 1),
        "s2": 6 * 2 * trained,
        "c3": pairs * KERNEL**2 + 16,
        "s4": 16 * 2 * trained,
        "c5": 120 * (16 * s4**2 + 1),
        "f6": paper.CODE_LENGTH * (120 + 1),
        "output": linear * classes * (paper.CODE_LENGTH + 1),
    }
    # Of the units at one position: a kernel's are its parameters; the RBF's go to fixed codes.
    connections = parameters | {
        "s2": 6 * (WINDOW**2 + trained),
        "s4": 16 * (WINDOW**2 + trained),
        "output": classes * (paper.CODE_LENGTH + linear),
    }
    rows = [
        {
            "name": name,
            "maps": maps,
            "size": size,
            "parameters": parameters[name],
            "connections": connections[name] * size**2,
        }
        for name, (maps, size) in shapes.items()
    ]
    pooling = switches["pooling"]
    return [row | {"multiply_accumulates": multiply_accumulates(row, pooling)} for row in rows]
