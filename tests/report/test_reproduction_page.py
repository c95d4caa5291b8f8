"""The reproduction report names what makes each result, and it is there to be run."""

import importlib.util
from pathlib import Path

import pytest
from factory import make_record, put

from experiments.reproduction import command, measures, studies

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
