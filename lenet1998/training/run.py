"""One run: a recipe, a seed and a data set become a run record."""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from lenet1998 import engines, paper
from lenet1998.counts import count
from lenet1998.data import Dataset, load, prepare
from lenet1998.data.streams import plain_seed
from lenet1998.engines import Engine
from lenet1998.engines.evaluation import predict
from lenet1998.engines.exactly import one_thread, plain_modes
from lenet1998.engines.protocol import Curvature
from lenet1998.errors import BadInput
from lenet1998.models import build_model, pooled_curvature, sgd_rates
from lenet1998.recipes import SWITCHES, Recipe, recipe_named
from lenet1998.training import checkpoints, environment
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.records import RunRecord
from lenet1998.training.schedule import Schedule

__all__ = ["Callback", "Interrupted", "Progress", "fit", "fit_together"]

BLOCK = 1000
"""Patterns handed to an engine at once: how often progress is told and an interrupt is seen."""

Progress = Callable[[int, int, float], object]
"""Called after each block: (pass, patterns done in it, of them misclassified on the fly).

Where runs are trained together, the mean of those that have not diverged.
"""

Callback = Callable[[RunRecord], object]
"""Called after each pass with the record as it stands."""


class Interrupted(Exception):  # noqa: N818
    """Raised by a progress callback to stop a run between two blocks."""


