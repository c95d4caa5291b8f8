"""A study's command line: what is not done yet is run, and each run becomes a line.

The lines are ``STUDY.jsonl`` in the results (:mod:`lenet1998.training.lines`). While it is trained,
and for who measures nets, a run has a scratch folder as ``reproduce --out`` writes one, with its
weights; no checkout has those.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from experiments.results import parser_of
from lenet1998.cli import entry, writable
from lenet1998.data import Dataset
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe
from lenet1998.training import lines, study
from lenet1998.training.flags import add_where
from lenet1998.training.launch import check_cells, train_cells
from lenet1998.training.locks import claimed
from lenet1998.training.records import WEIGHTS, RunRecord
from lenet1998.training.study import Cell

SCRATCH = ".scratch"
"""The folder of scratch folders in the results, which git ignores."""


def cell_of(results: Path, of: str, recipe: Recipe, seed: int) -> Cell:
    """Run of a study, with its scratch folder.

    Args:
        results: the folder of all results.
        of: the study.
        recipe: the run's.
        seed: the run's.
    """
    return Cell(recipe, seed, results / SCRATCH / of / recipe.name / f"seed-{seed}")


def lines_of(results: Path, cell: Cell) -> Path:
    """File that gets a cell's line."""
    return results / f"{cell.folder.parents[1].name}{lines.SUFFIX}"


def standing(results: Path, cells: Sequence[Cell], dataset: Dataset) -> dict[Cell, RunRecord]:
    """Runs of cells that are done: those with a line, and those whose scratch has one yet to come.

    Raises:
        BadInput: a file of lines or a scratch folder that cannot be read, or holds another run.
    """
    found = {}
    for file in sorted({lines_of(results, cell) for cell in cells}):
        runs = {(run.recipe["name"], run.seed): run for run in lines.read_whole(file)}
        for cell in cells:
            run = runs.get((cell.recipe.name, cell.seed))
            if run and lines_of(results, cell) == file:
                if not study.is_of(cell, vars(run), dataset):
                    raise BadInput(f"{file}: holds another run ({study.in_words(vars(run))})")
                found[cell] = run
    for cell in cells:
        record = study.finished(cell, dataset)
        if record and cell not in found:
            found[cell] = add_line(results, cell, record)
    return found


def add_line(results: Path, cell: Cell, record: RunRecord) -> RunRecord:
    """Write a run's line, and return the run."""
    lines.append(lines_of(results, cell), record)
    return record


def without_weights(cells: Iterable[Cell]) -> list[Cell]:
    """Cells whose nets are not at hand."""
    return [cell for cell in cells if not (cell.folder / WEIGHTS).is_file()]


def recorded(
    results: Path, runs: Iterable[tuple[Cell, RunRecord]], done: dict[Cell, RunRecord]
) -> Iterator[tuple[Cell, RunRecord]]:
    """Write the line of each run as it finishes, but of one that has it and was trained again."""
    for cell, record in runs:
        if cell not in done:
            add_line(results, cell, record)
        print(f"{cell.folder.relative_to(results / SCRATCH)}: {_outcome(record)}", flush=True)
        yield cell, record


def run_study(
    description: str,
    cells_in: Callable[[Path], list[Cell]],
    arguments: list[str] | None = None,
    afterwards: Callable[[Path, Dataset], None] | None = None,
    each: Callable[[Path, Dataset, Cell], None] | None = None,
) -> int:
    """Run on MNIST what of a study is not done yet, by its command line.

    Args:
        description: for ``--help``.
        cells_in: the study's cells, given the folder of results.
        arguments: the command line; default: the process's.
        afterwards: what is left when all cells are done, given the folder and MNIST.
        each: what is left when a cell has just been run, given the folder, MNIST and the cell.
    """
    parser = parser_of(Path(sys.argv[0]).name, description)
    add_where(parser.add_argument)
    parser.set_defaults(dataset="mnist")

    @entry
    def main(_):
        flags = parser.parse_args(arguments)
        dataset = study.load_once("mnist", flags.data)
        cells = cells_in(writable(flags.results, "--results"))
        done = standing(flags.results, cells, dataset)
        to_run = [cell for cell in cells if cell not in done]
        print(f"{len(cells) - len(to_run)} of {len(cells)} cells are done", file=sys.stderr)
        check_cells(to_run, flags, dataset)
        with claimed(flags.results, [cell.folder for cell in to_run], "--results"):
            for cell, record in done.items():
                study.forget_served(cell, record, dataset)
            runs = train_cells(to_run, flags, dataset, True) if to_run else ()
            try:
                for cell, _ in recorded(flags.results, runs, done):
                    if each:
                        each(flags.results, dataset, cell)
            except KeyboardInterrupt:
                raise KeyboardInterrupt("run the same command again to go on") from None
            if afterwards:
                afterwards(flags.results, dataset)
        return 0

    return main(arguments)


def _outcome(record: RunRecord) -> str:
    """Outcome of a run, in a few words."""
    result = record.status if record.diverged else f"{record.last['test_error_percent']:.2f} %"
    return f"{result}, {record.seconds:.0f} s"
