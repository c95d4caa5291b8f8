"""What becomes of runs that are killed, of two that want one folder, and of a disk that is full.

Runs are small ones on the embedded digits, started as a user's commands in processes of their own,
but without figures, which are drawn of what stands when all is done.
"""

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from experiments.study import SCRATCH, cell_of, run_study
from lenet1998.compare import __main__ as compare
from lenet1998.data import Dataset, load
from lenet1998.models import build_model, build_optimizer
from lenet1998.recipes import ORIGINAL
from lenet1998.report import answers
from lenet1998.reproduce import __main__ as reproduce
from lenet1998.reproduce import run as work
from lenet1998.restore import __main__ as restore
from lenet1998.restore import recover, refine
from lenet1998.show import __main__ as show
from lenet1998.training import lines, study
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.locks import NOTE
from lenet1998.training.records import MAKING, PREDICTIONS, RECORD, WEIGHTS, write_atomically
from lenet1998.training.study import Cell

RECIPE = ORIGINAL.changed(passes=3, train_size=20, curvature_patterns=10)
OLDER = RECIPE.changed(passes=2)
LINES, PLACE = "small.jsonl", Path(SCRATCH, "small", RECIPE.name)
"""The study's file of lines, and its scratch."""
SEEDS = (0, 1)
OPERATIONS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
"""The system's audit events of what changes files."""

Command = Callable[[Path, bool], int]
"""A command in a folder, given whether it resumes; its exit status."""


# --- Commands and the processes they run in -----------------------------------------------------


def run(folder: Path, resume: bool, recipe=RECIPE) -> int:
    """``reproduce`` of two seeds, over whatever stands in the folder."""
    switches = ("passes", "train_size", "curvature_patterns")
    changes = [word for key in switches for word in ("--set", f"{key}={getattr(recipe, key)}")]
    flags = ["--dataset", "digits", "--engine", "eager", "--seeds", "0-1", "--jobs", "1"]
    flags += ["--overwrite", "--out", str(folder), *changes]
    return reproduce.main([*flags, "--resume"] if resume else flags)


def run_of_a_study(folder: Path, _resume: bool) -> int:
    """A study of the same two runs, which always goes on where it was."""

    def cells(results: Path) -> list[Cell]:
        return [cell_of(results, "small", RECIPE, seed) for seed in SEEDS]

    flags = ["--engine", "eager", "--jobs", "1", "--results", str(folder)]
    return run_study("Two small runs.", cells, flags)


def comparison(folder: Path, _resume: bool) -> int:
    """``compare`` of the package's runs."""
    return compare.main(["original", "modern", "--out", str(folder)])


def restoration(folder: Path, _resume: bool) -> int:
    """``restore`` of what Fig. 13 prints, in few steps."""
    recover.restore = partial(refine.restore, steps=20)
    return restore.main(["--out", str(folder)])


def figures(folder: Path, _resume: bool) -> int:
    """``show`` of a net, with figures that are all one picture: to draw them takes long."""

    def save(_figure, file: Path, _source: str | None = None) -> None:
        write_atomically(file, b"a picture")

    answers.save = save
    return show.main(["modern", "--dataset", "digits", "--out", str(folder)])


def start(command: Command, folder: Path, resume: bool, digits: Dataset, before=None) -> int:
    """A command in a process of its own; the number of that process."""
    child = os.fork()
    if child:
        return child
    status = 70  # of what escapes the command
    try:
        with open(os.devnull, "w") as nowhere, open(folder.with_suffix(".err"), "w") as told:
            sys.stdout, sys.stderr = nowhere, told
            for name in ("show_each", "learning_curve", "save"):
                setattr(work, name, lambda *_: None)
            study.load_once = lambda *_: digits
            if before:
                before()
            status = command(folder, resume)
    except Exception:
        folder.with_suffix(".err").write_text(traceback.format_exc())
    finally:
        os._exit(status)