def _expect(argument: str, value: object, *kinds: type) -> None:
    """Refuse an argument that is of none of these types."""
    if not isinstance(value, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{argument} must be a {wanted}, got {type(value).__name__}")


def _recipe(recipe: Recipe | str, switches: dict[str, Any]) -> Recipe:
    """A recipe by its variant's name or as it is, with switches changed."""
    _expect("recipe", recipe, Recipe, str)
    if unknown := sorted(switches.keys() - SWITCHES.keys()):
        raise TypeError(
            f"{', '.join(unknown)}: neither an argument of fit nor a switch of a recipe, which are"
            f" {', '.join(SWITCHES)}"
        )
    named = recipe_named(recipe) if isinstance(recipe, str) else recipe
    return named.changed(**switches) if switches else named


def _dataset(data: Dataset | Sequence[ArrayLike] | None) -> Dataset:
    """The patterns of a run, whatever form they were given in."""
    if data is None:
        return load()
    if isinstance(data, (tuple, list)) and len(data) == 4:
        return Dataset("own", *data)
    if not isinstance(data, Dataset):
        raise TypeError(
            "data must be a Dataset or four arrays, training images and labels and test images and"
            f" labels, got {type(data).__name__}"
        )
    return data


def _stops(callback: Callable, *news) -> bool:
    """Call a callback; whether it wants the run stopped."""
    try:
        return bool(callback(*news))
    except StopIteration:
        return True


def _path(folder: str | os.PathLike | None) -> Path | None:
    """Path of a run's checkpoint; an empty name would be the folder one happens to be in."""
    if folder is None:
        return None
    _expect("folder", folder, str, os.PathLike)
    if not os.fspath(folder):
        raise ValueError("folder must not be an empty string; None keeps no checkpoint")
    return Path(folder)


def resolve_device(name: str) -> torch.device:
    """The torch device of ``auto``, ``cpu`` or ``cuda[:i]``.

    Raises:
        BadInput: no such device here.
    """
    if name in ("auto", "cpu"):
        return torch.device("cpu")
    kind, _, index = name.partition(":")
    if kind != "cuda" or (index and not index.isdigit()):
        raise BadInput(f"{name}: must be auto, cpu, cuda or cuda:NUMBER", "device")
    if not torch.cuda.is_available():
        raise BadInput(f"{name}: no CUDA device here; use cpu", "device")
    if index and int(index) >= torch.cuda.device_count():
        raise BadInput(f"{name}: there are only {torch.cuda.device_count()} CUDA devices", "device")
    return torch.device(name)


class Run:
    """One run in the making: its network, its schedule, and the record that grows pass by pass.

    Where a loss, a curvature or a weight is no longer a number, the record's status becomes
    "diverged" and the run is no longer measured.
    """

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        data: Dataset,
        engine: str,
        device: torch.device,
        folder: Path | None = None,
    ):
        self.recipe = recipe
        self.device = device
        self.checkpoint = folder / CHECKPOINT if folder else None
        self.kept: checkpoints.EngineState | None = None
        self.schedule = Schedule(recipe, seed, data)
        self.classes = max(paper.CLASSES, data.classes)
        self.model = build_model(recipe, seed, self.classes).to(device)
        self.truth = self.schedule.test_labels
        self.rates = (math.nan, math.nan)
        self.seconds = 0.0  # of the pass's curvature
        self.record = RunRecord(
            recipe=recipe.as_dict(),
            seed=seed,
            dataset={
                "name": data.name,
                "checksum": data.checksum,
                "train_patterns": self.schedule.per_pass,
                "test_patterns": len(self.truth),
                **({"classes": self.classes} if self.classes > paper.CLASSES else {}),
            },
            layers=[asdict(layer) for layer in count(self.model).layers],
            environment=environment.describe(engine, device),
        )

    def keep_finite(self, *numbers: float | np.ndarray) -> None:
        """The run has diverged unless all of these are numbers."""
        if not all(np.isfinite(number).all() for number in numbers):
            self.record.status = "diverged"

    def resume(self) -> None:
        """Go back to the checkpoint, if there is one; what it kept of the engine is in ``kept``."""
        if self.checkpoint and self.checkpoint.exists():
            self.kept = checkpoints.restore(self.checkpoint, self.record, self.model)

    def begin_pass(self, pass_number: int, engine: Engine) -> dict[str, Tensor] | None:
        """The curvature that a pass starts with, if the recipe is SDLM's."""
        begun = time.perf_counter()
        eta = self.recipe.learning_rate(pass_number)
        if self.recipe.optimizer != "sdlm":
            fixed = sgd_rates(self.recipe, eta, self.model).values()
            self.rates = (min(fixed), max(fixed))
            return None
        curvature = pooled_curvature(self.recipe, self._curvature(pass_number, engine))
        parameters = dict(self.model.named_parameters())
        learning = {name: h for name, h in curvature.items() if parameters[name].requires_grad}
        # Of all at once: Python's max passes over a NaN, or keeps it, by where it stands.
        self.keep_finite(torch.cat([h.flatten() for h in learning.values()]).max().item())
        rates = self.recipe.sdlm_rates(eta, {name: h.double() for name, h in learning.items()})
        smallest, largest = torch.cat([rate.flatten() for rate in rates.values()]).aminmax()
        self.rates = (smallest.item(), largest.item())
        self.seconds = time.perf_counter() - begun
        return curvature

    def _curvature(self, pass_number: int, engine: Engine) -> Curvature:
        """The curvature of the net before a pass, or of the net that the run began with."""
        model = self.model
        if self.recipe.curvature_passes == "first" and pass_number > 1:
            # Computed again rather than kept, so that a run goes on as it would have.
            pass_number = 1
            model = build_model(self.recipe, self.record.seed, self.classes).to(self.device)
        chosen = self.schedule.curvature_indices(pass_number)
        images, labels = self.schedule.take(chosen, pass_number, curvature=True)
        return engine.curvature(model, images.to(self.device), labels.to(self.device))

    def end_pass(self, pass_number: int, loss: float, errors: int, seconds: float) -> None:
        """Measure the network and enter the pass into the record, unless the run has diverged.

        Args:
            pass_number: counted from 1.
            loss: the sum over the pass.
            errors: patterns misclassified on the fly.
            seconds: of the training, without the curvature.
        """
        weights = checkpoints.weights_of(self.model)
        self.keep_finite(loss, *weights.values())
        if self.record.diverged:
            return
        predictions = predict(self.model, self.schedule.test_images)
        wrong = int((predictions != self.truth).sum())
        self.record.predictions, self.record.weights = predictions, weights
        self.record.per_pass.append(
            {
                "pass": pass_number,
                "loss": loss / self.schedule.per_pass,
                "train_error_percent": 100 * errors / self.schedule.per_pass,
                "test_error_percent": 100 * wrong / len(self.truth),
                "test_errors": wrong,
                "rate_min": self.rates[0],
                "rate_max": self.rates[1],
                "seconds": round(self.seconds + seconds, 3),
            }
        )


