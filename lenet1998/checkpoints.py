"""What an interrupted run needs to go on from its last finished pass."""

import io
import pickle
from pathlib import Path

import numpy as np
import torch

from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.records import RunRecord, write_atomically

CHECKPOINT = "checkpoint.pt"


def save(file: Path, record: RunRecord, worker) -> None:
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


def restore(file: Path, record: RunRecord, worker) -> None:
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
    record.weights = weights_of(worker.model)
    worker.load_state_dict(state["engine_state"])


def weights_of(model: LeNet5) -> dict[str, np.ndarray]:
    """A copy of the state dict as arrays."""
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}
