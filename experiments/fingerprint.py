"""Whose mistakes Fig. 8 shows: the overlap of error sets (docs/protocol.md, "The fingerprint").

Writes ``fingerprint.json``: how far each net's errors are Fig. 8's, and those of its own kind.
"""

import sys
from pathlib import Path

import numpy as np

from lenet1998 import paper
from lenet1998.data import Dataset
from lenet1998.recipes import recipe_named
from lenet1998.records import read_record, write_json
from lenet1998.report.sources import FINGERPRINT
from lenet1998.training.launch import run_study
from lenet1998.training.study import Cell

KINDS = ("distortions", "original", "modern", "modern-tuned")
SEEDS = range(700, 710)


def cells(results: Path) -> list[Cell]:
    return [
        Cell(recipe_named(kind), seed, results / "fingerprint" / kind / f"seed-{seed}")
        for seed in SEEDS
        for kind in KINDS
    ]


def dice(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Twice what two sets of patterns share, over what they have together; both as masks."""
    return float(2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()))


def compare(results: Path, data: Dataset) -> None:
    """Enter how the nets' error sets overlap."""
    theirs = np.zeros(len(data.test_labels), bool)
    theirs[paper.fig8_errors().index] = True
    wrong = {
        (cell.recipe.name, cell.seed): read_record(cell.folder).predictions != data.test_labels
        for cell in cells(results)
    }
    nets = [
        {
            "recipe": name,
            "seed": seed,
            "errors": int(errors.sum()),
            "with_1998": dice(errors, theirs),
            "with_its_kind": float(
                np.mean(
                    [
                        dice(errors, others)
                        for (kind, other), others in wrong.items()
                        if kind == name and other != seed
                    ]
                )
            ),
        }
        for (name, seed), errors in wrong.items()
    ]
    write_json(results / FINGERPRINT, {"nets": nets})


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells, afterwards=compare))
