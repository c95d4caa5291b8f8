"""One command at a time in a folder, and none over another's results."""

import errno
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from stat import S_ISDIR

import pytest

from lenet1998.errors import BadInput
from lenet1998.reproduce.__main__ import main
from lenet1998.training import locks as claims
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.locks import LOCK, NOTE, check_free, claimed, replacing
from lenet1998.training.records import (
    MAKING,
    PREDICTIONS,
    RECORD,
    WEIGHTS,
    read_record,
    sweep,
    write_atomically,
)

TINY = ["--dataset", "digits", "--train-size", "40", "--passes", "2", "--engine", "eager"]
TINY += ["--set", "curvature_patterns=10"]

pytestmark = [
    # Figures take longer than these runs, and nothing here is about them.
    pytest.mark.usefixtures("no_figures"),
    # The process that is forked here uses none of the threads there may be.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded"),
]


def hold(out, held, over):
    """Be at work in a folder's seed-0."""
    with claimed(out, [out / "seed-0"]):
        held.set()
        over.wait()


def files(folder):
    """What is in a folder's files; a lock is empty, and may stay."""
    found = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {path: content for path, content in found.items() if path.name != LOCK or content}


# --- Locks --------------------------------------------------------------------------------------


@pytest.fixture
def holder(tmp_path):
    """Another process that is at work in seed-0; forked, so that it imports nothing again."""
    forked = multiprocessing.get_context("fork")
    held, over = forked.Event(), forked.Event()
    process = forked.Process(target=hold, args=(tmp_path, held, over))
    process.start()
    assert held.wait(30)
    yield process
    process.kill()
    process.join()


def test_a_second_command_is_refused(holder, tmp_path, capsys):
    before = files(tmp_path)
    assert main([*TINY, "--seeds", "0-1", "--out", str(tmp_path)]) == 2
    line = capsys.readouterr().err
    assert "seed-0: another command is at work in it; wait for it" in line
    assert line.count("\n") == 1
    assert files(tmp_path) == before
    assert not (tmp_path / "seed-1").exists()


def test_a_lock_ends_with_the_process_that_has_it(holder, tmp_path):
    holder.kill()
    holder.join()
    with claimed(tmp_path, [tmp_path / "seed-0"]):
        assert (tmp_path / "seed-0" / LOCK).exists()


def test_nothing_is_left_of_a_claim_that_came_to_nothing(tmp_path):
    out = tmp_path / "runs" / "original"
    with claimed(out, [out / "seed-0", out / "seed-1"]):
        assert (out / "seed-1" / LOCK).exists()
    assert not (tmp_path / "runs").exists()


def test_what_was_written_stays_and_what_was_there_too(tmp_path):
    (tmp_path / "seed-1").mkdir()
    with claimed(tmp_path, [tmp_path / "seed-0", tmp_path / "seed-1"]):
        (tmp_path / "seed-0" / "result").touch()
    left = {path.name for path in (tmp_path / "seed-0").iterdir()}
    assert left == {"result"}
    assert (tmp_path / "seed-1").is_dir()


def test_all_folders_are_claimed_or_none(holder, tmp_path):
    with (
        pytest.raises(BadInput, match="another command"),
        claimed(tmp_path, [tmp_path / "a", tmp_path / "seed-0"]),
    ):
        pytest.fail("half a claim")
    assert not (tmp_path / "a").exists()


def test_too_many_folders_to_lock(tmp_path, monkeypatch):
    class Full(claims.FileLock):
        def acquire(self, *_, **__):
            raise OSError(24, "Too many open files")

    monkeypatch.setattr(claims, "FileLock", Full)
    with pytest.raises(BadInput, match="fewer runs"), claimed(tmp_path, [tmp_path / "seed-0"]):
        pytest.fail("no lock")


# --- Files --------------------------------------------------------------------------------------


