"""Commands answer at once: what takes seconds to import waits until the flags are read."""

import json
import resource
import subprocess
import sys

import pytest

import lenet1998
from lenet1998.__main__ import COMMANDS

SLOW = {
    *("torch", "torchvision", "numba", "llvmlite", "pandas", "matplotlib", "scipy", "sklearn"),
    *("distributed", "PIL", "tqdm"),
}
TRAINING = ("reproduce", "compare", "ablate")
# To answer them takes a twentieth to a quarter of a second, and to import torch alone two.
SECONDS = 1.0

ASK = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from lenet1998.__main__ import main

found = {}
for arguments in json.loads(sys.argv[1]):
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = stop.code
    found[" ".join(arguments)] = status, said.getvalue()
print(json.dumps({"answers": found, "loaded": sorted(sys.modules)}))
"""


def seconds_of(*call: str) -> tuple[float, subprocess.CompletedProcess]:
    """The processor time of a Python process, user's and system's, and what came of it."""

    def used() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    before = used()
    done = subprocess.run([sys.executable, *call], capture_output=True, text=True)
    return used() - before, done


def asked(questions: list[list[str]]) -> dict:
    """What ``lenet1998`` answers, all in one fresh process, and what was imported for it."""
    done = subprocess.run(
        [sys.executable, "-c", ASK, json.dumps(questions)], capture_output=True, text=True
    )
    assert not done.stderr
    return json.loads(done.stdout)


def test_tables_of_committed_runs_need_no_torch():
    loaded = asked([["cite", "--table", table] for table in ("headline", "comparison")])["loaded"]
    assert "pandas" in loaded
    assert not {"torch", "torchvision", "numba"} & set(loaded)


def test_whatever_needs_no_work_needs_no_slow_import():
    told = [["--help"], ["--version"], ["cite"], *([name, "--help"] for name in COMMANDS)]
    told += [[name, "--list"] for name in TRAINING]
    refused = [["no-such-command"], *([name, "--mistyped"] for name in COMMANDS)]
    found = asked(told + refused)
    for question in told:
        status, words = found["answers"][" ".join(question)]
        assert not status, question
        assert words, question
        if "--help" in question:  # which fits one screen
            assert len(words.splitlines()) <= 45, question
            assert max(map(len, words.splitlines())) < 80, question
    for question in refused:
        status, words = found["answers"][" ".join(question)]
        assert status == 2, question
        assert len(words.splitlines()) == 1, question
    assert not SLOW.intersection(found["loaded"])


@pytest.mark.parametrize("command", [["ablate", "--list"], ["cite"], ["benchmark", "--help"]])
def test_the_answer_takes_little_processor_time(command):
    took, done = seconds_of("-m", f"lenet1998.{command[0]}", *command[1:])
    assert done.returncode == 0
    assert took < SECONDS


def test_the_package_itself_handles_nothing_even_in_a_command(tmp_path):
    """It is imported first of all by ``python -m`` of any module in it."""
    code = (
        "import signal, sys; before = signal.getsignal(2), signal.getsignal(15), sys.excepthook\n"
    )
    code += (
        "sys.argv, sys.orig_argv = ['-m'], ['python', '-m', 'lenet1998.cite']; import lenet1998\n"
    )
    code += "assert before == (signal.getsignal(2), signal.getsignal(15), sys.excepthook)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_package_itself_imports_next_to_nothing():
    names = "import json, sys, lenet1998; print(json.dumps([sorted(sys.modules), dir(lenet1998)]))"
    took, done = seconds_of("-c", names)
    loaded, public = json.loads(done.stdout)
    assert not {*SLOW, "numpy"}.intersection(loaded)
    assert set(public) == set(lenet1998.__all__)
    assert took < SECONDS / 2
    assert all(hasattr(lenet1998, name) for name in lenet1998.__all__)
