"""Tables of the committed runs, ready to paste. Imports no torch."""

from collections.abc import Callable

import pandas as pd

from lenet1998 import paper
from lenet1998.ablate import effects as report
from lenet1998.ablate.components import changes
from lenet1998.errors import BadInput
from lenet1998.report import comparison
from lenet1998.report.committed import COMPARED, named
from lenet1998.report.tables import beside_the_paper, latex, markdown, summary_of

Tables = tuple[pd.DataFrame, pd.DataFrame]
"""A table for readers, and the same with numbers as numbers."""


def headline() -> Tables:
    """The 1998 recipe's runs beside the paper."""
    groups = named(["original"])
    published = {
        "variant": "the paper (section III-B)",
        "n": 1,
        "test_error_percent": paper.TEST_ERROR_PERCENT,
        "train_error_percent": paper.TRAIN_ERROR_PERCENT,
        "parameters": paper.TOTAL_PARAMETERS,
        "connections": paper.TOTAL_CONNECTIONS,
        "passes": paper.PASSES,
    }
    ours = comparison.tidy(groups).dropna(axis=1)  # without differences from another variant
    numbers = pd.concat([ours, pd.DataFrame([published])])
    return beside_the_paper(summary_of(groups["original"])), numbers.convert_dtypes()


def compared() -> Tables:
    """The 1998 design beside the network of tutorials."""
    groups = named(COMPARED)
    return comparison.side_by_side(groups), comparison.tidy(groups)


def ablations() -> Tables:
    """Effect of each historical component.

    Raises:
        BadInput: its runs do not come with the package.
    """
    pairs = {change: (change.recipe, change.base) for change in changes()}
    try:
        found = report.of_committed(pairs, None)
    except BadInput as error:
        told = "ablations: not all of their runs come with lenet1998; lenet1998.ablate trains them"
        raise BadInput(told, "table") from error
    titled = {report.TITLES[key]: report.effects(family) for key, family in found.items()}
    every = [effect for some in titled.values() for effect in some]
    return report.in_one_table(titled), pd.DataFrame(report.as_json(every))


TABLES: dict[str, Callable[[], Tables]] = {
    "headline": headline,
    "comparison": compared,
    "ablations": ablations,
}


def run(table: str, form: str) -> int:
    """Print a table in one of the forms."""
    words, numbers = TABLES[table]()
    if form == "csv":
        print(numbers.to_csv(index=False), end="")
    else:
        print({"markdown": markdown, "latex": latex}[form](words), end="")
    return 0
