"""The weights in the package are those of the committed runs."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import lenet1998
from experiments.pretrained.tables import NAMES, metadata, stated, weights_of
from experiments.results import ALL_VARIANTS, runs_in
from lenet1998.data import load, prepare
from lenet1998.errors import BadInput
from lenet1998.pretrained import Weights, load_net, load_pretrained, save_weights
from lenet1998.recipes import recorded

RESULTS = Path(__file__).parents[1] / "experiments" / "results"
PACKAGED = [name for name in NAMES if weights_of(name).is_file()]
LACKING = [name for name in NAMES if not weights_of(name).is_file()]


def test_there_are_no_other_weights():
    there = {file.stem for file in weights_of("original").parent.glob("*.safetensors")}
    assert there == {*PACKAGED, "1998-c1-s4"}
    assert {"original", "modern", "strings", "1998-features"} <= there


@pytest.mark.parametrize("variant", PACKAGED)
def test_a_net_trained_on_mnist_reads_other_peoples_digits(variant, digits):
    """The embedded digits are of other writers, scanners and normalisation."""
    model = lenet1998.load_pretrained(variant)
    labels = model.predict(prepare(digits.test_images))
    assert (labels.numpy() == digits.test_labels).mean() > 0.6


@pytest.mark.parametrize("variant", PACKAGED)
def test_what_travels_with_the_weights_is_the_committed_run(variant):
    told = stated(weights_of(variant))
    record = runs_in(RESULTS, ALL_VARIANTS[variant])[int(told["seed"])]
    assert told == metadata(record)
    assert recorded(json.loads(told["recipe"]), variant) == lenet1998.RECIPES[variant]
    assert (told["dataset"], told["test_patterns"]) == ("mnist", "10000")


@pytest.mark.skipif("LENET1998_DATA" not in os.environ, reason="needs MNIST: set LENET1998_DATA")
@pytest.mark.parametrize("variant", PACKAGED)
def test_it_misclassifies_exactly_as_many_as_its_file_says(variant):
    told, data = stated(weights_of(variant)), load("mnist")
    assert data.checksum == told["dataset_sha256"]
    labels = lenet1998.load_pretrained(variant).predict(prepare(data.test_images)).numpy()
    assert np.sum(labels != data.test_labels) == int(told["test_errors"])
    record = runs_in(RESULTS, ALL_VARIANTS[variant])[int(told["seed"])]
    # Another machine may sum in another order, which decides a near tie of two wrong answers.
    assert np.sum(labels != record.predictions) <= 3


def test_the_enumeration_is_of_all_there_are():
    assert {member.value for member in Weights} == {*PACKAGED}
    assert Weights.DEFAULT is Weights.ORIGINAL


@pytest.mark.parametrize("member", Weights)
def test_a_members_facts_are_its_files_and_its_networks(member):
    told, model, meta = stated(weights_of(member.value)), load_pretrained(member), member.meta
    assert meta["recipe"] == lenet1998.RECIPES[member.value].as_dict()
    assert meta["num_params"] == sum(p.numel() for p in model.parameters())
    assert len(meta["categories"]) == model.classes
    assert meta["min_size"] == (32, 32)
    assert (meta["n"], meta["test_errors"]) == (10_000, int(told["test_errors"]))
    assert meta["accuracy"] == pytest.approx(100 - float(told["test_error_percent"]))
    assert (meta["seed"], meta["dataset"]) == (0, "mnist")
    state = load_pretrained(member.value).state_dict()
    assert all(map(torch.equal, member.get_state_dict().values(), state.values()))


@pytest.mark.parametrize("member", Weights)
def test_a_members_transform_makes_what_its_network_takes(member, digits):
    images = member.transforms()(digits.test_images[:5])
    recipe = lenet1998.RECIPES[member.value]
    assert torch.equal(images, prepare(digits.test_images[:5], scaling=recipe.scaling))
    load_pretrained(member).predict(images)


def test_weights_of_ones_own_are_loaded_by_their_variant(tmp_path):
    file, model = str(tmp_path / "mine.safetensors"), lenet1998.build_model("strings", 3)
    save_weights(model, file)
    found = load_net(file, "strings")
    assert (found.recipe, found.record) == (lenet1998.RECIPES["strings"], None)
    assert all(map(torch.equal, found.model.parameters(), model.parameters()))
    with pytest.raises(BadInput, match=r"names no recipe.*name its variant"):
        load_net(file)
    with pytest.raises(BadInput, match="blank=space there, blank=none here"):
        load_net(file, "original")
    save_file(model.state_dict(), file, metadata={"switches": "[1]"})
    with pytest.raises(BadInput, match="its switches is no JSON object"):
        load_net(file, "strings")


def test_the_1998_features_are_in_the_weights_of_that_name():
    trained = lenet1998.load_pretrained("1998-features")
    for name, p in lenet1998.build_model("1998-features", 7).named_parameters():
        assert torch.equal(p, trained.get_parameter(name)) != p.requires_grad, name


def test_it_can_be_trained_on():
    model = lenet1998.load_pretrained()
    model(torch.zeros(1, 1, 32, 32)).sum().backward()
    assert model.c3.weight.grad is not None


@pytest.mark.parametrize("variant", ["lenet6", "original-literal", *LACKING])
def test_what_there_are_no_weights_of_is_one_line(variant):
    with pytest.raises(BadInput):
        lenet1998.load_pretrained(variant)


def test_a_file_of_weights_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "mine.safetensors"
    file.write_bytes(b"mine")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_weights(lenet1998.build_model("original"), file)
    assert file.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
