"""A study script's command line: what is done is skipped, what is broken is named and run again."""

import logging
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from experiments.published import fig6
from experiments.results import runs_in
from experiments.study import SCRATCH, cell_of, lines_of, run_study
from lenet1998.recipes import Recipe, recipe_named
from lenet1998.training import lines, study
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.records import PREDICTIONS, RECORD, WEIGHTS, has_record, read_record
from lenet1998.training.run import fit
from lenet1998.training.study import Cell, Setting

SMALL = ["passes=1", "train_size=30", "curvature_patterns=10"]
MODULES = {
    "headline": "published.headline",
    "published": "published.runs",
    "readings": "readings.runs",
    "coursework": "coursework.runs",
    "sweep": "coursework.sweep",
}
MORE = {"published": {recipe.name for recipe in fig6.RECIPES}}
"""Recipes whose runs another script adds to a study."""
EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def cells(tiny_mnist, monkeypatch):
    """Three small cells on a tiny MNIST; the second diverges."""
    monkeypatch.setenv("LENET1998_DATA", str(tiny_mnist))
    study.load_once.cache_clear()
    exploding = ["eta=1e30", "squash=relu", "batch_size=4", "passes=3"]
    recipes = [
        recipe_named("original").override(SMALL),
        recipe_named("modern").override([*SMALL, *exploding]),
        recipe_named("original-logistic").override(SMALL),
    ]
    yield lambda results: [cell_of(results, "small", recipe, 0) for recipe in recipes]
    study.load_once.cache_clear()


def start(cells, results, *flags):
    flags = ["--engine", "eager", "--results", str(results), *flags]
    return run_study("A study.", cells, flags)


def test_every_cell_is_a_row_the_diverged_too(cells, tmp_path, capsys):
    assert start(cells, tmp_path) == 0
    printed = capsys.readouterr()
    assert "0 of 3 cells are done" in printed.err
    told = [line for line in printed.out.splitlines() if "/modern," in line]
    assert [": diverged" in line for line in told] == [True]
    runs = lines.ordered(lines.read(tmp_path / "small.jsonl"))
    statuses = [run.status for run in runs]
    assert statuses == ["diverged", "finished", "finished"]


def test_a_study_started_again_runs_what_is_missing_or_corrupt(cells, tmp_path, capsys, caplog):
    """Of three runs one has its line, one has half of it, and one's scratch is damaged, too."""
    start(cells, tmp_path)
    file, (_, second, third) = tmp_path / "small.jsonl", cells(tmp_path)
    content = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(content[0] + content[1][:50])
    times = {cell: (cell.folder / RECORD).stat().st_mtime_ns for cell in cells(tmp_path)}
    record = third.folder / RECORD
    record.write_text(record.read_text()[:100])
    capsys.readouterr()
    with caplog.at_level(logging.WARNING):
        assert start(cells, tmp_path) == 0
    assert "2 of 3 cells are done" in capsys.readouterr().err
    assert f"{file}: half a line" in caplog.text
    assert str(third.folder) in caplog.text
    assert (second.folder / RECORD).stat().st_mtime_ns == times[second]
    whole = file.read_bytes().splitlines(keepends=True)
    assert whole[:2] == content[:2]
    assert len(lines.read(file)) == 3
    shutil.rmtree(tmp_path / SCRATCH)
    assert start(cells, tmp_path) == 0
    assert "3 of 3 cells are done" in capsys.readouterr().err


def test_a_run_of_other_data_has_no_place_in_the_file(cells, tmp_path, capsys):
    start(cells, tmp_path)
    file = tmp_path / "small.jsonl"
    runs = lines.read(file)
    runs[1].dataset["checksum"] = "of the digits"
    lines.write(file, runs)
    capsys.readouterr()
    assert start(cells, tmp_path) == 2
    assert f"{file}: holds another run" in capsys.readouterr().err


def test_another_run_in_the_folder_is_refused(cells, tmp_path, capsys):
    start(cells, tmp_path)
    (tmp_path / "small.jsonl").unlink()
    capsys.readouterr()
    moved = [Cell(cells(tmp_path)[0].recipe, 5, cells(tmp_path)[0].folder)]
    assert start(lambda _: moved, tmp_path) == 2
    assert "holds another run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ours", "theirs", "says"),
    [
        ('"schema": 1', '"schema": 2', "schema 2, this version reads 1"),
        ('"noise": 0.0', '"noise": 0.0, "tau": 1', "does not know: tau"),
    ],
)
def test_a_run_of_a_later_version_is_not_run_over(ours, theirs, says, cells, tmp_path, capsys):
    start(cells, tmp_path)
    (tmp_path / "small.jsonl").unlink()
    file = cells(tmp_path)[0].folder / RECORD
    text = file.read_text().replace(ours, theirs)
    file.write_text(text)
    capsys.readouterr()
    assert start(cells, tmp_path) == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert str(file.parent) in complaint
    assert says in complaint
    assert file.read_text() == text


