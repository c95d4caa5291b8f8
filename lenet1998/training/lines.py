"""Runs as lines: ``STUDY.jsonl`` has a line a run, ``STUDY.npz`` beside it their answers.

A line is a run's record with a column a measure of its passes, and without what follows from the
rest (layers and totals, errors in percent). ``pandas.read_json(file, lines=True)`` is a frame with
a row a run. Answers are (runs, patterns) of uint8, in the order of the lines; an array for each
number of test patterns, named by it.
"""

import io
import json
import logging
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
from filelock import FileLock

from lenet1998.counts import count
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe, recorded
from lenet1998.schema import in_short, parse_text, read_bytes
from lenet1998.switches import NETWORK_SWITCHES
from lenet1998.training.records import RunRecord, classes, write_atomically

logger = logging.getLogger(__name__)

SUFFIX, ANSWERS = ".jsonl", ".npz"
MOST_BYTES = 200 * 2**20
"""Of a file of lines, and of one array of answers."""
ABOUT = ("recipe", "seed", "status", "dataset", "environment")
COUNTED = {"train_errors": "train_error_percent", "test_errors": "test_error_percent"}
"""Columns of whole numbers, and what a record has of them in percent."""
COLUMNS = ("loss", *COUNTED, "rate_min", "rate_max", "seconds")


def as_line(run: RunRecord) -> str:
    """Write a run as a line, without the line's end."""
    content = {key: getattr(run, key) for key in ABOUT}
    patterns = run.dataset["train_patterns"]
    rows = [
        {**row, "train_errors": round(row["train_error_percent"] * patterns / 100)}
        for row in run.per_pass
    ]
    columns = {key: [row.get(key) for row in rows] for key in COLUMNS}
    return json.dumps({**content, **columns}, separators=(",", ":"), allow_nan=False)


def read(file: Path) -> list[RunRecord]:
    """Read a study's runs, in the order in which they finished.

    Raises:
        BadInput: a file that cannot be read, a line that is no run or is cut, two runs of one
            recipe and seed, or answers that are not those of the lines; the file and line are named.
    """
    content = read_bytes(file, MOST_BYTES)
    *lines, rest = content.split(b"\n")
    if rest:
        raise BadInput(
            f"{file}:{len(lines) + 1}: is cut short; whoever was writing it goes on there"
        )
    runs, seen = [], {}
    for number, line in enumerate(lines, 1):
        run = _of_line(line, Path(f"{file}:{number}"))
        key = json.dumps([run.recipe, run.seed, run.dataset["checksum"]], sort_keys=True)
        if key in seen:
            name = run.recipe["name"]
            raise BadInput(f"{file}:{number}: {name}, seed {run.seed}, is line {seen[key]}, too")
        seen[key] = number
        runs.append(run)
    _give_answers(runs, file.with_suffix(ANSWERS))
    return runs


def _of_line(line: bytes, source: Path) -> RunRecord:
    """Make a run of a line.

    Raises:
        BadInput: it is none.
    """
    content = parse_text(line, source)
    try:
        about = {key: content[key] for key in ABOUT}
        recipe = _recipe(json.dumps(about["recipe"]), source)
        patterns = {"train_errors": "train_patterns", "test_errors": "test_patterns"}
        columns = [content.get(key) or [None] * len(content["test_errors"]) for key in COLUMNS]
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]
        for number, row in enumerate(rows, 1):
            row["pass"] = number
            for key, percent in COUNTED.items():
                of = about["dataset"][patterns[key]]
                if not 0 <= row[key] <= of:
                    raise ValueError(f"{key} {row[key]} of {of} in pass {number}")
                row[percent] = 100 * row[key] / of
            del row["train_errors"]
        if about["status"] not in ("finished", "diverged") or type(about["seed"]) is not int:
            raise ValueError(f"status {about['status']}, seed {about['seed']}")
        about["recipe"] = recipe.as_dict()
        return RunRecord(**about, per_pass=rows, layers=_layers(recipe))
    except BadInput:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        kind = f"has no {error}" if isinstance(error, KeyError) else in_short(error)
        raise BadInput(f"{source}: is no run ({kind})") from None


