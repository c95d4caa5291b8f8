"""The command that reads digits on pictures: answers, confidences, and one line for what is bad."""

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from factory import make_record
from PIL import Image, ImageDraw, ImageOps
from safetensors.torch import save_file

from lenet1998.__main__ import main as lenet1998
from lenet1998.data import prepare
from lenet1998.data.flanks import string
from lenet1998.data.lines import Line
from lenet1998.data.pictures import Picture
from lenet1998.errors import BadInput
from lenet1998.models import build_model
from lenet1998.predict.__main__ import main
from lenet1998.predict.pictures import answer, in_words, network
from lenet1998.pretrained import TrainedNet, load_pretrained
from lenet1998.recipes import ORIGINAL, RECIPES
from lenet1998.strings import string_answer, string_in_words
from lenet1998.training.checkpoints import weights_of
from lenet1998.training.records import WEIGHTS, write_record


@pytest.fixture
def pictures(digits, tmp_path, monkeypatch):
    """A folder with a dark seven, a light two, both read right, and a text that is no picture."""
    read = load_pretrained().predict(prepare(digits.test_images[:100])).numpy()
    right = digits.test_labels[:100] == read
    seven, two = (digits.test_images[:100][right & (read == label)][0] for label in (7, 2))
    Image.fromarray(255 - seven).resize((140, 140)).save(tmp_path / "seven.png")
    Image.fromarray(two).save(tmp_path / "two.png")
    (tmp_path / "note.txt").write_text("seven")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def a_run(folder, recipe, **changes):
    """A run's folder as training would leave it, of a network that learnt nothing."""
    weights = weights_of(build_model(recipe, 3))
    write_record(folder, make_record(recipe=recipe.as_dict(), weights=weights, **changes))
    return folder


def run(*arguments):
    return main([str(argument) for argument in arguments])


# --- The command --------------------------------------------------------------------------------


def test_a_block_for_each_picture(pictures, capsys):
    assert run("seven.png", "two.png") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert lines[0].startswith("seven.png: 7")
    assert lines[1].startswith("  confidence  ")
    assert lines[1].count(" %") == 4
    assert " of 73.1 % at most, then " in lines[1]  # 1 / (1 + e^-j), j = 1
    assert ", no digit with " in lines[1]
    assert lines[2].startswith("  distances   0: ")
    assert lines[2].count(": ") == 10
    assert lines[3] == "  picture     black on white, scaled and centred"
    assert lines[4].startswith("two.png: 2")
    assert lines[7] == "  picture     white on black, taken as it is"
    assert len(lines) == 8


