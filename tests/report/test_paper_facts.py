"""The page of the paper's facts lists every constant that has a place in the paper."""

import pytest

from experiments.tour.paper_facts import constants
from lenet1998 import paper


def test_every_constant_has_its_row_and_its_place():
    table = constants()
    written = {name for name, value in vars(paper).items() if name.isupper() and name[0] != "_"}
    written -= {"PLACES", "NOT_PRINTED"}
    assert {name.strip("`") for name in table["name"]} == written
    assert list(table["where"]) == [paper.PLACES[name.strip("`")] for name in table["name"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MU", "0.02"),
        ("TEST_SIZE", "10,000"),
        ("CODE_SHAPE", "12, 7"),
        ("ETA_SCHEDULE", "(2, 0.0005), (3, 0.0002), (3, 0.0001), (4, 5e-05), (8, 1e-05)"),
        ("PARAMETERS", "c1: 156, s2: 12, c3: 1,516, s4: 32, c5: 48,120, f6: 10,164, output: 0"),
    ],
)
def test_values_are_written_for_people(name, value):
    table = constants().set_index("name")
    assert table.loc[f"`{name}`", "value"] == value
