"""Runs that are killed, short of disk or not alone give the same bytes in the end."""

import itertools
import shutil

import numpy as np
import pytest

from lenet1998.data import load
from tests.faults import runs
from tests.faults.runs import KINDS, Trials

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
