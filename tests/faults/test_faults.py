"""Faults: damaged files, bad values of flags, and runs killed or short of disk."""

import itertools
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from lenet1998.__main__ import COMMANDS
from lenet1998.cli import Parser, entry, say
from lenet1998.data import load
from lenet1998.errors import BadInput
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.locks import NOTE
from lenet1998.training.records import PREDICTIONS, RECORD, WEIGHTS
from tests.faults import files, flags, runs
from tests.faults.runs import KINDS, Trials


@pytest.mark.parametrize(
    ("times", "least"), [(15, 8), pytest.param(160, 120, marks=pytest.mark.slow)]
)
def test_no_damaged_file_is_more_than_one_line(times, least, tmp_path):
    kinds = {RECORD, PREDICTIONS, WEIGHTS, CHECKPOINT, "study.jsonl", "study.npz", NOTE}
    kinds |= {"packed.jsonl.gz", "states.npz", "fig5_curve.csv", "t10k-images-idx3-ubyte"}
    pictures = {f"digit.{ending}" for ending in ("png", "jpeg", "gif", "bmp", "webp", "tiff")}
    counts = files.attack(tmp_path, times * len(kinds | pictures), np.random.default_rng(0))
    assert counts.keys() == kinds | pictures
    for name, told in counts.items():
        assert told["escaped"] == [], name
        # A bitmap has few bytes that could not be others, and a table of the paper's few, too.
        assert told["refused"] > (least if name in kinds else 0), name
        assert told["accepted"] + told["refused"] == times


def test_whole_files_are_taken(tmp_path):
    """Or damaged ones would be refused for something else."""
    for kind in files.kinds(tmp_path).values():
        kind.read()


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (KeyError("seed"), "KeyError: 'seed'"),
        (BadInput("no good"), "names no file: 'no good'"),
        (BadInput("{folder}/record.json: one\ntwo"), "is no line"),
    ],
)
def test_every_other_ending_is_told(ending, told, tmp_path, monkeypatch):
    def read(_):
        if isinstance(ending, BadInput):
            raise BadInput(ending.message.format(folder=tmp_path))
        raise ending

    monkeypatch.setattr(files, "read_record", read)
    counts = files.attack(tmp_path, 1, np.random.default_rng(0))
    (escaped,) = counts["record.json"]["escaped"]
    assert told in escaped


SOME = ("published.headline", "published.runs", "distortions.fig7", "comparison.answers")


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    return flags.try_all(tmp_path_factory.mktemp("flags"))


def test_no_bad_value_gets_through(counts):
    assert [line for name in counts for line in counts[name]["failures"]] == []


def test_all_commands_and_scripts_are_tried(counts):
    assert set(COMMANDS) <= set(counts)
    assert {f"experiments.{name}" for name in SOME} <= set(counts)
    assert min(counts[name]["cases"] for name in counts) > 20


def silent(_):
    return 2


def talkative(_):
    say("one")
    say("two")
    return 2


def long(_):
    print("lenet1998: " + "x" * 5000, file=sys.stderr)
    return 2


def loud(_):
    print("a result")
    raise BadInput("a fault")


def deep(_):
    os.write(2, b"a library")
    raise BadInput("a fault")


def writing(_):
    Path("left").touch()
    raise BadInput("a fault")


def crashing(_):
    raise KeyError("a fault")


def training(_):
    raise flags.Reached


@pytest.mark.parametrize(
    ("main", "says"),
    [
        (lambda _: 0, "exit status 0"),
        (silent, "not one line"),
        (talkative, "not one line"),
        (long, "a line of 5"),
        (loud, "on standard output"),
        (deep, "on the descriptor of standard error: b'a library'"),
        (writing, "wrote ['left']"),
        (crashing, "a traceback, KeyError"),
        (training, "was not refused before it began"),
    ],
)
def test_what_is_not_refused_as_it_should_be_is_found(main, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert flags.fault_of(entry(main), []).startswith(says)


def test_a_flag_that_takes_what_it_should_not_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    @entry
    def main(arguments):
        parser = Parser(prog="lax")
        parser.add_argument("--passes", metavar="N")
        parser.parse_args(arguments)
        return 0

    through = [
        arguments
        for arguments in flags.cases("lax", flags.parser_of(main))
        if flags.fault_of(main, arguments)
    ]
    assert ["--passes=0"] in through
    assert ["--passes="] not in through
    assert ["--frobnicate"] not in through


# The processes that are forked here use none of the threads there may be.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")


@pytest.fixture
def trials(tmp_path):
    number = itertools.count()
    return lambda kind: Trials(KINDS[kind], load("digits"), tmp_path / f"trials-{next(number)}")


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in ("run", "study", "compare") else pytest.param(kind, marks=pytest.mark.slow)
        for kind in KINDS
    ],
)
def test_killed_before_a_change_of_a_file(kind, trials):
    told = runs.kills_at_operations(trials(kind), most=2)
    assert told == {"tried": 2, "stopped": 2, "identical": 2, "failures": []}


def test_killed_at_a_random_moment(trials):
    over_older = trials("run over an older one")
    told = runs.kills_at_random(over_older, 2, np.random.default_rng(1))
    assert (told["tried"], told["identical"], told["failures"]) == (2, 2, [])


def test_a_full_disk(trials):
    told = runs.full_disks(trials("run"), 1, np.random.default_rng(3))
    assert told == {"tried": 1, "stopped": 1, "identical": 1, "failures": []}


def test_two_commands_in_one_folder(trials):
    told = runs.two_writers(trials("run"), 1, np.random.default_rng(0))
    assert (told["identical"], told["failures"]) == (1, [])


def test_two_commands_in_two_namespaces_of_processes(trials):
    here = runs.start(lambda *_: 0, trials("run").folder, False, None, runs.other_processes)
    if runs.status_of(here):
        pytest.skip("no namespaces of processes here")
    told = runs.two_writers(trials("run"), 1, np.random.default_rng(0), runs.other_processes)
    assert (told["identical"], told["failures"]) == (1, [])


def test_what_goes_wrong_is_told(trials):
    over_done = trials("study over a finished run and a damaged record")
    (over_done.folder / runs.LINES).unlink()
    shutil.rmtree(over_done.folder / runs.PLACE / "seed-0")
    over_done.judge("a finished run lost", True)
    over_done.right = {}
    over_done.judge("other bytes", True)
    assert over_done.counts["identical"] == 0
    lost, other = over_done.failures
    assert lost.startswith("a finished run lost: other results")
    assert other.startswith("other bytes: other results")
