"""What is measured of trained nets needs them all: without one, nothing is measured or written."""

import shutil
import sys
from pathlib import Path

import pytest
from factory import make_record

from lenet1998.recipes import RECIPES, build_model
from lenet1998.records import WEIGHTS, write_json, write_record

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
sys.path.append(str(EXPERIMENTS))

import rejection_invariance as study  # noqa: E402


@pytest.fixture
def results(tmp_path):
    """Ten untrained nets of each kind."""
    for name, folder in study.NETS.items():
        state = build_model(name).state_dict()
        weights = {key: value.numpy() for key, value in state.items()}
        for seed in range(study.NETS_MEASURED):
            run = make_record(seed=seed, recipe=RECIPES[name].as_dict(), weights=weights)
            write_record(tmp_path / folder / f"seed-{seed}", run)
    return tmp_path


def refusal(results, capsys, *flags) -> str:
    assert study.main(["--results", str(results), *flags]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    return error


def test_the_first_ten_nets_are_measured(results):
    nets = study.nets_of(results, "noise")
    assert [net.record.seed for net in nets] == list(range(10))
    assert {net.recipe.name for net in nets} == {"noise"}


@pytest.mark.parametrize("kind", ["original", "noise"])
def test_without_a_net_nothing_is_written(kind, results, capsys):
    folder = results / study.NETS[kind] / "seed-4"
    (folder / WEIGHTS).unlink()
    assert f"{folder / WEIGHTS}: is missing; train it again" in refusal(results, capsys)
    shutil.rmtree(folder)
    assert f"{folder}" in refusal(results, capsys)
    assert not (results / study.OUTCOME).exists()


def test_without_results_there_are_none(tmp_path, capsys):
    nowhere = tmp_path / "nowhere"
    assert str(nowhere / study.NETS["original"] / "seed-0") in refusal(nowhere, capsys)
    assert not nowhere.exists()


def test_what_was_measured_before_is_checked(results, capsys):
    file = results / study.OUTCOME
    for content, says in (({}, "has no 'axes'"), ({"nets": 1}, "nets is 1")):
        write_json(file, content)
        assert f"{file}: {says}" in refusal(results, capsys, "--nets", "noise")
    shutil.copy(EXPERIMENTS / "results" / study.OUTCOME, file)
    text = file.read_text().replace('"modern"', '"another"')
    file.write_text(text)
    assert f"{file}: has no nets of modern" in refusal(results, capsys, "--nets", "noise")
    assert file.read_text() == text
