"""Entry points of ``torch.hub``: ``torch.hub.load(REPOSITORY, "original")``; docs/pretrained.md."""

from lenet1998.models import LeNet5 as _LeNet5
from lenet1998.models import build_model as _build_model
from lenet1998.pretrained import load_pretrained as _load_pretrained

dependencies = ["torch", "numpy", "safetensors", "jsonschema"]


def lenet5(variant: str = "original", pretrained: bool = True, seed: int = 0) -> _LeNet5:
    """The network of any named variant.

    Args:
        variant: its name, as ``lenet1998.RECIPES`` has them.
        pretrained: with the weights that come with the package, where they do; else as drawn.
        seed: what an untrained one is drawn for.

    Raises:
        lenet1998.BadInput: no such variant, or none with weights.
    """
    return _load_pretrained(variant) if pretrained else _build_model(variant, seed)


def original(pretrained: bool = True) -> _LeNet5:
    """The network and the recipe of 1998; it gives squared distances, and the smallest wins."""
    return lenet5("original", pretrained)


def distortions(pretrained: bool = True) -> _LeNet5:
    """The same, trained with section III-B's distorted patterns."""
    return lenet5("distortions", pretrained)


def noise(pretrained: bool = True) -> _LeNet5:
    """The same, trained with a tenth of the pixels inverted (section III-E)."""
    return lenet5("noise", pretrained)


def modern(pretrained: bool = True) -> _LeNet5:
    """The LeNet-5 of today's tutorials; it gives scores, and the largest wins."""
    return lenet5("modern", pretrained)


def strings(pretrained: bool = True) -> _LeNet5:
    """The one that reads strings of digits: label 10 is the blank (section VII)."""
    return lenet5("strings", pretrained)


def features_1998(pretrained: bool = True) -> _LeNet5:
    """``1998-features``: C1 to S4 are those of 1998, recovered from Fig. 13."""
    return lenet5("1998-features", pretrained)
