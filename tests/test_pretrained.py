"""Weights in the package, and trained networks by whatever name: a variant, a folder, a file."""

import json
import os
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
import torch
from factory import make_record
from safetensors.torch import save_file

import lenet1998
from experiments.pretrained.tables import NAMES, metadata, stated, weights_of
from experiments.results import ALL_VARIANTS, runs_in
from lenet1998.data import load, prepare
from lenet1998.errors import BadInput
from lenet1998.models import build_model
from lenet1998.pretrained import Weights, load_net, load_pretrained, save_weights
from lenet1998.recipes import ORIGINAL, RECIPES, recorded
from lenet1998.training.records import RECORD, WEIGHTS, write_record

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


ROOT = str(Path(__file__).parents[1])
ENTRY_POINTS = {
    "original": "original",
    "distortions": "distortions",
    "noise": "noise",
    "modern": "modern",
    "strings": "strings",
    "features_1998": "1998-features",
}


def hub(name, *arguments, **options):
    return torch.hub.load(ROOT, name, *arguments, source="local", **options)


def same(ours, theirs) -> bool:
    state, other = ours.state_dict(), theirs.state_dict()
    return state.keys() == other.keys() and all(
        torch.equal(state[key], other[key]) for key in state
    )


@pytest.fixture(scope="module")
def hubconf():
    spec = spec_from_file_location("hubconf_of_this_checkout", Path(ROOT, "hubconf.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_can_be_called_are_the_entry_points(hubconf):
    """So hub tells them: by being there to be called, and by not beginning with _."""
    named = {name: thing for name, thing in vars(hubconf).items() if not name.startswith("_")}
    assert {name for name in named if callable(named[name])} == {"lenet5", *ENTRY_POINTS}
    assert all(named[name].__doc__ for name in ENTRY_POINTS)
    assert {*ENTRY_POINTS.values(), "original-logistic"} == set(NAMES)


@pytest.mark.parametrize(("name", "variant"), ENTRY_POINTS.items())
def test_a_net_is_the_one_that_is_loaded_otherwise(name, variant):
    assert same(hub(name, pretrained=False), lenet1998.build_model(variant))
    if weights_of(variant).is_file():
        assert same(hub(name), lenet1998.load_pretrained(variant))
    else:
        with pytest.raises(BadInput, match=f"{variant}: its weights do not come"):
            hub(name)


def test_any_variant_can_be_had():
    assert same(hub("lenet5", "original-logistic"), lenet1998.load_pretrained("original-logistic"))
    drawn = hub("lenet5", "coursework-adam", pretrained=False, seed=3)
    assert same(drawn, lenet1998.build_model("coursework-adam", 3))


def test_another_version_that_was_imported_before_is_told_of(monkeypatch):
    monkeypatch.setattr(lenet1998, "__version__", "0.9")
    with pytest.warns(UserWarning, match=r"is \d.*, but 0\.9 was imported before, from "):
        assert same(hub("original"), lenet1998.load_pretrained())


def test_what_it_needs_is_named_as_it_is_imported(hubconf):
    assert all(find_spec(name) for name in hubconf.dependencies)
