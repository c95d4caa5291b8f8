"""Pictures as people take them, drawn from MNIST's test digits: how many are read right.

The way of reading was developed on pictures of the test digits of even number; those of odd number
were kept apart. Writes ``pictures.json``, with the counts of either half.
"""

import sys
from collections import Counter

from tqdm import tqdm

from experiments.pictures.drawn import DIGITS, KINDS, Drawn, draw
from experiments.results import PICTURES, parser_of
from lenet1998.cli import entry, writable
from lenet1998.data import Dataset, load
from lenet1998.data.lines import read_line
from lenet1998.data.pictures import read_picture
from lenet1998.engines.exactly import one_thread
from lenet1998.errors import BadInput
from lenet1998.predict.pictures import answer, network
from lenet1998.pretrained import TrainedNet
from lenet1998.strings import string_answer
from lenet1998.training.records import write_json

PICTURES_OF_A_KIND = 100
HALVES = {"developed on": 0, "kept apart": 1}  # the number, modulo 2, of their digits
RIGHT, NO_DIGIT, REFUSED, WRONG = "right", "rather no digit", "refused", "wrong"
DEGREES = 2  # off, at most, is the angle of a turned line that was found right


def outcome(net: TrainedNet, kind: str, drawn: Drawn, truth: str) -> str:
    """Outcome of reading a picture, :data:`RIGHT` to :data:`WRONG`.

    Of a turned line it is the angle that is judged, and of others the digits.
    """
    try:
        if kind in DIGITS:
            about = answer(net, kind, read_picture(drawn.levels))
            if about["rubbish"] > about["confidence"]:
                return NO_DIGIT
            return RIGHT if str(about["digit"]) == truth else WRONG
        line = read_line(drawn.levels, net.recipe.input_size)
    except BadInput:
        return REFUSED
    if drawn.degrees:
        return RIGHT if abs(line.degrees + drawn.degrees) <= DEGREES else WRONG
    return RIGHT if string_answer(net, kind, line)["string"] == truth else WRONG


def outcomes(kind: str, data: Dataset, half: int, pictures: int) -> dict[str, int]:
    """Count the outcomes of the first pictures of a kind, drawn from every second test digit."""
    net = network(None, None, "original" if kind in DIGITS else "strings")
    images, labels = data.test_images[half::2], data.test_labels[half::2]
    counts = Counter(dict.fromkeys((RIGHT, NO_DIGIT, REFUSED, WRONG), 0))
    for number in range(pictures):
        drawn = draw(kind, images, number)
        truth = "".join(str(labels[digit]) for digit in drawn.digits)
        counts[outcome(net, kind, drawn, truth)] += 1
    return dict(counts)


@entry
@one_thread()
def main(arguments: list[str] | None = None) -> int:
    """Read all kinds and write the counts."""
    parser = parser_of("experiments.pictures.read", __doc__)
    flags = parser.parse_args(arguments)
    writable(flags.results, "--results")
    data = load("mnist", flags.data)
    kinds = {
        kind: {
            name: outcomes(kind, data, half, PICTURES_OF_A_KIND) for name, half in HALVES.items()
        }
        for kind in tqdm(KINDS, unit=" kinds", disable=not sys.stderr.isatty())
    }
    write_json(flags.results / PICTURES, {"pictures": PICTURES_OF_A_KIND, "kinds": kinds})
    return 0


if __name__ == "__main__":
    sys.exit(main())
