"""``lenet1998 COMMAND ...`` is ``python -m lenet1998.COMMAND ...``."""

import sys

from lenet1998 import __version__
from lenet1998.cli import entry, late
from lenet1998.errors import BadInput

COMMANDS = {
    "reproduce": "train a variant and set it beside the published result",
    "compare": "variants side by side, and two runs by McNemar's test",
    "ablate": "each historical component switched, and what it is worth",
    "show": "figures of a trained net",
    "predict": "read the digit on any picture file",
    "restore": "the 1998 net's C1 to S4, recovered from the figures of its paper",
    "cite": "BibTeX, and tables ready to paste",
    "benchmark": "time the engines side by side",
    "report": "remake tables and figures from committed records",
}


@entry
def main(arguments: list[str] | None = None) -> int:
    """Run the command that the first argument names."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help"):
        width = max(map(len, COMMANDS))
        lines = [f"  {name:<{width}}  {line}" for name, line in COMMANDS.items()]
        print("usage: lenet1998 COMMAND [FLAGS]; COMMAND --help lists its flags", *lines, sep="\n")
        return 0
    if arguments[0] == "--version":
        print(f"lenet1998 {__version__}")
        return 0
    command = arguments[0]
    if command not in COMMANDS:
        raise BadInput(f"no command {command}; there are {', '.join(COMMANDS)}")
    home = f"lenet1998.{command}.__main__"
    return late(home).main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main())
