"""Every flag of every command and study script with values that it must refuse.

The flags are those of the real parsers, so a new one is tried as soon as it is there: with no value
and an empty one whatever it takes, with all that :data:`TYPES` and :data:`TEXTS` hold if its type
or its name is known. What is right for a flag is in no list of its.
"""

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from experiments.study import run_study
from lenet1998 import cli
from lenet1998.__main__ import COMMANDS
from lenet1998.__main__ import main as lenet1998
from lenet1998.benchmark import measure as benchmark
from lenet1998.data import Dataset, load
from lenet1998.training import study
from lenet1998.training.flags import device, scheduler
from tests.faults.files import descriptor

Command = Callable[[list[str]], int]
EXPERIMENTS = Path(__file__).parents[2] / "experiments"

LONGEST = 800  # characters of a complaint: what was wrong and all that would be right
FILE = "file"  # what there is in the folder that all is run in
NOTHING = ("", " ")
NONSENSE = ("nonsense", "\0", "\udcff", "~nouser/x", "x" * 5000, "word " * 1000, "\N{SNOWMAN}\n;")
DIGITS = ("\N{ARABIC-INDIC DIGIT ONE}", "\N{SUPERSCRIPT TWO}", "\N{FULLWIDTH DIGIT ONE}")
NUMBERS = ("-1", "1.5", "inf", "9" * 5000, "+1", "1_0", "0x1", *DIGITS)
NO_PATHS = ("a\0b", "\udcff", "~nouser/x", "x" * 5000, "x/" * 2000, "x/" * 500)
THROUGH_A_FILE = (f"{FILE}/below", f"{os.devnull}/below")
TYPES: dict[Callable, tuple[str, ...]] = {
    cli.path: NO_PATHS + THROUGH_A_FILE,
    cli.whole_number: (*NONSENSE, *NUMBERS, " 1", "0", "9" * 30),
    cli.number_from_0: (*NONSENSE, *NUMBERS, " 1", "9" * 30),
    device: (*NONSENSE, *NUMBERS, "cuda:", "cuda:x", "cuda:-1", "\N{SUPERSCRIPT TWO}"),
    scheduler: (*NONSENSE, *NUMBERS, "tcp://", "tcp://here", "tcp://here:port", "here:8786"),
}
TEXTS: dict[str, tuple[str, ...]] = {
    "variant": (*NONSENSE, *NUMBERS, "original,mu=0.1", "../original"),
    "variants": (*NONSENSE, *NUMBERS, "original,mu=0.1", "../original"),
    "length": (*NONSENSE, *NUMBERS, " 1", "9" * 30),
    "seeds": (*NONSENSE, *NUMBERS, "0-1_0", f"0-{DIGITS[0]}", "9-0", "1,1", "0-99999999", "1,,2"),
    "passes": (*NONSENSE, *NUMBERS, "0"),
    "train_size": (*NONSENSE, *NUMBERS, "0", "60001", "9" * 30),
    "mine": (*NONSENSE, *NUMBERS[:1], *NUMBERS[2:], "98,7", "nan", "100.1", "1e2", "98.7%%"),
    "set": (
        *(*NONSENSE, "=", "c3=", "=table", "c3=full", "mu=nan", "mu=-1", "passes=0", "eta=inf"),
        *(f"mu={text}" for text in (*DIGITS, "+1", "1_0", " 1")),
    ),
    "pictures": (*NONSENSE, os.devnull, ".", *NO_PATHS, *THROUGH_A_FILE),
}
PLACES = {  # beside what no path can be: what there is, but of another kind than asked for
    "affine": (".", os.devnull),
    "weights": (".", FILE, os.devnull, "nowhere"),
    "net": (".", FILE, os.devnull, "nowhere"),
    "runs": (".", FILE, os.devnull, "nowhere"),
}
FOLDER = (FILE, os.devnull)
"""As :data:`PLACES` for all other paths, which are folders."""
BESIDE = {  # what else has to be said for a command to come to the value, by command and flag
    "predict": lambda name: {"pictures": [], "length": [FILE, "--string"]}.get(name, [FILE]),
    "compare": lambda name: [] if name in ("mine", "results", "runs", "variants") else ["--fresh"],
    "cite": lambda name: ["--table", "headline"] if name == "format" else [],
}


class Reached(BaseException):
    """Training, or measuring, began."""


def scripts() -> dict[str, Command]:
    """The studies that are commands, by the names of their modules."""
    found: dict[str, Command] = {}
    for file in sorted(EXPERIMENTS.rglob("*.py")):
        if '\nif __name__ == "__main__"' not in file.read_text():
            continue
        name = ".".join(file.relative_to(EXPERIMENTS.parent).with_suffix("").parts)
        study = import_module(name)
        main = getattr(study, "main", None)
        found[name] = main or partial(run_study, study.__doc__, study.cells)
    return found


def parser_of(command: Command) -> argparse.ArgumentParser:
    """The parser that a command would read its flags with."""
    parsers = []

    def parse_args(parser, *_):
        parsers.append(parser)
        raise Reached

    with patch.object(cli.Parser, "parse_args", parse_args):
        try:
            command([])
        except Reached:
            return parsers[0]
    raise AssertionError("a command that reads no flags")


