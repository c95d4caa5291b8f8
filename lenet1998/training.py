"""One run: a recipe, a seed and a data set become a run record."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lenet1998 import checkpoints, engines, environment
from lenet1998.checkpoints import CHECKPOINT
from lenet1998.counts import count
from lenet1998.curvature import diagonal_curvature
from lenet1998.data import Dataset, load
from lenet1998.engines import cuda
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.recipes import Recipe
from lenet1998.records import RunRecord
from lenet1998.schedule import Schedule

BLOCK = 1000
"""Patterns handed to an engine at once: how often progress is told and an interrupt is seen."""

Progress = Callable[[int, int, int], None]
"""Told after each block: (pass, patterns done in it, of them misread on the fly)."""


class Interrupted(Exception):  # noqa: N818
    """Raised by a progress callback to stop a run between two blocks."""


class Diverged(ArithmeticError):  # noqa: N818
    """A loss, a curvature or a weight is no longer a number."""


def resolve_device(name: str) -> torch.device:
    """The torch device of ``auto``, ``cpu`` or ``cuda[:i]``.

    Raises:
        BadInput: no such device here.
    """
    if name in ("auto", "cpu"):
        return torch.device("cpu")
    kind, _, index = name.partition(":")
    if kind != "cuda" or (index and not index.isdigit()):
        raise BadInput(f"--device {name}: must be auto, cpu, cuda or cuda:NUMBER")
    if not torch.cuda.is_available():
        raise BadInput(f"--device {name}: no CUDA device here; use --device cpu")
    if index and int(index) >= torch.cuda.device_count():
        raise BadInput(f"--device {name}: there are only {torch.cuda.device_count()} CUDA devices")
    return torch.device(name)


class Run:
    """One run in the making: its network, its schedule, and the record that grows pass by pass."""

    def __init__(self, recipe: Recipe, seed: int, data: Dataset, engine: str, device: torch.device):
        self.recipe = recipe
        self.device = device
        self.schedule = Schedule(recipe, seed, data)
        self.model = recipe.build_model(seed).to(device)
        self.truth = self.schedule.patterns.test_labels.numpy()
        self.rates = (math.nan, math.nan)
        self.begun = 0.0
        self.record = RunRecord(
            recipe=recipe.as_dict(),
            seed=seed,
            dataset={
                "name": data.name,
                "checksum": data.checksum,
                "train_patterns": self.schedule.per_pass,
                "test_patterns": len(self.truth),
            },
            layers=[asdict(layer) for layer in count(self.model).layers],
            environment=environment.describe(engine, device),
        )

    def begin_pass(self, pass_number: int) -> tuple[float, dict[str, Tensor] | None]:
        """eta and, for SDLM, the curvature that a pass starts with.

        Raises:
            Diverged: the curvature is not finite.
        """
        self.begun = time.perf_counter()
        eta = self.recipe.learning_rate(pass_number)
        self.rates = (eta, eta)
        if self.recipe.optimizer != "sdlm":
            return eta, None
        chosen = self.schedule.curvature_indices(pass_number)
        images, labels = self.schedule.take(chosen, pass_number, purpose="curvature noise")
        curvature = diagonal_curvature(
            self.model,
            self.recipe.build_criterion(),
            images.to(self.device),
            labels.to(self.device),
        )
        largest = max(h.max().item() for h in curvature.values())
        smallest = min(h.min().item() for h in curvature.values())
        if not math.isfinite(largest):
            raise Diverged
        self.rates = (eta / (self.recipe.mu + largest), eta / (self.recipe.mu + smallest))
        return eta, curvature

    def end_pass(self, pass_number: int, loss: float, errors: int) -> None:
        """Measure the network and enter the pass into the record.

        Args:
            pass_number: counted from 1.
            loss: the sum over the pass.
            errors: patterns misread on the fly.

        Raises:
            Diverged: the loss or a weight is not finite.
        """
        seconds = round(time.perf_counter() - self.begun, 3)
        weights = checkpoints.weights_of(self.model)
        if not (math.isfinite(loss) and all(np.isfinite(w).all() for w in weights.values())):
            raise Diverged
        predictions = predict(self.model, self.schedule.patterns.test_images)
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
                "seconds": seconds,
            }
        )


def fit(
    recipe: Recipe,
    seed: int = 0,
    data: Dataset | None = None,
    *,
    engine: str = "auto",
    device: str = "auto",
    folder: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> RunRecord:
    """Train a network as a recipe says and measure it after each pass.

    Args:
        recipe: what to train, and how.
        seed: of the run's generators for the initial weights, the order, and the draws.
        data: the patterns; default: MNIST, or the embedded digits where it cannot be had.
        engine: ``auto`` (the fastest one here that knows the recipe), ``eager`` or ``compiled``.
        device: ``auto``, ``cpu`` or ``cuda[:i]``.
        folder: where a checkpoint is kept after each pass; none without it.
        resume: go on from that checkpoint, if there is one.
        progress: told after each block of patterns; may raise to stop the run.

    Returns:
        The run record, weights included. A run whose loss stops being finite comes back with
        ``status`` "diverged", as it stood after the last good pass.

    Raises:
        BadInput: an engine or device that is not here, or a checkpoint of another run.
    """
    data = load() if data is None else data
    run = Run(recipe, seed, data, engine, resolve_device(device))
    worker = engines.create(engine, recipe, run.model)
    record = run.record
    record.environment["engine"] = worker.name
    checkpoint = folder / CHECKPOINT if folder else None
    if resume and checkpoint and checkpoint.exists():
        checkpoints.restore(checkpoint, record, worker)
    try:
        for pass_number in range(len(record.per_pass) + 1, recipe.passes + 1):
            worker.begin_pass(*run.begin_pass(pass_number))
            loss, errors = _train_pass(worker, run, pass_number, progress)
            run.end_pass(pass_number, loss, errors)
            if checkpoint:
                checkpoints.save(checkpoint, record, worker)
    except Diverged:
        record.status = "diverged"
    return record


def _train_pass(worker, run: Run, pass_number: int, progress) -> tuple[float, int]:
    """Hand an engine a pass's patterns block by block; the sum of losses and the errors."""
    indices = run.schedule.indices(pass_number)
    block = math.ceil(BLOCK / run.recipe.batch_size) * run.recipe.batch_size
    loss, errors = 0.0, 0
    for first in range(0, len(indices), block):
        chosen = indices[first : first + block]
        images, labels = run.schedule.take(chosen, pass_number, first)
        block_loss, block_errors = worker.train(images.to(run.device), labels.to(run.device))
        loss, errors = loss + block_loss, errors + block_errors
        if not math.isfinite(loss):
            raise Diverged
        if progress:
            progress(pass_number, first + len(labels), errors)
    return loss, errors


