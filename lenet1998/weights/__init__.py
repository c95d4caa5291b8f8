"""Files of weights: safetensors, with the switches of their network in the metadata."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor, nn

from lenet1998.errors import BadInput, in_short, parse_text, read_bytes

__all__ = [
    "check_state",
    "load_weights",
    "other_switches",
    "outline",
    "read_weights",
]

Network = TypeVar("Network", bound=nn.Module)
"""A LeNet5, which stands above this module."""

WEIGHTS_BYTES = 4 * 2**20
"""Bytes of a file of weights at most: many times those of the largest variant."""


def other_switches(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """The switches that two networks both have with different values, in words; "" if none."""
    # Files hold own codes as lists.
    differ = [
        key
        for key in ours.keys() & theirs.keys()
        if json.dumps(ours[key]) != json.dumps(theirs[key])
    ]
    values = (f"{key}={theirs[key]} there, {key}={ours[key]} here" for key in sorted(differ))
    return in_short("; ".join(values))


def load_weights(model: Network, file: Path) -> Network:
    """Fill ``model`` from a safetensors file of its state dict.

    Raises:
        BadInput: no such file, a corrupt one, the weights of a network with other switches, or
            weights that are no numbers.
    """
    state, told = read_weights(file)
    for key in {"recipe", "switches"} & told.keys():
        theirs = parse_text(told[key], file)
        if not isinstance(theirs, dict):
            raise BadInput(f"{file}: its {key} is no JSON object")
        if odd := other_switches(vars(model)["switches"], theirs):
            raise BadInput(f"{file}: the weights of another network ({odd})")
    check_state(state, model, file)
    model.load_state_dict(state)
    return model


def read_weights(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file by name, and the texts that travel with them.

    Raises:
        BadInput: no such file, a corrupt one, or one that is too large for this network's weights.
    """
    content = read_bytes(file, WEIGHTS_BYTES)
    try:
        with safe_open(file, framework="pt") as opened:
            return load(content), opened.metadata() or {}
    except (OSError, SafetensorError, KeyError) as error:  # KeyError: numbers that torch lacks
        raise BadInput(f"{file}: no readable safetensors file ({in_short(error)})") from None


def outline(tensor: Tensor) -> tuple:
    """Shape, type and layout, and whether there is nothing in it: what a file may get wrong."""
    return tuple(tensor.shape), tensor.dtype, tensor.layout, tensor.is_meta


def check_state(state: dict[str, Tensor], model: nn.Module, source: Path) -> None:
    """Refuse a state dict that is not of this network.

    Raises:
        BadInput: other names, shapes or kinds of numbers, or some that are not finite; the message
            begins with the source.
    """
    expected, found = (
        {name: outline(tensor) for name, tensor in tensors.items()}
        for tensors in (model.state_dict(), state)
    )
    if expected != found:
        odd = sorted(name for name in expected | found if expected.get(name) != found.get(name))
        names = in_short(", ".join(odd))
        raise BadInput(f"{source}: the weights of another network (they differ in {names})")
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise BadInput(f"{source}: {name} holds values that are no numbers")
