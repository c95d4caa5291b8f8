"""A recipe's name: a variant and, after commas, every switch in which it differs. Imports no torch.

``original,passes=3,noise=0.2`` is what a folder, a record and a row of a table are called.
:meth:`lenet1998.recipes.Recipe.changed` gives such names, and nothing else makes them up.
"""

import re

from lenet1998.errors import BadInput

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,=+-]*")


def check(name: str) -> None:
    """Refuse what is no safe name of a folder: a name may have been read from a file.

    Raises:
        BadInput: another character than those, or none at all.
    """
    if not isinstance(name, str) or not SAFE.fullmatch(name):
        raise BadInput(
            f"name={name!r}: a recipe's name must be of letters, digits and -_.,=+ and start with"
            " a letter or a digit"
        )


def join(variant: str, switches: dict) -> str:
    """The name of a variant with other values of some switches, written as ``--set`` takes them."""
    return ",".join([variant, *(f"{key}={_written(value)}" for key, value in switches.items())])


def split(name: str) -> tuple[str, dict[str, str]]:
    """The variant that a name starts with, and the switches it lists with their values."""
    variant, *changes = name.split(",")
    return variant, dict(change.partition("=")[::2] for change in changes)


def spaced(name: str) -> str:
    """A name that can be broken into lines, for a table."""
    return name.replace(",", ", ")


def _written(value) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
