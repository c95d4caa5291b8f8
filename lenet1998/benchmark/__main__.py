"""``python -m lenet1998.benchmark``: the engines side by side in one process."""

import sys
from pathlib import Path

from lenet1998.cli import Parser, entry, late, path, whole_number

SUMMARY = "Time the engines on the 1998 recipe: medians of alternating rounds, one thread each."


@entry
def main(arguments: list[str] | None = None) -> int:
    """Read the flags, then measure."""
    parser = Parser(prog="lenet1998.benchmark", description=SUMMARY)
    where = "where MNIST is; the digits do as well"
    parser.add_argument("--data", type=path, metavar="DIR", help=where)
    parser.add_argument("--rounds", default=11, type=whole_number, metavar="N", help="default 11")
    parser.add_argument("--full", action="store_true", help="also one whole run of 20 passes")
    parser.add_argument("--out", default=Path("runs", "benchmark"), type=path, metavar="DIR")
    words = "replace a benchmark.json that is of something else"
    parser.add_argument("--overwrite", action="store_true", help=words)
    flags = parser.parse_args(arguments)
    return late("lenet1998.benchmark.measure").run(flags)


if __name__ == "__main__":
    sys.exit(main())