def test_the_page_shows_what_is_printed_of_its_seven(tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[1] / "docs" / "how-to.md").read_text()
    shown = re.search(r"```py\n(from PIL.*?)```\n.*?```text\n(.*?)```", page, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(shown[1], {})
    assert main(["digit.png"]) == 0
    assert capsys.readouterr().out == shown[2]


def test_json_is_one_object_and_nothing_else(pictures, capsys):
    assert run("--json", "two.png", "seven.png") == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    content = json.loads(printed.out)
    assert content["net"] == "original as it comes with lenet1998"
    assert content["refused"] == []
    two, seven = content["pictures"]
    assert (two["file"], two["digit"], two["ink"]) == ("two.png", 2, "white on black")
    assert (seven["file"], seven["digit"], seven["ink"]) == ("seven.png", 7, "black on white")
    assert (two["normalised"], seven["normalised"]) == (False, True)
    distances = load_pretrained()(prepare(np.asarray(Image.open("two.png"))[None]))[0]
    assert two["distances"] == pytest.approx(distances.tolist(), rel=1e-6)
    assert two["second"] == int(distances.argsort()[1])


def test_a_network_with_linear_outputs(pictures, capsys):
    assert run("--variant", "modern", "two.png") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "two.png: 2"
    assert lines[1].count(" %") == 2
    assert lines[2].startswith("  logits      0: ")
    assert run("--variant", "modern", "--json", "two.png") == 0
    (two,) = json.loads(capsys.readouterr().out)["pictures"]
    assert two["rubbish"] is None
    assert two["confidence_at_most"] == 1
    assert two["confidence"] == pytest.approx(max(torch.tensor(two["logits"]).softmax(0).tolist()))


@pytest.mark.parametrize("as_json", [False, True])
def test_a_bad_picture_among_good_ones_costs_nothing(as_json, pictures, capsys):
    flags = ["--json"] if as_json else []
    assert run(*flags, "note.txt", "seven.png", "gone.png", ".", "two.png") == 2
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    expected = ["note.txt: not a picture", "gone.png: no such file", ".: no regular file"]
    assert len(lines) == len(expected)
    for line, start in zip(lines, expected, strict=True):
        assert line.startswith(f"lenet1998: {start}")
    if as_json:
        content = json.loads(printed.out)
        assert [about["digit"] for about in content["pictures"]] == [7, 2]
        assert [f"lenet1998: {line}" for line in content["refused"]] == lines
    else:
        heads = [line for line in printed.out.splitlines() if not line.startswith(" ")]
        assert [head.split(",")[0] for head in heads] == ["seven.png: 7", "two.png: 2"]


def test_bad_pictures_alone(pictures, capsys):
    assert run("gone.png") == 2
    assert capsys.readouterr() == ("", "lenet1998: gone.png: no such file\n")
    assert run("--json", "gone.png") == 2
    assert json.loads(capsys.readouterr().out)["pictures"] == []


@pytest.mark.parametrize("name", ["two\nlines.png", os.fsdecode(b"no\xfftext.png")])
def test_names_that_do_not_print(name, pictures, capsys):
    (pictures / "two.png").rename(pictures / name)
    assert run(name) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0].startswith(f"{name!r}: 2")
    out.encode()
    assert run("--json", name) == 0
    assert json.loads(capsys.readouterr().out)["pictures"][0]["file"] == name


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ([], "arguments are required: IMAGE"),
        (["--seeds", "3", "two.png"], "unrecognized arguments: --seeds"),
        (["two.png", "--weights"], "--weights: expected one argument"),
    ],
)
def test_bad_flags(flags, says, pictures, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*flags)
    assert stop.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert says in printed.err


def test_it_is_a_subcommand_and_help_fits_a_screen(pictures, capsys):
    assert lenet1998(["predict", "two.png"]) == 0
    assert capsys.readouterr().out.startswith("two.png: 2")
    with pytest.raises(SystemExit) as stop:
        run("--help")
    assert stop.value.code == 0
    assert len(capsys.readouterr().out.splitlines()) < 24


# --- The network --------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["original", "original-logistic", "modern"])
def test_a_variant_that_comes_trained(variant, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / variant).mkdir()  # a folder of that name is not what --variant names
    net = network(variant, None)
    assert net.recipe == RECIPES[variant]
    expected = load_pretrained(variant).state_dict()
    assert all(torch.equal(expected[key], value) for key, value in net.model.state_dict().items())


def test_the_default_is_original():
    assert network(None, None).recipe == ORIGINAL


