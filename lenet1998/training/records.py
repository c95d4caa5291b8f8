"""Run records on disk: the only writer and reader of results. Imports no torch.

One folder per run holds ``record.json``, ``predictions.npy`` (the label given to every test
pattern, uint8) and, when kept, ``weights.safetensors``. A record is written last and by renaming,
so where one stands the whole run is there.
"""

import dataclasses
import errno
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock, Timeout
from safetensors.numpy import save as weights_to_bytes

from lenet1998 import errors, paper
from lenet1998.errors import HEADER_BYTES, BadInput, array_in
from lenet1998.recipes import check_name, multiply_accumulates, present_name, recorded

if TYPE_CHECKING:
    from lenet1998.models import LeNet5

SCHEMA = 1
RECORD, PREDICTIONS, WEIGHTS = "record.json", "predictions.npy", "weights.safetensors"


class CorruptRecord(BadInput):
    """A record that is there but cannot be read; the message names it."""


class NewerRecord(BadInput):
    """A record that a later version of the project wrote: whole, but not for this one to read."""


@dataclass(eq=False)
class RunRecord:
    """Record of one run: its recipe, its seed and its results.

    Attributes:
        recipe: every switch of the recipe, with its name.
        seed: the run's seed.
        dataset: ``name``, ``checksum``, ``train_patterns``, ``test_patterns``; ``classes`` if there
            are more than ten.
        status: ``finished``, or ``diverged`` in the pass after the last of ``per_pass``.
        per_pass: for each finished pass ``pass``, ``loss`` (mean over the pass),
            ``train_error_percent`` (on the fly), ``test_error_percent``, ``test_errors``,
            ``rate_min`` and ``rate_max`` (effective rates), ``seconds`` (training and curvature,
            without evaluation).
        layers: per layer ``name``, ``parameters``, ``connections``.
        environment: versions, machine, device, engine, threads.
        predictions: (test patterns,) uint8, of the last finished pass; None before the first.
        weights: the last finished pass's parameters by name; kept beside the record when given.
        source: where it was read.
    """

    recipe: dict
    seed: int
    dataset: dict
    layers: list[dict]
    environment: dict
    status: str = "finished"
    per_pass: list[dict] = field(default_factory=list)
    predictions: np.ndarray | None = None
    weights: dict[str, np.ndarray] | None = None
    source: str = ""

    @property
    def diverged(self) -> bool:
        return self.status == "diverged"

    @property
    def last(self) -> dict | None:
        """The last finished pass: what is reported, never the best."""
        return self.per_pass[-1] if self.per_pass else None

    @property
    def parameters(self) -> int:
        return sum(layer["parameters"] for layer in self.layers)

    @property
    def connections(self) -> int:
        return sum(layer["connections"] for layer in self.layers)

    @property
    def multiply_accumulates(self) -> int:
        """To read one pattern; anew by the definition, since older records hold none or another."""
        return sum(multiply_accumulates(layer, self.recipe["pooling"]) for layer in self.layers)

    @property
    def seconds(self) -> float:
        """Time spent training, without evaluation."""
        of_all = self.environment.get("seconds")  # where those of each pass were not kept
        return sum(entry["seconds"] for entry in self.per_pass) if of_all is None else of_all

    def build_model(self) -> "LeNet5":
        """Build the run's network as it was after the last finished pass.

        Raises:
            ValueError: the record holds no weights.
        """
        if self.weights is None:
            raise ValueError(
                "this record holds no weights: a run without a finished pass has none, and"
                f" read_record leaves them in {WEIGHTS}, where"
                " lenet1998.pretrained.load_net(folder) finds them"
            )
        import torch  # reading runs takes none

        from lenet1998.models import build_model

        recipe = recorded(self.recipe, "the record")
        model = build_model(recipe, self.seed, self.dataset.get("classes", paper.CLASSES))
        model.load_state_dict({name: torch.from_numpy(w) for name, w in self.weights.items()})
        return model

    def as_json(self) -> dict:
        """The content of ``record.json``."""
        content = {key: getattr(self, key) for key in _WRITTEN}
        totals = {"parameters": self.parameters, "connections": self.connections}
        return {"schema": SCHEMA, **content, **totals}


_APART = ("predictions", "weights", "source")
_WRITTEN = [f.name for f in dataclasses.fields(RunRecord) if f.name not in _APART]


