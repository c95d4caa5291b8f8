"""A recipe, a seed and a data set become a run record; many of them, a study.

The public names are loaded when first used: reading a command's flags needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a test holds it to __all__
    from lenet1998.training.run import fit, fit_together

__all__ = ["fit", "fit_together"]

if not TYPE_CHECKING:  # to a type checker a name that is not above is a mistake

    def __getattr__(name: str):
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.run"), name)
