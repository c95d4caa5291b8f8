"""What all commands share: flags to recipe, and one line and 2 for whatever cannot be used."""

import ast
import io
import os
import pickle
import re
import sys
from pathlib import Path

import pytest

import lenet1998
from lenet1998.__main__ import COMMANDS as COMMAND_NAMES
from lenet1998.cli import entry, parse_jobs, parse_seeds, writable
from lenet1998.errors import BadInput
from lenet1998.recipes import DESCRIPTIONS, ORIGINAL, Recipe, recipe_named
from lenet1998.training import flags as launch
from lenet1998.training.flags import ProgressBars, recipe_from, run_parser, setting_from
from lenet1998.training.study import Cell, Setting


def parse(*flags):
    return run_parser("test", "A test.").parse_args(flags)


@entry
def reads_its_flags(arguments):
    """A command that trains nothing."""
    flags = parse(*arguments)
    recipe_from(flags)
    parse_jobs(flags.jobs, len(parse_seeds(flags.seeds)))
    writable(Path(flags.out))
    return 0


@pytest.mark.parametrize(
    ("spec", "seeds"),
    [
        ("0", [0]),
        ("17", [17]),
        ("0-3", [0, 1, 2, 3]),
        ("4-4", [4]),
        ("0,3,7", [0, 3, 7]),
        ("9, 1-2", [9, 1, 2]),
        ("0-9999", list(range(10_000))),
        ("999999999", [999_999_999]),
    ],
)
def test_seeds(spec, seeds):
    assert parse_seeds(spec) == seeds


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (spec, "write 0, 0-9 or 0,3,7")
        for spec in ("", "a", "1.5", "-1", "1-", "1,,2", "1 2", "9" * 10)
    ]
    + [(spec, "is no range of at most 10,000 seeds") for spec in ("3-1", "0-10000", "5,9-8")]
    + [(spec, "a seed is named twice") for spec in ("1,1", "0-2,2", "3-4,1,2-3")],
)
def test_seeds_that_are_none(spec, says):
    with pytest.raises(BadInput) as error:
        parse_seeds(spec)
    assert str(error.value).startswith(f"--seeds {spec}: ")
    assert str(error.value).endswith(says)


@pytest.mark.parametrize(
    ("text", "runs", "jobs"),
    [("1", 5, 1), ("4", 5, 4), ("5", 5, 5), ("64", 5, 5), (None, 3, 3), (None, 100, 8)],
)
def test_jobs_are_no_more_than_runs_and_by_default_than_cores(text, runs, jobs, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert parse_jobs(text, runs) == jobs


@pytest.mark.parametrize(("cores", "jobs"), [(6, 6), (None, 1)])
def test_cores_where_nobody_tells_which_are_ours(cores, jobs, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert parse_jobs(None, 100) == jobs


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "", "\N{SUPERSCRIPT TWO}", "9" * 5000])
def test_jobs_that_are_none(text):
    with pytest.raises(BadInput) as error:
        parse_jobs(text, 3)
    assert str(error.value) == f"--jobs {text}: must be a whole number >= 1"


def test_writable_makes_the_folder_and_leaves_nothing_in_it(tmp_path):
    folder = tmp_path / "runs" / "original"
    for _ in "again":
        assert writable(folder) == folder
        assert not list(folder.iterdir())


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_file_is_no_folder(below, tmp_path):
    file = tmp_path / "file"
    file.write_text("precious")
    with pytest.raises(BadInput, match=r"^--out .*: cannot be written to \(\w.*\)$"):
        writable(file / below)
    assert file.read_text() == "precious"


