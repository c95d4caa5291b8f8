"""``python -m lenet1998.report``: remake every table and figure from committed records."""

import sys
from pathlib import Path

from lenet1998.cli import Parser, entry, late, path
from lenet1998.errors import BadInput


@entry
def main(arguments: list[str] | None = None) -> int:
    """Remake what is stale, or with ``--check`` only say so and exit with 1."""
    parser = Parser(prog="lenet1998.report", description="Remake tables and figures from records.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    parser.add_argument(
        "--root", default=Path(), type=path, metavar="DIR", help="a checkout (default .)"
    )
    flags = parser.parse_args(arguments)
    if not (flags.root / "experiments" / "results").is_dir():
        raise BadInput(f"--root {flags.root}: no checkout with experiments/results in it")
    # The console script does not look for modules where it was started.
    sys.path.insert(0, str(flags.root.resolve()))
    stale = late("lenet1998.report.pages").remake(flags.root, flags.check)
    for name in stale:
        print(f"{name}: {'stale' if flags.check else 'remade'}")
    return int(flags.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
