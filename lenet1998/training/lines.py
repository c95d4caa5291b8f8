"""Runs as lines: ``STUDY.jsonl`` has a line a run, ``STUDY.npz`` beside it their answers.

A line is a run's record with a column a measure of its passes, and without what follows from the
rest (layers and totals, errors in percent). ``pandas.read_json(file, lines=True)`` is a frame with
a row a run. Answers are (runs, patterns) of uint8, in the order of the lines; an array for each
number of test patterns, named by it. A measure that was not kept is null,
a pass's in its column, all answers as ``answers``.
"""

import gzip
import io
import json
import logging
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from lenet1998.errors import (
    SURROUNDINGS,
    BadInput,
    arrays_in,
    compare,
    in_short,
    parse_text,
    read_bytes,
)
from lenet1998.recipes import Recipe, layers_of, recorded
from lenet1998.training.records import (
    RunRecord,
    check_links,
    classes,
    each_once,
    has_record,
    read_records,
    write_atomically,
)

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
        {**row, "train_errors": _count(row["train_error_percent"], patterns)}
        for row in run.per_pass
    ]
    columns = {key: [row[key] for row in rows] for key in COLUMNS}
    if run.per_pass and run.predictions is None:
        content["answers"] = None
    return json.dumps({**content, **columns}, separators=(",", ":"), allow_nan=False)


def _count(percent: float | None, patterns: int) -> int | None:
    return None if percent is None else round(percent * patterns / 100)


def read(file: Path) -> list[RunRecord]:
    """Read a study's runs, in the order in which they finished.

    Raises:
        BadInput: a file that cannot be read, a line that is no run or is cut, two runs of one
            recipe and seed, or answers that are not those of the lines; file and line are named.
    """
    content = read_bytes(file, MOST_BYTES)
    if file.suffix == ".gz":
        content = _unpacked(content, file)
    *lines, rest = content.split(b"\n")
    if rest:
        raise BadInput(
            f"{file}:{len(lines) + 1}: is cut short; whoever was writing it goes on there"
        )
    runs, answered, seen = [], [], {}
    for number, line in enumerate(lines, 1):
        run, has_answers = _of_line(line, Path(f"{file}:{number}"))
        key = name, seed, _ = _key(run)
        if key in seen:
            raise BadInput(f"{file}:{number}: {name}, seed {seed}, is line {seen[key]}, too")
        seen[key] = number
        runs.append(run)
        answered += [run] if has_answers else []
    _give_answers(answered, answers_of(file))
    return runs


def _unpacked(content: bytes, file: Path) -> bytes:
    """Unpack a file of at most so many bytes, packed or not."""
    unpacking = zlib.decompressobj(wbits=31)
    try:
        content = unpacking.decompress(content, MOST_BYTES)
    except zlib.error as error:
        raise BadInput(f"{file}: is no gzip file ({error})") from None
    if not unpacking.eof:
        raise BadInput(f"{file}: is cut short, or unpacks to more than {MOST_BYTES:,} bytes")
    return content


def _key(run: RunRecord) -> tuple[str, int, str]:
    return run.recipe["name"], run.seed, run.dataset["checksum"]


def quoted_name(recipe: str) -> bytes:
    """Text that is in a file of lines where a run has a recipe of that name."""
    return f'"name":{json.dumps(recipe)}'.encode()


def answers_of(file: Path) -> Path:
    """File of the answers of a file of lines."""
    return file.with_name(file.name.partition(SUFFIX)[0] + ANSWERS)


def _of_line(line: bytes, source: Path) -> tuple[RunRecord, bool]:
    """Make a run of a line; whether its answers were kept.

    Raises:
        BadInput: it is none.
    """
    try:
        content = parse_text(line, source)
        about = {key: content[key] for key in ABOUT}
        recipe, switches = _each_once(_recipe, about["recipe"], source)
        about["recipe"] = dict(switches)
        around = {key: about[key] for key in ("dataset", "environment")}
        _each_once(_check_surroundings, around, source)
        patterns = {"train_errors": "train_patterns", "test_errors": "test_patterns"}
        columns = (content[key] for key in COLUMNS)
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]
        for number, row in enumerate(rows, 1):
            if not {float, int, type(None)}.issuperset(map(type, row.values())):
                raise ValueError(f"no number in pass {number}")
            row["pass"] = number
            for key, percent in COUNTED.items():
                found, of = row[key], about["dataset"][patterns[key]]
                if found is not None and (type(found) is not int or not 0 <= found <= of):
                    raise ValueError(f"{key} {found} of {of} in pass {number}")
                row[percent] = None if found is None else 100 * found / of
            del row["train_errors"]
        seed = about["seed"]
        if about["status"] not in ("finished", "diverged") or type(seed) is not int or seed < 0:
            raise ValueError(f"status {about['status']}, seed {seed}")
        run = RunRecord(**about, per_pass=rows, layers=layers_of(recipe), source=str(source))
        return run, bool(rows) and "answers" not in content
    except BadInput:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        kind = f"has no {error}" if isinstance(error, KeyError) else in_short(error)
        raise BadInput(f"{source}: is no run ({kind})") from None


