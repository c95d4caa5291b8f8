"""Figs. 7 and 8 again, of made-up runs."""

import dataclasses

import numpy as np
import pytest
from factory import make_record, put
from letters import letters
from made_up import THEN, net

from experiments import results as sources
from experiments.distortions import fig7_sheet
from experiments.published import fig8_sheet
from experiments.published import tables as published
from lenet1998 import paper
from lenet1998.data import Dataset
from lenet1998.errors import BadInput
from lenet1998.report import style


@pytest.mark.parametrize(
    ("answers", "misclassified", "same", "commonest", "kind"),
    [
        ((4, 4, 4), 0, 0, None, "right"),
        ((4, 9, 6), 2, 1, 9, "same"),
        ((6, 9, 6), 3, 1, 6, "other"),
        ((7, 6, 4), 2, 0, 6, "other"),
    ],
)
def test_a_tile_tells_what_our_nets_answered(answers, misclassified, same, commonest, kind):
    tile = fig8_sheet.Tile(label=4, then=9, answers=answers)
    assert (tile.misclassified, tile.same, tile.commonest, tile.kind) == (
        misclassified,
        same,
        commonest,
        kind,
    )


def test_tiles_are_the_82_in_order():
    diverged = dataclasses.replace(net(82, 0, 0), status="diverged")
    found = fig8_sheet.tiles([net(3, 2, 10), net(1, 0, 0), diverged])
    assert len(found) == 82
    assert [tile.label for tile in found] == THEN.label.tolist()
    assert [tile.then for tile in found] == THEN.answer.tolist()
    assert [tile.misclassified for tile in found[:6]] == [2, 1, 1, 1, 1, 0]
    assert [tile.same for tile in found[:6]] == [2, 1, 1, 0, 0, 0]


@pytest.fixture
def as_mnist(digits, monkeypatch):
    """The digits, as many as MNIST has, where the sheets look for MNIST."""
    train = np.resize(digits.train_images, (1000, 28, 28))
    test = np.resize(digits.test_images, (paper.TEST_SIZE, 28, 28))
    labels = np.zeros(paper.TEST_SIZE, np.int64)
    data = Dataset("mnist", train, labels[:1000], test, labels, "abc")
    for sheet in (fig7_sheet, fig8_sheet):
        monkeypatch.setattr(sheet, "load", lambda *_: data)


@pytest.mark.usefixtures("as_mnist")
def test_sheets_are_drawn_of_pictures_and_records(checkout, capsys, monkeypatch):
    results, folder = checkout / "experiments" / "results", checkout / "docs" / "figures"
    shown = {"fig7": "fig7.json", "fig8": sources.DISTORTIONS}
    for sheet, (name, source) in zip((fig7_sheet, fig8_sheet), shown.items(), strict=True):
        file, figures = folder / f"{name}.png", []

        def save(figure, *where, figures=figures):
            figures.append(figure)
            style.save(figure, *where)

        monkeypatch.setattr(sheet, "save", save)
        assert sheet.main(["--results", str(results), "--root", str(checkout)]) == 0
        assert capsys.readouterr().out.split() == [str(file)]
        assert style.source_of(file) == sources.digest(sources.read(results, source))
        assert 0 < file.stat().st_size < 300_000
        assert min(letters(*figures, file)) >= (8,)


@pytest.mark.usefixtures("as_mnist")
def test_without_records_there_is_no_fig_8_but_one_line(tmp_path, capsys):
    assert fig8_sheet.main(["--results", str(tmp_path / "none"), "--root", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "published.jsonl: no runs of distortions to make a table or figure of" in error
    assert len(error.splitlines()) == 1


@pytest.mark.usefixtures("as_mnist")
def test_fig_8_is_of_mnists_test_set(checkout, capsys):
    results = checkout / "experiments" / "results"
    put(results, sources.DISTORTIONS, make_record(seed=1))
    assert fig8_sheet.main(["--results", str(results), "--root", str(checkout)]) == 2
    assert "was not tested on MNIST's 10,000 patterns" in capsys.readouterr().err
    assert not (checkout / "docs" / "figures").exists()
    with pytest.raises(BadInput, match=r"distortions, seed 1: was tested on 200 patterns"):
        published.fingerprint.made(results)
