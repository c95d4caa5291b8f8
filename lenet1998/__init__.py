"""The LeNet-5 that LeCun, Bottou, Bengio and Haffner published in 1998.

The public names are loaded when first used: reading records and making tables needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers; a test holds it to _HOME
    from lenet1998.counts import count
    from lenet1998.curvature import diagonal_curvature
    from lenet1998.errors import BadInput
    from lenet1998.models import LeNet5, build_model
    from lenet1998.optim import SDLM
    from lenet1998.pretrained import load_pretrained
    from lenet1998.recipes import RECIPES, Recipe
    from lenet1998.training import fit
    from lenet1998.training.records import RunRecord

_HOME = {
    "BadInput": "errors",
    "LeNet5": "models",
    "RECIPES": "recipes",
    "Recipe": "recipes",
    "RunRecord": "training.records",
    "SDLM": "optim",
    "build_model": "models",
    "count": "counts",
    "diagonal_curvature": "curvature",
    "fit": "training",
    "load_pretrained": "pretrained",
}

__version__ = "1.0.0"

__all__ = [
    "RECIPES",
    "SDLM",
    "BadInput",
    "LeNet5",
    "Recipe",
    "RunRecord",
    "build_model",
    "count",
    "diagonal_curvature",
    "fit",
    "load_pretrained",
]


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
