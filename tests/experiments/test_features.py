"""The study of the 1998 features, on few patterns and a net of each kind."""

import shutil
from pathlib import Path

import pytest

from experiments.net_1998 import features
from experiments.results import read_json
from experiments.study import SCRATCH
from lenet1998.recipes import Recipe, recipe_named
from lenet1998.training.records import read_record

ROOT = Path(__file__).parents[2]


SMALL = {"passes": 1, "train_size": 20, "curvature_patterns": 10}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder for results where every kind of net is small and there is one of each."""
    small = {}
    for name, (recipe, folder, seeds) in features.STUDIES.items():
        if name in features.TOLD:
            changed = features.NOISY.changed(**SMALL).as_dict() | {"name": name}
            small[name] = Recipe(**changed), folder, seeds[:1]
        elif name in ("original", "1998-features"):
            small[name] = recipe.changed(**SMALL), folder, seeds[:1]
    monkeypatch.setattr(features, "STUDIES", small)
    shutil.copy(ROOT / "experiments" / "results" / "restoration.json", tmp_path)
    return tmp_path


def test_nets_are_trained_once_and_measured(results, tiny_mnist, capsys):
    asked = ["--data", str(tiny_mnist), "--results", str(results)]
    assert features.main(asked) == 0
    found = read_json(results / "features.json")
    assert found["nets"].keys() == features.STUDIES.keys()
    (told,) = found["nets"]["second-restoration"]
    (untold,) = found["nets"]["1998-features"]
    assert told["f6"]["fig26"]["rms"] < untold["f6"]["fig26"]["rms"]
    assert untold["c5"] is None
    record = read_record(results / SCRATCH / "features" / "second-restoration-18" / "seed-0")
    assert record.last["test_errors"] == found["nets"]["second-restoration-18"][0]["test_errors"]
    assert capsys.readouterr().out.count("seed-0: ") == len(features.STUDIES)
    assert features.main(asked) == 0
    assert "seed-0: " not in capsys.readouterr().out
    assert read_json(results / "features.json") == found


def test_1998_read_what_it_answered():
    read = features.read_in_1998()
    for string in read["strings"]:
        digits = [string["nearest"][place] for place in string["digits"]]
        assert "".join(map(str, digits)) == string["answer"]


def test_every_kind_is_what_its_name_says():
    for name, (recipe, _, _) in features.STUDIES.items():
        assert recipe.name == name
        assert name in features.TOLD or recipe == recipe_named(name.partition(",")[0]).changed(
            features=recipe.features
        )


def test_without_a_restoration_it_is_one_line(tmp_path, capsys):
    assert features.main(["--results", str(tmp_path)]) == 2
    assert "restoration.json: is missing" in capsys.readouterr().err
