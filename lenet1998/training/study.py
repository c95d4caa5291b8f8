"""Many runs: a study is a list of (recipe, seed) cells, each of which becomes one run record.

Whatever runs the cells is a :class:`concurrent.futures.Executor`: threads here (the compiled
engine's loops release the interpreter's lock), or a Dask cluster's. Cells that are done are not run
again, so a study that was interrupted goes on where it was.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from lenet1998.data import Dataset, load
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe, recorded
from lenet1998.training import checkpoints, environment
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.cluster import cluster
from lenet1998.training.records import (
    PREDICTIONS,
    WEIGHTS,
    CorruptRecord,
    RunRecord,
    has_record,
    read_record,
    write_record,
)
from lenet1998.training.run import Interrupted, Progress, fit_together

logger = logging.getLogger(__name__)

RUN_BYTES = 150 * 2**20
"""Memory of one more run, beside the patterns that all runs share."""
STORED, PREPARED = 784, 4096
"""Bytes of a pattern; what is asked of all runs is prepared once, what is learnt block by block."""
POOL_BYTES = 600_000 * 5 * 8 * 2
"""A run's own maps of the distorted patterns, while they are drawn."""


@dataclass(frozen=True)
class Cell:
    """One run of a study and the folder its record goes to."""

    recipe: Recipe
    seed: int
    folder: Path


@dataclass(frozen=True)
class Setting:
    """Engine, device and data of a study: plain values, which can be sent to another machine."""

    dataset: str = "auto"
    directory: Path | None = None
    engine: str = "auto"
    device: str = "auto"


@lru_cache(maxsize=1)
def load_once(dataset: str, directory: Path | None) -> Dataset:
    """The data set, read once per process and shared by its runs."""
    return load(dataset, directory)


