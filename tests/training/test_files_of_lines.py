"""Runs as lines: what is written is read, half a line is mended, bad files are named by line."""

import gzip
import io
import json
import multiprocessing
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest
from factory import make_record, put

from lenet1998.errors import BadInput
from lenet1998.recipes import ORIGINAL
from lenet1998.training import lines
from lenet1998.training.records import write_record

DENSE = ORIGINAL.changed(c3="dense").as_dict()
RUNS = [
    make_record((9, 4), 0),
    make_record((8, 5), 1),
    make_record((7, 3), 0, recipe=DENSE),
    make_record((), 2, status="diverged"),
]


@pytest.fixture
def file(tmp_path):
    lines.write(tmp_path / "study.jsonl", RUNS)
    return tmp_path / "study.jsonl"


def alike(found, runs) -> bool:
    return lines.digest(found) == lines.digest(runs) and len(found) == len(runs)


def test_what_is_read_is_what_was_written(file):
    found = lines.read(file)
    for ours, theirs in zip(RUNS, found, strict=True):
        for key in ("recipe", "seed", "status", "dataset", "environment", "per_pass"):
            assert getattr(ours, key) == getattr(theirs, key), key
        assert np.array_equal(ours.predictions, theirs.predictions)
    assert (found[0].parameters, found[0].connections) == (60_000, 340_908)


def test_pandas_has_a_row_a_run(file):
    frame = pd.read_json(file, lines=True)
    assert frame["seed"].tolist() == [0, 1, 0, 2]
    assert frame["test_errors"].tolist() == [[9, 4], [8, 5], [7, 3], []]
    assert frame["recipe"][2]["name"] == "original,c3=dense"


def test_the_package_reads_the_same_packed(tmp_path):
    packed = tmp_path / "runs.jsonl.gz"
    lines.write(packed, RUNS)
    assert alike(lines.read(packed), RUNS)
    assert (tmp_path / "runs.npz").is_file()


def test_what_was_not_kept_is_null(tmp_path):
    run = make_record((9, 4))
    run.predictions, run.per_pass[0]["loss"], run.per_pass[0]["seconds"] = None, None, None
    run.environment["seconds"] = 3.5
    lines.write(tmp_path / "a.jsonl", [run, RUNS[1]])
    first, second = lines.read(tmp_path / "a.jsonl")
    assert (first.predictions, first.per_pass[0]["loss"], first.seconds) == (None, None, 3.5)
    assert np.array_equal(second.predictions, RUNS[1].predictions)


def test_runs_are_appended_one_after_the_other(tmp_path):
    file = tmp_path / "study.jsonl"
    assert lines.read_whole(file) == []
    for place, run in enumerate(RUNS, 1):
        lines.append(file, run)
        assert alike(lines.read(file), RUNS[:place])
    with pytest.raises(BadInput, match=r"has original,c3=dense, seed 0, already"):
        lines.append(file, RUNS[2])
    assert alike(lines.read(file), RUNS)


@pytest.mark.parametrize("left", [1, 40, 400])
def test_half_a_line_is_taken_away_and_its_run_repeated(left, file, caplog):
    whole = file.read_bytes()
    *_, last = whole.splitlines(keepends=True)
    file.write_bytes(whole[: len(whole) - len(last) + left])
    with pytest.raises(BadInput, match=r"study\.jsonl:4: is cut short"):
        lines.read(file)
    assert alike(lines.read_whole(file), RUNS[:3])
    assert "half a line at its end is taken away" in caplog.text
    lines.append(file, RUNS[3])
    assert file.read_bytes() == whole


def test_answers_without_their_line_are_those_of_a_killed_process(file):
    """The answers are written before the line."""
    before = file.read_bytes()
    lines.append(file, make_record((1, 1), 5))
    file.write_bytes(before)
    assert alike(lines.read(file), RUNS)
    lines.append(file, make_record((2, 2), 6))
    assert alike(lines.read(file), [*RUNS, make_record((2, 2), 6)])


def _add(file, seeds) -> None:
    for seed in seeds:
        lines.append(file, make_record((3, 2), seed))


def test_two_writers_lose_nothing(tmp_path):
    file, context = tmp_path / "study.jsonl", multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add, args=(file, range(k, 20, 2))) for k in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert sorted(run.seed for run in lines.read(file)) == list(range(20))


