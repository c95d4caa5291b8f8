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
FOLDERS = {
    **dict.fromkeys(("original", "original-logistic", "modern"), "headline"),
    "1998-features": "features",
    "strings": "strings",
}


@pytest.mark.parametrize("variant", FOLDERS)
def test_a_net_trained_on_mnist_reads_other_peoples_digits(variant, digits):
    """The embedded digits are of other writers, scanners and normalisation."""
    model = lenet1998.load_pretrained(variant)
    labels = model.predict(prepare(digits.test_images))
    assert (labels.numpy() == digits.test_labels).mean() > 0.6


@pytest.mark.skipif("LENET1998_DATA" not in os.environ, reason="needs MNIST: set LENET1998_DATA")
@pytest.mark.parametrize("variant", FOLDERS)
def test_it_gives_the_committed_predictions(variant):
    record = read_record(RESULTS / FOLDERS[variant] / variant / "seed-0")
    images = prepare(load("mnist").test_images)
    labels = lenet1998.load_pretrained(variant).predict(images).numpy()
    # Another machine may sum in another order, which decides a near tie.
    assert np.sum(labels != record.predictions) <= 3


@pytest.mark.skipif("LENET1998_DATA" not in os.environ, reason="needs MNIST: set LENET1998_DATA")
def test_the_1998_features_misread_as_many_as_their_card_says():
    data = load("mnist")
    labels = lenet1998.load_pretrained("1998-features").predict(prepare(data.test_images)).numpy()
    recorded = read_record(RESULTS / "features" / "1998-features" / "seed-0").last["test_errors"]
    assert np.sum(labels != data.test_labels) == recorded


def test_the_1998_features_are_in_the_weights_of_that_name():
    trained = lenet1998.load_pretrained("1998-features")
    for name, p in lenet1998.build_model("1998-features", 7).named_parameters():
        assert torch.equal(p, trained.get_parameter(name)) != p.requires_grad, name


def test_it_can_be_trained_on():
    model = lenet1998.load_pretrained()
    model(torch.zeros(1, 1, 32, 32)).sum().backward()
    assert model.c3.weight.grad is not None


@pytest.mark.parametrize("variant", ["lenet6", "original-literal", "distortions", "noise"])
def test_what_there_are_no_weights_of_is_one_line(variant):
    with pytest.raises(BadInput):
        lenet1998.load_pretrained(variant)
