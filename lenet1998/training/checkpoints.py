"""Checkpoints, from which an interrupted run goes on after its last finished pass."""

import io
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lenet1998 import errors
from lenet1998.engines import Engine
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.recipes import recorded
from lenet1998.training.records import RunRecord, check_passes, classes, write_atomically
from lenet1998.weights import check_state, outline

CHECKPOINT = "checkpoint.pt"
CHECKPOINT_BYTES = 64 * 2**20
"""Bytes of a checkpoint at most: many times those of the largest network and optimizer."""


@dataclass(frozen=True)
class EngineState:
    """State of the engine that wrote a checkpoint."""

    file: Path
    engine: str
    arithmetic: int | None
    state: dict

    def of(self, engine: Engine) -> dict:
        """The state, for an engine that gives the bytes of the one that wrote it.

        Raises:
            BadInput: it is another engine's, or of another arithmetic.
        """
        if engine.name != self.engine:
            raise BadInput(
                f"{self.file}: written by the {self.engine} engine; go on with engine {self.engine}"
            )
        if engine.arithmetic != self.arithmetic:
            raise BadInput(
                f"{self.file}: written with arithmetic {self.arithmetic} of the {self.engine}"
                f" engine, of which this version has {engine.arithmetic}: the run would be of"
                " neither; begin it anew in another folder, or remove the file"
            )
        return self.state


def save(file: Path, record: RunRecord, model: LeNet5, engine: Engine, engine_state: dict) -> None:
    """Keep all that going on after this pass needs; the schedule is remade from the seed."""
    buffer = io.BytesIO()
    state = {
        "run": _identity(record),
        "per_pass": record.per_pass,
        "predictions": torch.from_numpy(record.predictions),
        "model": model.state_dict(),
        "engine": engine.name,
        "arithmetic": engine.arithmetic,
        "engine_state": engine_state,
    }
    torch.save(state, buffer)
    write_atomically(file, buffer.getvalue())


def _identity(record: RunRecord) -> dict:
    """Key that must be equal for a run to go on from a checkpoint."""
    return {"recipe": record.recipe, "seed": record.seed, "dataset": record.dataset}


def run_of(file: Path) -> dict:
    """Identity of a checkpoint's run: ``recipe``, ``seed`` and ``dataset`` as its record has them.

    Raises:
        BadInput: no readable checkpoint.
    """
    return _read(file)["run"]


def restore(file: Path, record: RunRecord, model: LeNet5) -> EngineState:
    """Put record and model back to where a checkpoint was taken.

    Raises:
        BadInput: no readable checkpoint, or another run's; record and model are then untouched.
    """
    state = _read(file)
    run = state["run"]
    run["recipe"] = recorded(run["recipe"], file).as_dict()  # with the switches added since
    if run != _identity(record):
        theirs, ours = (
            {"seed": r["seed"], "dataset": r["dataset"], **r["recipe"]}
            for r in (run, _identity(record))
        )
        other = [f"{key}={theirs.get(key)}" for key in ours if theirs.get(key) != ours[key]]
        raise BadInput(
            f"{file}: of a run with {errors.in_short(', '.join(other))}; give the same switches, or"
            " another folder"
        )
    predictions, passes = state["predictions"], len(state["per_pass"])
    if not 1 <= passes <= record.recipe["passes"]:
        raise BadInput(f"{file}: has {passes} passes of a run of {record.recipe['passes']}")
    patterns = record.dataset["test_patterns"]
    if outline(predictions) != ((patterns,), torch.uint8, torch.strided, False):
        raise BadInput(f"{file}: its predictions are not those of {patterns} test patterns")
    if int(predictions.max()) >= (known := classes(record.recipe, record.dataset)):
        raise BadInput(f"{file}: predicts {predictions.max()}, where there are {known} classes")
    check_state(state["model"], model, file)
    record.per_pass = state["per_pass"]
    record.predictions = predictions.numpy()
    model.load_state_dict(state["model"])
    record.weights = weights_of(model)
    return EngineState(file, state["engine"], state["arithmetic"], state["engine_state"])


def _read(file: Path) -> dict:
    """Read what :func:`save` wrote, its values of the right types; tensors are not checked.

    Raises:
        BadInput: another file, or one that was damaged.
    """
    content = errors.read_bytes(file, CHECKPOINT_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # torch neither compares the sums of what it reads nor bounds what it unpacks.
            if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
                raise ValueError("its parts are packed")
            if damaged := archive.testzip():
                raise ValueError(f"{damaged} is damaged")
        with warnings.catch_warnings(
            action="ignore"
        ):  # of pickles that torch would not have written
            state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # neither library says what a damaged file can make it raise
        raise BadInput(f"{file}: no readable checkpoint ({errors.in_short(error)})") from None
    kinds = {"predictions": Tensor, "model": dict, "engine_state": dict}
    if not isinstance(state, dict) or not kinds.keys() <= state.keys():
        raise BadInput(f"{file}: no checkpoint of a run")
    if not (
        all(isinstance(state[key], kind) for key, kind in kinds.items())
        and all(isinstance(tensor, Tensor) for tensor in state["model"].values())
        and all(isinstance(name, str) for name in state["model"])
    ):
        raise BadInput(f"{file}: holds no tensors where a checkpoint has them")
    # Checkpoints from before it was written down are of the first.
    state.setdefault("arithmetic", 1 if state.get("engine") == "compiled" else None)
    beside = {key: value for key, value in state.items() if key not in kinds}
    errors.check(beside, errors.CHECKPOINT, file)
    check_passes(beside, file)
    return state


def weights_of(model: LeNet5) -> dict[str, np.ndarray]:
    """A copy of the state dict as arrays."""
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}
