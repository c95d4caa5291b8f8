"""The command that shows a trained net: what it writes and says, and every bad input."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from lenet1998.data import constant_order, load
from lenet1998.data.flanks import string
from lenet1998.errors import BadInput
from lenet1998.models import build_model
from lenet1998.pretrained import TrainedNet, load_net
from lenet1998.recipes import ORIGINAL, recipe_named
from lenet1998.report.answers import ask
from lenet1998.reproduce.__main__ import main as reproduce
from lenet1998.show import net as show
from lenet1998.show.__main__ import main
from lenet1998.training import study
from lenet1998.training.locks import NOTE
from lenet1998.training.records import read_record, write_record
from lenet1998.training.run import fit

DIGITS = ["--dataset", "digits"]
FILES = {
    "layers.csv",
    "layers.md",
    "classes.csv",
    "classes.md",
    "confusion.csv",
    "per-class.png",
    "confusion.png",
    "predictions.png",
    "kernels.png",
    "feature-maps.png",
    "f6.png",
}


NAME = "original,passes=2,train_size=60"


def write_run(folder: Path, digits, variant="original", **changes) -> Path:
    """A very short run on the embedded digits."""
    changes = {"passes": 2, "train_size": 60, **changes}
    switches = [f"{key}={value}" for key, value in changes.items()]
    record = fit(recipe_named(variant).override(switches), 5, digits, engine="eager")
    write_record(folder, record)
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory, digits) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "original" / "seed-5", digits)


@pytest.fixture(scope="module")
def held_out(tmp_path_factory, digits) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "seed-5"
    return write_run(folder, digits, "coursework-24-epochs", held_out=300)


@pytest.fixture
def run(original, tmp_path) -> Path:
    """A run's folder that may be spoilt."""
    return Path(shutil.copytree(original, tmp_path / "run"))


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """Where runs/ would be made."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def undrawn(monkeypatch):
    """For what is the same without the figures, which take most of the time."""
    monkeypatch.setattr(show, "draw", lambda _about, _pattern, out, _: [out / "nothing.png"])


def written(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if file.name != NOTE}


# --- What is written ------------------------------------------------------------------------------


def test_a_run_is_shown_in_its_own_folder(run, capsys):
    assert main([str(run)]) == 0
    out = run / "figures"
    assert written(out) == FILES | {"learning-curve.png"}
    assert all((out / name).stat().st_size > 5000 for name in FILES if name.endswith(".png"))
    record, printed = read_record(run), capsys.readouterr()
    confusion = pd.read_csv(out / "confusion.csv", index_col="label").to_numpy()
    assert confusion.sum() == 500
    assert confusion.sum() - np.trace(confusion) == record.last["test_errors"]
    classes = pd.read_csv(out / "classes.csv").set_index("class")
    assert classes.loc["weighted avg", "misclassified"] == record.last["test_errors"]
    layers = pd.read_csv(out / "layers.csv").set_index("layer")
    assert layers.loc["total", "connections"] == 340_908
    first, second = printed.out.splitlines()[:2]
    assert first == f"{NAME}, seed 5, on the test set of digits:"
    assert second == (
        f"{record.last['test_errors']} of 500 misclassified"
        f" ({record.last['test_error_percent']:.2f} %)"
    )
    assert "trainable subsampling" in printed.out
    assert "weighted avg" in printed.out
    assert f"written to {out}: layers.csv" in printed.out
    assert printed.err == ""


def test_a_weights_file_and_a_variant_have_no_curve(original, home, capsys):
    assert main([str(original / "weights.safetensors"), *DIGITS]) == 0
    assert written(home / "runs" / NAME / "figures") == FILES
    assert main(["modern", *DIGITS, "--out", "elsewhere"]) == 0
    assert written(home / "elsewhere") == FILES
    printed = capsys.readouterr().out
    assert f"{NAME}, on the test set of digits:" in printed
    assert "modern, on the test set of digits:" in printed


def test_json_is_alone_on_standard_output(original, tmp_path, capsys):
    flags = ["--json", "--digit", "6", "--out", str(tmp_path)]
    assert main([str(original), *flags]) == 0
    printed = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    record, digits = read_record(original), load("digits")
    assert printed["variant"] == NAME
    assert (printed["tested"], printed["misclassified"]) == (500, record.last["test_errors"])
    assert printed["not_as_recorded"] == 0
    assert printed["label"] == digits.test_labels[printed["pattern"]] == 6
    assert printed["answer"] == record.predictions[printed["pattern"]]
    assert [row["layer"] for row in printed["layers"]][:2] == ["C1", "S2"]
    assert printed["classes"][10]["low"] is None
    assert {Path(file).name for file in printed["files"]} == FILES | {"learning-curve.png"}
    assert all(Path(file).is_file() for file in printed["files"])


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("flags", "pattern"), [([], 0), (["--pattern", "7"], 7)])
def test_the_pattern_that_is_asked_for(flags, pattern, original, tmp_path, capsys):
    assert main([str(original), *flags, "--json", "--out", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["pattern"] == pattern


# --- What is asked --------------------------------------------------------------------------------


def test_a_net_is_asked_about_what_its_run_held_out(held_out, digits):
    about = ask(load_net(str(held_out)), digits)
    asked = constant_order(len(digits.train_labels), 5)[-300:]
    np.testing.assert_array_equal(about.truth, digits.train_labels[asked])
    assert about.patterns == "the patterns held out of digits"
    assert about.misclassified == read_record(held_out).last["test_errors"]
    assert about.not_as_recorded == 0


def test_nothing_is_distorted_to_be_shown(original, digits, monkeypatch):
    """Which would take minutes, and change no answer."""
    net = load_net(str(original))
    changes = ["distortions=true", "train_size=none"]
    monkeypatch.setattr("lenet1998.training.schedule.Pool", pytest.fail)
    about = ask(TrainedNet(net.recipe.override(changes), net.model, "file"), digits)
    assert about.misclassified == read_record(original).last["test_errors"]


def test_a_net_that_learnt_more_patterns_than_there_are_can_be_asked(original, digits):
    net = load_net(str(original))
    about = ask(TrainedNet(net.recipe.override(["train_size=60000"]), net.model, "file"), digits)
    assert len(about.truth) == 500


@pytest.mark.usefixtures("undrawn")
def test_auto_is_the_data_set_of_the_run(run, tiny_mnist, capsys):
    assert main([str(run), "--data", str(tiny_mnist)]) == 0
    assert "on the test set of digits" in capsys.readouterr().out


@pytest.mark.usefixtures("undrawn")
def test_auto_without_a_run_is_mnist_where_it_is(tiny_mnist, home, capsys):
    assert main(["--data", str(tiny_mnist)]) == 0
    assert "original, on the test set of mnist:" in capsys.readouterr().out


@pytest.mark.usefixtures("undrawn")
def test_without_mnist_the_digits_are_said_loudly(home, capsys, caplog):
    with caplog.at_level(logging.WARNING):
        assert main(["--data", str(home / "nothing")]) == 0
    assert "NOT MNIST" in caplog.text
    assert "on the test set of digits" in capsys.readouterr().out


@pytest.mark.usefixtures("undrawn")
def test_answers_that_are_not_the_recorded_ones_are_counted(run, caplog, capsys):
    predictions = np.load(run / "predictions.npy")
    predictions[:3] = (predictions[:3] + 1) % 10
    np.save(run / "predictions.npy", predictions)
    with caplog.at_level(logging.WARNING):
        assert main([str(run)]) == 0
    assert "3 of 500 answers are not those in its record" in caplog.text


# --- In every run ---------------------------------------------------------------------------------


def test_a_run_that_diverged_is_shown_as_it_was_last_good(run, capsys):
    content = json.loads((run / "record.json").read_text())
    (run / "record.json").write_text(json.dumps({**content, "status": "diverged"}))
    assert main([str(run)]) == 0
    assert "learning-curve.png" in written(run / "figures")


def test_reproduce_shows_each_run_as_show_does(tmp_path, capsys):
    study.load_once.cache_clear()
    flags = [*DIGITS, "--engine", "eager", "--passes", "1", "--train-size", "40", "--seeds", "0-1"]
    assert reproduce([*flags, "--out", str(tmp_path)]) == 0
    assert str(tmp_path) in capsys.readouterr().out
    for seed in (0, 1):
        out = tmp_path / f"seed-{seed}" / "figures"
        assert written(out) == FILES | {"learning-curve.png"}
        before = {file.name: file.read_bytes() for file in out.iterdir()}
        assert main([str(out.parent)]) == 0
        assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_reproduce_draws_nothing_of_a_run_without_weights(tmp_path, capsys):
    study.load_once.cache_clear()
    flags = ["--variant", "modern", *DIGITS, "--engine", "eager", "--passes", "1"]
    exploding = ["--set", "eta=1e30", "--set", "squash=relu", "--out", str(tmp_path)]
    assert reproduce([*flags, *exploding]) == 1
    assert not (tmp_path / "seed-0" / "figures").exists()


# --- Bad input ------------------------------------------------------------------------------------


def refusal(capsys, *flags) -> str:
    """The one line that a command line is refused with."""
    try:
        status = main(list(flags))
    except SystemExit as stop:  # argparse's way
        status = stop.code
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert len(printed.err.strip().splitlines()) == 1, printed.err
    return printed.err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["nonsense"], "nonsense: no run's folder, no file of weights, and no variant"),
        (["original-literal"], "its weights do not come with lenet1998"),
        (["--digit", "10"], "--digit 10: none of the 500 test patterns is one"),
        (["--digit", "three"], "--digit: three: must be a whole number from 0 to 999,999"),
        (["--pattern", "500"], "--pattern 500: must be from 0 to 499"),
        (["--pattern", "-1"], "--pattern: -1: must be a whole number from 0"),
        (["--pattern", "1", "--digit", "1"], "not allowed with"),
        (["--dataset", "imagenet"], "--dataset: invalid choice"),
        (["--out", "/dev/null/x"], "--out /dev/null/x: cannot be written to"),
        (["original", "modern"], "unrecognized arguments: modern"),
    ],
)
def test_bad_flags(flags, says, home, capsys, monkeypatch):
    """Nothing is computed for what is refused."""
    monkeypatch.delattr("lenet1998.report.answers.predict")
    default = [] if "--dataset" in flags else DIGITS
    assert says in refusal(capsys, *default, *flags)
    assert not list(home.rglob("*.png"))


def test_no_mnist_where_it_was_asked_for(home, capsys):
    line = refusal(capsys, "--dataset", "mnist", "--data", str(home / "nothing"))
    assert "train-images-idx3-ubyte" in line


def test_weights_of_another_variant(run, home, capsys):
    write_run(home / "modern", load("digits"), "modern")
    shutil.copy(home / "modern" / "weights.safetensors", run)
    line = refusal(capsys, str(run))
    assert "the weights of another run" in line


@pytest.mark.parametrize("name", ["weights.safetensors", "record.json", "predictions.npy"])
@pytest.mark.parametrize("spoil", ["cut", "garbage", "remove"])
def test_a_spoilt_file_of_a_run_is_named(name, spoil, run, capsys):
    file = run / name
    content = file.read_bytes()
    file.unlink()
    if spoil != "remove":
        file.write_bytes(content[: len(content) // 2] if spoil == "cut" else b"no such thing")
    assert str(run) in refusal(capsys, str(run))
    assert not (run / "figures").exists()


def test_a_file_that_no_run_wrote(home, capsys):
    torch.save({}, home / "weights.pt")
    assert "no readable safetensors file" in refusal(capsys, "weights.pt", *DIGITS)


def test_a_name_from_a_file_chooses_no_folder(home, capsys):
    recipe = json.dumps(ORIGINAL.as_dict() | {"name": "../../../evil"})
    save_file(build_model("original").state_dict(), home / "net.safetensors", {"recipe": recipe})
    before = sorted(home.parent.rglob("*"))
    assert "net.safetensors: name='../../../evil'" in refusal(capsys, "net.safetensors", *DIGITS)
    assert sorted(home.parent.rglob("*")) == before


def test_another_data_set_than_the_runs(original, tiny_mnist, capsys):
    flags = ["--dataset", "mnist", "--data", str(tiny_mnist)]
    line = refusal(capsys, str(original), *flags)
    assert "was tested on another data set (digits) than this mnist" in line


def test_a_test_set_of_another_size(run, capsys):
    content = json.loads((run / "record.json").read_text())
    content["dataset"]["test_patterns"] = 400
    (run / "record.json").write_text(json.dumps(content))
    np.save(run / "predictions.npy", np.load(run / "predictions.npy")[:400])
    assert "was tested on 400 patterns, not on 500" in refusal(capsys, str(run))


def test_a_test_set_that_was_cut_short(tiny_mnist, home, capsys):
    file = tiny_mnist / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-784])
    assert "is truncated" in refusal(capsys, "--data", str(tiny_mnist))


def test_weights_alone_do_not_tell_what_was_held_out(held_out, digits, home, capsys):
    file = held_out / "weights.safetensors"
    assert "which 300 patterns were held out" in refusal(capsys, str(file), *DIGITS)
    net = load_net(str(held_out))
    more = net.recipe.override(["held_out=1297", "train_size=none"])
    with pytest.raises(BadInput, match="digits has 1,297 training patterns"):
        ask(TrainedNet(more, net.model, "file", net.record), digits)


def test_help_fits_one_screen(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    assert len(capsys.readouterr().out.splitlines()) <= 30


# --- A line of digits ---------------------------------------------------------------------------


@pytest.fixture
def line(digits, tmp_path):
    """A picture of three digits."""
    field = string(digits.test_images[:3], 3)
    file = tmp_path / "line.png"
    Image.fromarray(255 - field).resize((6 * field.shape[1], 192)).save(file)
    return file


@pytest.mark.parametrize("net", [[], ["original"]])
def test_a_line_of_digits_is_drawn(net, line, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([*net, "--string", str(line), "--out", str(out), "--json"]) == 0
    about = json.loads(capsys.readouterr().out)
    assert about["net"].startswith(net[0] if net else "strings")
    assert about["files"] == [str(out / "string.png")]
    with Image.open(out / "string.png") as figure:
        assert figure.width > 400
    assert main([*net, "--string", str(line), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{line}: {about['string'] or 'no digit'}\n")
    assert f"written to {out}: string.png" in printed


def test_lines_that_are_not_drawn_are_one_line(line, tmp_path, capsys):
    with Image.open(line) as short:
        wide = Image.new("L", (12 * short.width, short.height), 255)
        for at in range(12):
            wide.paste(short, (at * short.width, 0))
    wide.save(tmp_path / "wide.png")
    cases = {
        ("modern", "--string", str(line)): "modern: reads one digit and no strings",
        ("--string", str(tmp_path / "wide.png")): "columns; at most 600 are drawn",
        ("--string", str(tmp_path / "none.png")): "none.png: no such file",
    }
    for flags, says in cases.items():
        assert main([*flags, "--out", str(tmp_path / "out")]) == 2
        error = capsys.readouterr().err
        assert says in error
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
