"""Damaged files of every kind are refused in one line, or hold what they may."""

import numpy as np
import pytest

from lenet1998.errors import BadInput
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.locks import NOTE
from lenet1998.training.records import PREDICTIONS, RECORD, WEIGHTS
from tests.faults import files


@pytest.mark.parametrize(
    ("times", "least"), [(15, 8), pytest.param(160, 120, marks=pytest.mark.slow)]
)
def test_no_damaged_file_is_more_than_one_line(times, least, tmp_path):
    kinds = {RECORD, PREDICTIONS, WEIGHTS, CHECKPOINT, "study.jsonl", "study.npz", NOTE}
    kinds |= {"packed.jsonl.gz", "states.npz", "fig5_curve.csv", "t10k-images-idx3-ubyte"}
    pictures = {f"digit.{ending}" for ending in ("png", "jpeg", "gif", "bmp", "webp", "tiff")}
    counts = files.attack(tmp_path, times * len(kinds | pictures), np.random.default_rng(0))
    assert counts.keys() == kinds | pictures
    for name, told in counts.items():
        assert told["escaped"] == [], name
        # A bitmap has few bytes that could not be others, and a table of the paper's few, too.
        assert told["refused"] > (least if name in kinds else 0), name
        assert told["accepted"] + told["refused"] == times


def test_whole_files_are_taken(tmp_path):
    """Or damaged ones would be refused for something else."""
    for kind in files.kinds(tmp_path).values():
        kind.read()


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (KeyError("seed"), "KeyError: 'seed'"),
        (BadInput("no good"), "names no file: 'no good'"),
        (BadInput("{folder}/record.json: one\ntwo"), "is no line"),
    ],
)
def test_every_other_ending_is_told(ending, told, tmp_path, monkeypatch):
    def read(_):
        if isinstance(ending, BadInput):
            raise BadInput(ending.message.format(folder=tmp_path))
        raise ending

    monkeypatch.setattr(files, "read_record", read)
    counts = files.attack(tmp_path, 1, np.random.default_rng(0))
    (escaped,) = counts["record.json"]["escaped"]
    assert told in escaped
