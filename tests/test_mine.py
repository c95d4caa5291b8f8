"""``compare --mine``: an accuracy of the reader's own among the committed runs of each recipe."""

import json
import re
from pathlib import Path

import pytest
from factory import make_record

from lenet1998.compare.__main__ import main
from lenet1998.compare.mine import accuracy as percent
from lenet1998.errors import BadInput
from lenet1998.recipes import RECIPES, recipe_named
from lenet1998.report import accuracy
from lenet1998.report.accuracy import Accuracy, Standing
from lenet1998.report.statistics import prediction_interval
from lenet1998.training.records import write_record

RUNS = [98.95, 99.0, 99.0, 99.05, 98.9, 99.1]


def record(name: str, misclassified: int, seed: int, **changes):
    """A run that misclassified some of 200 patterns."""
    return make_record((misclassified,), seed, recipe=recipe_named(name).as_dict(), **changes)


@pytest.fixture
def groups():
    """Accuracies of 98.0 to 99.5 % and of 10 %, by variant."""
    return {
        "original": [record("original", n, seed) for seed, n in enumerate((1, 2, 2, 3, 4, 2))],
        "original-literal": [record("original-literal", 180, seed) for seed in range(6)],
    }


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("98.7", (98.7, 0.05)),
        ("98.70%", (98.7, 0.005)),
        ("98 %", (98, 0.5)),
        (" 0 ", (0, 0.5)),
        ("100", (100, 0.5)),
    ],
)
def test_an_accuracy_is_known_to_half_its_last_digit(text, read):
    assert percent(text) == pytest.approx(read)


@pytest.mark.parametrize(
    "text",
    [
        "98,7",
        "nan",
        "inf",
        "-1",
        "100.01",
        "101",
        "1e2",
        "98.",
        ".98",
        "98.7 %%",
        "x",
        "٩٨",
        "9" * 5000,
    ],
)
def test_another_accuracy_is_one_line(text, capsys):
    with pytest.raises(BadInput):
        percent(text)
    assert main([f"--mine={text}"]) == 2
    line = capsys.readouterr().err
    assert "--mine" in line
    assert "from 0 to 100, written as 98.7" in line
    assert line.count("\n") == 1
    assert len(line) < 200


@pytest.mark.parametrize(
    ("mine", "below", "judged"),
    [
        (Accuracy(99.0, 0.05), 4, "normal"),
        (Accuracy(98.0, 0.05), 0, "too low"),
        (Accuracy(99.9, 0.05), 6, "too high"),
    ],
)
def test_where_an_accuracy_falls(mine, below, judged):
    low, high = prediction_interval(RUNS)
    assert list(Standing(RUNS, mine).row().values()) == [
        "98.90 to 99.10",
        f"{low:.2f} to {high:.2f}",
        f"{below} of 6",
        judged,
    ]


def test_the_last_digit_widens_the_interval():
    low, _ = prediction_interval(RUNS)
    just_below = low - 0.03
    assert Standing(RUNS, Accuracy(just_below, 0.05)).row()["yours is"] == "normal"
    assert Standing(RUNS, Accuracy(just_below, 0.005)).row()["yours is"] == "too low"


def test_few_runs_wide_runs_and_no_runs():
    mine = Accuracy(99.0, 0.05)
    assert Standing(RUNS[:5], mine).row()["yours is"] == "too few runs"
    assert Standing([98.0, *RUNS], mine).row()["yours is"] == "normal, but wide"
    assert Standing([], mine).row()["yours is"] == "no run finished"
    assert Standing([9, 90, 99, 50, 20, 70], mine).row()["one more run"] == "0.00 to 100.00"


def test_diverged_runs_take_no_part(groups):
    groups["original"].append(record("original", 180, 9, status="diverged"))
    assert len(accuracy.accuracies(groups)["original"]) == 6
    assert list(accuracy.table(groups)["n"]) == [6, 6]


@pytest.mark.parametrize("mine", [None, Accuracy(98.7, 0.05), Accuracy(0, 0.5), Accuracy(100, 0.5)])
def test_histograms_have_one_axis_and_every_run(groups, mine):
    figure = accuracy.histograms(groups, mine)
    original, literal = figure.axes
    assert sum(bar.get_height() for bar in original.patches) == 6
    assert [text.get_text() for text in literal.texts] == ["6 below 95 %"]
    assert original.get_xlim() == literal.get_xlim()
    del groups["original"]
    assert accuracy.histograms(groups, mine).axes[0].texts
    low, high = original.get_xlim()
    assert [low <= line.get_xdata()[0] <= high for line in original.lines] == [True] * bool(mine)
    if mine:
        told = "(orange, left of the axis)" if mine.percent < 95 else "(orange)"
        assert told in figure._suptitle.get_text()


def test_one_row_a_recipe_and_a_figure(groups, tmp_path, capsys):
    for run in groups["original"]:
        write_record(tmp_path / "results" / "study" / "original" / f"seed-{run.seed}", run)
    flags = ["original", "--results", str(tmp_path / "results"), "--out", str(tmp_path / "out")]
    assert main(["--mine", "98.7%", *flags]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("98.7 %")
    assert told[3].split()[0] == "original"
    assert told[-1].endswith("mine.png")
    assert (tmp_path / "out" / "figures" / "mine.png").stat().st_size > 5000
    assert main(["--mine", "0.987", *flags, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["original"]["percentile"] == 0
    assert len(found["original"]["accuracy_percent"]) == 6
    assert main(["--mine", "0.987", *flags]) == 0
    assert "for a share of 0.987 write 98.7" in capsys.readouterr().out
    assert main(["--mine", "0", *flags]) == 0
    assert "for a share" not in capsys.readouterr().out
    assert main(["--mine", "98.7", "modern", *flags[1:]]) == 2
    assert "no committed runs of modern" in capsys.readouterr().err


def test_every_named_variant_is_there_by_default(tmp_path, capsys):
    assert main(["--mine", "98.7", "--out", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:-3]] == list(RECIPES)
    assert max(map(len, lines[:-1])) < 80


@pytest.mark.parametrize("flag", ["--seeds=0", "--fresh", "--passes=3", "--set=mu=0.1", "--quick"])
def test_a_flag_of_training_is_refused(flag, capsys):
    assert main(["--mine", "98.7", flag]) == 2
    assert "does not go with --mine" in capsys.readouterr().err


def test_the_page_shows_what_its_command_prints(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[1] / "docs" / "normal.md").read_text()
    shown = re.search(r"compare (--mine.*?)\n```.*?```text\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    assert main(shown[1].split()) == 0
    assert capsys.readouterr().out == shown[2]