@cache
def _recipe(text: str) -> tuple[Recipe, dict]:
    recipe = recorded(json.loads(text), "")
    return recipe, recipe.as_dict()


@cache
def _check_surroundings(text: str) -> None:
    compare(json.loads(text), SURROUNDINGS, "")


def _each_once(make: Callable[[str], Any], content: object, source: Path):
    """Make something of a part of a line, each once: a study has many runs with the same."""
    try:
        return make(json.dumps(content))
    except BadInput as error:
        raise BadInput(f"{source}{error.message}") from None


def _give_answers(runs: Sequence[RunRecord], file: Path) -> None:
    """Give runs their answers.

    A row more than there are lines is of a run whose line was not written.

    Raises:
        BadInput: they cannot be read, or are fewer.
    """
    if not runs:
        return
    rows = {size: iter(array) for size, array in _arrays(file).items()}
    for run in runs:
        answers = next(rows.get(run.dataset["test_patterns"], iter(())), None)
        if answers is None:
            raise BadInput(f"{file}: has no answers of {run.recipe['name']}, seed {run.seed}")
        if answers.max() >= classes(run.recipe, run.dataset):
            raise BadInput(
                f"{file}: {run.recipe['name']}, seed {run.seed}, answers {answers.max()}"
            )
        run.predictions = answers


def _arrays(file: Path) -> dict[int, np.ndarray]:
    """Read answers by number of test patterns."""
    found = {}
    for name, array in arrays_in(file, MOST_BYTES).items():
        if array.ndim != 2 or name != str(array.shape[1]):
            raise BadInput(f"{file}: {name} has the shape {array.shape}, of no answers")
        found[array.shape[1]] = array
    return found


def digest(runs: Iterable[RunRecord]) -> str:
    """SHA-256 over runs with their answers, in their order."""
    total = sha256()
    for run in runs:
        total.update(as_line(run).encode())
        total.update(b"" if run.predictions is None else run.predictions.tobytes())
    return total.hexdigest()


def read_studies(folder: Path) -> dict[str, list[RunRecord]]:
    """Read all runs below a folder, by study: its files of lines, and its folders of run folders.

    Each study's are ordered by recipe and seed. What is hidden is nobody's study; runs that lie in
    the folder itself are one, without a name.

    Raises:
        BadInput: one that cannot be read, or two studies of one name, or a run that is there twice.
    """
    found: dict[str, list[RunRecord]] = {}
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    check_links(entries)
    for place in (entry for entry in entries if not entry.name.startswith(".")):
        if place.suffix == SUFFIX:
            found.setdefault(place.stem, []).extend(read(place))
        elif place.is_dir():
            study = "" if has_record(place) else place.name
            found.setdefault(study, []).extend(read_records(place))
    return {study: each_once(runs) for study, runs in found.items()}


def ordered(runs: Iterable[RunRecord]) -> list[RunRecord]:
    """Order runs by recipe and seed."""
    return sorted(runs, key=lambda run: (run.recipe["name"], run.seed))


def write(file: Path, runs: Sequence[RunRecord]) -> None:
    """Write a study's runs in place of what is there."""
    _write_answers(file, runs)
    content = "".join(as_line(run) + "\n" for run in runs).encode()
    write_atomically(file, gzip.compress(content, mtime=0) if file.suffix == ".gz" else content)


def _write_answers(file: Path, runs: Iterable[RunRecord]) -> None:
    arrays: dict[str, list[np.ndarray]] = {}
    for run in runs:
        if run.predictions is not None:
            arrays.setdefault(str(run.dataset["test_patterns"]), []).append(run.predictions)
    if arrays:
        buffer = io.BytesIO()
        # A row is like those before it, so together they take a tenth of what they would alone.
        np.savez_compressed(buffer, **{size: np.stack(rows) for size, rows in arrays.items()})
        write_atomically(answers_of(file), buffer.getvalue())


def append(file: Path, run: RunRecord) -> None:
    """Add a run that finished; who else adds one meanwhile waits.

    The answers are written first, and the line in one write: a process that is killed leaves the
    run, or what :func:`mend` takes away.

    Raises:
        BadInput: the file has the run already, or cannot be read.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with _lock(file):
        runs = []
        if file.exists():
            mend(file)
            runs = read(file)
        if any(_key(other) == _key(run) for other in runs):
            raise BadInput(f"{file}: has {run.recipe['name']}, seed {run.seed}, already")
        _write_answers(file, [*runs, run])
        with file.open("ab") as opened:
            opened.write(as_line(run).encode() + b"\n")
            opened.flush()
            os.fsync(opened.fileno())


def read_whole(file: Path) -> list[RunRecord]:
    """Read the runs that are there, without half a line that a killed process left; none at first.

    Raises:
        BadInput: as :func:`read`.
    """
    if not file.exists():
        return []
    with _lock(file):
        mend(file)
        return read(file)


def _lock(file: Path) -> FileLock:
    return FileLock(file.with_name(f".{file.name}.lock"))


def mend(file: Path) -> None:
    """Take away half a line at the end, which a process that was killed left; its run is lost."""
    content = read_bytes(file, MOST_BYTES)
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        logger.warning("%s: half a line at its end is taken away; its run is repeated", file)
        os.truncate(file, whole)
