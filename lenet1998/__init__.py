"""The LeNet-5 that LeCun, Bottou, Bengio and Haffner published in 1998.

The public names, modules among them, are loaded when first used: to answer ``--help`` takes no
torch.

Example::

    >>> import lenet1998
    >>> model = lenet1998.load_pretrained("original")
    >>> digits = lenet1998.data.load("digits")
    >>> labels = model.predict(lenet1998.data.prepare(digits.test_images))
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers; a test holds it to __all__
    from lenet1998 import (
        counts,
        criteria,
        curvature,
        data,
        engines,
        errors,
        exporting,
        models,
        modules,
        optim,
        paper,
        pretrained,
        recipes,
        strings,
        training,
        transforms,
        weights,
    )
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

__version__ = "2.0.0"

__all__ = [
    "RECIPES",
    "SDLM",
    "BadInput",
    "LeNet5",
    "Recipe",
    "RunRecord",
    "build_model",
    "count",
    "counts",
    "criteria",
    "curvature",
    "data",
    "diagonal_curvature",
    "engines",
    "errors",
    "exporting",
    "fit",
    "load_pretrained",
    "models",
    "modules",
    "optim",
    "paper",
    "pretrained",
    "recipes",
    "strings",
    "training",
    "transforms",
    "weights",
]


if not TYPE_CHECKING:  # to a type checker a name that is not above is a mistake

    def __getattr__(name: str):
        if name in _HOME:
            return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        if name in __all__:
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
