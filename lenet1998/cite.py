"""``python -m lenet1998.cite``: BibTeX of the package and the paper, and tables ready to paste."""

import sys
from collections.abc import Callable

import pandas as pd

from lenet1998 import __version__, paper
from lenet1998.cli import Parser, entry
from lenet1998.errors import BadInput
from lenet1998.report import ablations as report
from lenet1998.report import comparison, shipped
from lenet1998.report.sources import COMPARED
from lenet1998.report.tables import beside_the_paper, latex, markdown, summary_of

SUMMARY = "Print BibTeX for lenet1998 and the paper, or one of its tables ready to paste."
RELEASED = "2026-11-26"
REPOSITORY: str | None = None  # the owner's to fill in: CONTRIBUTING.md, release checklist
SOFTWARE = {
    "key": "lenet1998",
    "type": "software",
    "author": "{The lenet1998 maintainers}",
    "title": "lenet1998: {LeNet-5} as published in 1998, exactly",
    "version": __version__,
    "date": RELEASED,
    "year": RELEASED[:4],
    "note": "MIT licence",
    **({"url": REPOSITORY} if REPOSITORY else {}),
}
PAPER = {
    "key": "lecun1998gradient",
    "type": "article",
    "author": r"LeCun, Yann and Bottou, L{\'e}on and Bengio, Yoshua and Haffner, Patrick",
    "title": "Gradient-based learning applied to document recognition",
    "journal": "Proceedings of the {IEEE}",
    "volume": "86",
    "number": "11",
    "year": "1998",
    "doi": "10.1109/5.726791",
}
"""As :mod:`lenet1998.paper` names it; the DOI is the publisher's."""

Tables = tuple[pd.DataFrame, pd.DataFrame]
"""A table for readers, and the same with numbers as numbers."""


def bibtex(entry_of: dict[str, str]) -> str:
    """An entry of a BibTeX file: ``key``, ``type``, and the fields in their order."""
    fields = {key: text for key, text in entry_of.items() if key not in ("key", "type")}
    width = max(map(len, fields))
    lines = [f"  {key:<{width}} = {{{text}}}," for key, text in fields.items()]
    return "\n".join([f"@{entry_of['type']}{{{entry_of['key']},", *lines, "}"])


def headline() -> Tables:
    """The 1998 recipe's runs beside the paper."""
    groups = shipped.named(["original"])
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
    groups = shipped.named(COMPARED)
    return comparison.side_by_side(groups), comparison.tidy(groups)


def ablations() -> Tables:
    """What each historical component is worth.

    Raises:
        BadInput: its runs do not come with the package.
    """
    from lenet1998 import ablate  # which brings torch, and nothing else here needs it
    from lenet1998.ablations import changes

    pairs = {change: (change.recipe, change.base) for change in changes()}
    try:
        found = ablate.of_committed(pairs, None)
    except BadInput as error:
        told = "ablations: not all of their runs come with lenet1998; lenet1998.ablate trains them"
        raise BadInput(told, "table") from error
    titled = {report.TITLES[direction]: family for direction, family in found.items()}
    return report.in_one_table(titled), pd.DataFrame(report.numbers(found))


TABLES: dict[str, Callable[[], Tables]] = {
    "headline": headline,
    "comparison": compared,
    "ablations": ablations,
}


@entry
def main(arguments: list[str] | None = None) -> int:
    """Print BibTeX, or the table that is asked for."""
    parser = Parser(prog="lenet1998.cite", description=SUMMARY)
    add = parser.add_argument
    add("--table", choices=TABLES, help="a table of the committed runs instead of BibTeX")
    add("--format", choices=("markdown", "latex", "csv"), default="markdown", help="of the table")
    flags = parser.parse_args(arguments)
    if flags.table is None:
        print(bibtex(SOFTWARE), bibtex(PAPER), sep="\n\n")
        return 0
    words, numbers = TABLES[flags.table]()
    forms = {"markdown": markdown, "latex": latex}
    if flags.format == "csv":
        print(numbers.to_csv(index=False), end="")
    else:
        print(forms[flags.format](words), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
