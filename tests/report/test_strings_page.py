"""The tables and the figure of docs/strings.md, of made-up measurements."""

import pytest

from lenet1998 import schema
from lenet1998.errors import BadInput
from lenet1998.records import write_json
from lenet1998.report import schemas, sources, strings
from lenet1998.report.style import source_of

AXES = {"gap": [0, 2], "noise": [0.0, 0.1], "shift": [0], "scale": [1.0]}


def measured(net, way, seed, right):
    axes = {
        axis: {"right_percent": [right] * len(values), "digit_error_percent": [3.0] * len(values)}
        for axis, values in AXES.items()
    }
    axes["gap"]["right_percent"] = [0.0, right]
    return {"net": net, "way": way, "seed": seed, **axes}


@pytest.fixture
def result():
    positions = {
        "net": "strings",
        "seed": 0,
        "classes": [10, 2, 10, 3, 10, 10, 4, 10, 5],
        "contiguous": "2345",
        "repeats": "235",
    }
    return {
        "strings": 200,
        "lengths": [2, 6],
        "usual": {"gap": 2, "noise": 0.0, "shift": 0, "scale": 1.0},
        "axes": AXES,
        "measured": [
            measured("original", "segmented", 0, 50.0),
            measured("strings", "repeats", 0, 70.0),
            measured("strings", "repeats", 1, 81.0),
        ],
        "published": [
            {"answer": answer, "nets": [dict(positions, classes=[*positions["classes"]])]}
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
    assert frame["n"].tolist() == [1, 2]
    assert frame["strings read right, %"].tolist() == ["50.0", "75.5 ± 7.8"]
    assert frame["digits in error, %"].tolist() == ["3.0", "3.0 ± 0.0"]
    assert frame["way"].tolist() == [strings.WORDS["segmented"], strings.WORDS["repeats"]]


def test_published_strings_stand_beside_1998(result):
    frame = strings.published(result)
    assert frame["answer of 1998"].tolist() == ["2345", "540", "1114", "678", "3514"]
    assert frame["nearest code in 1998"][0] == "2 2 3 3 3 4 4 4 5"
    assert frame["its classes (-: blank)"][0] == "- 2 - 3 - - 4 - 5"
    assert frame["read, a character on one output"][0] == "2345"


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


def test_the_figure_has_every_way_and_says_what_it_shows(result, tmp_path):
    strings.figure(result, tmp_path / "strings.png", "a digest")
    assert source_of(tmp_path / "strings.png") == "a digest"


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda r: r["measured"][1]["gap"]["right_percent"].pop(), "not measured at each gap"),
        (lambda r: r["published"].pop(), "published"),
        (lambda r: r["measured"][0].update(way="guessed"), "way is 'guessed'"),
        (lambda r: r["published"][0]["nets"][0]["classes"].append(1), "classes"),
        (lambda r: r["published"][0]["nets"][0]["classes"].__setitem__(0, 11), "classes"),
    ],
)
def test_other_content_is_refused_in_one_line(harm, says, result, tmp_path):
    file = tmp_path / sources.READ_STRINGS
    write_json(file, result)
    assert sources.read_json(file) == result
    schema.check(result, schemas.READ_STRINGS, file)
    harm(result)
    write_json(file, result)
    with pytest.raises(BadInput, match=says):
        sources.read_json(file)
