"""The compare command: committed or fresh runs side by side, and two runs by McNemar's test."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from factory import make_record

from lenet1998.compare import run as compare
from lenet1998.compare.__main__ import main
from lenet1998.errors import BadInput
from lenet1998.recipes import RECIPES, recipe_named
from lenet1998.report import comparison, fresh
from lenet1998.report.answers import show_each
from lenet1998.report.committed import committed
from lenet1998.report.statistics import welch
from lenet1998.training import study
from lenet1998.training.records import read_record, write_record

LAYERS = [
    {"name": "c1", "maps": 6, "size": 28, "parameters": 156, "connections": 122_304},
    {"name": "s2", "maps": 6, "size": 14, "parameters": 12, "connections": 5_880},
    {"name": "output", "maps": 10, "size": 1, "parameters": 0, "connections": 840},
]


def record(variant="original", errors=(9, 5), seed=0, **changes):
    """A run of a named variant as two passes would leave it."""
    recipe = recipe_named(variant).changed(passes=2, **changes.pop("recipe", {}))
    return make_record(errors, seed, recipe=recipe.as_dict(), **{"layers": LAYERS, **changes})


def groups(**errors):
    """Runs of variants, one for each count of misclassified patterns."""
    return {
        name: [record(name, (9, count), seed) for seed, count in enumerate(counts)]
        for name, counts in errors.items()
    }


def failure(capsys, *arguments) -> str:
    assert main(list(arguments)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_work_is_counted_by_the_definition_whatever_a_record_says():
    run = record(layers=[{**layer, "multiply_accumulates": 7} for layer in LAYERS])
    found = comparison.compare({"original": [run]})["original"]
    by_layer = [122_304, 6 * 14 * 14, 840]
    assert found["multiply_accumulates"] == sum(by_layer)
    assert [layer["multiply_accumulates"] for layer in found["layers"]] == by_layer
    assert comparison.by_layer({"original": [run]})["original"].iloc[1] == "12 / 5,880 / 1,176"


def test_numbers_are_of_the_last_pass_and_differences_from_the_first_variant():
    found = comparison.compare(groups(original=(4, 6, 5), modern=(9, 11, 13)))
    original, modern = found["original"], found["modern"]
    assert original["test_error_percent"] == [2.0, 3.0, 2.5]
    assert (original["difference"], original["p"]) == (None, None)
    assert modern["difference"] == pytest.approx(3.0)
    assert modern["p"] == welch([4.5, 5.5, 6.5], [2, 3, 2.5])[1]
    assert original["connections"] == sum(layer["connections"] for layer in LAYERS)
    assert original["patterns_seen"] == 2 * 60_000


def test_other_patterns_are_not_compared():
    runs = groups(original=(4, 6, 5), modern=(9, 11, 13))
    for run in runs["modern"]:
        run.recipe["held_out"] = 200
    assert comparison.compare(runs)["modern"]["p"] is None
    column = comparison.side_by_side(runs).set_index("")["modern"]
    assert column["against original"] == "not comparable"
    assert column["of"] == "200 held out of training"


def test_diverged_runs_are_counted_and_take_no_part():
    runs = groups(original=(4, 6), modern=(9, 11))
    runs["modern"].append(record("modern", (180,), 2, status="diverged"))
    found = comparison.side_by_side(runs).set_index("")["modern"]
    assert found["test error, %"].startswith("5.00")
    assert found["test error, %"].endswith("; 1 diverged")


def test_layers_end_with_their_total():
    table = comparison.by_layer(groups(original=(4,), modern=(9,)))
    assert list(table["layer"]) == ["c1", "s2", "output", "total"]
    assert table["original"].iloc[-1] == "168 / 129,024 / 124,320"


def test_committed_runs_are_found_by_recipe_and_are_of_one_study(tmp_path):
    literal = RECIPES["original-literal"].as_dict()
    for folder, run in {
        "claims/original/seed-0": make_record((1,), 0),
        "claims/original/seed-1": make_record((2,), 1),
        "headline/original/seed-0": make_record((3,), 0),
        "headline/original/seed-1": make_record((2,), 1),
        "readings/original-literal": make_record((4,), 4, recipe=literal),
        "ablated": make_record((5,), 0, recipe={"mu": 0.5}),
    }.items():
        write_record(tmp_path / folder, run)
    asked = [RECIPES[name] for name in ("original", "original-literal", "modern")]
    found = committed(tmp_path, asked)
    assert [run.last["test_errors"] for run in found["original"]] == [3, 2]
    assert [run.seed for run in found["original-literal"]] == [4]
    assert found["modern"] == []
    for seed in (5, 6, 7):
        write_record(tmp_path / f"readings/original/seed-{seed}", make_record((9,), seed))
    assert [run.seed for run in committed(tmp_path, asked)["original"]] == [5, 6, 7]
    write_record(tmp_path / "lying", make_record((1,), 9, recipe={"name": "original", "mu": 0.5}))
    with pytest.raises(BadInput, match=f"{tmp_path}: name=original.*original,mu=0.5"):
        committed(tmp_path, asked)


def test_variants_trained_afresh_side_by_side(tiny_mnist, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(study, "load_once", study.load_once.__wrapped__)
    # Of four nets the first is drawn: it takes longer than to train them.
    monkeypatch.setattr(fresh, "show_each", lambda cells, *rest: show_each(cells[:1], *rest))
    out = tmp_path / "out"
    arguments = ["--data", str(tiny_mnist), "--out", str(out), "--passes", "1", "--seeds", "0,1"]
    assert main(["modern", "original", "--engine", "eager", "--json", *arguments]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["modern,passes=1", "original,passes=1"]
    assert printed == json.loads((out / "comparison.json").read_text())
    about = printed["original,passes=1"]
    assert about["seeds"] == [0, 1]
    run = read_record(out / "original,passes=1" / "seed-1")
    assert run.last["test_error_percent"] == about["test_error_percent"][1]
    table = pd.read_csv(out / "comparison.csv")
    assert list(table["variant"]) == ["modern,passes=1", "original,passes=1"]
    assert list(table["connections"]) == [429_342, 340_908]
    assert "| total |" in (out / "comparison.md").read_text()
    assert (out / "figures" / "learning-curves.png").stat().st_size > 5_000
    assert (out / "modern,passes=1" / "seed-0" / "figures" / "confusion.png").is_file()
    # The runs stand: asked again with --resume, nothing is trained.
    monkeypatch.setattr(study, "run_together", None)
    monkeypatch.setattr(fresh, "show_each", lambda *_: None)
    assert main(["modern", "original", "--engine", "eager", "--resume", *arguments]) == 0


@pytest.fixture
def no_training(monkeypatch):
    def train(*_):
        raise AssertionError("nobody asked for this")

    monkeypatch.setattr(compare, "train", train)


@pytest.mark.parametrize("folder", ["empty", "mistyped"])
def test_without_committed_runs_it_says_so_and_trains_nothing(
    folder, tmp_path, capsys, monkeypatch, no_training
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    told = failure(capsys, "modern", "original", "--results", folder)
    assert told.startswith(f"lenet1998: --results {folder}: no committed runs of modern, original")
    assert "--fresh" in told
    assert [file.name for file in tmp_path.iterdir()] == ["empty"]


def test_runs_trained_afresh_are_of_the_variants_asked_for(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(compare, "train", lambda *_: groups(modern=(3, 5)))
    assert main(["modern", "--fresh", "--out", str(tmp_path / "out")]) == 0
    assert "2.00 \N{PLUS-MINUS SIGN} 0.71 (n = 2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("original --variant modern", "--variant modern: name variants with or without"),
        ("--device cpu", "--device: is for runs that are trained: add --fresh"),
        ("--jobs 2", "--jobs: is for runs that are trained: add --fresh"),
        ("--scheduler tcp://nobody:1", "--scheduler: is for runs that are trained"),
        ("--data here", "--data: is for runs that are trained"),
        ("--fresh --results here", "--results: is where committed runs are"),
        ("--runs A B --passes 3", "--passes: does not go with --runs"),
        ("--runs A B --out there", "--out: does not go with --runs"),
        ("--runs A B --engine eager", "--engine: does not go with --runs"),
        ("modern --runs A B", "VARIANT: does not go with --runs"),
    ],
)
def test_a_flag_that_does_not_apply_is_refused(arguments, told, capsys, no_training):
    assert told in failure(capsys, *arguments.split())


def two_runs(tmp_path, data, **second):
    """Two runs' folders: the first misclassifies one pattern, the second two others."""
    truth = data.test_labels[:200].astype(np.uint8)
    answers = [truth.copy(), truth.copy()]
    answers[0][0] += 1
    answers[1][1:3] += 1
    for place, (predictions, changes) in enumerate(zip(answers, ({}, second), strict=True)):
        run = record(predictions=predictions, **changes)
        run.dataset["checksum"] = changes.get("checksum", data.checksum)
        write_record(tmp_path / f"{place}", run)
    return [str(tmp_path / "0"), str(tmp_path / "1")]


