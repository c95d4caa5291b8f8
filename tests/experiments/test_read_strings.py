"""How strings of test digits are drawn, changed, and read."""

import sys
from pathlib import Path

import numpy as np
import pytest
from factory import make_record

from lenet1998 import paper
from lenet1998.inspection.loading import TrainedNet
from lenet1998.recipes import RECIPES, load_pretrained
from lenet1998.records import write_record
from lenet1998.report import sources
from lenet1998.training.checkpoints import weights_of

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
sys.path.append(str(EXPERIMENTS))

import fig25_sheet as sheet  # noqa: E402
import read_strings as study  # noqa: E402

USUAL = study.USUAL


def ink_rows(field):
    return np.average(np.arange(32), weights=field.sum(axis=1))


def test_strings_are_drawn_once_and_of_every_length(digits):
    drawn = study.draw(digits)
    lengths = [len(which) for which in drawn]
    assert len(drawn) == study.STRINGS
    assert set(lengths) == {2, 3, 4, 5, 6}
    assert all((which < len(digits.test_labels)).all() for which in drawn)
    for one, again in zip(drawn, study.draw(digits), strict=True):
        np.testing.assert_array_equal(one, again)


def test_each_change_is_the_one_that_is_said(digits):
    some = digits.test_images[:4]

    def field(**change):
        return study.field_of(some, 3, **{**USUAL, **change})

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
        scaled = field(scale=scale)
        rows = [np.ptp(np.flatnonzero((f > 60).any(axis=1))) + 1 for f in (plain, scaled)]
        assert scaled.shape[1] == pytest.approx(scale * plain.shape[1], abs=1)
        assert rows[1] == pytest.approx(scale * rows[0], abs=1.5)
        assert ink_rows(scaled) == pytest.approx(ink_rows(plain), abs=0.7)


def test_digits_apart_are_read_piece_by_piece(digits):
    net = TrainedNet(RECIPES["original"], load_pretrained(), "original")
    read = net.model.predict(study.prepare(digits.test_images[:300])).numpy()
    right = np.flatnonzero(read == digits.test_labels[:300])[:5]
    field = study.field_of(digits.test_images[right], 0, **{**USUAL, "gap": 6})
    answer = study.segmented(net, field)
    assert study.edit_distance(answer, "".join(map(str, digits.test_labels[right]))) <= 2
    assert study.segmented(net, 0 * field) == ""


def test_all_is_measured_and_can_be_read_again(tmp_path, tiny_mnist, monkeypatch, capsys):
    assert study.main(["--results", str(tmp_path), "--data", str(tiny_mnist)]) == 2
    assert "no runs; run experiments/strings.py" in capsys.readouterr().err
    recipe = RECIPES["strings"]
    for seed in (0, 1):
        weights = weights_of(recipe.build_model(seed))
        run = make_record(seed=seed, recipe=recipe.as_dict(), weights=weights)
        write_record(tmp_path / "strings" / "strings" / f"seed-{seed}", run)
    monkeypatch.setattr(study, "STRINGS", 3)
    monkeypatch.setattr(study, "ROUNDS", 1)
    monkeypatch.setattr(study, "AXES", {axis: (value,) for axis, value in USUAL.items()})
    assert study.main(["--results", str(tmp_path), "--data", str(tiny_mnist)]) == 0
    content = sources.read_json(tmp_path / study.OUTCOME)
    ways = [(row["net"], row["way"], row["seed"]) for row in content["measured"]]
    assert ways == [
        ("original", "segmented", 0),
        ("original", "repeats", 0),
        *(("strings", way, seed) for seed in (0, 1) for way in ("contiguous", "repeats")),
    ]
    assert [row["answer"] for row in content["published"]] == list(paper.printed_strings().answer)
    assert content["speed"]["positions"] == 73
    assert content["speed"]["replicated_multiply_accumulates"] < 8.1e6 + 84 * 73


def test_the_five_strings_are_drawn_beside_1998(tmp_path, capsys):
    assert sheet.main(["--root", str(tmp_path)]) == 0
    file = tmp_path / "docs" / "figures" / "fig25.png"
    assert capsys.readouterr().out.split() == [str(file)]
    assert 10_000 < file.stat().st_size < 300_000


def test_the_fields_of_1998_are_as_wide_as_its_net_was():
    fields = study.published_fields()
    assert fields.shape == (5, 1, *paper.FIG25_FIELD)
    # From paper to ink; the grey scale's lightest step is a little lighter than paper.
    assert -0.3 < fields.min() <= paper.BACKGROUND
    assert fields.max() == pytest.approx(paper.INK, abs=0.01)
    assert (fields[..., :6] == paper.BACKGROUND).all()
    assert (fields[..., 58:] == paper.BACKGROUND).all()