def status_of(child: int) -> int:
    """The exit status of a process; less than 0 if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def finish(command: Command, folder: Path, digits: Dataset) -> str | None:
    """Resume; what is wrong then, or None."""
    status = status_of(start(command, folder, True, digits))
    told = folder.with_suffix(".err").read_text().strip()
    return None if status == 0 else f"resumed with {status}: {told[-300:]}"


def result(folder: Path) -> dict[str, bytes | dict]:
    """All that two executions of the same runs must have alike."""
    places = {seed: [*folder.rglob(f"seed-{seed}/{RECORD}")] for seed in SEEDS}
    if not any(places.values()):
        return {str(file.relative_to(folder)): file.read_bytes() for file in _results(folder)}
    found: dict[str, bytes | dict] = {}
    for seed, (record, *_) in places.items():
        place = record.parent
        for name in (PREDICTIONS, WEIGHTS):
            found[f"{seed} {name}"] = (place / name).read_bytes()
        record = json.loads((place / RECORD).read_bytes())
        del record["environment"]
        for entry in record["per_pass"]:
            del entry["seconds"]
        found[f"{seed} {RECORD}"] = record
    if (folder / LINES).exists():
        found[LINES] = {run.seed: run.predictions.tobytes() for run in lines.read(folder / LINES)}
    return found


def _results(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]


def leftovers(folder: Path, right: Iterable[str]) -> list[str]:
    """Files that have no place in a folder whose runs are done, or whose results are right."""
    known = {PREDICTIONS, WEIGHTS, RECORD, NOTE, "summary.json", LINES, f".{LINES}.lock", *right}
    known |= {lines.answers_of(folder / LINES).name, ".lock"}
    files = (path for path in folder.rglob("*") if path.is_file())
    names = known | {str(folder / name) for name in known}
    return [str(path) for path in files if not names.intersection((path.name, str(path)))]


# --- What stands in a folder before ---------------------------------------------------------------


def runs_of_another_recipe(folder: Path, digits: Dataset) -> None:
    """Finished runs with fewer passes."""
    assert status_of(start(partial(run, recipe=OLDER), folder, False, digits)) == 0


def study_with_a_damaged_record(folder: Path, digits: Dataset) -> None:
    """A study whose first run is as it should be, the second's line and record are half."""
    assert status_of(start(run_of_a_study, folder, False, digits)) == 0
    for file in (folder / PLACE / "seed-1" / RECORD, folder / LINES):
        file.write_bytes(file.read_bytes()[: -file.stat().st_size // 4])


def killed_study(folder: Path, digits: Dataset) -> None:
    """A study that was killed in the second pass of its first run, as the checkpoint was renamed.

    It leaves the checkpoint of the first pass, and that of the second where it was made.
    """
    seed = folder / PLACE / "seed-0"
    renaming = 6  # each checkpoint is opened, opened to be synced, and renamed
    killed = kill_at_operation(renaming, Path(CHECKPOINT))
    assert status_of(start(run_of_a_study, folder, False, digits, killed)) == -signal.SIGKILL
    assert (seed / CHECKPOINT).exists()
    assert any(seed.glob(f"{MAKING}*/{CHECKPOINT}"))


@dataclass(frozen=True)
class Kind:
    """A command, what makes the folder it works in, and which files there it must leave alone."""

    command: Command
    older: Callable[[Path, Dataset], None] | None = None
    done: tuple[str, ...] = ()


KINDS = {
    "run": Kind(run),
    "run over an older one": Kind(run, runs_of_another_recipe),
    "study": Kind(run_of_a_study),
    "study over a finished run and a damaged record": Kind(
        run_of_a_study, study_with_a_damaged_record, (f"{PLACE}/seed-0/{RECORD}",)
    ),
    "study over a killed one": Kind(run_of_a_study, killed_study),
    "compare": Kind(comparison),
    "restore": Kind(restoration),
    "show": Kind(figures),
}


# --- Faults -------------------------------------------------------------------------------------


def kill_at_operation(number: int, folder: Path) -> Callable[[], None]:
    """For a new process: be killed before its so-manyth change of a file.

    Of files in whose path ``folder`` is, whether or not that is a whole name.
    """

    def watch() -> None:
        left = [number]

        def hook(event: str, arguments: tuple) -> None:
            if event in OPERATIONS and str(folder) in str(arguments[0]):
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)

    return watch


def full_disk(size: int) -> Callable[[], None]:
    """For a new process: no file can grow beyond so many bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def other_processes() -> None:
    """For a new process: go on as the first one of its own namespace of processes."""
    users, processes = 0x10000000, 0x20000000
    if ctypes.CDLL(None, use_errno=True).unshare(users | processes):
        raise OSError(ctypes.get_errno(), "no namespace of processes can be had")
    if child := os.fork():
        os._exit(status_of(child))


class Trials:
    """Trials of one kind in one folder after another, and what came of them."""

    def __init__(self, kind: Kind, digits: Dataset, place: Path):
        self.kind, self.digits = kind, digits
        self.folder, self.older = place / "trial", place / "older"
        self.counts = {"tried": 0, "stopped": 0, "identical": 0}
        self.failures: list[str] = []
        place.mkdir(parents=True)
        # With its first optimizer torch imports what takes longer than a run: here, once for all.
        build_optimizer(RECIPE, build_model(RECIPE, 0))
        self.seconds = self.time(place / "right")
        self.right = result(place / "right")
        if kind.older:
            kind.older(self.older, digits)
            self.clear()
            self.seconds = self.time(self.folder)

    def time(self, folder: Path) -> float:
        """How long the command takes in a folder if it is left alone, in seconds."""
        begun = time.monotonic()
        assert status_of(start(self.kind.command, folder, False, self.digits)) == 0
        return time.monotonic() - begun

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.kind.older:
            shutil.copytree(self.older, self.folder)

    def start(self, before=None) -> int:
        return start(self.kind.command, self.folder, False, self.digits, before)

    def judge(self, what: str, stopped: bool) -> None:
        """Resume what was stopped, and compare."""
        self.counts["tried"] += 1
        self.counts["stopped"] += stopped
        wrong = finish(self.kind.command, self.folder, self.digits)
        if wrong is None:
            with contextlib.suppress(OSError, ValueError):
                if result(self.folder) == self.right and not self.redone():
                    self.counts["identical"] += 1
                    if not leftovers(self.folder, self.right):
                        return
            wrong = f"other results, or left over: {leftovers(self.folder, self.right)}"
        self.failures.append(f"{what}: {wrong}")

    def redone(self) -> bool:
        """Whether a run that was done before has been run again, which shows in its files' times.

        The times it took would not do: to the millisecond, small runs may take the same.
        """
        files = [(self.folder / name, self.older / name) for name in self.kind.done]
        return any(now.stat().st_mtime_ns != before.stat().st_mtime_ns for now, before in files)

    def outcome(self) -> dict:
        return {**self.counts, "failures": self.failures[:20]}


def kills_at_random(trials: Trials, count: int, draw: np.random.Generator) -> dict:
    """SIGKILL at random moments of a command."""
    for _ in range(count):
        trials.clear()
        child, after = trials.start(), draw.uniform(0, trials.seconds)
        time.sleep(after)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        trials.judge(f"killed after {after:.3f} s", status_of(child) == -signal.SIGKILL)
    return trials.outcome()


def kills_at_operations(trials: Trials, most: int | None = None) -> dict:
    """SIGKILL before each change of a file that a command makes, or before ``most`` of them."""
    number = 0
    while most is None or number < most:
        number += 1
        trials.clear()
        stopped = status_of(trials.start(kill_at_operation(number, trials.folder))) < 0
        if not stopped:
            break
        trials.judge(f"killed at operation {number}", True)
    return trials.outcome()


def full_disks(trials: Trials, count: int, draw: np.random.Generator) -> dict:
    """Commands that can write no file of more than a random size; they are to say so and end."""
    for _ in range(count):
        trials.clear()
        size = int(draw.integers(1, 400_000))
        status = status_of(trials.start(full_disk(size)))
        told = trials.folder.with_suffix(".err").read_text().strip()
        if status not in (0, 2) or (status == 2 and len(told.splitlines()) != 1):
            trials.failures.append(f"{size} bytes: {status}, {told[-300:]}")
        trials.judge(f"disk full at {size} bytes", status == 2)
    return trials.outcome()


def two_writers(trials: Trials, count: int, draw: np.random.Generator, before=None) -> dict:
    """Two commands with one folder, the second somewhat later: one works, the other is refused.

    Args:
        trials: where.
        count: of pairs.
        draw: of the time between two.
        before: called in the process of each.
    """
    refused = 0
    for _ in range(count):
        trials.clear()
        first = trials.start(before)
        time.sleep(draw.uniform(0, trials.seconds / 2))
        statuses = status_of(trials.start(before)), status_of(first)
        refused += 2 in statuses
        if sorted(statuses) not in ([0, 2], [0, 0]):
            trials.failures.append(f"ended with {statuses}")
        trials.judge("two writers", 2 in statuses)
    return {**trials.outcome(), "refused": refused}


# --- All of them --------------------------------------------------------------------------------


def attack(place: Path, count: int, draw: np.random.Generator, most: int | None = None) -> dict:
    """Every fault, in fresh folders and over older runs, of a run and of a study.

    Args:
        place: an empty folder.
        count: random moments of each kind.
        draw: for the moments and sizes.
        most: file operations to be killed at; default all.

    Returns:
        By kind ``tried``, ``stopped`` (that the fault hit), ``identical`` after resuming, and
        ``failures`` in words.
    """
    digits = load("digits")
    found = {}

    def trials(name: str, kind: Kind) -> Trials:
        return Trials(kind, digits, place / name)

    for name, kind in KINDS.items():
        at_random, each = (trials(f"{name}, {way}", kind) for way in "re")
        found[f"{name}: killed at random moments"] = kills_at_random(at_random, count, draw)
        found[f"{name}: killed at every file operation"] = kills_at_operations(each, most)
    found["run: disk full"] = full_disks(trials("full", KINDS["run"]), count, draw)
    found["run: two commands in one folder"] = two_writers(trials("two", KINDS["run"]), count, draw)
    apart = two_writers(trials("apart", KINDS["run"]), count, draw, other_processes)
    found["run: two commands in one folder, each in its own namespace of processes"] = apart
    return found
