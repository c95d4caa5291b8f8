"""Launch runs for commands and studies, with progress bars."""

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from lenet1998.cli import jobs_at_once
from lenet1998.data import Dataset
from lenet1998.errors import BadInput
from lenet1998.training import study
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.records import RunRecord
from lenet1998.training.schedule import check_size
from lenet1998.training.study import Bars, Cell, Setting

logger = logging.getLogger(__name__)


def setting_from(flags: argparse.Namespace) -> Setting:
    """Setting for cells, by the flags."""
    return Setting(flags.dataset, flags.data, flags.engine, flags.device)


class ProgressBars(Bars):
    """One bar per run on a terminal (patterns/s and the running error); nothing elsewhere."""

    def __init__(self, patterns: Callable[[Cell], int]):
        self.patterns = patterns
        self.bars: dict[Cell, tqdm] = {}

    def begin(self, cell: Cell):
        per_pass = self.patterns(cell)
        bar = self.bars[cell] = tqdm(
            total=cell.recipe.passes * per_pass,
            desc=f"{cell.recipe.name} seed {cell.seed}",
            unit=" patterns",
            leave=False,
            disable=not sys.stderr.isatty(),
            smoothing=0.05,
        )

        def tell(pass_number: int, done: int, errors: int) -> None:
            percent = f"{100 * errors / done:.2f} % misclassified"
            bar.set_postfix_str(
                f"pass {pass_number}/{cell.recipe.passes}, {percent}", refresh=False
            )
            bar.update((pass_number - 1) * per_pass + done - bar.n)

        return tell

    def end(self, cell: Cell) -> None:
        self.bars.pop(cell).close()


def check_cells(cells: list[Cell], flags: argparse.Namespace, dataset: Dataset) -> None:
    """Refuse runs for which there are too few patterns or too little memory.

    Raises:
        BadInput: with what there is.
    """
    for recipe in dict.fromkeys(cell.recipe for cell in cells):
        check_size(recipe, dataset)
    if flags.scheduler is None and cells:
        jobs = jobs_at_once(flags.jobs, len(cells))
        study.check_memory(jobs, [cell.recipe for cell in cells], dataset)


def train_cells(cells: list[Cell], flags: argparse.Namespace, dataset: Dataset, resume: bool):
    """Run cells as the flags say, with bars; yields each with its record as it finishes."""
    jobs = jobs_at_once(flags.jobs, len(cells))
    everything = len(dataset.train_images)
    bars = ProgressBars(lambda cell: cell.recipe.train_size or everything - cell.recipe.held_out)
    return study.run(cells, setting_from(flags), jobs, bars, flags.scheduler, resume)


def run_all(
    cells: list[Cell], out: Path, flags: argparse.Namespace, dataset: Dataset
) -> dict[Cell, RunRecord]:
    """Run cells as the flags say; with ``--resume``, those that are done already are only read.

    Whether all may be run is asked before the first is.

    Raises:
        BadInput: a folder holds another run, and is not to be overwritten.
        KeyboardInterrupt: that of the user, with how to go on.
    """
    records = {cell: _standing(cell, flags, dataset) for cell in cells}
    to_run = [cell for cell in cells if records[cell] is None]
    for cell, record in records.items():
        if record:
            study.forget_served(cell, record, dataset)
    if flags.overwrite:
        for cell in to_run:
            study.forget_another(cell, dataset)
    if flags.resume and not any((cell.folder / CHECKPOINT).exists() for cell in to_run):
        anew = ", ".join(str(cell.folder) for cell in to_run[:3]) + ", ..." * (len(to_run) > 3)
        if to_run:
            logger.warning("nothing to resume in %s: starting from the first pass", anew)
    try:
        for cell, record in train_cells(to_run, flags, dataset, flags.resume) if to_run else ():
            records[cell] = record
    except KeyboardInterrupt:
        again = f"add --resume --out {out} to the same command to go on"
        raise KeyboardInterrupt(again) from None
    return records


def _standing(cell: Cell, flags: argparse.Namespace, dataset: Dataset) -> RunRecord | None:
    """The record of a cell that need not be run; see :func:`lenet1998.training.study.finished`."""
    try:
        record = study.finished(
            cell, dataset, flags.resume, "go on with --resume", "replace it with --overwrite"
        )
    except BadInput:
        if not flags.overwrite:
            raise
        return None
    return record if flags.resume else None