def test_a_folder_where_nothing_may_be_written(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(BadInput) as error:
        writable(tmp_path)
    assert str(error.value) == f"--out {tmp_path}: cannot be written to (Permission denied)"


@pytest.mark.parametrize(
    ("flags", "recipe"),
    [
        ([], ORIGINAL),
        (["--variant", "modern"], recipe_named("modern")),
        (["--passes", "3", "--train-size", "9"], ORIGINAL.changed(passes=3, train_size=9)),
        (["--distortions"], ORIGINAL.changed(distortions=True)),
        (["--quick"], ORIGINAL.changed(passes=2, train_size=1000)),
        (["--quick", "--passes", "5"], ORIGINAL.changed(passes=5, train_size=1000)),
        (["--set", "mu=0.1", "--set", "c3=dense"], ORIGINAL.changed(mu=0.1, c3="dense")),
        (["--passes", "3", "--set", "passes=4"], ORIGINAL.changed(passes=4)),
        (["--seeds", "3", "--jobs", "2", "--json", "--resume", "--engine", "eager"], ORIGINAL),
    ],
)
def test_flags_make_the_recipe(flags, recipe):
    assert recipe_from(parse(*flags)) == recipe


def test_flags_make_the_setting():
    assert setting_from(parse()) == Setting("auto", None, "auto", "auto")
    flags = ["--dataset", "digits", "--data", "here", "--engine", "eager", "--device", "cpu"]
    assert setting_from(parse(*flags)) == Setting("digits", "here", "eager", "cpu")


def test_no_flag_is_needed():
    flags = parse()
    assert (flags.variant, flags.seeds, flags.out) == ("original", "0", None)
    assert not any((flags.resume, flags.json, flags.quick, flags.distortions))


def test_list_names_each_variant_on_a_line_of_its_own(capsys):
    with pytest.raises(SystemExit) as stop:
        parse("--list")
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [list(d) for d in DESCRIPTIONS.items()]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--variant", "lenet6"], "--variant lenet6: no such variant; valid are original, "),
        (["--variant", "lenet\n6"], "--variant lenet 6: "),
        (["--set", "c4=1"], "--set c4: no such switch; valid are c3, pooling, "),
        (["--set", "c3=full"], "c3=full: c3 must be table, dense"),
        (["--set", "mu"], "--set mu: write KEY=VALUE"),
        (["--set", "mu=nan"], "mu=nan: mu must be a number > 0"),
        (["--set", "optimizer=sgd"], "optimizer=sgd needs eta=NUMBER"),
        (["--passes", "two"], "passes=two: passes must be a whole number >= 1"),
        (["--train-size", "0"], "train_size=0: train_size must be a whole number >= 1"),
        (["--seeds", "x"], "--seeds x: "),
        (["--seeds"], "--seeds: expected one argument"),
        (["--jobs", "0"], "--jobs 0: "),
        (["--out", os.devnull], f"--out {os.devnull}: cannot be written to"),
        (["--engine", "warp"], "--engine: invalid choice: 'warp'"),
        (["--dataset", "imagenet"], "--dataset: invalid choice: 'imagenet'"),
        (["--pass", "3"], "unrecognized arguments: --pass 3"),
        (["two\nlines"], "unrecognized arguments: two lines"),
    ],
)
def test_bad_input_is_one_line_and_two(flags, says, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        sys.exit(reads_its_flags(["--out", str(tmp_path), *flags]))
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("lenet1998")
    assert printed.err.count("\n") == 1
    assert says in printed.err


def test_good_input_passes_in_silence(tmp_path, capsys):
    assert reads_its_flags(["--out", str(tmp_path), "--set", "mu=0.1"]) == 0
    assert capsys.readouterr() == ("", "")


def test_entry_hands_on_arguments_and_status():
    given = []
    assert entry(lambda arguments: given.append(arguments) or 1)(["--json"]) == 1
    assert given == [["--json"]]


def raising(error):
    def main(_):
        raise error

    return entry(main)


def test_bad_input_from_below_is_one_line(capsys):
    assert raising(BadInput("weights:\n  two\n  lines"))() == 2
    assert capsys.readouterr().err == "lenet1998: weights: two lines\n"


@pytest.mark.parametrize(
    ("argument", "says", "prints"),
    [
        ("device", "device gpu: is none", "--device gpu: is none"),
        ("train_size", "train_size gpu: is none", "--train-size gpu: is none"),
        (None, "gpu: is none", "gpu: is none"),
    ],
)
def test_an_argument_is_a_flag_to_a_command(argument, says, prints, capsys):
    error = pickle.loads(pickle.dumps(BadInput("gpu: is none", argument)))
    assert str(error) == says
    assert raising(error)() == 2
    assert capsys.readouterr().err == f"lenet1998: {prints}\n"


PACKAGE = Path(lenet1998.__file__).parent
COMMANDS = {PACKAGE / f"{name}.py" for name in ("cli", "training/flags", *COMMAND_NAMES)}
LIBRARY = sorted({*PACKAGE.rglob("*.py")} - COMMANDS - {*PACKAGE.rglob("__main__.py")})


@pytest.mark.parametrize("file", LIBRARY, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_errors_of_the_library_name_no_flags(file):
    """A caller from Python gave arguments; a command to type is another matter."""
    raised = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Raise)]
    words = [
        text.value
        for node in raised
        for text in ast.walk(node)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    ]
    assert [text for text in words if re.search(r"--[a-z]", text) and "python -m" not in text] == []


def test_interrupt_is_130(capsys):
    assert raising(KeyboardInterrupt())() == 130
    assert capsys.readouterr().err == "lenet1998: interrupted\n"


def test_our_own_faults_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError())()


@pytest.mark.parametrize("stop", [lambda: 0, lambda: sys.exit(0)], ids=["returns", "exits"])
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_reader_that_has_seen_enough_is_no_error(size, stop, monkeypatch, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)

        def main(_):
            print("x" * size)
            return stop()

        assert entry(main)() == 0
        pipe.flush()  # as the interpreter does when it ends
    assert capsys.readouterr().err == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


CELL = Cell(Recipe(passes=3), 7, Path("unused"))


def test_progress_on_a_terminal(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bars = ProgressBars(lambda cell: 1000)
    tell = bars.begin(CELL)
    bar = bars.bars[CELL]
    tell(1, 400, 20)
    assert (bar.n, bar.total) == (400, 3000)
    tell(2, 500, 10)
    assert bar.n == 1500
    assert bar.postfix == "pass 2/3, 2.00 % misread"
    assert "original,passes=3 seed 7" in terminal.getvalue()
    bars.end(CELL)
    assert not bars.bars


def test_no_progress_elsewhere(capsys):
    bars = ProgressBars(lambda cell: 1000)
    bars.begin(CELL)(1, 400, 20)
    bars.end(CELL)
    assert capsys.readouterr() == ("", "")


def test_quick_is_of_switches_that_exist():
    assert ORIGINAL.override(launch.QUICK) != ORIGINAL
