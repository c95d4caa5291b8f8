"""What all commands share: flags to recipe, and one line and 2 for whatever cannot be used."""

import argparse
import ast
import io
import logging
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import pytest

import lenet1998
from lenet1998 import cli
from lenet1998.__main__ import COMMANDS as COMMAND_NAMES
from lenet1998.cli import entry, jobs_at_once, parse_seeds, path, whole_number, writable
from lenet1998.errors import BadInput
from lenet1998.recipes import DESCRIPTIONS, ORIGINAL, Recipe, recipe_named
from lenet1998.training import flags as training_flags
from lenet1998.training.flags import recipe_from, run_parser
from lenet1998.training.launch import ProgressBars, setting_from
from lenet1998.training.study import Cell, Setting


def parse(*flags):
    return run_parser("test", "A test.").parse_args(flags)


@entry
def reads_its_flags(arguments):
    """A command that trains nothing."""
    flags = parse(*arguments)
    recipe_from(flags)
    jobs_at_once(flags.jobs, len(parse_seeds(flags.seeds)))
    writable(flags.out)
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
        for spec in ("", "a", "1.5", "-1", "1-", "1,,2", "1 2", "9" * 10, "1_0", "+1", "\u0661")
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
    ("most", "runs", "jobs"),
    [(1, 5, 1), (4, 5, 4), (5, 5, 5), (64, 5, 5), (None, 3, 3), (None, 100, 8)],
)
def test_jobs_are_no_more_than_runs_and_by_default_than_cores(most, runs, jobs, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert jobs_at_once(most, runs) == jobs


@pytest.mark.parametrize(("cores", "jobs"), [(6, 6), (None, 1)])
def test_cores_where_nobody_tells_which_are_ours(cores, jobs, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert jobs_at_once(None, 100) == jobs


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "two", "1.5", "\N{SUPERSCRIPT TWO}", "\u0661", "1_0", "+1", " 1", "9" * 5000],
)
def test_jobs_that_are_none(text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be a whole number from 1 to"):
        whole_number(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "an empty value"),
        (" ", "an empty value"),
        ("~nouser/x", "home directory"),
        ("x" * 300, "File name too long"),
        ("a/" * 4000, "more than 256 folders deep"),
        ("a\0b", "embedded null"),
        ("\udcff", "a name that is not UTF-8"),
        ("circle", "symbolic links"),
    ],
)
def test_paths_that_nothing_can_be_at(text, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("circle").symlink_to("circle")
    with pytest.raises(argparse.ArgumentTypeError, match=says):
        path(text)


def test_home_is_home_and_the_rest_need_not_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert parse("--out=~/x", "--data", "y").out == tmp_path / "x"
    (tmp_path / "file").touch()
    for there in (tmp_path / "file" / "below", Path("nowhere"), Path("~")):
        assert path(str(there)) == there.expanduser()


def test_no_value_is_empty(capsys):
    for flag in ("variant", "seeds", "passes", "data", "scheduler", "set", "out", "jobs", "device"):
        for arguments in ([f"--{flag}", ""], [f"--{flag}="]):
            with pytest.raises(SystemExit) as stop:
                parse(*arguments)
            assert stop.value.code == 2
            assert f"argument --{flag}: an empty value" in capsys.readouterr().err


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
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
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
    assert setting_from(parse(*flags)) == Setting("digits", Path("here"), "eager", "cpu")


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
        (["--jobs", "0"], "--jobs: 0: must be a whole number from 1"),
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
BODIES = {
    PACKAGE.parent / f"{module.replace('.', '/')}.py"
    for name in COMMAND_NAMES
    for module in re.findall(r'late\("([\w.]+)"\)', (PACKAGE / name / "__main__.py").read_text())
}
"""What commands do once their flags are read."""
COMMANDS = {
    *BODIES,
    *(
        PACKAGE / f"{name}.py"
        for name in ("cli", "training/flags", "training/launch", "training/locks")
    ),
}
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


@pytest.mark.parametrize(
    "text", ["x" * 5000, "word " * 5000, "\0\x1b[31m\udcff\n", "x" * 5000 + ": what is right"]
)
def test_a_complaint_is_a_line_to_print_whatever_was_typed(text, capsys):
    assert raising(BadInput(f"{text}: what is wrong", "set"))() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert len(line) < 750
    assert line.startswith("lenet1998: --set ")
    assert line.endswith(": what is wrong")


def test_interrupt_is_130(capsys):
    assert raising(KeyboardInterrupt())() == 130
    assert capsys.readouterr().err == "lenet1998: interrupted\n"


@pytest.mark.parametrize(
    ("number", "status", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_is_a_line_that_says_how_to_go_on(number, status, word, capsys):
    handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    cleaned_up = []

    @entry
    def main(_):
        try:
            signal.raise_signal(number)
        except KeyboardInterrupt:
            # In haste: while what there is to clean up is being cleaned up.
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGTERM)
            cleaned_up.append(True)
            raise KeyboardInterrupt("add --resume") from None

    assert main() == status
    assert cleaned_up
    assert capsys.readouterr().err == f"lenet1998: {word}; add --resume\n"
    assert handlers == [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert entry(lambda _: signal.raise_signal(signal.SIGINT) or 7)() == 7
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_in_a_thread_leaves_signals_alone():
    with ThreadPoolExecutor() as pool:
        assert pool.submit(entry(lambda _: 7)).result() == 7


def test_a_signal_long_after_the_first_ends_it_at_once(monkeypatch):
    ended = []
    monkeypatch.setattr(cli, "HASTE", -1.0)
    monkeypatch.setattr(cli, "end_at_once", ended.append)
    stopped = cli.Stopped()
    with pytest.raises(KeyboardInterrupt):
        stopped(signal.SIGINT)
    stopped(signal.SIGTERM)
    assert ended == [signal.SIGTERM]


def python(*arguments, env=None, folder=None):
    """A process in which torch is imported only if the command gets that far."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}:{PACKAGE.parent}", **(env or {})},
    )


@pytest.mark.parametrize("command", [["lenet1998.reproduce"], ["lenet1998", "show"]])
@pytest.mark.parametrize(
    ("number", "status", "says"), [(2, 130, "interrupted"), (15, 143, "terminated")]
)
def test_a_signal_while_imports_run_is_one_line(command, number, status, says, tmp_path):
    # The first of what takes long to import.
    stop = f"import os, time\nos.kill(os.getpid(), {number})\ntime.sleep(9)\n"
    for module in ("numpy", "tqdm", "torch"):
        (tmp_path / f"{module}.py").write_text(stop)
    done = python("-m", *command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr == f"lenet1998: {says}\n"


@pytest.mark.parametrize("command", [["-m", "lenet1998.predict"], ["-m", "lenet1998", "predict"]])
@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("MemoryError()", "not enough memory ("),
        ("ImportError('libtorch.so: failed to map segment from shared object')", "not enough m"),
        ("ImportError('no such library')", "torch cannot be imported (ImportError: no such lib"),
        ("ValueError('a setting')", "torch cannot be imported (ValueError: a setting)"),
    ],
)
def test_what_cannot_be_imported_is_one_line(command, error, says, tmp_path):
    (tmp_path / "torch.py").write_text(f"raise {error}")
    done = python(*command, "picture.png", folder=tmp_path)
    (told,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert told.startswith(f"lenet1998: {says}")


def test_a_library_leaves_signals_alone(tmp_path):
    (tmp_path / "experiments").mkdir()
    script = tmp_path / "experiments" / "theirs.py"
    script.write_text(
        "import signal, sys, lenet1998\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL\n"
        "assert sys.excepthook is sys.__excepthook__\n"
    )
    assert python(str(script), folder=tmp_path).stderr == ""
    assert python("-c", script.read_text(), folder=PACKAGE.parent / "experiments").stderr == ""


SMALL = ["--dataset", "digits", "--train-size", "20", "--passes", "1", "--engine", "eager"]


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("NUMBA_NUM_THREADS=0", "numba cannot be imported (ValueError: "),
        ("NUMBA_NUM_THREADS=x", "numba cannot be imported (RuntimeWarning: Environment variable "),
        ("TORCH_LOGS=nonsense", "torch cannot be imported (ValueError: Invalid log settings: "),
    ],
)
def test_a_setting_in_the_environment_that_cannot_be_is_one_line(setting, says, tmp_path):
    done = python(
        "-m", "lenet1998.reproduce", *SMALL, env=dict([setting.split("=")]), folder=tmp_path
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"lenet1998: {says}")
    assert done.stderr.count("\n") == 1


def test_settings_of_matplotlib_that_are_no_text_are_one_line(tmp_path):
    (tmp_path / "matplotlibrc").write_bytes(b"font.family: \xff\xfe")
    done = python("-m", "lenet1998.reproduce", *SMALL, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("lenet1998: matplotlib cannot be imported (UnicodeDecodeError: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of memory that is kept")
def test_what_cannot_fit_is_not_imported(tmp_path):
    limited = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_AS, (3 * 10**8,) * 2)"
    )
    limited += "; sys.argv = sys.argv[1:]; runpy.run_module(sys.argv[0], run_name='__main__')"
    (tmp_path / "torch.py").write_text("raise AssertionError('imported')")
    for command in ("reproduce", "compare", "ablate", "show", "restore", "benchmark"):
        done = python("-c", limited, f"lenet1998.{command}", folder=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith("lenet1998: not enough memory: 300,000,000 bytes are allowed")
        assert done.stderr.count("\n") == 1


def test_libraries_are_kept_off_the_descriptor_of_standard_error(tmp_path):
    code = (
        "import os; from lenet1998.errors import silent_libraries\n"
        "with silent_libraries(): os.write(2, b'a library')\n"
        "os.write(2, b'we')"
    )
    assert python("-c", code, folder=tmp_path).stderr == "we"
    closed = "import os; from lenet1998.errors import silent_libraries; os.close(2)\n"
    assert python("-c", f"{closed}with silent_libraries(): pass", folder=tmp_path).returncode == 0


def test_a_numba_that_cannot_be_imported_leaves_eager(tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('no numba here')")
    done = python("-m", "lenet1998.reproduce", *SMALL[:-1], "auto", "--out", "a", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "going on with eager" in done.stderr
    for command in (["reproduce", *SMALL[:-1], "compiled", "--out", "b"], ["benchmark"]):
        done = python("-m", f"lenet1998.{command[0]}", *command[1:], folder=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "no numba here" in done.stderr
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("paper_data/ascii_bitmaps.txt", ["predict", "x.png"]),
        ("paper_data/fig13_states.npz", ["restore"]),
        ("report/runs.jsonl.gz", ["cite", "--table", "headline"]),
        ("report/runs.npz", ["compare"]),
        ("weights/original.safetensors", ["show", "original", "--dataset", "digits"]),
    ],
)
def test_a_damaged_file_of_the_package_is_one_line(name, command, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "lenet1998", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "lenet1998" / name
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    env = {"PYTHONPATH": str(tmp_path)}
    done = python("-m", f"lenet1998.{command[0]}", *command[1:], env=env, folder=tmp_path)
    assert done.returncode == 2, done.stderr
    assert str(file.parent.name) in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_lacks_is_printed_otherwise(encoding, monkeypatch):
    for name in ("stdout", "stderr"):
        errors = "strict" if name == "stdout" else "backslashreplace"  # as Python sets them
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors)
        monkeypatch.setattr(sys, name, stream)

    @entry
    def main(_):
        print("1 \N{PLUS-MINUS SIGN} 2 \N{MULTIPLICATION SIGN} 3 \N{RIGHTWARDS ARROW} \udcff")
        raise BadInput("\N{RIGHTWARDS ARROW}")

    assert main() == 2
    printed = [stream.buffer.getvalue() for stream in (sys.stdout, sys.stderr)]
    assert printed[0].endswith(b" ? ?\n")
    assert printed[1] == b"lenet1998: \\u2192\n"
    assert sys.stdout.errors == "strict"


def test_closed_streams_take_everything(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)

    @entry
    def main(_):
        print("a result")
        logging.getLogger("lenet1998").warning("a warning")
        sys.stderr.isatty()
        raise BadInput("a fault")

    assert main() == 2
    assert (sys.stdout, sys.stderr) == (None, None)
    with pytest.raises(SystemExit) as stop:
        entry(lambda _: parse("--frobnicate"))()
    assert stop.value.code == 2


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")


@needs_full
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_full_standard_output_is_named(size, monkeypatch, capsys):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert entry(lambda _: print("x" * size))() == 2
    assert capsys.readouterr().err == "lenet1998: standard output: No space left on device\n"


@needs_full
def test_nobody_can_be_told_on_a_full_standard_error(monkeypatch):
    with open("/dev/full", "w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        assert raising(BadInput("a fault"))() == 2


@needs_full
def test_a_warning_that_nobody_hears_does_not_change_how_it_ends(tmp_path):
    code = (
        "import logging; from lenet1998.cli import entry\n"
        "main = entry(lambda _: logging.getLogger('lenet1998').warning('unheard') or 0)\n"
        "raise SystemExit(main())"
    )
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], stderr=full, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device", "x"), "x: No space left on device"),
        (OSError("of a library"), "of a library"),
        (MemoryError(), "not enough memory (nothing is left)"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "not enough memory (Default"),
    ],
)
def test_what_the_machine_lacks_is_one_line(error, says, capsys):
    assert raising(error)() == 2
    assert capsys.readouterr().err.startswith(f"lenet1998: {says}")


def test_a_backend_of_matplotlib_that_is_none_is_not_our_business(tmp_path):
    code = "import lenet1998.report.style, os; print(os.environ['MPLBACKEND'])"
    done = python("-c", code, env={"MPLBACKEND": "nonsense"}, folder=tmp_path)
    assert (done.stdout, done.stderr) == ("nonsense\n", "")
    code = "import lenet1998.report.style, matplotlib; print(matplotlib.get_backend())"
    done = python("-c", code, env={"MPLBACKEND": "svg"}, folder=tmp_path)
    assert (done.stdout, done.stderr) == ("svg\n", "")


def test_nor_where_a_script_draws(tmp_path):
    """Each in a process forked where all is there that takes long to import, but matplotlib."""
    sheets = ("distortions.fig7", "published.fig8", "net_1998.fig25", "net_1998.restoration")
    scripts = [f"experiments.{name}_sheet" for name in sheets]
    code = """
        import os, runpy, sys
        import numba, pandas, scipy.optimize, scipy.stats, torch
        for script in sys.argv[1:]:
            assert "matplotlib" not in sys.modules
            child = os.fork()
            if not child:
                sys.argv = [script, "--help"]
                try:
                    runpy.run_module(script, run_name="__main__")
                except SystemExit as ended:
                    sys.stdout.flush()
                    os._exit(ended.code or 0)  # at once: to take all down would take longer
            assert os.waitpid(child, 0)[1] == 0, script
    """
    quiet = ["-W", "ignore:This process:DeprecationWarning"]  # that there are threads
    call = [*quiet, "-c", dedent(code), *scripts]
    done = python(*call, env={"MPLBACKEND": "nonsense"}, folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("usage: ") == len(scripts)


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
    assert bar.postfix == "pass 2/3, 2.00 % misclassified"
    assert "original,passes=3 seed 7" in terminal.getvalue()
    bars.end(CELL)
    assert not bars.bars


def test_no_progress_elsewhere(capsys):
    bars = ProgressBars(lambda cell: 1000)
    bars.begin(CELL)(1, 400, 20)
    bars.end(CELL)
    assert capsys.readouterr() == ("", "")


def test_quick_is_of_switches_that_exist():
    assert ORIGINAL.override(training_flags.QUICK) != ORIGINAL
