"""One run: a recipe, a seed and a data set become a run record."""

import io
import math
import pickle
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lenet1998 import engines, environment
from lenet1998.counts import count
from lenet1998.curvature import diagonal_curvature
from lenet1998.data import Dataset, constant_order, load, prepare
from lenet1998.distortions import distorted_training_set
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.recipes import Recipe
from lenet1998.records import RunRecord, write_atomically

BLOCK = 1000
"""Patterns handed to an engine at once: how often progress is told and an interrupt is seen."""

CHECKPOINT = "checkpoint.pt"

Progress = Callable[[int, int, int], None]
"""Told after each block: (pass, patterns done in it, of them misread on the fly)."""


class Interrupted(Exception):  # noqa: N818
    """Raised by a progress callback to stop a run between two blocks."""


@dataclass(frozen=True)
class Patterns:
    """Prepared patterns and labels of one run: what is learnt, and what is asked afterwards."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


@lru_cache(maxsize=2)
def _plain_patterns(dataset: Dataset, size: int, scaling: str) -> Patterns:
    """Shared by all runs of a study that prepare a data set alike."""
    return Patterns(
        prepare(dataset.train_images, size, scaling),
        torch.from_numpy(dataset.train_labels),
        prepare(dataset.test_images, size, scaling),
        torch.from_numpy(dataset.test_labels),
    )


# Two runs that start together must not both prepare the same patterns.
_preparing = threading.Lock()


def check_size(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse a recipe that wants more patterns than there are.

    Raises:
        BadInput: with how many there are.
    """
    have, wanted = len(dataset.train_images), recipe.train_size or 1
    if wanted > have:
        raise BadInput(f"train_size={wanted:,}: {dataset.name} has {have:,} training patterns")


class Schedule:
    """Which patterns a run learns in which order, from generators of its own.

    Source: Appendix C (a constant random order; 500 patterns for the curvature) and section III-B
    (with distortions, each pass takes the next 60,000 of the 600,000).
    """

    def __init__(self, recipe: Recipe, seed: int, dataset: Dataset):
        self.recipe = recipe
        self.seed = seed
        check_size(recipe, dataset)
        originals = len(dataset.train_images)
        wanted = recipe.train_size or originals
        with _preparing:
            self.patterns = _plain_patterns(dataset, recipe.input_size, recipe.scaling)
        self.per_pass = wanted
        self.order = constant_order(originals, seed)[:wanted]
        self.pool = None
        if recipe.distortions:
            distorted = distorted_training_set(dataset, seed)
            self.pool, self.labels = distorted.train_images, distorted.train_labels
            self.order = constant_order(len(self.pool), seed)

    def indices(self, pass_number: int) -> np.ndarray:
        """The patterns of a pass, in the order they are learnt."""
        order = self.order
        if self.recipe.order == "renewed":
            order = order[_generator(self.seed, "order", pass_number).permutation(len(order))]
        first = (pass_number - 1) * self.per_pass % len(order)
        return np.roll(order, -first)[: self.per_pass]

    def curvature_indices(self, pass_number: int) -> np.ndarray:
        """The patterns that the curvature is estimated on before a pass."""
        here = self.indices(pass_number)
        wanted = self.recipe.curvature_patterns
        if self.recipe.curvature_draw == "first":
            return here[:wanted]
        turn = pass_number if self.recipe.curvature_draw == "fresh" else 0
        draw = _generator(self.seed, "curvature", turn).permutation(len(here))
        return np.sort(here)[draw[:wanted]]

    def take(self, indices: np.ndarray) -> tuple[Tensor, Tensor]:
        """Prepared images (N, 1, H, W) and labels (N,)."""
        if self.pool is None:
            chosen = torch.from_numpy(indices)
            return self.patterns.train_images[chosen], self.patterns.train_labels[chosen]
        images = prepare(self.pool[indices], self.recipe.input_size, self.recipe.scaling)
        return images, torch.from_numpy(self.labels[indices])


