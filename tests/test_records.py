"""Records come back as they were written, or a message names the file that is at fault."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from factory import make_record
from safetensors import SafetensorError, safe_open

from lenet1998.errors import BadInput
from lenet1998.training import records
from lenet1998.training.records import (
    CorruptRecord,
    NewerRecord,
    has_record,
    read_record,
    read_records,
    write_atomically,
    write_json,
    write_record,
)

RESULTS = Path(__file__).parents[1] / "experiments" / "results"


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def weights() -> dict[str, np.ndarray]:
    return {"f6.weight": np.arange(6, dtype=np.float32).reshape(2, 3)}


@pytest.mark.parametrize(
    "record",
    [make_record(), make_record((5,), status="diverged"), make_record((), status="diverged")],
    ids=["finished", "diverged", "diverged at once"],
)
def test_round_trip(record, tmp_path):
    assert not has_record(tmp_path)
    write_record(tmp_path, record)
    assert has_record(tmp_path)
    again = read_record(tmp_path)
    assert again.as_json() == record.as_json()
    np.testing.assert_array_equal(again.predictions, record.predictions)


def test_record_json_holds_what_the_contract_promises(tmp_path):
    write_record(tmp_path, make_record(seed=7))
    content = json.loads((tmp_path / "record.json").read_text())
    keys = "schema recipe seed dataset per_pass layers environment"
    assert set(keys.split()) <= set(content)
    assert (content["schema"], content["seed"]) == (1, 7)
    assert (content["parameters"], content["connections"]) == (60_000, 340_908)
    assert not {"predictions", "weights"} & set(content)


def test_only_a_net_with_a_blank_class_answers_with_it(tmp_path):
    blanks = np.full(200, 10, np.uint8)
    write_record(tmp_path, make_record(recipe={"blank": "space"}, predictions=blanks))
    assert read_record(tmp_path).predictions.tolist() == [10] * 200
    for recipe, label in (({"blank": "space"}, 11), ({}, 10)):
        write_record(tmp_path, make_record(recipe=recipe, predictions=np.full(200, label)))
        with pytest.raises(CorruptRecord, match=f"label {label}, where there are {label} classes"):
            read_record(tmp_path)


def test_predictions_are_bytes(tmp_path):
    write_record(tmp_path, make_record(predictions=np.full(200, 9, np.int64)))
    predictions = np.load(tmp_path / "predictions.npy")
    assert predictions.dtype == np.uint8
    assert predictions.tolist() == [9] * 200


def test_weights_carry_their_recipe(tmp_path, weights):
    record = make_record(weights=weights)
    write_record(tmp_path, record)
    with safe_open(tmp_path / "weights.safetensors", "numpy") as file:
        assert json.loads(file.metadata()["recipe"]) == record.recipe
        np.testing.assert_array_equal(file.get_tensor("f6.weight"), weights["f6.weight"])


def test_what_a_record_adds_up():
    record = make_record((9, 5, 8))
    assert (record.parameters, record.connections) == (60_000, 340_908)
    assert record.seconds == 1 + 2 + 3
    assert record.last["test_errors"] == 8  # the last, not the best
    assert not record.diverged
    assert make_record((), status="diverged").last is None


def test_the_record_is_written_last_and_nothing_temporary_stays(tmp_path, weights, monkeypatch):
    written = []

    def note(path, content):
        written.append(path.name)
        write_atomically(path, content)

    monkeypatch.setattr(records, "write_atomically", note)
    write_record(tmp_path / "new" / "seed-0", make_record(weights=weights))
    assert sorted(written) == ["predictions.npy", "record.json", "weights.safetensors"]
    assert written[-1] == "record.json"
    assert set(contents(tmp_path / "new" / "seed-0")) == set(written)


@pytest.mark.parametrize("at", ["predictions.npy", "weights.safetensors", "record.json"])
def test_a_run_whose_writing_stopped_half_way_has_no_record(at, tmp_path, weights, monkeypatch):
    write_record(tmp_path, make_record(seed=1))

    def stop_at(path, content):
        if path.name == at:
            raise KeyboardInterrupt
        write_atomically(path, content)

    monkeypatch.setattr(records, "write_atomically", stop_at)
    with pytest.raises(KeyboardInterrupt):
        write_record(tmp_path, make_record(seed=2, weights=weights))
    assert not has_record(tmp_path)


def test_another_runs_files_do_not_stay_beside_a_record(tmp_path, weights):
    write_record(tmp_path, make_record(weights=weights))
    write_record(tmp_path, make_record((), status="diverged"))
    assert set(contents(tmp_path)) == {"record.json"}


@pytest.mark.parametrize(
    "fault",
    [{"environment": {"cpu": object()}}, {"weights": {"w": np.array([object()])}}],
    ids=["record", "weights"],
)
def test_what_cannot_be_written_down_leaves_the_former_run(fault, tmp_path):
    write_record(tmp_path, make_record((5, 4)))
    before = contents(tmp_path)
    changed = np.zeros(200, np.uint8)
    with pytest.raises((TypeError, SafetensorError)):
        write_record(tmp_path, make_record((9, 9), predictions=changed, **fault))
    assert contents(tmp_path) == before


@pytest.mark.parametrize(("where", "function"), [(os, "fsync"), (Path, "replace")])
def test_a_failed_write_keeps_the_old_content(where, function, tmp_path, monkeypatch):
    file = tmp_path / "summary.json"
    write_json(file, {"old": 1})
    before = contents(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(where, function, full)
    with pytest.raises(OSError, match=f"No space left on device: '{file}'"):
        write_json(file, {"new": 2})
    assert contents(tmp_path) == before


def test_json_is_the_same_bytes_for_the_same_content(tmp_path):
    for name in ("a", "b"):
        write_json(tmp_path / name, {"b": [1, 2.5], "a": None})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_text().endswith("}\n")


def change(folder: Path, **fields) -> None:
    file = folder / "record.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def drop(folder: Path, key: str) -> None:
    file = folder / "record.json"
    content = json.loads(file.read_text())
    del content[key]
    file.write_text(json.dumps(content))


def older(folder: Path, **switches) -> None:
    """A recipe as version 1.0 wrote it, and more."""
    recipe = {**make_record().recipe, **switches}
    del recipe["subsampling_curvature"]
    change(folder, recipe=recipe)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def last_pass(folder: Path, **fields) -> None:
    content = json.loads((folder / "record.json").read_text())
    content["per_pass"][-1].update(fields)
    change(folder, per_pass=content["per_pass"])


def claim(shape: str, descr: str = "|u1", order: str = "False", rest: bytes = b"") -> bytes:
    """A predictions file whose header makes a claim, whatever follows it."""
    header = f"{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\0v\0" + header.ljust(117).encode() + b"\n" + rest


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda d: cut(d / "record.json"), "record.json: no readable JSON"),
        (lambda d: (d / "record.json").write_bytes(b""), "record.json: no readable JSON"),
        (lambda d: (d / "record.json").write_bytes(b"\xff\xfe\x00"), "no readable JSON"),
        (lambda d: (d / "record.json").write_text("{}", "utf-16"), "no readable JSON"),
        (lambda d: (d / "record.json").write_text("[" * 10**5), "nested too deeply"),
        (lambda d: change(d, environment=[[[]] * 2] * 2), "environment is [[[], []]"),
        (lambda d: change(d, more=json.loads("[" * 30 + "]" * 30)), "more than 20 levels"),
        (lambda d: change(d, more="a" * 9_000_000), "larger than 8,388,608 bytes"),
        (lambda d: change(d, more="\ud800"), "cannot be printed"),
        (lambda d: (d / "record.json").write_text("[1, 2]"), "[1, 2], against type 'object'"),
        (lambda d: (d / "record.json").unlink(), "record.json: is missing"),
        (lambda d: drop(d, "schema"), "record.json: has no 'schema'"),
        (lambda d: drop(d, "seed"), "record.json: has no 'seed'"),
        (lambda d: change(d, seed=-1), "seed is -1, against minimum 0"),
        (lambda d: change(d, seed=1.0), "seed is 1.0, against type 'integer'"),
        (lambda d: change(d, seed=True), "seed is True, against type 'integer'"),
        (lambda d: change(d, seed=2**60), "beyond 2^53"),
        (lambda d: change(d, status="done"), "status is 'done'"),
        (lambda d: change(d, per_pass=[]), "finished without a pass"),
        (lambda d: change(d, parameters=59_999), "parameters are not the sum"),
        (lambda d: change(d, recipe=make_record().recipe | {"name": "../evil"}), "name='../evil'"),
        (lambda d: change(d, recipe=make_record().recipe | {"eta": [1]}), "recipe.eta is [1]"),
        (lambda d: older(d, rubsampling_curvature=1), "not know: rubsampling_curvature"),
        (lambda d: change(d, dataset={}), "dataset has no 'name'"),
        (lambda d: change(d, dataset="mnist"), "dataset is 'mnist'"),
        (lambda d: last_pass(d, loss=float("nan")), "NaN is no number"),
        (lambda d: last_pass(d, loss=1e400), "Infinity is no number"),
        (lambda d: last_pass(d, train_error_percent=100.5), "per_pass[1].train_error_percent"),
        (lambda d: last_pass(d, test_errors=201), "201 of 200 misclassified in pass 2"),
        (lambda d: last_pass(d, **{"pass": 1}), "has pass 1 where pass 2 should be"),
        (lambda d: (d / "predictions.npy").unlink(), "predictions.npy: is missing"),
        (lambda d: cut(d / "predictions.npy"), "holds 160 numbers, where its header has 200"),
        (lambda d: (d / "predictions.npy").write_bytes(b""), "no readable predictions"),
        (lambda d: np.save(d / "predictions.npy", np.zeros(7, np.uint8)), "npy: 7 predictions"),
        (
            lambda d: np.save(d / "predictions.npy", np.zeros(200, np.int8)),
            "no readable predictions",
        ),
        (lambda d: np.save(d / "predictions.npy", np.full(200, 10, np.uint8)), "label 10"),
        (lambda d: np.save(d / "predictions.npy", [{}] * 200), "npy: is larger than"),
        (lambda d: (d / "predictions.npy").write_bytes(claim(f"({10**14},)")), "holds 0 numbers"),
        (
            lambda d: (d / "predictions.npy").write_bytes(claim("(200,)", "|O")),
            "no readable predictions",
        ),
        (
            lambda d: (d / "predictions.npy").write_bytes(claim("(200,)", rest=bytes(201))),
            "holds 201 numbers",
        ),
    ],
)
def test_a_corrupt_record_is_named_in_one_line(harm, says, tmp_path):
    folder = tmp_path / "original" / "seed-3"
    write_record(folder, make_record())
    harm(folder)
    with pytest.raises(CorruptRecord) as error:
        read_record(folder)
    assert str(folder) in str(error.value)
    assert says in str(error.value)
    assert isinstance(error.value, BadInput)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < len(str(folder)) + 300


def test_a_record_of_a_later_version_is_not_a_corrupt_one(tmp_path):
    write_record(tmp_path, make_record())
    change(tmp_path, schema=99, per_pass="kept otherwise")
    with pytest.raises(NewerRecord, match="schema 99, this version reads 1") as error:
        read_record(tmp_path)
    assert not isinstance(error.value, CorruptRecord)


def test_no_memory_is_taken_on_the_word_of_a_record(tmp_path):
    write_record(tmp_path, make_record())
    dataset = make_record().dataset | {"test_patterns": 2**50}
    change(tmp_path, dataset=dataset)
    (tmp_path / "predictions.npy").write_bytes(claim(f"({2**50},)"))
    with pytest.raises(CorruptRecord, match="holds 0 numbers"):
        read_record(tmp_path)


def test_records_come_by_name_and_seed(tmp_path):
    for name, seed in [("original", 10), ("modern", 0), ("original", 9)]:
        record = make_record(seed=seed, recipe={"name": name})
        write_record(tmp_path / f"any-{seed}" / name, record)
    found = [(r.recipe["name"], r.seed) for r in read_records(tmp_path)]
    assert found == [("modern", 0), ("original", 9), ("original", 10)]
    assert read_records(tmp_path / "elsewhere") == []


@pytest.fixture
def three(tmp_path):
    """Runs of three seeds."""
    for seed in range(3):
        write_record(tmp_path / "original" / f"seed-{seed}", make_record(seed=seed))
    return tmp_path / "original"


@pytest.mark.parametrize("place", ["seed-9", ".hidden/seed-0", "seed-1/copy", "more/runs/seed-0"])
def test_a_copy_of_a_run_is_named_with_the_run(place, three):
    shutil.copytree(three / "seed-0", three / place)
    with pytest.raises(BadInput) as error:
        read_records(three)
    assert str(three / "seed-0") in str(error.value)
    assert str(three / place) in str(error.value)
    assert "both are original, seed 0" in str(error.value)


@pytest.mark.parametrize(
    ("link", "to"),
    [("seed-9", "seed-0"), ("loop", "."), ("up", ".."), ("in/loop", ".."), ("all", "../original")],
)
def test_a_link_to_runs_that_are_there_is_named_with_them(link, to, three):
    (three / link).parent.mkdir(exist_ok=True)
    (three / link).symlink_to(to)
    with pytest.raises(BadInput, match="whose runs would count twice") as error:
        read_records(three)
    assert str(three / link) in str(error.value)


@pytest.mark.parametrize(("link", "to"), [("seed-3", "nowhere"), ("seed-3", "seed-3")])
def test_a_link_behind_which_no_run_is_is_named(link, to, three):
    (three / link).symlink_to(to)
    with pytest.raises(BadInput, match=f"{link}: leads to {to}, where nothing is"):
        read_records(three)


def test_what_was_being_made_is_no_run(three):
    shutil.copytree(three / "seed-0", three / "seed-0" / f"{records.MAKING}x")
    assert len(read_records(three)) == 3


def test_runs_behind_a_link_count(three, tmp_path):
    write_record(tmp_path / "elsewhere", make_record(seed=3))
    (three / "seed-3").symlink_to(tmp_path / "elsewhere")
    assert [run.seed for run in read_records(three)] == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["a|b", "<script>", "[x](y)", "**b**", "`c`", "a\\b"])
@pytest.mark.parametrize("where", ["dataset", "layers"])
def test_a_name_that_means_something_to_markdown_is_refused(where, name, tmp_path):
    write_record(tmp_path, make_record())
    content = json.loads((tmp_path / "record.json").read_text())
    (content["dataset"] if where == "dataset" else content["layers"][0])["name"] = name
    change(tmp_path, **content)
    with pytest.raises(CorruptRecord, match="against pattern"):
        read_record(tmp_path)