@cache
def _of(text: str) -> Recipe:
    return recorded(json.loads(text), "")


def _recipe(text: str, source: Path) -> Recipe:
    """Make a recipe of a line's, each once: a study has many runs of it."""
    try:
        return _of(text)
    except BadInput as error:
        raise BadInput(f"{source}{error.message}") from None


_counted: dict[tuple, list[dict]] = {}


def _layers(recipe: Recipe) -> list[dict]:
    """Count the layers of a recipe's network, of each network once: they are many runs."""
    network = tuple(getattr(recipe, key) for key in NETWORK_SWITCHES)
    if network not in _counted:
        _counted[network] = [asdict(layer) for layer in count(recipe.build_model()).layers]
    return _counted[network]


def _sizes(runs: Sequence[RunRecord]) -> Iterator[tuple[int, RunRecord]]:
    """Runs that have answers, with their number of test patterns."""
    return ((run.dataset["test_patterns"], run) for run in runs if run.per_pass)


def _give_answers(runs: Sequence[RunRecord], file: Path) -> None:
    """Give runs their answers.

    A row more than there are lines is of a run whose line was not written.

    Raises:
        BadInput: they cannot be read, or are fewer.
    """
    if not file.exists():
        return
    rows = {size: iter(array) for size, array in _arrays(file).items()}
    for size, run in _sizes(runs):
        answers = next(rows.get(size, iter(())), None)
        if answers is None:
            raise BadInput(f"{file}: has no answers of {run.recipe['name']}, seed {run.seed}")
        if answers.max() >= classes(run.recipe):
            raise BadInput(
                f"{file}: {run.recipe['name']}, seed {run.seed}, answers {answers.max()}"
            )
        run.predictions = answers


def _arrays(file: Path) -> dict[int, np.ndarray]:
    """Read answers by number of test patterns."""
    found = {}
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if member.file_size > MOST_BYTES:
                    raise ValueError(f"{member.filename} is larger than {MOST_BYTES:,} bytes")
                with archive.open(member) as opened:
                    array = np.lib.format.read_array(opened, allow_pickle=False)
                size = int(member.filename.removesuffix(".npy"))
                if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != size:
                    raise ValueError(f"{array.dtype} {array.shape} called {size}")
                found[size] = array
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zipfile.zlib.error) as error:
        raise BadInput(f"{file}: no readable answers ({in_short(error)})") from None
    return found


def write(file: Path, runs: Sequence[RunRecord]) -> None:
    """Write a study's runs in place of what is there."""
    arrays: dict[int, list[np.ndarray]] = {}
    for size, run in _sizes(runs):
        if run.predictions is not None:
            arrays.setdefault(size, []).append(run.predictions)
    if arrays:
        write_atomically(file.with_suffix(ANSWERS), _archive(arrays))
    write_atomically(file, "".join(as_line(run) + "\n" for run in runs).encode())


def _archive(arrays) -> bytes:
    buffer = io.BytesIO()
    # A row is like those before it, so together they take a tenth of what they would alone.
    np.savez_compressed(buffer, **{str(size): np.stack(rows) for size, rows in arrays.items()})
    return buffer.getvalue()


def append(file: Path, run: RunRecord) -> None:
    """Add a run that finished; who else adds one meanwhile waits.

    The answers are written first, and the line in one write: a process that is killed leaves the
    run, or what :func:`mend` takes away.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(f".{file.name}.lock")):
        mend(file)
        runs = read(file) if file.exists() else []
        arrays: dict[int, list[np.ndarray]] = {}
        for size, one in _sizes([*runs, run]):
            arrays.setdefault(size, []).append(one.predictions)
        if arrays:
            write_atomically(file.with_suffix(ANSWERS), _archive(arrays))
        with file.open("ab") as opened:
            opened.write(as_line(run).encode() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())


def mend(file: Path) -> None:
    """Take away half a line at the end, which a process that was killed left; its run is lost."""
    if not file.exists():
        return
    content = file.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        logger.warning("%s: half a line at its end is taken away; its run is repeated", file)
        os.truncate(file, whole)
