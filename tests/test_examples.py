"""Examples in docstrings of what a user's own code calls first: run, and right."""

import doctest

import pytest
import torch
from PIL import Image

import lenet1998
from lenet1998.data import load, patterns
from lenet1998.training import run

NAMES = {"lenet1998": lenet1998, "torch": torch, "load": load, "Image": Image}


@pytest.mark.parametrize("module", [patterns, lenet1998.transforms, run], ids=lambda m: m.__name__)
def test_examples_give_what_they_say(module):
    found = doctest.testmod(module, extraglobs=NAMES)
    assert found.attempted
    assert not found.failed
