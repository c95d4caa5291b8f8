"""The tables and the figure of docs/strings.md, of made-up measurements."""

import pytest

from experiments import results as sources
from experiments.strings import tables as strings
from lenet1998.training.records import write_json

AXES = {"gap": [0, 2], "noise": [0.0, 0.1], "shift": [0], "scale": [1.0]}


def measured(net, way, seed, right, **constant):
    axes = {
        axis: {"right_percent": [right] * len(values), "digit_error_percent": [3.0] * len(values)}
        for axis, values in AXES.items()
    }
    axes["gap"]["right_percent"] = [0.0, right]
    return {"net": net, "way": way, "seed": seed, **constant, **axes}


@pytest.fixture
def result():
    positions = {
        "net": "strings",
        "seed": 0,
        "classes": [10, 2, 10, 3, 10, 10, 4, 10, 5],
        "contiguous": "",
    }
    return {
        "strings": 200,
        "lengths": [2, 6],
        "usual": {"gap": 2, "noise": 0.0, "shift": 0, "scale": 1.0},
        "axes": AXES,
        "measured": [
            measured("original", "segmented", 0, 50.0),
            measured("modern", "chosen", 0, 40.0, rubbish_j=-7),
            measured("modern", "chosen", 1, 42.0, rubbish_j=-5),
            measured("strings", "repeats", 0, 70.0),
            measured("strings", "repeats", 1, 81.0),
        ],
        "published": [
            {
                "answer": answer,
                "nets": [
                    dict(positions, classes=[*positions["classes"]], seed=seed, repeats=read)
                    for seed, read in enumerate(("2345", "23", "2345"))
                ],
            }
            for answer in ("2345", "540", "1114", "678", "3514")
        ],
        "speed": {
            "width": 320,
            "rounds": 20,
            "positions": 73,
            "replicated_multiply_accumulates": 8_050_412,
            "swept_multiply_accumulates": 24_426_092,
            "replicated_ms": 2.0,
            "swept_together_ms": 5.0,
            "swept_one_by_one_ms": 30.0,
            "decoding_ms": 1.0,
        },
        "processor": "a processor",
    }


def test_the_usual_strings_are_those_of_the_usual_gap(result):
    frame = strings.usual(result)
    assert frame["n"].tolist() == [1, 2, 2]
    assert frame["strings read right, %"].tolist() == ["50.0", "41.0 ± 1.4", "75.5 ± 7.8"]
    assert frame["digits in error, %"].tolist() == ["3.0", "3.0 ± 0.0", "3.0 ± 0.0"]
    ways = [strings.WORDS[way] for way in ("segmented", "chosen", "repeats")]
    assert frame["way"].tolist() == ways
    assert frame["j"].tolist() == ["", "-6.0 ± 1.4", ""]


def test_published_strings_stand_beside_1998(result):
    frame = strings.published(result)
    assert frame["answer of 1998"].tolist() == ["2345", "540", "1114", "678", "3514"]
    assert frame["nearest code in 1998"][0] == "2 2 3 3 3 4 4 4 5"
    assert frame["classes, seed 0 (-: blank)"][0] == "- 2 - 3 - - 4 - 5"
    assert frame["read, a character on one output"][0] == "nothing (3)"
    assert frame["read, on one or more"][0] == "2345 (2), 23 (1)"


def test_shares_of_blanks_stand_side_by_side(tmp_path):
    nets = [
        {
            "blank_share": share,
            "seed": seed,
            "held_out_errors": 200 + seed,
            "right_percent": 80 * share + seed,
            "digit_error_percent": 5.0,
        }
        for share in (0.5, 0.1)
        for seed in (0, 2)
    ]
    file = tmp_path / sources.BLANK_SHARE
    write_json(file, {"strings": 1000, "nets": nets})
    frame = strings.blank_share(sources.read_json(file))
    assert frame["share of blanks"].tolist() == ["0.1", "0.5"]
    assert frame["n"].tolist() == [2, 2]
    assert frame["strings read right, %"].tolist() == ["9.0 ± 1.4", "41.0 ± 1.4"]
    assert frame["single digits misclassified"].tolist() == ["201.0 ± 1.4"] * 2


def test_between_digits_f6_never_comes_near_the_blank_cell():
    """What docs/open-questions.md says of Q12."""
    frame = strings.f6_between_digits()
    digit = frame["distance to it"].str.split(" to ", expand=True).astype(float)
    blank = frame["distance to the blank cell"].str.split(" to ", expand=True).astype(float)
    assert digit.max(axis=None) < 45
    assert blank.min(axis=None) > 75
    shared = frame["largest difference from what all ten codes share"].astype(float)
    assert shared.max() <= 0.3


def test_times_stand_beside_the_replicated_nets(result):
    frame = strings.speed(result)
    assert frame["times the replicated net's"].tolist() == ["1.0", "2.5", "15.0", "0.5"]
    assert frame["multiply-accumulates"].tolist() == ["8,050,412", "24,426,092", "24,426,092", ""]


def test_the_figure_has_a_line_for_each_net_and_says_what_it_shows(result):
    result["measured"].append(measured("strings", "contiguous", 0, 10.0))
    figure = strings.figure(result)
    for axes in figure.axes:
        assert [line.get_label() for line in axes.lines] == [
            "original, connected components (n = 1)",
            "modern, j chosen (n = 2)",
            "strings (n = 2)",
        ]
        assert len(axes.collections) == 2  # bands of the nets that there are several of
    gap = figure.axes[0].lines[2]
    assert gap.get_ydata().tolist() == [0.0, 75.5]
