"""Switches of a recipe: defaults, values and their texts.

And the values of those switches that network and data know, too. Imports no torch.
"""

import dataclasses
from contextlib import suppress
from dataclasses import field

from lenet1998 import paper
from lenet1998.errors import BadInput

NETWORK_SWITCHES = {
    "c3": ("table", "dense"),
    "pooling": ("trainable", "trainable_average", "average", "max"),
    "squash": ("scaled_tanh", "tanh", "relu", "logistic"),
    "subsampling_squash": ("scaled_tanh", "logistic", "none"),
    "output": ("rbf", "linear"),
    "input_size": (32, 28),
    "blank": ("none", "space"),
    "codes": ("bitmaps", "random", "one_hot"),
}
"""Every switch of the network with its values, the 1998 design's first."""

SCALINGS: dict[str, tuple[float, float]] = {
    "paper": (paper.BACKGROUND, paper.INK - paper.BACKGROUND),
    "unit": (0.0, 1.0),
    "half": (-1.0, 2.0),
    "standard": (-0.1307 / 0.3081, 1 / 0.3081),  # mean and deviation of MNIST's training pixels
}
"""Named ranges of grey levels: (offset, gain) in value = offset + gain * pixel / 255."""

LARGEST = 1e37
"""The limit of every number that has no nearer one: ten times as much, which Adam's first step
takes, and twice as much, which is a range's width, are still float32."""


def choice(*values):
    """A switch with a closed list of values, the first its default."""
    return field(default=values[0], metadata={"values": values})


def number(default, at_least=None, above=None, at_most=None, also=()):
    """A numeric switch of the default's type with its limits; ``also`` names values beside them."""
    kind = int if isinstance(default, int) or None in also else float
    if kind is float and at_most is None:
        at_most = LARGEST
    limits = {"at_least": at_least, "above": above, "at_most": at_most, "also": also}
    return field(default=default, metadata={"number": kind, **limits})


def _valid(switch: dataclasses.Field) -> str:
    """The values a switch takes, for an error message."""
    facts = switch.metadata
    if "values" in facts:
        return ", ".join(str(value).lower() for value in facts["values"])
    kind = "a whole number" if facts["number"] is int else "a number"
    signs = {"at_least": ">=", "above": ">", "at_most": "<="}
    limits = [f"{sign} {facts[key]:,}" for key, sign in signs.items() if facts[key] is not None]
    return ", or ".join([" ".join([kind, " and ".join(limits)]).strip(), *map(str, facts["also"])])


def _one_of(value, values) -> bool:
    """Test for a value among others, in its type too: 1 is not True."""
    return any(type(value) is type(known) and value == known for known in values)


def check(switch: dataclasses.Field, value) -> None:
    """Check the value of a switch.

    Raises:
        BadInput: it has not; the message lists those it has.
    """
    facts = switch.metadata
    if "values" in facts:
        good = _one_of(value, facts["values"])
    elif _one_of(value, facts["also"]):
        good = True
    else:
        kinds = int if facts["number"] is int else (int, float)
        good = (
            isinstance(value, kinds)
            and not isinstance(value, bool)
            and (facts["at_least"] is None or value >= facts["at_least"])
            and (facts["above"] is None or value > facts["above"])
            and (facts["at_most"] is None or value <= facts["at_most"])
        )
    if not good:
        raise BadInput(f"{switch.name}={value}: {switch.name} must be {_valid(switch)}")


def parse(switch: dataclasses.Field, text: str):
    """The value that a text stands for; the text itself, which no switch has, if for none."""
    facts = switch.metadata
    known = {str(value).lower(): value for value in facts.get("values", facts.get("also"))}
    if text.lower() in known:
        return known[text.lower()]
    if "values" not in facts:
        with suppress(ValueError):
            return facts["number"](text)
    return text