@pytest.mark.parametrize("variant", [None, "coursework-tanh-28"])
@pytest.mark.parametrize("below", ["", WEIGHTS])
def test_a_runs_folder_or_its_weights(variant, below, tmp_path):
    recipe = RECIPES["coursework-tanh-28"]
    folder = a_run(tmp_path / "run", recipe)
    net = network(variant, folder / below)
    assert net.recipe == recipe
    assert torch.equal(net.model.f6.weight, build_model(recipe, 3).f6.weight)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--variant", "lenet6"], "--variant lenet6: no such variant; valid are original, "),
        (["--variant", "lenet6", "--weights", "run"], "--variant lenet6: no such variant"),
        (["--variant", "original-literal"], "original-literal: its weights do not come with"),
        (["--weights", "gone"], "--weights gone: no such file or folder"),
        (["--weights", "original"], "--weights original: no such file or folder"),
        (["--weights", "note.txt"], "note.txt: no readable safetensors file"),
        (["--weights", "cut.safetensors"], "cut.safetensors: no readable safetensors file"),
        (["--weights", "."], ".: no run's folder"),
        (
            ["--weights", "run", "--variant", "original"],
            "--weights run: of modern, not of --variant original",
        ),
    ],
)
def test_no_network_is_one_line(flags, says, pictures, capsys):
    content = (a_run(pictures / "run", RECIPES["modern"]) / WEIGHTS).read_bytes()
    (pictures / "cut.safetensors").write_bytes(content[: len(content) // 2])
    assert run(*flags, "two.png") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"lenet1998: {says}")
    assert printed.err.count("\n") == 1


def test_weights_of_ones_own_loop_are_read_by_the_variant_named(pictures, capsys):
    save_file(build_model("modern", 2).state_dict(), "mine.safetensors")
    arguments = ("--weights", "mine.safetensors", "two.png")
    assert run("--variant", "modern", *arguments) == 0
    assert "logits" in capsys.readouterr().out
    assert run(*arguments) == 2
    assert "mine.safetensors: was not written by a run" in capsys.readouterr().err
    assert run("--variant", "original", *arguments) == 2
    assert "the weights of another network" in capsys.readouterr().err


# --- Confidence ---------------------------------------------------------------------------------


def shares(recipe, outputs):
    return build_model(recipe).shares(outputs[None])[0]


@pytest.mark.parametrize("j", [0.5, 1.0, 8.0])
@pytest.mark.parametrize("half_distance", [True, False])
def test_distances_become_the_posterior_of_equation_9(half_distance, j):
    recipe = ORIGINAL.changed(half_distance=half_distance, rubbish_j=j)
    distances = torch.tensor([3.0, 0.25, 9, 7, 1.5, 4, 6, 5, 2, 8])
    terms = [math.exp(-y / 2 if half_distance else -y) for y in distances.tolist()]
    whole = math.exp(-j) + sum(terms)
    expected = [term / whole for term in (*terms, math.exp(-j))]
    assert shares(recipe, distances).tolist() == pytest.approx(expected)


def test_eq_8_has_the_recipes_rubbish_class_too():
    recipe = ORIGINAL.changed(loss="distance")
    distances = torch.arange(10.0)
    assert torch.equal(shares(recipe, distances), shares(ORIGINAL, distances))


def test_logits_become_a_softmax():
    logits = torch.tensor([0.0, 1000, 1, 2, 3, 4, 5, 6, 7, 999])
    share = shares(RECIPES["modern"], logits)
    assert len(share) == 10
    assert share[[1, 9]].tolist() == pytest.approx([1 / (1 + math.exp(-1)), 1 / (1 + math.e)])


def test_far_from_every_code_all_is_rubbish():
    share = shares(ORIGINAL, torch.full((10,), 1e6))
    assert share.isfinite().all()
    assert share[10] == 1


def answering(recipe, outputs):
    """A recipe's network that gives the same outputs whatever it sees, and keeps what it saw."""
    model = build_model(recipe)

    def forward(images):
        model.images = images
        return torch.tensor([outputs])

    model.forward = forward
    return TrainedNet(recipe, model, "a net")


def seen(pattern=None):
    return Picture(np.zeros((28, 28), np.uint8) if pattern is None else pattern, True, True)


@pytest.mark.parametrize(
    ("nearest", "head"), [(0.5, "a.png: 4"), (5.0, "a.png: 4, or rather no digit")]
)
def test_an_answer_and_what_is_said_of_it(nearest, head):
    distances = [50.0, 40, 30, 20, nearest, 20, 10, 60, 70, 80]
    about = answer(answering(ORIGINAL, distances), "a.png", seen())
    share = shares(ORIGINAL, torch.tensor(distances)).tolist()
    assert (about["digit"], about["second"]) == (4, 6)
    assert (about["confidence"], about["second_confidence"]) == (share[4], share[6])
    assert about["rubbish"] == share[10]
    assert about["confidence_at_most"] == pytest.approx(1 / (1 + math.exp(-ORIGINAL.rubbish_j)))
    lines = in_words(about).splitlines()
    assert lines[0] == head
    assert lines[1] == (
        f"  confidence  {100 * share[4]:.1f} % of 73.1 % at most, then 6 with"
        f" {100 * share[6]:.1f} %, no digit with {100 * share[10]:.1f} %"
    )
    assert f"3: 20  4: {nearest:g}  5: 20" in lines[2]


def test_a_blank_is_told_apart_from_digits_and_from_rubbish():
    recipe = ORIGINAL.changed(blank="space")
    distances = [50.0, 40, 30, 20, 9, 20, 10, 60, 70, 80, 0.5]
    about = answer(answering(recipe, distances), "a.png", seen())
    share = shares(recipe, torch.tensor(distances)).tolist()
    assert (about["digit"], about["second"]) == (4, 6)
    assert (about["blank"], about["rubbish"]) == (share[10], share[11])
    lines = in_words(about).splitlines()
    assert lines[0] == "a.png: 4, or rather no digit"
    assert lines[1].endswith(
        f", a blank with {100 * share[10]:.1f} %, no digit with {100 * share[11]:.1f} %"
    )
    assert lines[2].endswith("9: 80  blank: 0.5")


def test_the_network_sees_patterns_as_its_recipe_has_them(digits):
    recipe = RECIPES["coursework-tanh-28"]
    net = answering(recipe, [float(digit) for digit in range(10)])
    pattern = digits.test_images[0]
    about = answer(net, "a.png", seen(pattern))
    assert (about["digit"], about["second"]) == (9, 8)
    assert torch.equal(net.model.images, prepare(pattern[None], 28, "half"))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_outputs_that_are_no_numbers(value):
    net = answering(ORIGINAL, [value] + [1.0] * 9)
    with pytest.raises(BadInput, match=r"^a\.png: no answer, the outputs of a net are no numbers$"):
        answer(net, "a.png", seen())


@pytest.mark.parametrize(
    "strokes",
    [
        [(40, 40, 160, 160), (160, 40, 40, 160)],  # x
        [(60, 20, 60, 180), (150, 20, 60, 100, 150, 180)],  # K
        [(40, 20, 40, 180), (100, 20, 100, 180), (160, 20, 160, 180)],  # III
    ],
)
def test_what_is_no_digit_is_not_believed(strokes, tmp_path, capsys):
    sheet = Image.new("L", (200, 200), 255)
    for stroke in strokes:
        ImageDraw.Draw(sheet).line(stroke, fill=0, width=16)
    sheet.save(tmp_path / "letter.png")
    assert run("--json", tmp_path / "letter.png") == 0
    (letter,) = json.loads(capsys.readouterr().out)["pictures"]
    assert letter["confidence"] < 0.2
    assert letter["rubbish"] > 0.8


# --- Pictures as people make them ---------------------------------------------------------------


def test_digits_blown_up_inverted_off_centre_and_compressed(digits, tmp_path, capsys):
    chance = np.random.default_rng(0)
    patterns, labels = digits.test_images[:100], digits.test_labels[:100]
    files = [tmp_path / f"{number}.jpg" for number in range(len(patterns))]
    for file, pattern in zip(files, patterns, strict=True):
        large = Image.fromarray(pattern).resize((280, 280), Image.Resampling.BICUBIC)
        sheet = Image.new("L", (520, 400))
        sheet.paste(large, tuple(chance.integers(0, (240, 120)).tolist()))
        ImageOps.invert(sheet).save(file, quality=75)
    stored = load_pretrained().predict(prepare(patterns)).numpy()
    assert run("--json", *files) == 0
    answers = json.loads(capsys.readouterr().out)["pictures"]
    assert all(about["ink"] == "black on white" and about["normalised"] for about in answers)
    read = np.array([about["digit"] for about in answers])
    # Other writers' digits than MNIST's: as they are stored, 74 of these 100 are read right, and
    # so are 74 of the pictures.
    assert (read == labels).mean() > 0.68
    assert (read == stored).mean() > 0.75


def test_a_damaged_tiff_is_one_line_of_the_process(tmp_path):
    file = tmp_path / "digit.tif"
    Image.effect_noise((200, 200), 90).save(file, compression="tiff_lzw")
    content = bytearray(file.read_bytes())
    content[2000:2400] = bytes(400)
    file.write_bytes(content)
    command = [sys.executable, "-m", "lenet1998.predict", str(file)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert f"{file}: cannot be read as a picture (" in process.stderr


# --- Lines of digits ----------------------------------------------------------------------------


class Spelling(torch.nn.Module):
    """A network with a blank class that gives the digits of a string, two outputs apart."""

    def __init__(self, text):
        super().__init__()
        self.distances = torch.full((1, 11, 1, 2 * len(text) + 1), 60.0)
        self.distances[:, 10, :, ::2] = 0
        for place, digit in enumerate(text):
            self.distances[:, int(digit), :, 2 * place + 1] = 0

    def forward(self, images):
        self.images = images
        return self.distances


READS = ORIGINAL.changed(blank="space")


def a_line(width=90):
    return Line(np.zeros((32, width), np.uint8), dark_ink=True, degrees=1.25)


def test_a_string_and_where_each_digit_stands():
    net = Spelling("7703")
    about = string_answer(TrainedNet(READS, net, "a net"), "a.png", a_line())
    assert net.images.shape == (1, 1, 32, 90)
    assert about["string"] == "7703"
    assert [found["digit"] for found in about["characters"]] == [7, 7, 0, 3]
    assert [found["column"] for found in about["characters"]] == [20, 28, 36, 44]
    each = math.log(1 + math.exp(-READS.rubbish_j))
    assert about["penalty"] == pytest.approx(9 * each)
    lines = string_in_words(about).splitlines()
    assert lines[0] == "a.png: 7703"
    assert lines[1].startswith(f"  digits      7 at 20 ({each:.3g})  7 at 28 (")
    assert lines[2] == f"  penalty     {9 * each:.3g} on 9 outputs"
    assert lines[3] == "  picture     black on white, 90 columns, turned by 1.2 degrees"


def test_as_many_digits_as_are_asked_for():
    net = TrainedNet(READS, Spelling("31"), "a net")
    assert string_answer(net, "a.png", a_line(), 2)["string"] == "31"
    assert len(string_answer(net, "a.png", a_line(), 1)["string"]) == 1
    nothing = string_answer(net, "a.png", a_line(), 0)
    assert string_in_words(nothing).startswith("a.png: no digit\n  digits      none\n")
    with pytest.raises(BadInput, match=r"^a\.png: no string of the grammar has a place on 5 outp"):
        string_answer(net, "a.png", a_line(), 4)


def test_a_line_on_a_picture_is_read(digits, tmp_path, capsys):
    folder = a_run(tmp_path / "run", RECIPES["strings"])
    field = string(digits.test_images[:3], 3)
    Image.fromarray(255 - field).resize((6 * field.shape[1], 192)).save(tmp_path / "line.png")
    arguments = ("--string", "--weights", folder, tmp_path / "line.png")
    assert run("--json", *arguments) == 0
    (about,) = json.loads(capsys.readouterr().out)["pictures"]
    assert about["outputs"] == (about["width"] - 32) // 4 + 1
    assert run("--length", 3, *arguments) == 0
    name, *_ = capsys.readouterr().out.splitlines()
    assert len(name) == len(f"{tmp_path / 'line.png'}: 123")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--string", "--variant", "modern"), "modern: reads one digit and no strings"),
        (("--length", "3"), "--length 3: goes with --string"),
        (("--string", "--length", "-1"), "--length -1: must be a whole number from 0 to 1000"),
        (("--string", "--length", "4e9"), "--length 4e9: must be a whole number"),
        (("--string", "--length", "9" * 5000), "must be a whole number from 0 to 1000"),
    ],
)
def test_flags_that_make_no_string(flags, says, pictures, capsys):
    assert run(*flags, "two.png") == 2
    line = capsys.readouterr().err
    assert says in line
    assert line.count("\n") == 1


def test_a_picture_without_a_line_is_told_of_and_the_others_read(pictures, capsys):
    folder = a_run(pictures / "run", RECIPES["strings"])
    Image.new("L", (90, 40)).save("empty.png")
    assert run("--string", "--weights", folder, "empty.png", "note.txt", "seven.png") == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("seven.png: ")
    assert len(printed.err.splitlines()) == 2
