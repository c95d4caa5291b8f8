"""Every command and study script refuses every bad value of every flag: one line, 2, nothing done.

The matrix of ``tests/faults/flags.py``, whole: it takes some seconds.
"""

import os
import sys
from pathlib import Path

import pytest

from lenet1998.__main__ import COMMANDS
from lenet1998.cli import Parser, entry, say
from lenet1998.errors import BadInput
from tests.faults import flags

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