def fit_together(
    recipe: Recipe,
    seeds: Sequence[int],
    data: Dataset,
    device: str = "cuda",
    progress: Progress | None = None,
) -> list[RunRecord]:
    """Train many independent runs of a recipe at once on one GPU, each pattern by pattern.

    Args:
        recipe, data: as for :func:`fit`; every run learns from the one pool of plain patterns.
        seeds: one per run.
        device: a CUDA device.
        progress: told after each launch, which reads no errors back from the GPU (0 misread).

    Returns:
        One record per seed, as :func:`fit` would return; ``seconds`` are of all runs together.

    Raises:
        BadInput: no CUDA here, or a recipe that the engine does not cover.
    """
    if reason := cuda.available() or cuda.unsupported(recipe):
        raise BadInput(f"--engine cuda: {reason}; use --engine auto")
    if recipe.distortions or recipe.noise:
        raise BadInput(
            "--engine cuda: runs with distortions or noise share no patterns; use --engine auto"
        )
    target = resolve_device("cuda" if device == "auto" else device)
    runs = [Run(recipe, seed, data, "cuda", target) for seed in seeds]
    engine = cuda.CudaEngine(recipe, [run.model for run in runs])
    patterns = runs[0].schedule.patterns
    pool = engine.to_device(patterns.train_images), engine.to_device(patterns.train_labels)
    for pass_number in range(1, recipe.passes + 1):
        _pass_together(engine, runs, pool, pass_number, progress)
    return [run.record for run in runs]


def _pass_together(engine, runs: list[Run], pool, pass_number: int, progress) -> None:
    """One pass of every run; those that diverged are carried along and no longer measured."""
    curvatures = []
    for run in runs:
        try:
            eta, curvature = run.begin_pass(pass_number)
        except Diverged:
            run.record.status = "diverged"
            curvature = {name: torch.zeros_like(p) for name, p in run.model.named_parameters()}
        curvatures.append(curvature)
    eta = runs[0].recipe.learning_rate(pass_number)
    engine.begin_pass(eta, curvatures if runs[0].recipe.optimizer == "sdlm" else None)
    order = np.stack([run.schedule.indices(pass_number) for run in runs])
    done = 0

    def tell(patterns: int) -> None:
        nonlocal done
        done += patterns
        progress(pass_number, done, 0)

    losses, errors = engine.train(*pool, order, progress=tell if progress else None)
    for run, loss, wrong in zip(runs, losses, errors, strict=True):
        if run.record.diverged:
            continue
        try:
            run.end_pass(pass_number, float(loss), int(wrong))
        except Diverged:
            run.record.status = "diverged"


def predict(model: LeNet5, images: Tensor) -> np.ndarray:
    """The labels a model gives to prepared images, (N,) uint8, on whatever device it is."""
    device = next(model.parameters()).device
    labels = [model.predict(part.to(device)).cpu() for part in images.split(BLOCK)]
    return torch.cat(labels).numpy().astype(np.uint8)
