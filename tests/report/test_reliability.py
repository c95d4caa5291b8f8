"""docs/reliability.md's picture: bars as long as the counts, and what went wrong in sight."""

import pytest
from matplotlib.colors import to_hex

from experiments.reliability import tables as reliability
from lenet1998.report.style import BLUE, SKY, VERMILION

RESULT = {
    "runs": {
        "run: killed": {"tried": 50, "stopped": 48, "identical": 50, "failures": []},
        "study over what another study left: killed": {
            "tried": 20,
            "stopped": 20,
            "identical": 19,
            "failures": ["killed at operation 7: other results"],
        },
    },
    "files": {
        "record.json": {"accepted": 1, "refused": 9, "escaped": []},
        "checkpoint.pt": {"accepted": 4, "refused": 14, "escaped": ["KeyError", "OSError"]},
    },
}


@pytest.fixture
def panels():
    return reliability.figure(RESULT).axes


def widths(axes, colour) -> list[float]:
    return [
        bar.get_width() for bar in axes.patches if to_hex(bar.get_facecolor()) == colour.lower()
    ]


def test_trials_are_counts(panels):
    axes = panels[0]
    assert widths(axes, reliability.LIGHT) == [50, 20]
    assert widths(axes, BLUE) == [48, 20]
    assert list(axes.lines[0].get_xdata()) == [50, 19]
    assert [text.get_text() for text in axes.texts] == ["50 of 50", "19 of 20"]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["run: killed", "study over what another study left:\nkilled"]


def test_damaged_files_are_shares_of_their_kind(panels):
    axes = panels[1]
    assert widths(axes, BLUE) == [90, 70]
    assert widths(axes, SKY) == [10, 20]
    assert widths(axes, VERMILION) == [0, 10]
    assert [text.get_text() for text in axes.texts] == ["9 + 1 + 0", "14 + 4 + 2"]
