"""Entry points of ``torch.hub``: ``torch.hub.load(REPOSITORY, "original")``; docs/pretrained.md."""

import re as _re
import warnings as _warnings
from pathlib import Path as _Path

import lenet1998 as _lenet1998

_init = _Path(__file__).with_name("lenet1998") / "__init__.py"
_version = _re.search(r'__version__ = "(.+)"', _init.read_text(encoding="utf-8"))[1]
if _lenet1998.__version__ != _version:
    _warnings.warn(
        f"this repository's lenet1998 is {_version}, but {_lenet1998.__version__} was imported"
        f" before, from {_Path(_lenet1998.__file__).parent}, and is used: call torch.hub.load"
        " before that, or install this version",
        stacklevel=2,
    )

dependencies = ["torch", "numpy", "safetensors", "jsonschema"]


def lenet5(variant: str = "original", pretrained: bool = True, seed: int = 0) -> _lenet1998.LeNet5:
    """The network of any named variant.

    Args:
        variant: its name, as ``lenet1998.RECIPES`` has them.
        pretrained: with the weights that come with the package, where they do; else as drawn.
        seed: what an untrained one is drawn for.

    Raises:
        lenet1998.BadInput: no such variant, or none with weights.
    """
    if pretrained:
        return _lenet1998.load_pretrained(variant)
    return _lenet1998.build_model(variant, seed)


def original(pretrained: bool = True) -> _lenet1998.LeNet5:
    """The network and the recipe of 1998; it gives squared distances, and the smallest wins."""
    return lenet5("original", pretrained)


def distortions(pretrained: bool = True) -> _lenet1998.LeNet5:
    """The same, trained with section III-B's distorted patterns."""
    return lenet5("distortions", pretrained)


def noise(pretrained: bool = True) -> _lenet1998.LeNet5:
    """The same, trained with a tenth of the pixels inverted (section III-E)."""
    return lenet5("noise", pretrained)


def modern(pretrained: bool = True) -> _lenet1998.LeNet5:
    """The LeNet-5 of today's tutorials; it gives scores, and the largest wins."""
    return lenet5("modern", pretrained)


def strings(pretrained: bool = True) -> _lenet1998.LeNet5:
    """The one that reads strings of digits: label 10 is the blank (section VII)."""
    return lenet5("strings", pretrained)


def features_1998(pretrained: bool = True) -> _lenet1998.LeNet5:
    """``1998-features``: C1 to S4 are those of 1998, recovered from Fig. 13."""
    return lenet5("1998-features", pretrained)
