"""The readings that the printed words leave, judged by 1998's own figures (docs/protocol.md).

Their runs are records; ``licences.json`` gets what their nets are compared with that of 1998 by. It
needs ``restoration.json``.
"""

import sys
from pathlib import Path

from experiments.readings.licences_tables import MORE_SEEDS, READINGS, SEEDS, taken_and_rival
from experiments.readings.search import compare_nets, measure
from experiments.results import LICENCES, read_json, runs_in
from experiments.study import cell_of, run_study
from lenet1998 import paper
from lenet1998.data import Dataset
from lenet1998.training.study import Cell


def cells(results: Path, letters: list[str], seeds: range) -> list[Cell]:
    """Readings with those seeds, as they are and with inverted pixels."""
    return [
        cell_of(results, "licences", recipe, seed)
        for seed in seeds
        for letter in letters
        for recipe in (
            READINGS[letter],
            READINGS[letter].changed(noise=paper.NOISE_PROBABILITY),
        )
    ]


def main(arguments: list[str] | None = None) -> int:
    """All readings; then more runs, without inverted pixels, of the one taken and its rival."""

    def first(results: Path) -> list[Cell]:
        return cells(results, list(READINGS), SEEDS)

    def each(results: Path, _: Dataset, cell: Cell) -> None:
        measure(results / LICENCES, cell)

    def compare(results: Path, data: Dataset) -> None:
        compare_nets(results / LICENCES, first(results), SEEDS, data)

    def more(results: Path) -> list[Cell]:
        content, records = read_json(results / LICENCES), runs_in(results, "licences")
        two = cells(results, taken_and_rival(content, records), MORE_SEEDS)
        return [cell for cell in two if not cell.recipe.noise]

    return run_study(__doc__, first, arguments, compare, each) or run_study(
        __doc__, more, arguments
    )


if __name__ == "__main__":
    sys.exit(main())
