"""``python -m lenet1998.predict IMAGE...``: the digit on any picture, and how sure the net is."""

import re
import sys

from lenet1998.cli import Parser, entry, late, path
from lenet1998.errors import BadInput

LONGEST_STRING = 1000

SUMMARY = "Read the digit on each picture file: what digit, how sure, and every output."


@entry
def main(arguments: list[str] | None = None) -> int:
    """Read the flags, then the pictures."""
    flags = _parser().parse_args(arguments)
    if flags.length is not None and not flags.string:
        raise BadInput(f"{flags.length}: goes with --string", "length")
    return late("lenet1998.predict.pictures").run(flags)


def _parser() -> Parser:
    parser = Parser(
        prog="lenet1998.predict",
        description=SUMMARY,
        epilog="Confidence is eq. 9's posterior, where rubbish (no digit at all) has a share of its"
        " own, or softmax for networks with linear outputs. Not read: patterned paper, digits that"
        " touch a box, several digits without --string, and with it two lines, other marks, or"
        " a line turned by more than 45 degrees.",
    )
    add = parser.add_argument
    add("pictures", nargs="+", metavar="IMAGE", help="a picture of one digit, in any format")
    add("--string", action="store_true", help="read a line of digits on each picture instead")
    add("--length", type=_length, metavar="N", help="with --string: there are exactly N digits")
    add(
        "--variant",
        metavar="NAME",
        help="whose weights come with lenet1998 (default original, with --string strings)",
    )
    add(
        "--weights",
        type=path,
        metavar="PATH",
        help="a run's folder or file of weights instead; of your own, of the --variant named",
    )
    add("--json", action="store_true", help="print one JSON object, nothing else")
    return parser


def _length(text: str) -> int:
    """A number of digits."""
    length = int(text) if re.fullmatch("[0-9]{1,4}", text) else -1
    if not 0 <= length <= LONGEST_STRING:
        raise BadInput(f"{text}: must be a whole number from 0 to {LONGEST_STRING}", "length")
    return length


if __name__ == "__main__":
    sys.exit(main())