def test_a_switch_added_since_counts_as_its_default(cells, tmp_path):
    start(cells, tmp_path)
    cell = cells(tmp_path)[0]
    file = cell.folder / RECORD
    file.write_text(file.read_text().replace('  "noise": 0.0,\n', ""))
    assert "noise" not in read_record(cell.folder).recipe
    assert study.finished(cell, study.load_once("mnist", None)) is not None


def test_jobs_give_the_same_as_one_after_another(cells, tmp_path):
    setting = Setting("mnist", engine="eager")
    for name, jobs in (("one", 1), ("three", 3)):
        list(study.run(cells(tmp_path / name), setting, jobs))
    for one, three in zip(cells(tmp_path / "one"), cells(tmp_path / "three"), strict=True):
        assert has_record(one.folder)
        for kept in (WEIGHTS, PREDICTIONS):
            files = [cell.folder / kept for cell in (one, three)]
            assert files[0].exists() == files[1].exists() == (one.recipe.c3 != "dense")
            assert not files[0].exists() or files[0].read_bytes() == files[1].read_bytes()


def test_on_a_gpu_all_seeds_of_a_recipe_are_one_threads(cells, tmp_path, monkeypatch):
    seen = []

    def together(recipe, seeds, data, *, engine, folders, **_):
        seen.append((recipe, list(seeds), [folder.name for folder in folders]))
        # What a GPU would do all at once.
        return [fit(recipe, seed, data, engine="eager") for seed in seeds]

    monkeypatch.setattr(study, "fit_together", together)
    alone = [cells(tmp_path)[k] for k in (0, 2)]
    twice = [Cell(cell.recipe, seed, cell.folder / str(seed)) for cell in alone for seed in (5, 3)]
    records = dict(study.run(twice, Setting("mnist", engine="cuda"), 2))
    assert [records[cell].seed for cell in twice] == [5, 3, 5, 3]
    assert all(has_record(cell.folder) for cell in twice)
    assert {recipe: seeds for recipe, *seeds in seen} == {
        cell.recipe: [[5, 3], ["5", "3"]] for cell in alone
    }


def test_the_cuda_engine_without_cuda_is_refused(cells, tmp_path, capsys):
    assert start(cells, tmp_path, "--engine", "cuda") == 2
    assert "--engine cuda" in capsys.readouterr().err


def test_a_cluster_does_not_quietly_start_a_resumed_run_anew(cells, tmp_path, capsys):
    cell = cells(tmp_path)[0]
    checkpoint = cell.folder / CHECKPOINT
    fit(cell.recipe, 0, study.load_once("mnist", None), engine="eager", folder=cell.folder)
    assert start(cells, tmp_path, "--scheduler", "tcp://127.0.0.1:1") == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert f"--scheduler tcp://127.0.0.1:1: a cluster cannot go on from {checkpoint}" in complaint
    assert checkpoint.exists()


@pytest.mark.parametrize("name", MODULES)
def test_the_committed_studies_have_different_cells(name, tmp_path):
    module = import_module(f"experiments.{MODULES[name]}")
    cells = module.cells(tmp_path)
    assert len({cell.folder for cell in cells}) == len(cells)
    assert len({(cell.recipe, cell.seed) for cell in cells}) == len(cells)
    assert all(isinstance(cell.recipe, Recipe) for cell in cells)
    # Each committed run is one of the study's cells, so nothing that was run is left out.
    wanted = {(lines_of(tmp_path, cell).stem, cell.recipe.name, cell.seed) for cell in cells}
    of = {study for study, *_ in wanted}
    runs = [(study, run) for study in of for run in runs_in(EXPERIMENTS / "results", study)]
    others = MORE.get(name, set())
    found = {(study, run.recipe["name"], run.seed) for study, run in runs}
    assert {row for row in found if row[1] not in others} <= wanted


def test_an_interrupted_study_says_how_to_go_on(cells, tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(study, "write_record", interrupted)
    assert start(cells, tmp_path) == 130
    assert "run the same command again to go on" in capsys.readouterr().err
