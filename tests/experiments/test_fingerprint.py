"""The overlap of error sets."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from factory import make_record

from lenet1998.recipes import RECIPES
from lenet1998.records import write_record

sys.path.insert(0, str(Path(__file__).parents[2] / "experiments"))
import fingerprint as study


def test_dice_of_masks():
    one, other = np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 1], bool)
    assert study.dice(one, one) == 1
    assert study.dice(one, ~one) == 0
    assert study.dice(one, other) == pytest.approx(2 / 5)


def test_nets_are_compared_with_fig_8_and_with_their_kind(tmp_path, monkeypatch, digits):
    monkeypatch.setattr(study, "KINDS", ("original", "modern"))
    monkeypatch.setattr(study, "SEEDS", range(2))
    index = np.array([3, 5])
    monkeypatch.setattr(study.paper, "fig8_errors", lambda: type("Errors", (), {"index": index}))
    wrong = {("original", 0): [3, 5], ("original", 1): [3], ("modern", 0): [7], ("modern", 1): [8]}
    for (name, seed), places in wrong.items():
        answers = digits.test_labels.astype(np.uint8)
        answers[places] = (answers[places] + 1) % 10
        run = make_record((9, len(places)), seed, recipe=RECIPES[name].as_dict())
        run.predictions = answers
        run.dataset["test_patterns"] = len(answers)
        write_record(tmp_path / "fingerprint" / name / f"seed-{seed}", run)
    study.compare(tmp_path, digits)
    nets = json.loads((tmp_path / "fingerprint.json").read_text())["nets"]
    found = {(net["recipe"], net["seed"]): net for net in nets}
    assert found["original", 0]["with_1998"] == 1
    assert found["original", 1]["with_1998"] == pytest.approx(2 / 3)
    assert found["original", 1]["with_its_kind"] == pytest.approx(2 / 3)
    assert found["modern", 0]["with_its_kind"] == 0