@pytest.fixture
def few(digits, monkeypatch):
    """The embedded digits with 200 test patterns."""
    data = replace(
        digits, test_images=digits.test_images[:200], test_labels=digits.test_labels[:200]
    )
    monkeypatch.setattr(study, "load_once", lambda *_: data)
    return data


def test_two_runs_by_mcnemar(tmp_path, few, capsys):
    folders = two_runs(tmp_path, few)
    assert main(["--runs", *folders, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["test_errors"] == [1, 2]
    assert (found["only_first"], found["only_second"], found["p"]) == (1, 2, 1.0)
    assert main(["--runs", *folders]) == 0
    assert "exact McNemar p = 1" in capsys.readouterr().out


def test_two_runs_that_cannot_be_compared(tmp_path, few, capsys):
    folders = two_runs(tmp_path, few, recipe={"held_out": 200})
    assert "not asked about the same" in failure(capsys, "--runs", *folders)
    run = read_record(tmp_path / "1")
    run.dataset["checksum"] = "another"
    write_record(tmp_path / "1", run)
    assert "1: is of mnist, not of digits" in failure(capsys, "--runs", *folders)
    write_record(tmp_path / "1", record(errors=(), status="diverged"))
    assert "finished no pass" in failure(capsys, "--runs", *folders)
    assert "nowhere" in failure(capsys, "--runs", folders[0], str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["lenet6"], "lenet6: no such variant"),
        (["modern", "modern"], "a variant is named twice"),
        (["original", "distortions", "--distortions"], "or made the same by flags"),
        (["--seeds", "a"], "--seeds a: write"),
        (["--set", "pooling=no"], "pooling=no"),
    ],
)
def test_bad_input_is_one_line(arguments, told, capsys, tmp_path):
    arguments = [*arguments, "--out", str(tmp_path), "--dataset", "digits"]
    assert told in failure(capsys, *arguments)


