"""The command that recovers the layers of 1998."""

import json
import os
import zipfile

import numpy as np
import pytest
from safetensors.numpy import load_file

from lenet1998 import paper
from lenet1998.restore import __main__ as restore
from lenet1998.restore import recover as work
from lenet1998.restore import refine
from lenet1998.restore.layers import as_pictures


@pytest.fixture
def quick(monkeypatch):
    few = 20
    monkeypatch.setattr(
        work, "restore", lambda pixels, states: refine.restore(pixels, states, steps=few)
    )


def fields():
    return {name: getattr(paper.fig13_states(), name)[:2] for name in restore.FIELDS}


def test_it_writes_weights_and_figure(quick, tmp_path, capsys):
    assert restore.main(["--out", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["greys"], told["layers"]["c3"]["parameters"]) == (56, 1_516)
    weights = load_file(tmp_path / "c1-s4.safetensors")
    assert sum(values.size for values in weights.values()) == 1_716
    assert (tmp_path / "kernels.png").is_file()


def test_states_of_a_file(quick, tmp_path, capsys):
    np.savez(tmp_path / "states.npz", **fields())
    assert restore.main(["--states", str(tmp_path / "states.npz"), "--out", str(tmp_path)]) == 0
    assert "1,516" in capsys.readouterr().out


def without_c3(file):
    np.savez(file, **{name: x for name, x in fields().items() if name != "c3"})


def other_shape(file):
    np.savez(file, **fields() | {"s2": np.zeros((2, 6, 14, 13), np.uint8)})


def other_count(file):
    np.savez(file, **fields() | {"s4": np.zeros((3, 16, 5, 5), np.uint8)})


def floats(file):
    np.savez(file, **fields() | {"c1": np.full((2, 6, 28, 28), np.nan)})


def objects(file):
    np.savez(file, **fields() | {"c1": np.array([None])}, allow_pickle=True)


def single(file):
    """An .npy, whatever it is called."""
    with file.open("wb") as opened:
        np.save(opened, fields()["c1"])


def encrypted(file):
    """Flags say so, in the member's header and in the directory."""
    np.savez(file, **fields())
    content = bytearray(file.read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(mark) + place] |= 1
    file.write_bytes(content)


def lzma(file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as opened:
        opened.writestr("c1.npy", b"nothing")


def nothing(file):
    np.savez(file, **{name: x[:0] for name, x in fields().items()})


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (without_c3, "has no c3"),
        (other_shape, "s2 is (2, 6, 14, 13), not uint8 (N, 6, 14, 14)"),
        (other_count, "s4 is (3, 16, 5, 5), not"),
        (floats, "c1: holds <f8, not |u1"),
        (objects, "c1: holds |O, not |u1"),
        (single, "no readable archive"),
        (encrypted, "packed otherwise"),
        (lzma, "packed otherwise"),
        (os.mkfifo, "is no file"),
        (nothing, "input is (0, 32, 32)"),
        (lambda file: file.write_bytes(b""), "no readable archive"),
        (lambda file: file.write_bytes(b"PK\3\4 no zip"), "no readable archive"),
        (lambda file: None, "is missing"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_two(write, says, tmp_path, capsys):
    file = tmp_path / "states.npz"
    write(file)
    assert restore.main(["--states", str(file), "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert says in told
    assert not (tmp_path / "out").exists()


def test_kernels_stand_in_the_places_of_table_i():
    weights = {
        "c1.weight": np.zeros((6, 1, 5, 5)),
        "c3.weight": np.arange(60.0)[:, None, None] + np.zeros((5, 5)),
    }
    c1, c3 = as_pictures(weights)
    assert c1.shape == (6, 5, 5)
    seen = [(n, tuple(np.flatnonzero(np.isfinite(row[:, 0, 0])))) for n, row in enumerate(c3)]
    assert seen == list(enumerate(paper.C3_TABLE))
    assert c3[15, 5, 0, 0] == 59
