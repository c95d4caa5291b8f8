"""The check of the share of blanks: which runs there are, and what is read of held-out digits."""

import pytest
from factory import make_record

from experiments import results as sources
from experiments.strings import blank_share as study
from experiments.strings.measures import outputs_along, score, strings_of, texts
from lenet1998.data import constant_order, load
from lenet1998.models import build_model
from lenet1998.recipes import RECIPES
from lenet1998.training.checkpoints import weights_of
from lenet1998.training.records import write_record
from lenet1998.training.study import Cell


def test_the_runs_are_the_recipe_with_three_shares_and_digits_held_out(tmp_path):
    cells = study.cells(tmp_path)
    assert len({cell.folder for cell in cells}) == len(cells) == 9
    assert {cell.seed for cell in cells} == {0, 1, 2}
    assert {cell.recipe.blank_share for cell in cells} == {0.1, 0.3, 0.5}
    for cell in cells:
        switches = {"blank_share": cell.recipe.blank_share, "held_out": 10_000}
        assert cell.recipe == RECIPES["strings"].changed(**switches)


def test_a_net_is_asked_digits_that_it_has_not_learnt(tmp_path, tiny_mnist, monkeypatch):
    monkeypatch.setattr(study, "HELD_OUT", 60)
    monkeypatch.setattr(study, "STRINGS", 20)
    data = load("mnist", tiny_mnist)
    for share, seed in ((0.5, 1), (0.1, 1), (0.5, 1)):  # the last replaces the first
        recipe = RECIPES["strings"].changed(blank_share=share, held_out=60)
        folder = tmp_path / recipe.name / f"seed-{seed}"
        weights = weights_of(build_model(RECIPES["strings"], seed))
        record = make_record(seed=seed, recipe=recipe.as_dict(), weights=weights)
        write_record(folder, record)
        study.measure(tmp_path, data, Cell(recipe, seed, folder))
    content = sources.read_json(tmp_path / sources.BLANK_SHARE)
    assert content["strings"] == 20
    assert [(net["blank_share"], net["seed"]) for net in content["nets"]] == [(0.1, 1), (0.5, 1)]
    kept = constant_order(300, 1)[-60:]
    asked = strings_of(
        data.train_images[kept], data.train_labels[kept], study.draw(60, 20, "training strings", 1)
    )
    net = study.load_net(str(folder))
    found = score(asked.truths, texts(net, outputs_along(net, asked.fields)))
    assert content["nets"][1]["right_percent"] == pytest.approx(found.right_percent)
    assert content["nets"][1]["digit_error_percent"] == pytest.approx(found.digit_error_percent)
    assert content["nets"][1]["held_out_errors"] == record.last["test_errors"]
