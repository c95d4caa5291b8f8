"""Prepare: one picture or many, alone or among torchvision's transforms."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import MNIST
from torchvision.transforms import v2

import lenet1998
from lenet1998.data import prepare
from lenet1998.data.pictures import read_picture
from lenet1998.errors import BadInput
from lenet1998.transforms import Prepare


@pytest.fixture(scope="module")
def images(digits):
    return digits.test_images[:5]


@pytest.mark.parametrize(
    "form",
    [
        Image.fromarray,
        lambda a: Image.fromarray(a).convert("RGB"),
        lambda a: a,
        lambda a: a[None],
        lambda a: torch.from_numpy(a),
        v2.functional.to_image,
        lambda a: v2.functional.to_dtype(v2.functional.to_image(a), torch.float32, scale=True),
    ],
)
def test_one_picture_is_a_batch_of_one(form, images):
    assert torch.equal(Prepare()(form(images[0])), prepare(images)[:1])


@pytest.mark.parametrize("form", [lambda a: a, lambda a: a[:, None], torch.from_numpy])
def test_many_are_a_batch(form, images):
    assert torch.equal(Prepare()(form(images)), prepare(images))


def test_size_and_scaling_are_those_asked_for(images):
    transform = Prepare(28, "standard")
    assert torch.equal(transform(images), prepare(images, 28, "standard"))
    assert repr(transform) == "Prepare(size=28, scaling='standard')"
    assert torch.equal(pickle.loads(pickle.dumps(transform))(images), transform(images))
    with pytest.raises(ValueError, match="unknown scaling 'papre'"):
        Prepare(scaling="papre")


def test_it_composes_with_torchvision(tiny_mnist):
    """For a data set of torchvision's, whose items are pictures of Pillow's."""
    stored = lenet1998.data.load("mnist", tiny_mnist)
    still = v2.Compose([v2.Pad(1), v2.CenterCrop(28), Prepare(), nn.Flatten(0, 1)])
    for transform in (still, v2.Compose([v2.ToImage(), still])):
        loader = DataLoader(MNIST(tiny_mnist, train=False, transform=transform), batch_size=10)
        images, _ = next(iter(loader))
        assert torch.equal(images, prepare(stored.test_images[:10]))
    turns = v2.RandomRotation(10), v2.RandomAffine(0, (0.1, 0.1))
    turned = v2.Compose([*turns, Prepare(), nn.Flatten(0, 1)])
    images, labels = next(iter(DataLoader(MNIST(tiny_mnist, transform=turned), batch_size=10)))
    assert images.shape == (10, 1, 32, 32)
    assert lenet1998.load_pretrained().predict(images).shape == labels.shape


@pytest.mark.parametrize(
    "form",
    [
        lambda a: np.kron(a, np.ones((7, 7), np.uint8)),
        lambda a: 255 - np.kron(a, np.ones((7, 7), np.uint8)),
        lambda a: 255 - np.pad(a, ((1, 2), (2, 1))),
    ],
    ids=["large", "large and dark on light", "31 pixels"],
)
def test_other_pictures_are_read_as_files_are(form, images, tmp_path):
    picture = Image.fromarray(form(images[2]))
    picture.save(tmp_path / "digit.png")
    assert torch.equal(Prepare()(picture), prepare(read_picture(tmp_path / "digit.png").pattern))


def test_a_negative_of_a_pattern_is_the_pattern(images):
    assert torch.equal(Prepare()(Image.fromarray(255 - images[0])), prepare(images)[:1])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I", "F"])
def test_pictures_without_grey_levels_of_their_own_are_refused(mode):
    with pytest.raises(ValueError, match=f"a picture of mode {mode} has no grey levels"):
        Prepare()(Image.new(mode, (28, 28)))


def test_an_empty_large_picture_is_refused():
    with pytest.raises(BadInput, match="nothing on it"):
        Prepare()(Image.new("L", (200, 100), 255))


@pytest.mark.parametrize("shape", [(0, 0), (0, 28), (28, 0)])
def test_what_has_no_pixels_is_refused(shape):
    with pytest.raises(ValueError, match="images must be grey"):
        Prepare()(np.zeros(shape, np.uint8))
    for read in (Prepare(), read_picture):
        with pytest.raises(BadInput, match="picture: has no pixels"):
            read(Image.new("L", shape))


@pytest.mark.parametrize("size", ["32", None, 32.0, 0])
def test_a_size_that_is_no_number_of_pixels_is_refused(size):
    with pytest.raises((TypeError, ValueError), match="size must be"):
        Prepare(size)