def run_together(
    recipe: Recipe,
    seeds: Sequence[int],
    setting: Setting,
    folders: Sequence[Path] | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> list[RunRecord]:
    """Train some cells of one recipe in step; what an executor is given."""
    return fit_together(
        recipe,
        seeds,
        load_once(setting.dataset, setting.directory),
        engine=setting.engine,
        device=setting.device,
        folders=folders,
        resume=resume,
        progress=progress,
    )


def is_of(cell: Cell, run: Mapping, dataset: Dataset) -> bool:
    """Compare a run that left its recipe, seed and data set in a cell's folder with the cell."""
    theirs = recorded(run["recipe"], cell.folder), run["seed"], run["dataset"]["checksum"]
    return theirs == (cell.recipe, cell.seed, dataset.checksum)


def in_words(run: Mapping) -> str:
    return f"{run['recipe']['name']}, seed {run['seed']}, on {run['dataset']['name']}"


def finished(
    cell: Cell,
    dataset: Dataset,
    resume: bool = True,
    resumed_by: str = "resume it",
    replaced_by: str = "remove it",
) -> RunRecord | None:
    """The record of a cell that is done; None for one to be run, whose folder is free for it.

    A run is done where its record stands. Where it does not, the run's own checkpoint goes before
    whatever another run left.

    Args:
        cell: the run, and the folder it is to go to.
        dataset: what it learns.
        resume: go on with a run that was interrupted, and take a damaged record, which is named,
            for none.
        resumed_by, replaced_by: how a user would go on with an unfinished run, and have a folder
            that is not free given to the cell.

    Raises:
        BadInput: the folder holds another run, or without ``resume`` this one, unfinished.
    """
    folder, checkpoint = cell.folder, cell.folder / CHECKPOINT
    record = damaged = None
    if has_record(folder):
        try:
            record = read_record(folder)
        except CorruptRecord as error:
            damaged = error
    if record and is_of(cell, vars(record), dataset):
        return record
    if checkpoint.exists():
        try:
            run = checkpoints.run_of(checkpoint)
        except BadInput as error:
            raise BadInput(f"{error.message}; {replaced_by}") from None
        if not is_of(cell, run, dataset):
            raise BadInput(
                f"{checkpoint}: of another run ({in_words(run)}); give another folder, or"
                f" {replaced_by}"
            )
        if not resume:
            raise BadInput(f"{folder}: holds this run, unfinished; {resumed_by}, or {replaced_by}")
        return None
    if record:
        raise BadInput(
            f"{folder}: holds another run ({in_words(vars(record))}); give another folder, or"
            f" {replaced_by}"
        )
    if damaged and not resume:
        raise BadInput(f"{damaged.message}; give another folder, or {replaced_by}")
    if damaged:
        logger.warning("%s: running it again", damaged)
        return None
    for name in (PREDICTIONS, WEIGHTS):
        if os.path.lexists(folder / name):
            told = f"{folder / name}: of a run without a record"
            raise BadInput(f"{told}; give another folder, or {replaced_by}")
    return None


def forget_served(cell: Cell, record: RunRecord, dataset: Dataset) -> None:
    """Remove the checkpoint of a run that is done, which died before it could do so itself."""
    checkpoint = cell.folder / CHECKPOINT
    if not record.diverged and checkpoint.exists():
        with suppress(BadInput):  # unreadable, so who knows whose
            if is_of(cell, checkpoints.run_of(checkpoint), dataset):
                checkpoint.unlink()


def forget_another(cell: Cell, dataset: Dataset) -> None:
    """Remove a checkpoint that is not the cell's, so that the cell can be resumed from its own."""
    checkpoint = cell.folder / CHECKPOINT
    if checkpoint.exists():
        with suppress(BadInput):  # unreadable, so nobody's
            if is_of(cell, checkpoints.run_of(checkpoint), dataset):
                return
        checkpoint.unlink()


def check_memory(jobs: int, recipes: list[Recipe], dataset: Dataset) -> None:
    """Refuse more runs at once than memory holds.

    Raises:
        BadInput: with the largest number that would do.
    """
    available = environment.available_memory()
    if available is None:
        return
    train, test = len(dataset.train_images), len(dataset.test_images)
    shared = STORED * train + (STORED + PREPARED) * test
    own = RUN_BYTES + POOL_BYTES * any(recipe.distortions for recipe in recipes)
    if shared + jobs * own > available:
        raise BadInput(
            f"{jobs}: would take {(shared + jobs * own) / 2**30:.1f} GB of memory where"
            f" {available / 2**30:.1f} GB are free; at most {max(1, (available - shared) // own)}",
            "jobs",
        )


class Bars:
    """Progress of runs that go on at once; the place to hook in progress bars.

    ``begin(cell)`` gives the callback that a run is to tell its blocks to, ``end(cell)`` follows.
    """

    def begin(self, cell: Cell) -> Progress | None:
        return None

    def end(self, cell: Cell) -> None:
        return None


def run(
    cells: list[Cell],
    setting: Setting,
    jobs: int = 1,
    bars: Bars | None = None,
    scheduler: str | None = None,
    resume: bool = False,
) -> Iterator[tuple[Cell, RunRecord]]:
    """Run cells here in threads, or on a Dask cluster.

    Args:
        cells: to run, whatever stands in their folders.
        setting: where the data is, and on what runs go.
        jobs: threads; but with engine ``cuda`` all seeds of a recipe at once, recipe after recipe.
        bars: progress; default: none.
        scheduler: the address of a Dask cluster to run on instead.
        resume: go on from the checkpoints in the cells' folders; a cluster cannot.

    Yields:
        Each cell with its record, already written, in the order they finish.
    """
    bars = bars or Bars()
    if scheduler is not None:
        return run_on_cluster(cells, setting, scheduler, resume)
    return run_here(cells, setting, jobs, bars, resume)


def run_here(
    cells: list[Cell], setting: Setting, jobs: int, bars: Bars, resume: bool = False
) -> Iterator[tuple[Cell, RunRecord]]:
    """Run cells in threads of this process, with checkpoints in their folders; yields as run."""
    stop = threading.Event()

    def train(*alike: Cell) -> list[RunRecord]:
        tell = bars.begin(alike[0])  # one bar for all: they learn in step

        def progress(*done):
            if stop.is_set():
                raise Interrupted
            if tell:
                tell(*done)

        seeds, folders = [cell.seed for cell in alike], [cell.folder for cell in alike]
        try:
            return run_together(alike[0].recipe, seeds, setting, folders, resume, progress)
        finally:
            bars.end(alike[0])

    on_gpu = setting.engine == "cuda"
    groups: dict[object, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.recipe if on_gpu else cell, []).append(cell)
    calls = {tuple(alike): (train, *alike) for alike in groups.values()}
    with ThreadPoolExecutor(1 if on_gpu else jobs, thread_name_prefix="run") as executor:
        try:
            yield from _collect(executor, calls)
        except BaseException:
            stop.set()
            executor.shutdown(wait=True, cancel_futures=True)
            raise


def run_on_cluster(
    cells: list[Cell], setting: Setting, address: str, resume: bool = False
) -> Iterator[tuple[Cell, RunRecord]]:
    """Run cells on a Dask cluster, which runs those of a lost worker again; yields as run.

    Data is read where the cells run: from the setting's directory there, made absolute here, else
    the workers' own ``$LENET1998_DATA``.

    Raises:
        BadInput: Dask is not installed, no scheduler answers at the address or it is lost, the
            workers cannot run the cells, or a cell to resume has a checkpoint, which is here and
            not there. Records that were yielded stand.
    """
    begun = [cell.folder / CHECKPOINT for cell in cells if (cell.folder / CHECKPOINT).exists()]
    if resume and begun:
        raise BadInput(
            f"{address}: a cluster cannot go on from {begun[0]}; finish that run without one, or"
            " remove the file to train it anew",
            "scheduler",
        )
    if setting.dataset == "auto":
        # A worker without MNIST is to say so, not to train on the digits unasked.
        setting = replace(setting, dataset=load_once(setting.dataset, setting.directory).name)
    if setting.directory is not None:
        # A worker was started in some other folder, and may have another home.
        directory = Path(os.path.abspath(os.path.expanduser(setting.directory)))
        setting = replace(setting, directory=directory)
    with cluster(address) as executor:
        calls = {(cell,): (run_together, cell.recipe, [cell.seed], setting) for cell in cells}
        yield from _collect(executor, calls)


def _collect(
    executor: Executor, calls: dict[tuple[Cell, ...], tuple[Callable, ...]]
) -> Iterator[tuple[Cell, RunRecord]]:
    """Submit all cells; each record is written as it comes in, here and nowhere else."""
    futures = {executor.submit(*call): cells for cells, call in calls.items()}
    for future in as_completed(futures):
        for cell, record in zip(futures[future], future.result(), strict=True):
            yield _keep(cell, record)


def _keep(cell: Cell, record: RunRecord) -> tuple[Cell, RunRecord]:
    """Write a cell's record; the checkpoint of a finished run has served its turn."""
    write_record(cell.folder, record)
    if not record.diverged:
        (cell.folder / CHECKPOINT).unlink(missing_ok=True)
    return cell, record
