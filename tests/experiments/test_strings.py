"""How strings of digits are drawn, changed and judged, and what nets read of them."""

import numpy as np
import pytest
import torch
from factory import make_record

from experiments import results as sources
from experiments.strings import blank_share as study
from experiments.strings import measures as string_errors
from experiments.strings.measures import (
    RUBBISH_J,
    STRINGS,
    USUAL,
    chosen_j,
    draw,
    field_of,
    outputs_along,
    score,
    segments,
    strings_of,
    texts,
    texts_of_segments,
)
from lenet1998.data import constant_order, load, prepare
from lenet1998.data.patterns import scaled
from lenet1998.models import build_model
from lenet1998.pretrained import TrainedNet, load_pretrained
from lenet1998.recipes import RECIPES
from lenet1998.training.checkpoints import weights_of
from lenet1998.training.records import write_record
from lenet1998.training.study import Cell


@pytest.fixture(scope="module")
def original():
    return TrainedNet(RECIPES["original"], load_pretrained("original"), "original")


@pytest.fixture(scope="module")
def reader():
    return TrainedNet(RECIPES["strings"], load_pretrained("strings"), "strings")


def some(digits, n=12, **change):
    drawn = draw(len(digits.test_labels), n)
    return strings_of(digits.test_images, digits.test_labels, drawn, **change)


def ink_rows(field):
    return np.average(np.arange(32), weights=field.sum(axis=1))


# --- Strings ------------------------------------------------------------------------------------


def test_strings_are_drawn_once_and_of_every_length():
    drawn = draw(10_000)
    assert len(drawn) == STRINGS
    assert {len(which) for which in drawn} == {2, 3, 4, 5, 6}
    assert all((which < 10_000).all() for which in drawn)
    for one, again in zip(drawn, draw(10_000), strict=True):
        np.testing.assert_array_equal(one, again)


def test_test_strings_training_strings_and_those_of_another_seed_are_others():
    kinds = (("test strings", 0), ("training strings", 0), ("training strings", 1))
    firsts = [np.concatenate(draw(10_000, 50, *kind))[:100].tolist() for kind in kinds]
    assert len({tuple(first) for first in firsts}) == 3


def test_each_change_is_the_one_that_is_said(digits):
    def field(**change):
        return field_of(digits.test_images[:4], 3, **{**USUAL, **change})

    plain = field()
    assert plain.shape[0] == 32
    assert field(gap=8).shape[1] == plain.shape[1] + 3 * 6
    np.testing.assert_array_equal(field(shift=2)[2:], plain[:-2])
    assert not field(shift=2)[:2].any()
    noisy = field(noise=0.2)
    changed = noisy != plain
    assert changed.mean() == pytest.approx(0.2, abs=0.03)
    np.testing.assert_array_equal(noisy[changed], 255 - plain[changed])
    for scale in (0.7, 1.3):
        resized = field(scale=scale)
        rows = [np.ptp(np.flatnonzero((f > 60).any(axis=1))) + 1 for f in (plain, resized)]
        assert resized.shape[1] == pytest.approx(scale * plain.shape[1], abs=1)
        assert rows[1] == pytest.approx(scale * rows[0], abs=1.5)
        assert ink_rows(resized) == pytest.approx(ink_rows(plain), abs=0.7)


def test_a_string_is_right_or_not_and_its_digits_are_counted_by_edits():
    found = score(["12", "3456", "78"], ["12", "356", "79"])
    assert found == (pytest.approx(100 / 3), pytest.approx(100 * 2 / 8))
    assert score(["12"], [""]) == (0, 100)


# --- Replicated nets ----------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_fields_that_go_through_together_give_what_each_gives_alone(
    noise, reader, digits, monkeypatch
):
    monkeypatch.setattr(string_errors, "TOGETHER", 5)
    fields = some(digits, noise=noise).fields
    assert len({field.shape[1] for field in fields}) > 5
    for field, together in zip(fields, outputs_along(reader, fields), strict=True):
        with torch.no_grad():
            alone = reader.model(scaled(field)[None, None])[0].flatten(1)
        assert together.shape == alone.shape
        torch.testing.assert_close(together, alone)


def test_a_net_that_learnt_strings_reads_more_of_them_than_one_that_did_not(
    reader, original, digits
):
    asked = some(digits, 60)
    read = [
        score(asked.truths, texts(net, outputs_along(net, asked.fields))).digit_error_percent
        for net in (reader, original)
    ]
    assert read[0] < read[1] - 5


def test_the_constant_that_is_chosen_is_the_best_of_all(original, digits, monkeypatch):
    monkeypatch.setattr(string_errors, "RUBBISH_J", range(2, 7))
    practice = some(digits, 20)
    outputs = outputs_along(original, practice.fields)
    found = [score(practice.truths, texts(original, outputs, rubbish_j=j)) for j in range(2, 7)]
    best = max(found, key=lambda one: (one.right_percent, -one.digit_error_percent))
    assert chosen_j(original, practice) == 2 + found.index(best)


def test_of_constants_that_do_alike_the_smallest_is_chosen(original, digits, monkeypatch):
    practice = some(digits, 3)
    monkeypatch.setattr(string_errors, "texts", lambda net, outputs, rubbish_j: ["1"] * 3)
    assert chosen_j(original, practice) == RUBBISH_J[0]


# --- Connected components -----------------------------------------------------------------------


def test_digits_apart_are_read_piece_by_piece(original, digits):
    read = original.model.predict(prepare(digits.test_images[:300])).numpy()
    right = np.flatnonzero(read == digits.test_labels[:300])[:5]
    asked = strings_of(digits.test_images, digits.test_labels, [right, right[:2]], gap=6)
    pieces = [segments(field) for field in asked.fields]
    assert score(asked.truths, texts_of_segments(original, pieces)).digit_error_percent <= 30


def test_pieces_are_patterns_like_mnists_from_left_to_right(digits):
    field = np.zeros((32, 80), np.uint8)
    field[5:25, 50:54] = 255  # a bar on the right, higher than the block on the left
    field[14:24, 20:30] = 255
    field[2, 2] = 255  # a speck is no piece
    block, bar = segments(field)
    assert (np.ptp(np.flatnonzero(block.any(0))), np.ptp(np.flatnonzero(bar.any(0)))) == (19, 3)


def test_no_ink_is_no_string(original, digits):
    empty = segments(np.zeros((32, 60), np.uint8))
    assert empty.shape == (0, 28, 28)
    assert texts_of_segments(original, [empty, empty]) == ["", ""]
    one = segments(some(digits, 1).fields[0])
    assert texts_of_segments(original, [empty, one, empty])[::2] == ["", ""]


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
