"""Pictures as people take them: drawn the same each time, and mostly read or refused."""

import os

import numpy as np
import pytest

from experiments.pictures import read, tables
from experiments.pictures.drawn import DIGITS, KINDS, LINES, draw
from experiments.pictures.read import HALVES, NO_DIGIT, REFUSED, RIGHT, WRONG, outcomes
from experiments.results import PICTURES, read_json
from lenet1998.data import load
from lenet1998.training.flags import RESULTS

PLAIN_LINE = "plain line"  # a string is right if every digit is: many are not
needs_mnist = pytest.mark.skipif(
    "LENET1998_DATA" not in os.environ, reason="needs MNIST: set LENET1998_DATA"
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_always_the_same_and_shows_its_digits(kind, digits):
    first, again, other = (draw(kind, digits.test_images, number) for number in (3, 3, 4))
    np.testing.assert_array_equal(first.levels, again.levels)
    assert first.digits == again.digits
    assert first.levels.shape != other.levels.shape or (first.levels != other.levels).any()
    assert (len(first.digits) == 1) == (kind in DIGITS)
    assert (first.degrees != 0) == ("turned" in kind)


@needs_mnist
@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {PLAIN_LINE, "small on 12 megapixels"}))
def test_ten_of_each_kind(kind):
    counts = outcomes(kind, load("mnist"), HALVES["developed on"], 10)
    assert sum(counts.values()) == 10
    assert counts[WRONG] <= 1
    assert counts[REFUSED if kind in list(LINES)[2:] else RIGHT] >= 7


@pytest.mark.slow
@needs_mnist
def test_the_committed_counts_are_those_of_today(tmp_path, monkeypatch):
    assert read.main(["--results", str(tmp_path)]) == 0
    assert read_json(tmp_path / PICTURES) == read_json(RESULTS / PICTURES)


def test_of_a_hundred_kept_apart_most_are_read_or_refused_and_few_misclassified():
    content = read_json(RESULTS / PICTURES)
    assert content["pictures"] == 100
    for kind, halves in content["kinds"].items():
        counts = halves["kept apart"]
        assert sum(counts.values()) == 100
        if kind != PLAIN_LINE:
            assert counts[RIGHT] + counts[REFUSED] >= 80, kind
            assert counts[WRONG] <= 5, kind


def test_the_table_has_a_row_a_kind():
    counts = {RIGHT: 7, NO_DIGIT: 2, REFUSED: 1, WRONG: 0}
    content = {"pictures": 10, "kinds": {"box": {"developed on": {}, "kept apart": counts}}}
    (row,) = tables.kinds(content).to_dict("records")
    assert row == {
        "picture": "box", "n": 10, "right": 7,
        "rather no digit": 2, "refused": 1, "misclassified": 0,
    }  # fmt: skip
