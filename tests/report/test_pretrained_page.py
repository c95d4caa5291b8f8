"""The cards say what files and records say, of nets that are packaged and of those that are not."""

import pytest
from factory import make_record
from safetensors.numpy import save_file

from experiments.pretrained import tables as pretrained
from experiments.pretrained.tables import card, metadata, overview, stated


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
