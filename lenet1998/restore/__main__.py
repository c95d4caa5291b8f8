"""``python -m lenet1998.restore``: the 1998 net's C1 to S4, recovered from its printed states."""

import sys
from pathlib import Path

from lenet1998.cli import Parser, entry, late, path

SUMMARY = "Recover C1, S2, C3 and S4 of the 1998 net from the states that Fig. 13 prints."
FIELDS = {
    "input": (32, 32),
    "c1": (6, 28, 28),
    "s2": (6, 14, 14),
    "c3": (16, 10, 10),
    "s4": (16, 5, 5),
}
OUT = Path("runs", "1998-net")


@entry
def main(arguments: list[str] | None = None) -> int:
    """Read the flags, then recover the layers."""
    parser = Parser(prog="lenet1998.restore", description=SUMMARY)
    add = parser.add_argument
    add("--states", type=path, metavar="FILE", help="an .npz with other states, named as below")
    add("--out", type=path, default=OUT, metavar="DIR", help=f"default {OUT}")
    add("--overwrite", action="store_true", help="replace what stands in --out of other states")
    add("--json", action="store_true", help="print one JSON object, nothing else")
    shapes = ", ".join(f"{name} (N, {', '.join(map(str, size))})" for name, size in FIELDS.items())
    parser.epilog = f"States are grey levels, 0 (black, positive) to 255: {shapes}."
    flags = parser.parse_args(arguments)
    return late("lenet1998.restore.recover").run(
        flags.states, flags.out, flags.overwrite, flags.json
    )


if __name__ == "__main__":
    sys.exit(main())
