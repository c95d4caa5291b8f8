"""The command as people type it: small runs in this process, and every bad input."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lenet1998 import __version__
from lenet1998.__main__ import main as lenet1998
from lenet1998.recipes import RECIPES
from lenet1998.reproduce import run as reproduce
from lenet1998.reproduce.__main__ import main
from lenet1998.training import study
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.records import MAKING, read_record

SMALL = ["--dataset", "digits", "--engine", "eager", "--passes", "2", "--train-size", "40"]


# What a net looks like is drawn in test_show.py: it takes longer than these runs.
pytestmark = pytest.mark.usefixtures("no_net_figures")


@pytest.fixture(autouse=True)
def fresh_data():
    """Each test sees the data set that it names itself."""
    study.load_once.cache_clear()
    yield
    study.load_once.cache_clear()


def test_a_run_leaves_what_the_contract_promises(tmp_path, capsys):
    assert main([*SMALL, "--seeds", "0-1", "--out", str(tmp_path)]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["seeds"] == [0, 1]
    assert summary["dataset"] == "digits"
    assert summary["paper"] is None
    assert (summary["parameters"], summary["connections"]) == (60_000, 340_908)
    keys = "variant engine device passes test_error_percent train_error_percent test_errors seconds"
    assert set(keys.split()) <= set(summary)
    for seed in (0, 1):
        folder = tmp_path / f"seed-{seed}"
        record = read_record(folder)
        assert record.last["test_error_percent"] == summary["test_error_percent"][seed]
        assert (folder / "weights.safetensors").is_file()
        assert not (folder / CHECKPOINT).exists()
    assert (tmp_path / "figures" / "learning-curve.png").stat().st_size > 5000
    printed = capsys.readouterr()
    assert "original,passes=2,train_size=40 on digits" in printed.out
    assert summary["variant"] == "original,passes=2,train_size=40"
    assert "the paper" not in printed.out
    assert "\r" not in printed.err  # no progress bar where nobody watches


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (["--set", "pooling=max"], "original,pooling=max"),
        (["--passes", "3"], "original,passes=3"),
        (["--train-size", "15000"], "original,train_size=15000"),
        (["--quick"], "original,passes=2,train_size=1000"),
        (["--distortions"], "distortions"),
    ],
)
def test_a_changed_recipe_goes_to_a_folder_of_its_own(
    flags, name, tiny_mnist, tmp_path, monkeypatch
):
    class Stopped(Exception):  # noqa: N818
        pass

    def instead(cells, out, *_):
        assert {cell.recipe.name for cell in cells} == {name}
        assert [cell.folder for cell in cells] == [out / "seed-0"]
        raise Stopped(out)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reproduce, "check_cells", lambda *_: None)
    monkeypatch.setattr(reproduce, "run_all", instead)
    with pytest.raises(Stopped) as stopped:
        main([*flags, "--data", str(tiny_mnist)])
    assert stopped.value.args == (Path("runs", name),)


def test_a_changed_recipe_leaves_the_originals_run_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "runs" / "original" / "seed-0" / "record.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("the original's")
    assert main([*SMALL, "--set", "pooling=max"]) == 0
    assert kept.read_text() == "the original's"
    name = "original,pooling=max,passes=2,train_size=40"
    assert {folder.name for folder in (tmp_path / "runs").iterdir()} == {"original", name}
    assert read_record(tmp_path / "runs" / name / "seed-0").recipe["name"] == name
    assert json.loads((tmp_path / "runs" / name / "summary.json").read_text())["variant"] == name


def test_on_mnist_the_paper_stands_beside(tiny_mnist, tmp_path, capsys):
    flags = [
        "--engine",
        "eager",
        "--passes",
        "1",
        "--data",
        str(tiny_mnist),
        "--out",
        str(tmp_path),
    ]
    assert main(flags) == 0
    printed = capsys.readouterr().out
    assert "the paper (Fig. 5 after pass 1)" in printed
    assert "340,908" in printed
    other = tmp_path / "other"
    assert main([*flags, "--variant", "modern", "--out", str(other)]) == 0
    assert "the paper" not in capsys.readouterr().out
    assert json.loads((other / "summary.json").read_text())["paper"] is None


def test_json_is_alone_on_standard_output(tmp_path, capsys):
    assert main([*SMALL, "--json", "--out", str(tmp_path)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "summary.json").read_text())


def test_quick_is_the_same_path_on_less(tmp_path, capsys):
    flags = ["--dataset", "digits", "--engine", "compiled", "--quick", "--out", str(tmp_path)]
    assert main(flags) == 0
    record = read_record(tmp_path / "seed-0")
    assert (record.dataset["train_patterns"], len(record.per_pass)) == (1000, 2)


def test_resume_skips_what_is_done_and_runs_the_rest(tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    main([*SMALL, *out])
    before = (tmp_path / "seed-0" / "record.json").stat().st_mtime_ns
    assert main([*SMALL, *out, "--seeds", "0-1", "--resume"]) == 0
    assert (tmp_path / "seed-0" / "record.json").stat().st_mtime_ns == before
    assert json.loads((tmp_path / "summary.json").read_text())["seeds"] == [0, 1]


def test_resume_with_another_recipe_is_refused_and_nothing_changes(tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    main([*SMALL, *out])
    before = (tmp_path / "seed-0" / "record.json").read_bytes()
    assert main([*SMALL, *out, "--resume", "--set", "mu=0.3"]) == 2
    assert "another" in one_line(capsys)
    assert (tmp_path / "seed-0" / "record.json").read_bytes() == before


def test_a_corrupt_record_is_named_and_run_again(tmp_path, capsys, caplog):
    out = ["--out", str(tmp_path)]
    main([*SMALL, *out])
    (tmp_path / "seed-0" / "record.json").write_text('{"schema": 1, "seed"')
    with caplog.at_level(logging.WARNING):
        assert main([*SMALL, *out, "--resume"]) == 0
    assert str(tmp_path / "seed-0") in caplog.text
    assert read_record(tmp_path / "seed-0").status == "finished"


def test_divergence_says_in_which_pass_and_is_a_record(tmp_path, capsys):
    exploding = ["--set", "eta=1e30", "--set", "squash=relu", "--train-size", "300"]
    assert main(["--variant", "modern", *SMALL, *exploding, "--out", str(tmp_path)]) == 1
    assert "seed 0 diverged in pass 1" in capsys.readouterr().err
    assert read_record(tmp_path / "seed-0").diverged
    assert json.loads((tmp_path / "summary.json").read_text())["test_error_percent"] == [None]


def test_an_interrupt_stops_all_runs_and_says_how_to_resume(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study, "write_record", interrupted)
        assert main([*SMALL, "--seeds", "0-2", "--jobs", "2", "--out", str(tmp_path)]) == 130
    line = one_line(capsys)
    assert "--resume" in line
    assert str(tmp_path) in line
    assert main([*SMALL, "--seeds", "0-2", "--out", str(tmp_path), "--resume"]) == 0


@pytest.mark.slow  # torch is imported in another process, where two runs train
def test_three_quick_interrupts_of_runs_in_threads_are_one_line(tmp_path):
    flags = ["--seeds", "0-1", "--jobs", "2", "--out", str(tmp_path), "--passes", "1000"]
    flags += ["--train-size", "100", "--set", "curvature_patterns=10"]
    call = [sys.executable, "-m", "lenet1998.reproduce", *SMALL, *flags]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        # Both are in a pass, with many patterns to go before they ask whether to stop.
        until = time.monotonic() + 300  # on a busy machine
        while not all((tmp_path / f"seed-{seed}" / CHECKPOINT).exists() for seed in (0, 1)):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.03)
        printed, told = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    again = f"add --resume --out {tmp_path} to the same command to go on"
    assert told == f"lenet1998: interrupted; {again}\n"
    assert (process.returncode, printed) == (130, "")
    assert not list(tmp_path.rglob(f"{MAKING}*"))


def one_line(capsys) -> str:
    printed = capsys.readouterr()
    lines = printed.err.strip().splitlines()
    assert len(lines) == 1, printed.err
    return lines[0]


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--variant", "lenet6"], "valid are original, original-logistic, distortions, noise, "),
        (["--set", "c4=table"], "valid are c3, pooling"),
        (["--set", "c3=full"], "table, dense"),
        (["--set", "c3"], "KEY=VALUE"),
        (["--set", "mu=-1"], "mu must be a number > 0"),
        (["--seeds", "a"], "0,3,7"),
        (["--seeds", "9-0"], "range"),
        (["--seeds", "1,1"], "twice"),
        (["--passes", "0"], "passes must be a whole number >= 1"),
        (["--passes", "two"], "passes must be"),
        (["--train-size", "0"], "train_size must be a whole number >= 1 and <= 60,000"),
        (["--train-size", "60001"], "60,000"),
        (["--dataset", "digits", "--train-size", "5000"], "1,297"),
        (["--jobs", "0"], "--jobs"),
        (["--dataset", "digits", "--jobs", "100000", "--seeds", "0-9999"], "memory"),
        (["--device", "tpu"], "--device"),
        (["--data", "/nonexistent", "--dataset", "mnist"], "train-images-idx3-ubyte"),
        (["--frobnicate"], "--frobnicate"),
        (["--engine", "warp"], "--engine"),
        (["--out", "/dev/null/x"], "--out"),
    ],
)
def test_bad_input_is_one_line_and_two(flags, says, tmp_path, capsys):
    default = [] if "--out" in flags else ["--out", str(tmp_path / "out")]
    try:
        status = main([*flags, *default])
    except SystemExit as stop:  # argparse's way
        status = stop.code
    assert status == 2
    line = one_line(capsys)
    assert says in line
    assert "Traceback" not in line
    assert not list(tmp_path.rglob("record.json"))


def test_list_names_every_variant(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--list"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)


def test_help_fits_one_screen(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert len(capsys.readouterr().out.splitlines()) <= 40


def test_the_console_script_dispatches(capsys, tmp_path):
    assert lenet1998(["--help"]) == 0
    assert "reproduce" in capsys.readouterr().out
    assert lenet1998(["conquer"]) == 2
    assert "no command conquer" in one_line(capsys)
    assert lenet1998(["reproduce", *SMALL, "--out", str(tmp_path)]) == 0


def test_the_console_script_tells_its_version(capsys):
    assert lenet1998(["--version"]) == 0
    assert capsys.readouterr().out == f"lenet1998 {__version__}\n"


def test_as_a_module_in_a_fresh_interpreter():
    call = [sys.executable, "-m", "lenet1998.reproduce", "--passes", "0"]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_the_summary_is_of_all_runs_that_stand_there(tmp_path, capsys):
    out = ["--out", str(tmp_path)]
    for seed in (1, 0, 2):
        assert main([*SMALL, *out, "--seeds", str(seed)]) == 0
    summary = json.loads((tmp_path / "summary.json").read_text())
    errors = [read_record(tmp_path / f"seed-{seed}").last["test_errors"] for seed in range(3)]
    assert (summary["seeds"], summary["test_errors"]) == ([0, 1, 2], errors)
    shutil.copytree(tmp_path / "seed-0", tmp_path / "seed-7")
    capsys.readouterr()
    assert main([*SMALL, *out, "--seeds", "3"]) == 2
    line = one_line(capsys)
    assert f"{tmp_path}/seed-0 and {tmp_path}/seed-7: both are" in line
    assert not (tmp_path / "seed-3").exists()


@pytest.mark.parametrize(
    "make",
    [
        lambda file: file.write_text("mine"),
        lambda file: file.write_text("{}"),
        os.mkfifo,
        lambda file: file.mkdir(),
        lambda file: file.symlink_to("nowhere"),
    ],
    ids=["text", "json", "fifo", "folder", "link"],
)
@pytest.mark.parametrize("name", ["summary.json", "figures/learning-curve.png"])
def test_somebody_elses_file_is_not_replaced(name, make, tmp_path, capsys):
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    make(file)
    before = {*tmp_path.rglob("*")}
    assert main([*SMALL, "--out", str(tmp_path)]) == 2
    assert f"{file}: is not of our making" in one_line(capsys)
    assert {*tmp_path.rglob("*")} == before


@pytest.mark.parametrize("name", ["predictions.npy", "weights.safetensors"])
def test_nor_are_a_runs_files_without_its_record(name, tmp_path, capsys):
    (tmp_path / "seed-0").mkdir()
    (tmp_path / "seed-0" / name).write_bytes(b"mine")
    assert main([*SMALL, "--out", str(tmp_path)]) == 2
    assert f"{name}: of a run without a record" in one_line(capsys)
    assert (tmp_path / "seed-0" / name).read_bytes() == b"mine"
    assert main([*SMALL, "--overwrite", "--out", str(tmp_path)]) == 0


def test_figures_are_the_same_whatever_matplotlib_is_told(tmp_path):
    plain, told = tmp_path / "plain", tmp_path / "told"
    settings = "text.usetex: True\nfont.size: 30\nfigure.dpi: x\nnonsense.key: 3\n"
    for folder in (plain, told):
        folder.mkdir()
    (told / "matplotlibrc").write_text(settings)
    code = (
        "from pathlib import Path; from factory import make_record\n"
        "from lenet1998.report.figures import learning_curve\n"
        "from lenet1998.report.style import save\n"
        "save(learning_curve([make_record()]), Path('curve.png'))"
    )
    for folder in (plain, told):
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    assert (plain / "curve.png").read_bytes() == (told / "curve.png").read_bytes()