MAKING = ".lenet1998-"
"""Of folders of ours in which files are made, before they are renamed to where they belong."""
LOCK = "lock"
"""Of the file in such a folder that whoever makes something there has locked."""


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` elsewhere and rename: readers find all of it or none.

    Both are on the disk when this returns, so a machine that loses its power keeps it. What stands
    at the name is replaced, and not what a link there leads to.
    """
    with made_beside(path) as made, made.open("xb") as file:
        file.write(content)


@contextmanager
def made_beside(path: Path) -> Iterator[Path]:
    """Have a file made under another name, in a new folder beside it; rename it after the block.

    Who dies meanwhile leaves that folder for :func:`sweep`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder = Path(tempfile.mkdtemp(prefix=MAKING, dir=path.parent))
        try:
            with FileLock(folder / LOCK):
                yield folder / path.name
                with (folder / path.name).open("rb+") as file:
                    os.fsync(file.fileno())
                (folder / path.name).replace(path)
            _sync(path.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        error.filename = str(path)  # a full disk is told without, and nobody knows the temporary
        raise


def _sync(folder: Path) -> None:
    """Have the names in a folder written to the disk, too, where a folder can be."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        # Windows opens no folder, and network and virtual disks refuse in many words.
        if error.errno in (errno.EIO, errno.ENOSPC):
            raise


def sweep(folder: Path) -> None:
    """Remove what was being made below a folder by processes that died.

    A folder is ours if our lock is in it, and its maker is dead if nobody holds that.
    """
    for place, _, files in os.walk(folder):  # which passes over what vanishes meanwhile
        lock = Path(place, LOCK)
        if lock.parent.name.startswith(MAKING) and LOCK in files and not lock.is_symlink():
            with suppress(Timeout, OSError):
                with FileLock(lock, timeout=0):
                    pass  # its maker is dead
                shutil.rmtree(place)


def write_json(path: Path, content: dict) -> None:
    """Write JSON atomically, in a layout that differs only where the content does."""
    write_atomically(path, _json_bytes(content))


def _json_bytes(content: dict) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def write_record(folder: Path, record: RunRecord) -> None:
    """Write a run's files, ``record.json`` last, in place of those of any run before it."""
    # All bytes before the first file: what cannot be written down leaves the former run as it was.
    files = {}
    if record.predictions is not None:
        buffer = io.BytesIO()
        np.save(buffer, record.predictions.astype(np.uint8))
        files[PREDICTIONS] = buffer.getvalue()
    if record.weights is not None:
        # The recipe travels with the weights, so that whoever has the file can rebuild the network.
        metadata = {"recipe": json.dumps(record.recipe)}
        files[WEIGHTS] = weights_to_bytes(record.weights, metadata=metadata)
    files[RECORD] = _json_bytes(record.as_json())
    # No moment when one run's record stands beside another's predictions or weights.
    for name in (RECORD, PREDICTIONS, WEIGHTS):
        (folder / name).unlink(missing_ok=True)
    for name, content in files.items():
        write_atomically(folder / name, content)


def has_record(folder: Path) -> bool:
    """Test for a finished (or diverged) run in this folder."""
    return (folder / RECORD).is_file()


def read_record(folder: Path) -> RunRecord:
    """Read a run's record and predictions, both checked; weights stay on disk.

    Raises:
        NewerRecord: a record of a later version.
        CorruptRecord: a file that is missing, damaged, or does not hold what a run's record does.
    """
    file = folder / RECORD
    try:
        content = errors.parse(file)
        version = content.get("schema") if isinstance(content, dict) else None
        newer = type(version) is int and version > SCHEMA
        if not newer:
            errors.compare(content, errors.RECORD, file)
            check_passes(content, file)
            _check_record(content, file)
    except BadInput as error:
        raise CorruptRecord(str(error)) from None
    if newer:
        raise NewerRecord(f"{file}: schema {version}, this version reads {SCHEMA}")
    record = RunRecord(**{key: content[key] for key in _WRITTEN}, source=str(folder))
    if record.per_pass:
        record.predictions = _read_predictions(
            folder / PREDICTIONS,
            record.dataset["test_patterns"],
            classes(record.recipe, record.dataset),
        )
    return record


def check_passes(content: dict, source: Path) -> None:
    """Refuse passes that no run of the data set can have had.

    Args:
        content: ``per_pass`` and ``dataset`` (or ``run`` with it), of the right types.
        source: for the complaint.

    Raises:
        BadInput: passes that are not counted from 1, or more patterns misclassified than there are.
    """
    dataset = content.get("run", content)["dataset"]
    for number, entry in enumerate(content["per_pass"], 1):
        if entry["pass"] != number:
            raise BadInput(f"{source}: has pass {entry['pass']} where pass {number} should be")
        if entry["test_errors"] > dataset["test_patterns"]:
            raise BadInput(
                f"{source}: {entry['test_errors']} of {dataset['test_patterns']} misclassified in"
                f" pass {number}"
            )


def _check_record(content: dict, source: Path) -> None:
    """Refuse a record whose fields contradict each other; see :func:`read_record`."""
    try:
        check_name(content["recipe"]["name"])
        content["recipe"]["name"] = present_name(content["recipe"])
    except BadInput as error:
        raise BadInput(f"{source}: {error}") from None
    if content["status"] == "finished" and not content["per_pass"]:
        raise BadInput(f"{source}: of a run that finished without a pass")
    for total in ("parameters", "connections"):
        if content[total] != sum(layer[total] for layer in content["layers"]):
            raise BadInput(f"{source}: {total} are not the sum of the layers'")


def classes(recipe: dict, dataset: dict) -> int:
    """Number of labels of a recorded run's network; the blank is the one after the digits.

    Records from before there was that switch have none, and those of digits tell no number.
    """
    return dataset.get("classes", paper.CLASSES) + (recipe.get("blank", "none") != "none")


def _read_predictions(file: Path, patterns: int, labels_known: int) -> np.ndarray:
    """The labels given to so many test patterns, (patterns,) uint8.

    Raises:
        CorruptRecord: a file that does not hold them.
    """
    try:
        labels = array_in(errors.read_bytes(file, HEADER_BYTES + patterns))
    except BadInput as error:
        raise CorruptRecord(str(error)) from None
    except ValueError as error:
        raise CorruptRecord(f"{file}: no readable predictions ({error})") from None
    if labels.shape != (patterns,):
        raise CorruptRecord(f"{file}: {len(labels)} predictions, where {patterns} were tested")
    if labels.max() >= labels_known:
        raise CorruptRecord(f"{file}: label {labels.max()}, where there are {labels_known} classes")
    return labels


def read_records(folder: Path) -> list[RunRecord]:
    """Read all records below a folder, ordered by recipe name and seed.

    Raises:
        BadInput: a folder that is met twice, a link that leads nowhere, or two records of one run:
            both places are named.
    """
    if not folder.is_dir():
        return []
    found, seen = [], {}
    for place, folders, files in os.walk(folder, onerror=_refuse, followlinks=True):
        about = os.stat(place)
        if (first := seen.setdefault((about.st_dev, about.st_ino), place)) != place:
            raise BadInput(f"{place}: leads to {first}, whose runs would count twice")
        folders[:] = sorted(name for name in folders if not name.startswith(MAKING))
        check_links(Path(place, name) for name in (*folders, *files))
        if RECORD in files:
            found.append(read_record(Path(place)))
    return each_once(found)


def _refuse(error: OSError):
    raise error  # os.walk would pass over a folder that cannot be read, and its runs


def check_links(entries: Iterable[Path]) -> None:
    """Refuse links that lead nowhere, behind which there may have been runs.

    Raises:
        BadInput: there is one.
    """
    for entry in entries:
        if entry.is_symlink() and not os.path.exists(entry):  # which knows circles, too
            raise BadInput(f"{entry}: leads to {os.readlink(entry)}, where nothing is")


def each_once(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """Order runs by recipe and seed.

    Raises:
        BadInput: two of one recipe, seed and data set, with where they were read.
    """
    found = sorted(runs, key=lambda run: (run.recipe["name"], run.seed))
    seen: dict[tuple, RunRecord] = {}
    for run in found:
        key = run.recipe["name"], run.seed, run.dataset["checksum"]
        if (other := seen.setdefault(key, run)) is not run:
            raise BadInput(f"{other.source} and {run.source}: both are {key[0]}, seed {run.seed}")
    return found
