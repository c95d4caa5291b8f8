"""A recipe, a seed and a data set become a run record; many of them, a study.

The public names are loaded when first used: reading a command's flags needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a test holds it to _HOME
    from lenet1998.training.run import fit, fit_together

_HOME = {"fit": "run", "fit_together": "run"}

__all__ = ["fit", "fit_together"]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
