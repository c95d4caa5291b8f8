"""Pages of one table: the paper's facts, what makes each result, cards of packaged nets."""

import importlib.util
from pathlib import Path

import pytest
from factory import make_record, put
from safetensors.numpy import save_file

from experiments.pretrained import tables as pretrained
from experiments.pretrained.tables import card, metadata, overview, stated
from experiments.reproduction import command, measures, studies
from experiments.tour.paper_facts import constants
from lenet1998 import paper


def test_every_constant_has_its_row_and_its_place():
    table = constants()
    written = {name for name, value in vars(paper).items() if name.isupper() and name[0] != "_"}
    written -= {"PLACES", "NOT_PRINTED"}
    assert {name.strip("`") for name in table["name"]} == written
    assert list(table["where"]) == [paper.PLACES[name.strip("`")] for name in table["name"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MU", "0.02"),
        ("TEST_SIZE", "10,000"),
        ("CODE_SHAPE", "12, 7"),
        ("ETA_SCHEDULE", "(2, 0.0005), (3, 0.0002), (3, 0.0001), (4, 5e-05), (8, 1e-05)"),
        ("PARAMETERS", "c1: 156, s2: 12, c3: 1,516, s4: 32, c5: 48,120, f6: 10,164, output: 0"),
    ],
)
def test_values_are_written_for_people(name, value):
    table = constants().set_index("name")
    assert table.loc[f"`{name}`", "value"] == value


ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "experiments" / "results"
STUDIES = [file.stem for file in RESULTS.glob("*.jsonl")]
MEASURES = sorted(file.name for file in RESULTS.glob("*.json"))


@pytest.mark.parametrize("name", [*sorted(STUDIES), *MEASURES])
def test_every_result_is_made_by_what_is_there(name):
    python, dash_m, module = command(name).strip("`").split()[:3]
    assert (python, dash_m) == ("python", "-m")
    assert importlib.util.find_spec(module)


def test_runs_are_counted_study_by_study_and_in_all(tmp_path):
    for folder, run in {
        "headline/original": make_record((9, 3), 0),
        "headline/modern": make_record((5,), 0),
        "published/original": make_record((4,), 1, status="diverged"),
    }.items():
        put(tmp_path, folder, run)
    headline, published, every = studies(tmp_path).to_dict("records")
    assert headline["made by"] == "`python -m experiments.published.headline`"
    assert (headline["recipes"], headline["runs"], headline["of them diverged"]) == (2, 2, 0)
    assert (published["runs"], published["of them diverged"]) == (1, 1)
    assert (every["records"], every["recipes"], every["runs"]) == ("all", 2, 3)


def test_only_measures_that_are_there_are_listed(tmp_path):
    (tmp_path / "fig7.json").write_text("{}")
    (row,) = measures(tmp_path).to_dict("records")
    assert row == {"measures": "`fig7.json`", "made by": "`python -m experiments.distortions.fig7`"}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Three runs, one of them diverged; the weights of the first are packaged as ``original``."""
    monkeypatch.setattr(pretrained, "weights_of", lambda name: tmp_path / f"{name}.safetensors")
    environment = {**make_record().environment, "commit": "c0ffee", "dirty": True}
    made = [make_record((9, 3), 7, environment=environment), make_record((9, 5), 8)]
    weights = {"f6.bias": make_record().predictions}
    save_file(weights, tmp_path / "original.safetensors", metadata=metadata(made[0]))
    return [*made, make_record((), 9, status="diverged")]


def rows(frame, column) -> dict[str, str]:
    return dict(zip(frame[""], frame[column], strict=True))


def test_a_packaged_net_is_told_with_its_own_numbers_and_all_seeds(runs):
    told = rows(card({"original": runs}, "original"), "original")
    assert told["misclassified by these weights"] == "3 of 200 (1.50 %)"
    assert told["test error of all seeds, %"].startswith("2.00 ")
    assert "(n = 2; " in told["test error of all seeds, %"]
    assert (told["seed"], told["commit"]) == ("7", "c0ffee, changed")
    assert "bytes, SHA-256 " in told["weights"]
    (row,) = overview({"original": runs}).to_dict("records")
    assert (row["misclassified by these weights"], row["seed"]) == ("3 of 200 (1.50 %)", "7")


def test_a_net_that_is_not_packaged_says_so(runs):
    told = rows(card({"noise": runs}, "noise"), "noise")
    assert told["misclassified by these weights"].startswith("not in this version: train")
    assert "(n = 2; " in told["test error of all seeds, %"]
    assert not {"seed", "commit", "weights"} & told.keys()
    (row,) = overview({"noise": runs}).to_dict("records")
    assert (row["misclassified by these weights"], row["seed"]) == ("not in this version", "")


def test_a_run_before_commits_were_recorded_says_so(runs, tmp_path):
    assert metadata(runs[1])["commit"] == "not recorded"
    assert stated(tmp_path / "nowhere.safetensors") == {}