def fit(
    recipe: Recipe | str = "original",
    seed: int = 0,
    data: Dataset | Sequence[ArrayLike] | None = None,
    *,
    engine: str = "auto",
    device: str | torch.device = "auto",
    folder: str | os.PathLike | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    callback: Callback | None = None,
    **switches: Any,
) -> RunRecord:
    """Train a network as a recipe says and measure it after each pass, with one torch thread.

    What is learnt does not depend on the caller's threads, grad mode, default dtype or device.

    Example::

        >>> record = lenet1998.fit("original", passes=3, data=load("digits"))
        >>> record.recipe["name"], record.last["test_errors"]
        ('original,passes=3', 22)
        >>> model = record.build_model()

    Args:
        recipe: what to train, and how: a recipe, or the name of a variant.
        seed: of the run's generators for the initial weights, the order, and the draws, from 0 to
            2^32 - 1.
        data: the patterns: a :class:`~lenet1998.data.patterns.Dataset`, or its four arrays:
            training images and labels, test images and labels. Default: MNIST, or the embedded
            digits where it cannot be had. More than ten classes need a recipe with
            ``codes="random"``, say.
        engine: ``auto`` (the fastest one here that knows the recipe), ``eager``, ``compiled`` or
            ``cuda``.
        device: ``auto``, ``cpu`` or ``cuda[:i]``.
        folder: where a checkpoint is kept after each pass; none without it.
        resume: go on from that checkpoint, if there is one.
        progress: called after each block of patterns with the pass, the patterns done in it and
            how many of them were misclassified. To stop the run it returns something true or raises
            StopIteration; a pass that is not done does not count. What else it raises is passed on.
        callback: called after each pass with the record so far; stops the run in the same ways.
        switches: of the recipe, to be changed: ``passes=3, pooling="max"``.

    Returns:
        The run record, weights included. A run whose loss stops being finite comes back with
        ``status`` "diverged", as it stood after the last good pass; one that was stopped, as it
        stood after its last pass.

    Raises:
        BadInput: an engine or device that is not here, a value that a switch does not have, or a
            checkpoint of another run.
        TypeError, ValueError: an argument of another type, data that the network cannot learn, or
            a seed out of range; it is named.
    """
    (record,) = fit_together(
        _recipe(recipe, switches),
        [seed],
        data,
        engine=engine,
        device=device,
        folders=[folder],
        resume=resume,
        progress=progress,
        callback=callback,
    )
    return record