def values_of(action: argparse.Action) -> tuple[str, ...]:
    """What an argument must refuse."""
    if action.choices is not None:
        return (*NOTHING, *NONSENSE, *NUMBERS)
    if action.type is cli.path:
        return (*NOTHING, *TYPES[cli.path], *PLACES.get(action.dest, FOLDER))
    return (*NOTHING, *TYPES.get(action.type, ()), *TEXTS.get(action.dest, ()))


def cases(name: str, parser: argparse.ArgumentParser) -> Iterator[list[str]]:
    """Command lines that a command must refuse."""
    beside = BESIDE.get(name, lambda _: [])
    yield [*beside(None), "--frobnicate"]
    yield [*beside(None), "-z"]
    if not any(action.nargs in ("+", "*") for action in parser._actions):
        yield ["one", "two", *beside(None)]
    for action in parser._actions:
        flag = action.option_strings[-1] if action.option_strings else None
        others = beside(action.dest)
        if flag is None:
            yield from ([*others, "--", value] for value in values_of(action))
        elif action.nargs == 0:
            yield from ([*others, f"{flag}={value}"] for value in ("", *NONSENSE))
        else:
            yield [*others, flag]
            if len(flag) > 4:
                yield [*others, f"{flag[:-1]}=nonsense"]  # no flag may be abbreviated
            for value in values_of(action):
                several = action.nargs if isinstance(action.nargs, int) else 1
                once = [f"{flag}={value}"] if several == 1 else [flag, *[value] * several]
                yield [*others, *once]


def fault_of(command: Command, arguments: list[str]) -> str | None:
    """Run a command line in the current folder; what is wrong with how it is refused."""
    out, err = io.StringIO(), io.StringIO()
    before = _files()
    try:
        with TemporaryDirectory() as elsewhere, descriptor(Path(elsewhere, "2")) as told:
            with redirect_stdout(out), redirect_stderr(err):
                status = command(arguments)
            if words := told():
                return f"on the descriptor of standard error: {words!r}"
    except SystemExit as stop:  # argparse's way
        status = stop.code
    except Reached:
        return "was not refused before it began"
    except Exception as error:
        return f"a traceback, {type(error).__name__}: {error}"
    said = err.getvalue()
    if status != 2:
        return f"exit status {status}"
    if said.count("\n") != 1 or not said.endswith("\n") or not said.strip():
        return f"not one line: {said!r}"
    if len(said) > LONGEST or not said[:-1].isprintable():
        return f"a line of {len(said)} characters: {said[:80]!r}..."
    if out.getvalue():
        return f"on standard output: {out.getvalue()[:80]!r}"
    return f"wrote {sorted(_files() - before)}" if _files() - before else None


def _files() -> set[str]:
    return {str(file) for file in Path().rglob("*") if not file.is_dir()}


def try_all(folder: Path) -> dict[str, dict]:
    """Run every case of every command.

    Args:
        folder: an empty one, where all is run and nothing may be left.

    Returns:
        By command ``cases``, a number, and ``failures``, a description of each.
    """
    (folder / FILE).write_text("no picture, no folder, no record")
    source = load("digits")
    some = {key: getattr(source, key)[:100] for key in ("test_images", "test_labels")}
    few = Dataset("mnist", source.train_images, source.train_labels, **some, checksum="none")
    read = sys.modules["lenet1998.data.load"].read_mnist
    here = Path("data")

    def reached(*_, **__):
        raise Reached

    variables = {key: value for key, value in os.environ.items() if key != "LENET1998_DATA"}
    counts = {}
    with ExitStack() as stack:
        stack.enter_context(chdir(folder))
        # As in a command's process, where a warning is a line of its own.
        stack.enter_context(patch.object(logging.root, "handlers", []))
        stack.enter_context(patch.dict(os.environ, {**variables, "HOME": "."}, clear=True))
        for module, name in (
            (study, "fit_together"),
            (benchmark, "compile_seconds"),
        ):
            stack.enter_context(patch.object(module, name, reached))
        stack.enter_context(
            patch.object(
                sys.modules["lenet1998.data.load"],
                "read_mnist",
                lambda folder: few if folder == here else read(folder),
            )
        )
        study.load_once.cache_clear()
        stack.callback(study.load_once.cache_clear)
        commands = {name: partial(_command, name) for name in COMMANDS} | scripts()
        for name, command in commands.items():
            told = [
                (arguments, fault_of(command, arguments))
                for arguments in cases(name, parser_of(command))
            ]
            counts[name] = {
                "cases": len(told),
                "failures": [
                    f"{_written(arguments)}: {fault}" for arguments, fault in told if fault
                ],
            }
    return counts


def _command(name: str, arguments: list[str]) -> int:
    return lenet1998([name, *arguments])


def _written(arguments: list[str]) -> str:
    return " ".join(ascii(argument)[:60] for argument in arguments)
