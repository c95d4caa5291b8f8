"""What an interrupted run needs to go on from its last finished pass."""

import io
import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.records import RunRecord, write_atomically

CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class EngineState:
    """What a checkpoint kept of the engine that wrote it."""

    file: Path
    engine: str
    state: dict

    def of(self, engine: str) -> dict:
        """The state, for an engine of that name.

        Raises:
            BadInput: it is another engine's.
        """
        if engine != self.engine:
            raise BadInput(
                f"{self.file}: written by the {self.engine} engine; go on with engine {self.engine}"
            )
        return self.state


def save(file: Path, record: RunRecord, model: LeNet5, engine: str, engine_state: dict) -> None:
    """Keep all that going on after this pass needs; the schedule is remade from the seed."""
    buffer = io.BytesIO()
    state = {
        "run": _identity(record),
        "per_pass": record.per_pass,
        "predictions": torch.from_numpy(record.predictions),
        "model": model.state_dict(),
        "engine": engine,
        "engine_state": engine_state,
    }
    torch.save(state, buffer)
    write_atomically(file, buffer.getvalue())


def _identity(record: RunRecord) -> dict:
    """What must be the same for a run to go on from another's checkpoint."""
    return {"recipe": record.recipe, "seed": record.seed, "dataset": record.dataset}


def restore(file: Path, record: RunRecord, model: LeNet5) -> EngineState:
    """Put record and model back to where a checkpoint was taken.

    Raises:
        BadInput: no readable checkpoint, or another run's.
    """
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        run = state["run"]
    except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"{file}: no readable checkpoint ({reason})") from None
    if run != _identity(record):
        theirs, ours = (
            {"seed": r["seed"], "dataset": r["dataset"], **r["recipe"]}
            for r in (run, _identity(record))
        )
        other = [f"{key}={theirs.get(key)}" for key in ours if theirs.get(key) != ours[key]]
        raise BadInput(
            f"{file}: of a run with {', '.join(other)}; give the same switches, or another folder"
        )
    record.per_pass = state["per_pass"]
    record.predictions = state["predictions"].numpy()
    model.load_state_dict(state["model"])
    record.weights = weights_of(model)
    return EngineState(file, state["engine"], state["engine_state"])


def weights_of(model: LeNet5) -> dict[str, np.ndarray]:
    """A copy of the state dict as arrays."""
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}
