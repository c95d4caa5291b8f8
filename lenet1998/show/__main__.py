"""``python -m lenet1998.show``: tables and figures of one trained net."""

import sys
from pathlib import Path

from lenet1998.cli import Parser, entry, late, number_from_0, path
from lenet1998.training.flags import add_data

SUMMARY = "Tables and figures of a trained net: what it reads, and what goes on inside it."


@entry
def main(arguments: list[str] | None = None) -> int:
    """Read the flags, then examine the net."""
    flags = _parser().parse_args(arguments)
    flags.net = flags.net or Path("strings" if flags.string else "original")
    return late("lenet1998.show.net").run(flags)


def _parser() -> Parser:
    parser = Parser(prog="lenet1998.show", description=SUMMARY)
    add = parser.add_argument
    add(
        "net",
        nargs="?",
        type=path,
        metavar="NET",
        help="a run's folder, a weights file, or a variant that comes trained"
        " (default original, with --string strings)",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--digit", type=number_from_0, metavar="D", help="draw the states of the first D"
    )
    which.add_argument(
        "--pattern", type=number_from_0, metavar="N", help="or of test pattern N (default 0)"
    )
    which.add_argument(
        "--string",
        type=path,
        metavar="IMAGE",
        help="draw how a line of digits on a picture is read",
    )
    add_data(add, "the run's, else MNIST")
    out = "default NET/figures of a run, else runs/<variant>/figures"
    add("--out", type=path, metavar="DIR", help=out)
    add("--overwrite", action="store_true", help="replace what stands in --out of another net")
    add("--json", action="store_true", help="print one JSON object, nothing else")
    return parser


if __name__ == "__main__":
    sys.exit(main())
