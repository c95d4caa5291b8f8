"""Measures that need MNIST's labels beside committed answers: accuracy by digit, McNemar, overlaps.

Writes ``answers.json``.
"""

import sys
from pathlib import Path

import numpy as np

from experiments.coursework import runs as coursework
from experiments.published import headline
from experiments.published import runs as published
from experiments.results import parser_of, runs_in
from experiments.study import lines_of
from lenet1998 import paper
from lenet1998.cli import entry, writable
from lenet1998.data import load
from lenet1998.errors import BadInput
from lenet1998.report.statistics import dice, mcnemar
from lenet1998.training.records import RunRecord, write_json

PADDED = "coursework/coursework-padded"
PAIRS = (("original", "original-logistic"), ("original", "modern"))
KINDS = ("published/distortions", "headline/original", "headline/modern")


def by_class(predictions: np.ndarray, truth: np.ndarray) -> list[float]:
    """Accuracy of each digit, in percent."""
    right = predictions == truth
    return [100 * float(right[truth == digit].mean()) for digit in range(paper.CLASSES)]


def answered(results: Path, source: str, truth: np.ndarray) -> list[RunRecord]:
    """Runs of a source, each with an answer to every pattern.

    Raises:
        BadInput: a record that cannot be read, or of a run without those answers.
    """
    runs = runs_in(results, source)
    for run in runs:
        if run.predictions is None or len(run.predictions) != len(truth):
            raise BadInput(f"{source}: the run of seed {run.seed} has not {len(truth):,} answers")
    return runs


def check_complete(results: Path) -> None:
    """Refuse results that lack a run which the answers are of.

    Raises:
        BadInput: with the first run that is not there.
    """
    sources = {PADDED, *KINDS, *(f"headline/{name}" for pair in PAIRS for name in pair)}
    for study in (headline, coursework, published):
        for cell in study.cells(results):
            source = f"{lines_of(results, cell).stem}/{cell.recipe.name}"
            if source in sources and cell.seed not in {
                run.seed for run in runs_in(results, source)
            }:
                raise BadInput(f"{source}, seed {cell.seed}: no run; run {study.__name__}")


def pairs(results: Path, truth: np.ndarray) -> list[dict]:
    """McNemar's test of two variants' nets of the same seed, for every seed that both have.

    Raises:
        BadInput: as :func:`answered`.
    """
    rows = []
    for names in PAIRS:
        first, second = (
            {run.seed: run.predictions for run in answered(results, f"headline/{name}", truth)}
            for name in names
        )
        for seed in sorted(first.keys() & second.keys()):
            only = mcnemar(first[seed], second[seed], truth)
            tested = dict(zip(("only_first", "only_second", "p"), only, strict=True))
            rows.append({"variants": names, "seed": seed, **tested})
    return rows


def alike(results: Path, truth: np.ndarray) -> list[dict]:
    """Overlap of each net's errors with those of the others of its kind, on average.

    Raises:
        BadInput: as :func:`answered`.
    """
    rows = []
    for source in KINDS:
        runs = answered(results, source, truth)
        wrong = [run.predictions != truth for run in runs]
        for place, run in enumerate(runs):
            others = [dice(wrong[place], other) for i, other in enumerate(wrong) if i != place]
            rows.append(
                {
                    "variant": source.partition("/")[2],
                    "seed": run.seed,
                    "dice": float(np.mean(others)),
                }
            )
    return rows


@entry
def main(arguments=None):
    parser = parser_of("experiments.comparison.answers", __doc__)
    flags = parser.parse_args(arguments)
    check_complete(flags.results)
    truth = load("mnist", flags.data).test_labels
    padded = answered(flags.results, PADDED, truth)
    measured = {
        "by_class": [by_class(run.predictions, truth) for run in padded],
        "mcnemar": pairs(flags.results, truth),
        "alike": alike(flags.results, truth),
    }
    write_json(writable(flags.results, "--results") / "answers.json", measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
