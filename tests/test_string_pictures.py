"""Odd pictures given to ``predict --string`` and ``show --string``: an answer, or one line."""

import json

import numpy as np
import pytest
from PIL import Image

from lenet1998.data.flanks import string
from lenet1998.predict import __main__ as predict
from lenet1998.show import __main__ as show


def inked(field):
    """The part of a field that has ink on it."""
    rows, columns = (np.flatnonzero(field.any(axis=axis)) for axis in (1, 0))
    return field[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def large(field, times=6):
    image = Image.fromarray(255 - field)
    return image.resize((times * image.width, times * image.height))


def strip(field):
    whole = np.zeros((len(field), 100_000), np.uint8)
    whole[:, : field.shape[1]] = field
    return whole


def two_sizes(field):
    """A line, and another below it that is half as high."""
    return np.concatenate([field, np.pad(field[::2, ::2], ((0, 0), (0, field.shape[1] // 2)))])


READ = {
    "ink from edge to edge": lambda field: large(inked(field)),
    "20 pixels high": lambda field: large(inked(field), 1),
    "10 pixels high": lambda field: Image.fromarray(255 - inked(field)[::2, ::2]),
    "digits of 20 pixels on 100,000": lambda field: Image.fromarray(255 - strip(field)),
    "a strip of 100,000 pixels": lambda field: large(strip(field)[:, :5000], 20),
}
REFUSED = {
    "no digit": (lambda field: large(0 * field), "nothing on it stands out"),
    "all ink": (lambda field: Image.new("L", (90, 40)), "nothing on it stands out"),
    "one pixel": (lambda field: Image.new("L", (1, 1), 255), "nothing on it stands out"),
    "two lines": (lambda field: large(np.tile(field, (2, 1))), "more than one line of digits"),
    "a smaller line": (lambda field: large(two_sizes(field)), "more than one line of digits"),
    "a strip of digits": (
        lambda field: Image.fromarray(255 - np.tile(field, 1000)[:, :100_000]),
        "pixels long with digits 20 high: cut it",
    ),
}
COMMANDS = {"predict": predict.main, "show": show.main}


def run(command, file, *flags):
    out = ["--out", str(file.parent / "out")] if command == "show" else []
    return COMMANDS[command](["--string", str(file), *out, *flags])


def answer(command, printed):
    about = json.loads(printed)
    return about if command == "show" else about["pictures"][0]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", READ)
def test_an_odd_line_is_read(kind, command, digits, tmp_path, capsys):
    file = tmp_path / "line.png"
    READ[kind](string(digits.test_images[:3], 3)).save(file)
    assert run(command, file, "--json") == 0
    about = answer(command, capsys.readouterr().out)
    # Other writers' digits than the net learnt, so what it answers is not asked.
    assert 1 <= len(about["string"]) <= 5
    assert about["outputs"] == (about["width"] - 32) // 4 + 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_line_is_one_line(kind, command, digits, tmp_path, capsys):
    file = tmp_path / "line.png"
    picture, says = REFUSED[kind]
    picture(string(digits.test_images[:3], 3)).save(file)
    assert run(command, file) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert says in printed.err
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_one_digit_is_a_string_of_one(digits, tmp_path, capsys):
    read = []
    for label in range(10):
        file = tmp_path / f"{label}.png"
        large(string(digits.test_images[digits.test_labels == label][:1])).save(file)
        assert run("predict", file, "--json") == 0
        read.append(answer("predict", capsys.readouterr().out)["string"])
    assert sum(text == str(label) for label, text in enumerate(read)) >= 6
    assert all(len(text) <= 2 for text in read)