def changed(line: bytes, **changes) -> bytes:
    return json.dumps(json.loads(line) | changes).encode()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda line: b"{", "no readable JSON"),
        (lambda line: b"[]", "is no run"),
        (lambda line: b"3", "is no run"),
        (lambda line: b"", "no readable JSON"),
        (lambda line: b"\xff" + line, "no readable JSON"),
        (lambda line: line.replace(b'"seed"', b'"sead"'), "has no 'seed'"),
        (lambda line: changed(line, seed="0"), "seed 0"),
        (lambda line: changed(line, status="lost"), "status lost"),
        (lambda line: changed(line, loss=[1.0]), "is no run"),
        (lambda line: changed(line, test_errors=[9, 999]), "999 of 200 in pass 2"),
        (lambda line: changed(line, recipe={"name": "original", "c3": "round"}), "c3=round"),
        (
            lambda line: line.replace(b'"c3": "table"', b'"c3": "dense"').replace(
                b'"c3":"table"', b'"c3":"dense"'
            ),
            "name",
        ),
        (lambda line: changed(line, dataset={"name": "mnist"}), "dataset has no 'checksum'"),
        (lambda line: changed(line, environment={"engine": 3}), "environment.engine is 3"),
        (lambda line: changed(line, seed=-1), "seed -1"),
        (lambda line: changed(line, loss=["a", 1.0]), "no number in pass 1"),
        (lambda line: changed(line, test_errors=[9, 4.0]), "test_errors 4.0 of 200 in pass 2"),
        (lambda line: line.replace(b'"half_distance"', b'"half_distanse"'), "half_distanse"),
    ],
)
def test_a_line_that_is_no_run_is_named(change, told, file):
    first, second, *rest = file.read_bytes().splitlines()
    file.write_bytes(b"\n".join([first, change(second), *rest, b""]))
    with pytest.raises(BadInput) as caught:
        lines.read(file)
    assert str(caught.value).startswith(f"{file}:2: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_lines_of_one_run_are_named(file):
    content = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*content, content[1]]))
    with pytest.raises(BadInput, match=r"study\.jsonl:5: original, seed 1, is line 2, too"):
        lines.read(file)


def archive(**members) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name, array in members.items():
            member = io.BytesIO()
            np.save(member, array)
            opened.writestr(f"{name}.npy", member.getvalue())
    return content.getvalue()


def unknown_compression() -> bytes:
    content = bytearray(archive(**{"200": np.zeros((3, 200), np.uint8)}))
    content[content.index(b"PK\x01\x02") + 10] = 99
    content[8] = 99
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        archive(**{"200": np.zeros((2, 200), np.uint8)}),
        archive(**{"200": np.full((3, 200), 10, np.uint8)}),
        archive(**{"200": np.zeros((3, 200))}),
        archive(**{"200": np.zeros((3, 100), np.uint8)}),
        archive(**{"some": np.zeros((3, 200), np.uint8)}),
        archive(**{"200": np.array([None])}),
        unknown_compression(),
    ],
    ids=["empty", "text", "fewer", "classes", "floats", "shape", "name", "pickle", "compression"],
)
def test_answers_that_are_not_those_of_the_lines_are_named(content, file):
    lines.answers_of(file).write_bytes(content)
    with pytest.raises(BadInput, match=r"study\.npz: "):
        lines.read(file)


def test_missing_answers_are_named(file):
    lines.answers_of(file).unlink()
    with pytest.raises(BadInput, match=r"study\.npz: is missing"):
        lines.read(file)


def test_studies_are_files_of_lines_and_folders_of_runs(file):
    put(file.parent, "other/noise", make_record(seed=3))
    (file.parent / ".scratch").mkdir()
    assert list(lines.read_studies(file.parent)) == ["other", "study"]
    assert [run.seed for run in lines.read_studies(file.parent)["study"]] == [0, 1, 2, 0]
    assert lines.read_studies(file.parent / "nowhere") == {}


def test_a_study_that_is_there_twice_is_named(file):
    write_record(file.parent / "study" / "seed-0", make_record((9, 4), 0))
    with pytest.raises(BadInput) as error:
        lines.read_studies(file.parent)
    assert f"{file}:1" in str(error.value)
    assert str(file.parent / "study" / "seed-0") in str(error.value)


def test_what_is_hidden_is_no_study_and_a_link_to_nothing_is_none_either(file):
    shutil.copy(file, file.with_name(".copy.jsonl"))
    assert list(lines.read_studies(file.parent)) == ["study"]
    (file.parent / "lost.jsonl").symlink_to("nowhere")
    with pytest.raises(BadInput, match=r"lost\.jsonl: leads to nowhere"):
        lines.read_studies(file.parent)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is cut short"),
        (b"no gzip", "is no gzip file"),
        (gzip.compress(b"{}\n")[:-3], "is cut short"),
        (gzip.compress(bytes(3000)), "unpacks to more than"),
    ],
)
def test_a_packed_file_that_cannot_be_unpacked_is_named(content, says, tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MOST_BYTES", 2000)
    (tmp_path / "runs.jsonl.gz").write_bytes(content)
    with pytest.raises(BadInput, match=rf"runs\.jsonl\.gz: .*{says}"):
        lines.read(tmp_path / "runs.jsonl.gz")
