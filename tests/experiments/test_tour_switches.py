"""The table of all switches has each of them once, in the order of a recipe's fields."""

from experiments.tour.switches import MEANINGS, switches
from lenet1998.recipes import ORIGINAL, SWITCHES


def test_every_switch_has_a_meaning(tmp_path):
    tables = [switches.made(tmp_path, part) for part in MEANINGS]
    names = [name.strip("`") for table in tables for name in table["switch"]]
    assert names == list(SWITCHES)
    defaults = [value for table in tables for value in table["default"]]
    assert defaults == [str(getattr(ORIGINAL, name)).lower() for name in names]
    assert not any("e+37" in value for table in tables for value in table["values"])
