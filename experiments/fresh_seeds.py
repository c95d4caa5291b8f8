"""A second look at what each component of ``original`` is worth, with seeds of its own.

docs/protocol.md, "Fresh seeds". Writes ``fresh_seeds.json``: the errors of every run, pass by pass.
"""

import sys
from pathlib import Path

from lenet1998.ablations import ORIGINAL, chosen
from lenet1998.recipes import Recipe
from lenet1998.records import has_record, in_brief, read_record, write_json
from lenet1998.report.sources import FRESH_SEEDS, read_json
from lenet1998.training.launch import run_study
from lenet1998.training.study import Cell

SEEDS = range(40, 50)


def recipes() -> list[Recipe]:
    """``original`` and everything that is one change out of it."""
    return list(dict.fromkeys([ORIGINAL, *(change.recipe for change in chosen(None, "out"))]))


def kept(results: Path) -> list[dict]:
    """The runs that were gathered before."""
    return read_json(results / FRESH_SEEDS)["runs"] if (results / FRESH_SEEDS).exists() else []


def cells(results: Path) -> list[Cell]:
    """What has still to be run or gathered, seed by seed."""
    done = {(run["recipe"], run["seed"]) for run in kept(results)}
    return [
        Cell(recipe, seed, results / "fresh_seeds" / recipe.name / f"seed-{seed}")
        for seed in SEEDS
        for recipe in recipes()
        if (recipe.name, seed) not in done
    ]


def gather(results: Path, *_) -> None:
    """Enter what has been run since."""
    runs = [cell.folder for cell in cells(results) if has_record(cell.folder)]
    found = [*kept(results), *(in_brief(read_record(folder)) for folder in runs)]
    write_json(results / FRESH_SEEDS, {"runs": found})


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells, afterwards=gather, each=gather))
