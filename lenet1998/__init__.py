"""LeNet-5 exactly as LeCun, Bottou, Bengio and Haffner published it in 1998.

The public names are loaded when first used: reading records and making tables needs no torch.
"""

from importlib import import_module

_HOME = {
    "BadInput": "errors",
    "LeNet5": "models",
    "RECIPES": "recipes",
    "Recipe": "recipes",
    "RunRecord": "records",
    "SDLM": "optim",
    "build_model": "recipes",
    "count": "counts",
    "diagonal_curvature": "curvature",
    "fit": "training",
    "load_pretrained": "recipes",
}

__all__ = sorted(_HOME)


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