@one_thread()
@plain_modes()
def fit_together(
    recipe: Recipe,
    seeds: Sequence[int],
    data: Dataset | Sequence[ArrayLike] | None,
    *,
    engine: str = "cuda",
    device: str | torch.device = "auto",
    folders: Sequence[str | os.PathLike | None] | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> list[RunRecord]:
    """Train independent runs of a recipe in step, each as :func:`fit` would train it.

    Args:
        recipe, data, device, resume, progress: as for :func:`fit`.
        callback: as for :func:`fit`, called with the record of each run; any stops all.
        seeds: one per run.
        engine: as for :func:`fit`, but only ``cuda`` trains more than one run.
        folders: one per run, as for :func:`fit`.

    Returns:
        One record per seed, as :func:`fit` would return; ``seconds`` are of its own
        curvature and the training of all runs.

    Raises:
        BadInput, TypeError, ValueError: as :func:`fit`.
    """
    _expect("recipe", recipe, Recipe)
    seeds = [plain_seed(seed) for seed in seeds]
    paths = [_path(folder) for folder in folders or [None] * len(seeds)]
    data = _dataset(data)
    for name, called in (("progress", progress), ("callback", callback)):
        if called is not None:
            _expect(name, called, Callable)
    engines.check(engine, recipe)
    if engine == "cuda" and data.classes > paper.CLASSES:
        raise BadInput(f"cuda: has {paper.CLASSES} classes, not {data.classes}; use auto", "engine")
    target = resolve_device("cuda" if engine == "cuda" and device == "auto" else str(device))
    runs = [
        Run(recipe, seed, data, engine, target, folder)
        for seed, folder in zip(seeds, paths, strict=True)
    ]
    in_step: dict[int, list[Run]] = {}  # an interruption may have left some a pass behind
    for run in runs:
        if resume:
            run.resume()
        in_step.setdefault(len(run.record.per_pass), []).append(run)
    for some in in_step.values():
        created = engines.create(engine, recipe, [run.model for run in some])
        train(created, some, progress, callback)
    return [run.record for run in runs]


def train(
    engine: Engine,
    runs: list[Run],
    progress: Progress | None,
    callback: Callback | None = None,
) -> None:
    """Train runs that have as many passes behind them to the end, or until all have diverged.

    Either callback may end them earlier.

    Runs that diverged earlier are carried along.
    """
    for run in runs:
        run.record.environment["engine"] = engine.name
        run.record.environment["arithmetic"] = engine.arithmetic
    if runs[0].kept:
        kept = [run.kept.of(engine) for run in runs]
        try:
            engine.load_state_dicts(kept)
        except BadInput as error:
            raise BadInput(f"{', '.join(str(run.kept.file) for run in runs)}: {error}") from None
    recipe = runs[0].recipe
    for pass_number in range(len(runs[0].record.per_pass) + 1, recipe.passes + 1):
        curvatures = [run.begin_pass(pass_number, engine) for run in runs]
        if all(run.record.diverged for run in runs):
            return
        begun = time.perf_counter()
        engine.begin_pass(recipe.learning_rate(pass_number), curvatures)
        losses, errors, done, stopped = _train_pass(engine, runs, pass_number, progress)
        if stopped and done < runs[0].schedule.per_pass:
            return
        engine.end_pass()
        seconds = time.perf_counter() - begun
        states = engine.state_dicts()
        for run, loss, wrong, state in zip(runs, losses, errors, states, strict=True):
            run.end_pass(pass_number, float(loss), int(wrong), seconds)
            if run.checkpoint and not run.record.diverged:
                checkpoints.save(run.checkpoint, run.record, run.model, engine, state)
            if callback and not run.record.diverged:
                stopped |= _stops(callback, run.record)
        if stopped:
            return


def _train_pass(
    engine: Engine, runs: list[Run], pass_number: int, progress: Progress | None
) -> tuple[np.ndarray, np.ndarray, int, bool]:
    """Hand an engine a pass block by block.

    Returns:
        Each run's sum of losses, (R,), and number misclassified, (R,); how many patterns were
        learnt, and whether the run is to be stopped.
    """
    losses, errors, done = np.zeros(len(runs)), np.zeros(len(runs), np.int64), 0
    for patterns, *block in _blocks(runs, pass_number):
        block_losses, block_errors = engine.train(*block)
        losses, errors, done = losses + block_losses, errors + block_errors, done + patterns
        for run, loss in zip(runs, losses, strict=True):
            run.keep_finite(loss)
        sound = [not run.record.diverged for run in runs]
        if not any(sound):
            break
        if progress and _stops(progress, pass_number, done, errors[sound].mean()):
            return losses, errors, done, True
    return losses, errors, done, False


def _blocks(
    runs: list[Run], pass_number: int
) -> Iterator[tuple[int, Tensor, Tensor, np.ndarray | None]]:
    """A pass as engines learn it: how many patterns of each run, from what pool, in what order."""
    recipe, device = runs[0].recipe, runs[0].device
    size = math.ceil(BLOCK / recipe.batch_size) * recipe.batch_size
    order = np.stack([run.schedule.indices(pass_number) for run in runs])
    firsts = range(0, order.shape[1], size)
    if len(runs) == 1:
        for first in firsts:
            part = order[0, first : first + size]
            images, labels = runs[0].schedule.take(part, pass_number, first)
            yield len(part), images.to(device), labels.to(device), None
        return
    # All learn what is stored, each in an order of its own.
    data = runs[0].schedule.dataset
    images = prepare(data.train_images, recipe.input_size, recipe.scaling).to(device)
    labels = torch.from_numpy(data.train_labels).to(device)
    for first in firsts:
        part = order[:, first : first + size]
        yield part.shape[1], images, labels, part
