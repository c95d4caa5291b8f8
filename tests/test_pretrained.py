"""The weights in the package are those of the committed runs."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import lenet1998
from lenet1998.data import load, prepare
from lenet1998.errors import BadInput
from lenet1998.records import read_record

RESULTS = Path(__file__).parents[1] / "experiments" / "results"
STUDIES = {
    "original": "headline",
    "original-logistic": "headline",
    "modern": "headline",
    "strings": "strings",
}


@pytest.mark.parametrize("variant", STUDIES)
def test_a_net_trained_on_mnist_reads_other_peoples_digits(variant, digits):
    """The embedded digits are of other writers, scanners and normalisation."""
    model = lenet1998.load_pretrained(variant)
    labels = model.predict(prepare(digits.test_images))
    assert (labels.numpy() == digits.test_labels).mean() > 0.6


@pytest.mark.skipif("LENET1998_DATA" not in os.environ, reason="needs MNIST: set LENET1998_DATA")
@pytest.mark.parametrize("variant", STUDIES)
def test_it_gives_the_committed_predictions(variant):
    record = read_record(RESULTS / STUDIES[variant] / variant / "seed-0")
    images = prepare(load("mnist").test_images)
    labels = lenet1998.load_pretrained(variant).predict(images).numpy()
    # Another machine may sum in another order, which decides a near tie.
    assert np.sum(labels != record.predictions) <= 3


def test_it_can_be_trained_on():
    model = lenet1998.load_pretrained()
    model(torch.zeros(1, 1, 32, 32)).sum().backward()
    assert model.c3.weight.grad is not None


@pytest.mark.parametrize("variant", ["lenet6", "original-literal", "distortions", "noise"])
def test_what_there_are_no_weights_of_is_one_line(variant):
    with pytest.raises(BadInput):
        lenet1998.load_pretrained(variant)
