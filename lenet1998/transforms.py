"""Pictures made ready for a network, as a module that composes with torchvision.transforms.v2."""

import numpy as np
from PIL import Image
from torch import Tensor, nn

from lenet1998 import paper
from lenet1998.data.patterns import prepare, scaled
from lenet1998.data.pictures import to_picture
from lenet1998.errors import BadInput, as_int

__all__ = ["Prepare"]

GREY = {"1", "L", "P", "RGB"}
"""Pillow's modes that turn into grey levels without a choice to be made."""


class Prepare(nn.Module):
    """Make a network's input of any picture or array: grey, padded, with scaled grey levels.

    Arrays and tensors are padded as they are, as :func:`~lenet1998.data.patterns.prepare` does it,
    and so are Pillow's pictures that fit, if their edge is dark. On any other picture the digit is
    found, scaled to 20x20 pixels and centred, whether its ink is dark or light.

    Args:
        size: height and width of the network's field.
        scaling: range of grey levels, a key of :data:`lenet1998.recipes.SCALINGS`.

    Shape:
        - Input: a picture of Pillow's, (H, W), (N, H, W) or (N, 1, H, W).
        - Output: (N, 1, size, size) float32, as a network takes it; of one picture N is 1. Where a
          DataLoader stacks single pictures, ``nn.Flatten(0, 1)`` after it takes that N away.

    Raises:
        TypeError, ValueError: an input of another form, or one that allows two readings.
        BadInput: a picture with nothing on it.

    Example::

        >>> from torchvision.transforms import v2
        >>> transform = v2.Compose([v2.RandomRotation(5), Prepare()])
        >>> transform(Image.new("L", (28, 28))).shape
        torch.Size([1, 1, 32, 32])
        >>> Prepare()(lenet1998.data.load("digits").test_images).shape
        torch.Size([500, 1, 32, 32])
    """

    def __init__(self, size: int = paper.INPUT_SIZE, scaling: str = "paper"):
        super().__init__()
        scaled(np.zeros(0, np.uint8), scaling)  # refuses what is no scaling
        self.size, self.scaling = as_int("size", size), scaling

    def forward(self, images: Image.Image | np.ndarray | Tensor) -> Tensor:
        if isinstance(images, Image.Image):
            images = self._grey(images)
        return prepare(images, self.size, self.scaling)

    def _grey(self, picture: Image.Image) -> np.ndarray:
        """Grey levels (H, W) uint8 of a picture, light ink on dark, that can be padded."""
        if not picture.width * picture.height:
            raise BadInput("picture: has no pixels")
        if picture.mode not in GREY or picture.has_transparency_data:
            raise ValueError(
                f"a picture of mode {picture.mode} has no grey levels of its own: convert it to L,"
                " on a ground that the ink stands out from"
            )
        grey = np.asarray(picture.convert("L"))
        edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
        fits = all(side <= self.size and (self.size - side) % 2 == 0 for side in grey.shape)
        return grey if fits and np.median(edge) < 128 else to_picture(grey / 255).pattern

    def extra_repr(self) -> str:
        return f"size={self.size}, scaling={self.scaling!r}"