MAKE = """
import os, sys
from pathlib import Path
from lenet1998.training.records import made_beside
with made_beside(Path(sys.argv[1], "file")) as made:
    made.write_text("half")
    print("making", flush=True)
    sys.stdin.read()
    os._exit(9)
"""
OTHER_PIDS = ["unshare", "--user", "--map-root-user", "--pid", "--fork"]
unshared = pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run([*OTHER_PIDS, "true"]).returncode != 0,
    reason="no process namespaces here",
)


def python(code, *arguments, before=()):
    call = [*before, sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("before", [(), pytest.param(OTHER_PIDS, marks=unshared)])
def test_what_is_being_made_is_swept_when_its_maker_is_dead(before, tmp_path):
    maker = python(MAKE, tmp_path, before=before)
    assert maker.stdout.readline() == "making\n"
    (folder,) = tmp_path.iterdir()
    sweep(tmp_path)
    assert (folder / "file").read_text() == "half"
    maker.communicate("")
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


HOLD = """
import sys
from pathlib import Path
from lenet1998.errors import BadInput
from lenet1998.training.locks import claimed
try:
    with claimed(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
except BadInput as error:
    print(error, flush=True)
"""


@unshared
def test_two_writers_in_two_namespaces_of_processes(tmp_path):
    first, second = (python(HOLD, tmp_path, before=OTHER_PIDS) for _ in "12")
    told = sorted(writer.stdout.readline() for writer in (first, second))
    assert "another command is at work" in told[0]
    assert told[1] == "held\n"
    for writer in (first, second):
        writer.communicate("")
    with claimed(tmp_path):
        pass


def test_nothing_is_removed_for_its_name(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = (".notes.2024", f".record.json.{dead.pid}", f".holder.{dead.pid}", f"{MAKING}notes")
    for place in (tmp_path, tmp_path / "seed-0"):
        place.mkdir(exist_ok=True)
        for name in names:
            (place / name).write_text("mine")
        for name in (".folder.2024", f"{MAKING}folder"):
            (place / name).mkdir()
            (place / name / "notes").write_text("mine")
    before = files(tmp_path)
    assert main([*TINY, "--out", str(tmp_path)]) == 0
    assert files(tmp_path).items() >= before.items()


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_no_link_is_followed(link, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("mine")
    out = tmp_path / "out"
    (out / "seed-0").mkdir(parents=True)
    for process in range(os.getpid(), os.getpid() + 50):
        for name in (f".summary.json.{process}", f".writable.{process}"):
            link(precious, out / name)
            link(precious, out / "seed-0" / name)
    assert main([*TINY, "--out", str(out)]) == 0
    assert precious.read_text() == "mine"
    for name in ("summary.json", LOCK):
        (out / name).unlink(missing_ok=True)
        link(precious, out / name)
        assert main([*TINY, "--resume", "--out", str(out)]) == 2
        (out / name).unlink()
    assert precious.read_text() == "mine"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EBADF])
@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_folder_that_cannot_be_synced_is_no_fault(number, call, tmp_path, monkeypatch):
    real = getattr(os, call)

    def refuse(what, *rest, **more):
        of_folder = os.path.isdir(what) or (call == "fsync" and S_ISDIR(os.fstat(what).st_mode))
        if of_folder:
            raise OSError(number, os.strerror(number))
        return real(what, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        write_atomically(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


# --- Results that are replaced --------------------------------------------------------------------


def test_files_are_replaced_by_who_wrote_them_and_of_the_same_thing(tmp_path):
    def write(content: str, of: str = "a", overwrite: bool = False) -> None:
        with replacing(tmp_path, ["table"], of, overwrite):
            (tmp_path / "table").write_text(content)

    write("one")
    write("two")
    for of, told in (("b", "is of a; give"), ("a", "was changed")):
        if of == "a":
            (tmp_path / "table").write_text("by hand")
        before = files(tmp_path)
        with pytest.raises(BadInput, match=f"table: {told}"):
            write("three", of)
        assert files(tmp_path) == before
    write("four", "b", overwrite=True)
    write("five", "b")
    (tmp_path / NOTE).unlink()
    with pytest.raises(BadInput, match="table: is not of our making"):
        check_free(tmp_path, ["table"], "b", False)


def test_who_is_killed_while_writing_goes_on(tmp_path):
    def interrupted():
        with replacing(tmp_path, ["table"], "a", False):
            (tmp_path / "table").write_text("one")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    check_free(tmp_path, ["table"], "a", False)
    with pytest.raises(BadInput, match="is of a"):
        check_free(tmp_path, ["table"], "b", False)


@pytest.mark.parametrize("note", ["[]", "{", '{"table": "a"}', '{"table": ["a", 3]}'])
def test_a_note_that_is_none_of_ours_is_named(note, tmp_path):
    (tmp_path / NOTE).write_text(note)
    with pytest.raises(BadInput, match=NOTE):
        check_free(tmp_path, ["table"], "a", False)
    assert (tmp_path / NOTE).read_text() == note


def test_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    told = []
    sync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (told.append("sync"), sync(number)))
    monkeypatch.setattr(
        type(tmp_path), "replace", lambda a, b: (told.append("rename"), replace(a, b))
    )
    write_atomically(tmp_path / "file", b"content")
    assert told == ["sync", "rename", "sync"]
    assert (tmp_path / "file").read_bytes() == b"content"


# --- Runs ---------------------------------------------------------------------------------------


@pytest.fixture
def done(tmp_path):
    """A finished run, and its files."""
    assert main([*TINY, "--out", str(tmp_path)]) == 0
    return files(tmp_path)


@pytest.mark.parametrize(
    "flags",
    [["--passes", "1"], ["--set", "pooling=max"], ["--set", "eta=1e-3"], ["--variant", "modern"]],
)
def test_a_finished_run_of_another_recipe_is_not_overwritten(flags, done, tmp_path, capsys):
    capsys.readouterr()
    assert main([*TINY, *flags, "--out", str(tmp_path)]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "--overwrite" in line
    assert files(tmp_path) == done


def test_nor_is_one_of_another_data_set(done, tmp_path, tiny_mnist, capsys):
    flags = [*TINY, "--dataset", "mnist", "--data", str(tiny_mnist), "--out", str(tmp_path)]
    assert main(flags) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert files(tmp_path / "seed-0").items() <= done.items()
    assert read_record(tmp_path / "seed-0").dataset["name"] == "digits"


def test_the_summary_of_other_runs_is_not_either(done, tmp_path, capsys):
    assert main([*TINY, "--passes", "1", "--seeds", "7", "--out", str(tmp_path)]) == 2
    assert "summary.json: is of original,curvature_patterns=10,passes=2," in capsys.readouterr().err
    assert files(tmp_path) == done


def test_overwrite_overwrites(done, tmp_path):
    assert main([*TINY, "--passes", "1", "--overwrite", "--out", str(tmp_path)]) == 0
    assert len(read_record(tmp_path / "seed-0").per_pass) == 1
    assert json.loads((tmp_path / "summary.json").read_text())["passes"] == 1


def test_the_same_run_may_be_repeated_and_gives_the_same(done, tmp_path):
    assert main([*TINY, "--out", str(tmp_path)]) == 0
    for name in (PREDICTIONS, WEIGHTS):
        assert (tmp_path / "seed-0" / name).read_bytes() == done[tmp_path / "seed-0" / name]


def test_a_record_of_a_newer_version_stays_even_when_resuming(done, tmp_path, capsys):
    record = tmp_path / "seed-0" / RECORD
    newer = record.read_text().replace('"schema": 1', '"schema": 99')
    record.write_text(newer)
    for flag in ([], ["--resume"]):
        assert main([*TINY, *flag, "--out", str(tmp_path)]) == 2
        assert "schema 99" in capsys.readouterr().err
    assert record.read_text() == newer


def test_a_damaged_record_is_replaced_when_resuming_only(done, tmp_path, capsys):
    record = tmp_path / "seed-0" / RECORD
    record.write_text("{")
    assert main([*TINY, "--out", str(tmp_path)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*TINY, "--resume", "--out", str(tmp_path)]) == 0
    assert read_record(tmp_path / "seed-0").status == "finished"


def interrupted(flags, tmp_path, monkeypatch, after=1):
    """A run that is interrupted when the checkpoint of a pass is written."""
    from lenet1998.training import run

    save = run.checkpoints.save

    def saved_and_stopped(file, record, *rest):
        save(file, record, *rest)
        if len(record.per_pass) == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run.checkpoints, "save", saved_and_stopped)
        assert main([*TINY, *flags, "--out", str(tmp_path)]) == 130


def test_an_unfinished_run_of_the_same_recipe_is_not_lost(tmp_path, monkeypatch, capsys):
    interrupted([], tmp_path, monkeypatch)
    capsys.readouterr()
    before = files(tmp_path)
    assert main([*TINY, "--out", str(tmp_path)]) == 2
    line = capsys.readouterr().err
    assert "--resume" in line
    assert "--overwrite" in line
    assert files(tmp_path) == before
    assert main([*TINY, "--out", str(tmp_path), "--resume"]) == 0


def test_a_run_over_an_older_one_is_resumed_as_it_says(done, tmp_path, monkeypatch, capsys):
    other = ["--passes", "3", "--overwrite"]
    interrupted(other, tmp_path, monkeypatch)
    assert f"add --resume --out {tmp_path} to the same command" in capsys.readouterr().err
    assert main([*TINY, *other, "--resume", "--out", str(tmp_path)]) == 0
    fresh = tmp_path / "fresh"
    assert main([*TINY, "--passes", "3", "--out", str(fresh)]) == 0
    for name in (PREDICTIONS, WEIGHTS):
        kept, anew = (folder / "seed-0" / name for folder in (tmp_path, fresh))
        assert kept.read_bytes() == anew.read_bytes()
    assert not (tmp_path / "seed-0" / CHECKPOINT).exists()


def test_a_checkpoint_of_another_run_is_not_lost_either(tmp_path, monkeypatch, capsys):
    interrupted(["--passes", "3"], tmp_path, monkeypatch)
    before = files(tmp_path)
    for flag in ([], ["--resume"]):
        capsys.readouterr()
        assert main([*TINY, *flag, "--out", str(tmp_path)]) == 2
        assert "of another run (original,curvature_patterns=10,passes=3," in capsys.readouterr().err
    assert files(tmp_path) == before
    assert main([*TINY, "--overwrite", "--resume", "--out", str(tmp_path)]) == 0
    assert len(read_record(tmp_path / "seed-0").per_pass) == 2


def test_the_checkpoint_of_a_run_that_is_done_goes(tmp_path, monkeypatch):
    interrupted([], tmp_path, monkeypatch)
    kept = (tmp_path / "seed-0" / CHECKPOINT).read_bytes()
    assert main([*TINY, "--resume", "--out", str(tmp_path)]) == 0
    (tmp_path / "seed-0" / CHECKPOINT).write_bytes(kept)  # as if it had been killed before that
    assert main([*TINY, "--resume", "--out", str(tmp_path)]) == 0
    assert not (tmp_path / "seed-0" / CHECKPOINT).exists()


def test_resume_where_there_is_nothing_says_so(tmp_path, caplog):
    assert main([*TINY, "--resume", "--out", str(tmp_path)]) == 0
    assert "nothing to resume in" in caplog.text


def test_no_checkpoint_is_promised_where_there_is_none(tmp_path, capsys):
    exploding = [
        "--variant",
        "modern",
        "--set",
        "eta=1e30",
        "--set",
        "squash=relu",
        "--train-size",
        "300",
    ]
    assert main([*TINY, *exploding, "--out", str(tmp_path)]) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert ("checkpoint" in line) == (tmp_path / "seed-0" / CHECKPOINT).exists()
    assert not (tmp_path / "seed-0" / CHECKPOINT).exists()