@pytest.fixture
def runs_of_two(tmp_path):
    """A folder of studies with three runs each of original and modern."""
    for name in ("original", "modern"):
        for seed in range(3):
            recipe = RECIPES[name].as_dict()
            run = make_record((9, 4 + seed), seed, recipe=recipe, layers=LAYERS)
            write_record(tmp_path / "results" / name / f"seed-{seed}", run)
    return tmp_path / "results"


def tree(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_another_comparison_is_not_overwritten(runs_of_two, tmp_path, capsys):
    out = tmp_path / "out"
    flags = ["--results", str(runs_of_two), "--out", str(out)]
    assert main(["original", *flags]) == 0
    assert main(["original", *flags]) == 0  # the same again
    before = tree(out)
    capsys.readouterr()
    assert "comparison.json: is of original, seeds 0 1 2 (" in failure(capsys, "modern", *flags)
    assert tree(out) == before
    assert main(["modern", *flags, "--overwrite"]) == 0
    (out / "comparison.md").write_text("notes by hand")
    capsys.readouterr()
    told = failure(capsys, "modern", *flags)
    assert "comparison.md: was changed since it was written" in told


def test_where_no_folder_is_named_the_last_comparison_stands(runs_of_two, capsys, monkeypatch):
    monkeypatch.chdir(runs_of_two.parent)
    for name in ("original", "modern"):
        assert main([name, "--results", "results"]) == 0
    assert "modern" in json.loads((runs_of_two.parent / "runs/compare/comparison.json").read_text())
    (runs_of_two.parent / "runs/compare/comparison.md").write_text("notes by hand")
    capsys.readouterr()
    assert "comparison.md: was changed" in failure(capsys, "original", "--results", "results")


@pytest.mark.parametrize("name", [*compare.FILES])
def test_nor_is_somebody_elses_file(name, runs_of_two, tmp_path, capsys):
    mine = tmp_path / "out" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    flags = ["--results", str(runs_of_two), "--out", str(tmp_path / "out")]
    assert f"{mine}: is not of our making; give another folder" in failure(capsys, *flags, "modern")
    assert tree(tmp_path / "out") == {mine: b"mine"}


def test_runs_that_would_count_wrong_are_refused(runs_of_two, tmp_path, capsys):
    flags = ["--results", str(runs_of_two), "--out", str(tmp_path / "out"), "original", "modern"]
    copy = runs_of_two / "original" / "copy"
    shutil.copytree(runs_of_two / "original" / "seed-0", copy)
    assert f"{copy} and " in failure(capsys, *flags)
    shutil.rmtree(copy)
    other = make_record((9, 4), 3, dataset="digits")
    other.dataset["checksum"] = "of the digits"
    write_record(runs_of_two / "original" / "seed-3", other)
    told = failure(capsys, *flags)
    assert f"{runs_of_two / 'original' / 'seed-3'} on digits" in told
    assert " on mnist, " in told
    assert not (tmp_path / "out").exists()