def _generator(seed: int, purpose: str, turn: int) -> np.random.Generator:
    """A private generator, so that drawing more for one purpose changes nothing for another."""
    return np.random.default_rng([seed, turn, *purpose.encode()])


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
    target = resolve_device(device)
    schedule = Schedule(recipe, seed, data)
    model = recipe.build_model(seed).to(target)
    worker = engines.create(engine, recipe, model)
    record = RunRecord(
        recipe=recipe.as_dict(),
        seed=seed,
        dataset={
            "name": data.name,
            "checksum": data.checksum,
            "train_patterns": schedule.per_pass,
            "test_patterns": len(data.test_images),
        },
        layers=[asdict(layer) for layer in count(model).layers],
        environment=environment.describe(worker.name, target),
    )
    checkpoint = folder / CHECKPOINT if folder else None
    if resume and checkpoint and checkpoint.exists():
        _restore(checkpoint, record, worker)
    for pass_number in range(len(record.per_pass) + 1, recipe.passes + 1):
        entry = _train_pass(worker, schedule, pass_number, progress)
        if entry is None:
            record.status = "diverged"
            return record
        record.predictions = predict(model, schedule.patterns.test_images)
        wrong = int((record.predictions != data.test_labels).sum())
        entry["test_errors"] = wrong
        entry["test_error_percent"] = 100 * wrong / len(data.test_labels)
        record.per_pass.append(entry)
        record.weights = _weights(model)
        if checkpoint:
            _save(checkpoint, record, worker)
    return record


def predict(model: LeNet5, images: Tensor) -> np.ndarray:
    """The labels a model gives to prepared images, (N,) uint8, on whatever device it is."""
    device = next(model.parameters()).device
    labels = [model.predict(part.to(device)).cpu() for part in images.split(BLOCK)]
    return torch.cat(labels).numpy().astype(np.uint8)


def _train_pass(worker, schedule: Schedule, pass_number: int, progress) -> dict | None:
    """One pass: its entry of the record, or None where the loss or the curvature diverged."""
    recipe, model = schedule.recipe, worker.model
    device = next(model.parameters()).device
    begun = time.perf_counter()
    eta = recipe.learning_rate(pass_number)
    curvature, rates = None, (eta, eta)
    if recipe.optimizer == "sdlm":
        images, labels = schedule.take(schedule.curvature_indices(pass_number))
        curvature = diagonal_curvature(
            model, recipe.build_criterion(), images.to(device), labels.to(device)
        )
        largest = max(h.max().item() for h in curvature.values())
        smallest = min(h.min().item() for h in curvature.values())
        if not math.isfinite(largest):
            return None
        rates = (eta / (recipe.mu + largest), eta / (recipe.mu + smallest))
    worker.begin_pass(eta, curvature)
    indices = schedule.indices(pass_number)
    block = math.ceil(BLOCK / recipe.batch_size) * recipe.batch_size
    loss, errors = 0.0, 0
    for first in range(0, len(indices), block):
        images, labels = schedule.take(indices[first : first + block])
        block_loss, block_errors = worker.train(images.to(device), labels.to(device))
        loss, errors = loss + block_loss, errors + block_errors
        if not math.isfinite(loss):
            return None
        if progress:
            progress(pass_number, first + len(labels), errors)
    return {
        "pass": pass_number,
        "loss": loss / len(indices),
        "train_error_percent": 100 * errors / len(indices),
        "rate_min": rates[0],
        "rate_max": rates[1],
        "seconds": round(time.perf_counter() - begun, 3),
    }


def _save(file: Path, record: RunRecord, worker) -> None:
    """Keep all that going on after this pass needs; the schedule is remade from the seed."""
    buffer = io.BytesIO()
    state = {
        "run": _identity(record),
        "per_pass": record.per_pass,
        "predictions": torch.from_numpy(record.predictions),
        "model": worker.model.state_dict(),
        "engine": worker.name,
        "engine_state": worker.state_dict(),
    }
    torch.save(state, buffer)
    write_atomically(file, buffer.getvalue())


def _identity(record: RunRecord) -> dict:
    """What must be the same for a run to go on from another's checkpoint."""
    return {"recipe": record.recipe, "seed": record.seed, "dataset": record.dataset}


def _restore(file: Path, record: RunRecord, worker) -> None:
    """Put record, model and engine back to where a checkpoint was taken."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        run = state["run"]
    except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"--resume: {file} is no readable checkpoint ({reason})") from None
    if run != _identity(record):
        theirs, ours = (
            {"seed": r["seed"], "dataset": r["dataset"], **r["recipe"]}
            for r in (run, _identity(record))
        )
        other = [f"{key}={theirs.get(key)}" for key in ours if theirs.get(key) != ours[key]]
        raise BadInput(
            f"--resume: {file} is of a run with {', '.join(other)}; give the same switches, or"
            " another --out"
        )
    if state["engine"] != worker.name:
        raise BadInput(
            f"--resume: {file} was written by the {state['engine']} engine; add --engine"
            f" {state['engine']}"
        )
    record.per_pass = state["per_pass"]
    record.predictions = state["predictions"].numpy()
    worker.model.load_state_dict(state["model"])
    record.weights = _weights(worker.model)
    worker.load_state_dict(state["engine_state"])


def _weights(model: LeNet5) -> dict[str, np.ndarray]:
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}
