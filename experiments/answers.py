"""What needs MNIST's labels beside committed predictions: accuracy by digit, McNemar's test.

Writes ``answers.json``.
"""

import sys
from pathlib import Path

import numpy as np

from lenet1998 import paper
from lenet1998.cli import Parser, entry, path, writable
from lenet1998.data import load
from lenet1998.records import read_records, write_json
from lenet1998.statistics import mcnemar
from lenet1998.training.flags import RESULTS

PADDED = Path("coursework", "reported", "coursework-padded")
PAIRS = (("original", "original-logistic"), ("original", "modern"))


def by_class(predictions: np.ndarray, truth: np.ndarray) -> list[float]:
    """Accuracy of each digit, in percent."""
    right = predictions == truth
    return [100 * float(right[truth == digit].mean()) for digit in range(paper.CLASSES)]


def pairs(results: Path, truth: np.ndarray) -> list[dict]:
    """McNemar's test of two variants' nets of the same seed, for every seed that both have."""
    rows = []
    for names in PAIRS:
        first, second = (
            {run.seed: run.predictions for run in read_records(results / "headline" / name)}
            for name in names
        )
        for seed in sorted(first.keys() & second.keys()):
            only = mcnemar(first[seed], second[seed], truth)
            tested = dict(zip(("only_first", "only_second", "p"), only, strict=True))
            rows.append({"variants": names, "seed": seed, **tested})
    return rows


@entry
def main(arguments=None):
    parser = Parser(prog="answers.py", description=__doc__)
    parser.add_argument("--data", type=path, metavar="DIR", help="where MNIST is")
    parser.add_argument("--results", default=RESULTS, type=path, metavar="DIR")
    flags = parser.parse_args(arguments)
    results = writable(flags.results, "--results")
    truth = load("mnist", flags.data).test_labels
    measured = {
        "by_class": [by_class(run.predictions, truth) for run in read_records(results / PADDED)],
        "mcnemar": pairs(results, truth),
    }
    write_json(results / "answers.json", measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
