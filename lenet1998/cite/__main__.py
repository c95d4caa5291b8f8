"""``python -m lenet1998.cite``: BibTeX of the package and the paper, and tables ready to paste."""

import sys

from lenet1998 import __version__
from lenet1998.cli import Parser, entry, late
from lenet1998.errors import BadInput

SUMMARY = "Print BibTeX for lenet1998 and the paper, or one of its tables ready to paste."
RELEASED = "2026-11-29"
REPOSITORY: str | None = None  # the owner's to fill in: CONTRIBUTING.md, release checklist
SOFTWARE = {
    "key": "lenet1998",
    "type": "software",
    "author": "{The lenet1998 maintainers}",
    "title": "lenet1998: a checkable reproduction of the {LeNet-5} of 1998",
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
TABLES = ("headline", "comparison", "ablations")
FORMATS = ("markdown", "latex", "csv")


@entry
def main(arguments: list[str] | None = None) -> int:
    """Print BibTeX, or the table that is asked for."""
    parser = Parser(prog="lenet1998.cite", description=SUMMARY)
    add = parser.add_argument
    add("--table", choices=TABLES, help="a table of the committed runs instead of BibTeX")
    add("--format", choices=FORMATS, help="of the table (default markdown)")
    flags = parser.parse_args(arguments)
    if flags.table is None:
        if flags.format:
            raise BadInput(f"{flags.format}: goes with --table", "format")
        print(bibtex(SOFTWARE), bibtex(PAPER), sep="\n\n")
        return 0
    return late("lenet1998.cite.tables").run(flags.table, flags.format or "markdown")


def bibtex(entry_of: dict[str, str]) -> str:
    """An entry of a BibTeX file: ``key``, ``type``, and the fields in their order."""
    fields = {key: text for key, text in entry_of.items() if key not in ("key", "type")}
    width = max(map(len, fields))
    lines = [f"  {key:<{width}} = {{{text}}}," for key, text in fields.items()]
    return "\n".join([f"@{entry_of['type']}{{{entry_of['key']},", *lines, "}"])


if __name__ == "__main__":
    sys.exit(main())
