"""Multiply-accumulates of a layer from its counts alone. Imports no torch."""

from collections.abc import Mapping

SUBSAMPLING = ("s2", "s4")


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
