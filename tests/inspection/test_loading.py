"""Trained networks by whatever name: a variant, a run's folder, a file of weights."""

import json

import numpy as np
import pytest
import torch
from factory import make_record
from safetensors.torch import save_file

from lenet1998.errors import BadInput
from lenet1998.models import build_model
from lenet1998.pretrained import load_net
from lenet1998.recipes import ORIGINAL, RECIPES
from lenet1998.training.records import RECORD, WEIGHTS, write_record


def leave_run(folder, variant, seed=0):
    """A run's folder, with the weights that the variant starts with."""
    state = build_model(variant, seed).state_dict()
    weights = {name: value.numpy() for name, value in state.items()}
    write_record(folder, make_record(recipe=RECIPES[variant].as_dict(), weights=weights))
    return folder


def refusal(name) -> str:
    with pytest.raises(BadInput) as error:
        load_net(str(name))
    return str(error.value)


@pytest.mark.parametrize("variant", ["original", "modern"])
def test_a_run_is_its_folder_or_its_weights(variant, tmp_path):
    folder = leave_run(tmp_path, variant, seed=7)
    of_folder, of_file = load_net(str(folder)), load_net(str(folder / WEIGHTS))
    for net in (of_folder, of_file):
        assert net.recipe == RECIPES[variant]
        assert torch.equal(net.model.c3.weight, build_model(variant, 7).c3.weight)
    assert of_folder.record.last["test_errors"] == 2
    assert of_file.record is None


def test_a_variant_comes_trained():
    assert load_net("original").recipe == RECIPES["original"]
    assert "weights do not come with lenet1998" in refusal("coursework-adam")


def test_weights_of_another_variant_are_refused(tmp_path):
    ours, theirs = (leave_run(tmp_path / name, name) for name in ("original", "original-logistic"))
    (theirs / WEIGHTS).replace(ours / WEIGHTS)  # of the same shapes
    assert "another run than the one recorded" in refusal(ours)


@pytest.mark.parametrize(
    ("name", "told"),
    [("original", "original,mu=0.5"), ("../../x", "must be of letters")],
)
def test_a_name_from_a_file_is_true_and_safe(name, told, tmp_path):
    weights = {"c1.bias": np.zeros(6)}
    write_record(tmp_path, make_record(recipe={"name": name, "mu": 0.5}, weights=weights))
    for path in (tmp_path, tmp_path / WEIGHTS):
        said = refusal(path)
        assert said.startswith(str(path))
        assert ": name=" in said
        assert told in said


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        (None, "it names no recipe"),
        ({"recipe": "[" * 10**5}, "nested too deeply"),
        ({"recipe": "original"}, "no readable JSON"),
        ({"recipe": '{"name": "original"}'}, "has no 'pooling'"),
        ({"recipe": json.dumps(ORIGINAL.as_dict() | {"mu": [1]})}, "mu is [1]"),
        ({"recipe": json.dumps(ORIGINAL.as_dict() | {"tau": 1})}, "does not know: tau"),
        ({"recipe": json.dumps(ORIGINAL.as_dict() | {"squash": "sin"})}, "squash=sin"),
    ],
)
def test_the_recipe_beside_weights_is_checked(metadata, says, tmp_path):
    file = tmp_path / WEIGHTS
    save_file(build_model("original").state_dict(), file, metadata)
    said = refusal(file)
    assert said.startswith(f"{file}: ")
    assert says in said


def test_a_switch_of_a_later_version_is_named(tmp_path):
    folder = leave_run(tmp_path, "original")
    record = json.loads((folder / RECORD).read_text())
    record["recipe"]["tau"] = 1
    (folder / RECORD).write_text(json.dumps(record))
    assert "does not know: tau" in refusal(folder)


def test_what_is_no_net_is_one_line(tmp_path):
    folder = leave_run(tmp_path / "run", "original")
    good = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(good[: len(good) // 2])
    assert "no readable safetensors" in refusal(folder)
    (folder / WEIGHTS).unlink()
    assert "is missing" in refusal(folder)
    (folder / RECORD).unlink()
    assert "no record.json" in refusal(folder)
    assert "no run's folder, no file of weights, and no variant" in refusal(tmp_path / "nothing")
