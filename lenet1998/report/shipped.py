"""The committed runs as they travel with the package: in ``runs.json`` beside this file.

``python -m lenet1998.report`` makes it of the records in ``experiments/results``, and ``compare``,
``ablate`` and ``cite`` show it, so that who installed the package sees what a checkout has. It
holds the runs of the named variants, and those of the ablations that learnt from all patterns: all
that their records do, and of the environment what tables show. Of the ablations' passes it has the
last, and none of their predictions. Predictions are written as they differ from those of the first
run of all, ``answers``, label after label.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from lenet1998.training.records import RunRecord, read_records

FILE = Path(__file__).with_name("runs.json")
STUDY = "ablations"
"""The folder of the ablations' runs."""
FIRST = ("headline", "published")
"""The studies of the variants themselves, which go before others that have as many runs of them."""
SHARED = ("recipe", "dataset", "layers")
"""What all runs of a group have in common."""
SHOWN = ("engine", "device", "processor", "arithmetic")

Studies = Iterable[tuple[str, Sequence[RunRecord]]]
"""Folders of results and the runs in them, in the order of preference."""


def in_folder(results: Path) -> Iterator[tuple[str, Sequence[RunRecord]]]:
    """The studies below a folder of records, in the order of preference."""
    names = {folder.name for folder in results.iterdir()} if results.is_dir() else set()
    for name in [*(name for name in FIRST if name in names), *sorted(names - set(FIRST))]:
        yield name, read_records(results / name)


def in_package() -> Iterator[tuple[str, Sequence[RunRecord]]]:
    """The studies that come with the package.

    The records have no weights, and predictions only of a named variant on the usual test set.
    """
    content = json.loads(FILE.read_text("utf-8"))
    answers = np.array([int(label, 16) for label in content["answers"]], np.uint8)
    for study, of_study in groupby(content["groups"], lambda group: group["study"]):
        yield study, [run for group in of_study for run in _runs(group, answers)]


def named(variants: Iterable[str]) -> dict[str, list[RunRecord]]:
    """The package's runs of variants, each variant's from the study that comes first."""
    found: dict[str, list[RunRecord]] = {name: [] for name in variants}
    for _, runs in in_package():
        for name in found:
            found[name] = found[name] or [run for run in runs if run.recipe["name"] == name]
    return found


def summary(results: Path, folders: Mapping[str, str]) -> str:
    """The text of ``runs.json``, a run to a line.

    Args:
        results: the folder of all records.
        folders: of each named variant, that of its runs in it.
    """
    of_variants = {folder: read_records(results / folder) for folder in folders.values()}
    answers = next(run.predictions for runs in of_variants.values() for run in runs)
    groups = []
    for folder, runs in of_variants.items():
        groups += _groups(folder.partition("/")[0], runs, answers)
    ablations = [
        run
        for run in read_records(results / STUDY)
        if not run.recipe["train_size"] and run.recipe["name"] not in folders
    ]
    groups += _groups(STUDY, [replace(run, per_pass=run.per_pass[-1:]) for run in ablations])
    lines = [
        json.dumps({"study": group["study"], **{key: group[key] for key in SHARED}})[:-1]
        + ', "runs": [\n'
        + ",\n".join(map(json.dumps, group["runs"]))
        + "]}"
        for group in groups
    ]
    labels = "".join(f"{label:x}" for label in answers)
    return f'{{"answers": "{labels}", "groups": [\n' + ",\n".join(lines) + "]}\n"


def _groups(study: str, runs: Sequence[RunRecord], answers: np.ndarray | None = None) -> list[dict]:
    """Runs in groups of one recipe, data set and network, their predictions as they differ."""

    def shared(run: RunRecord) -> str:
        return json.dumps([getattr(run, key) for key in SHARED])

    return [
        {
            "study": study,
            **dict(zip(SHARED, json.loads(text), strict=True)),
            "runs": [
                {
                    "seed": run.seed,
                    "status": run.status,
                    "environment": {key: run.environment.get(key) for key in SHOWN},
                    "per_pass": _columns(run.per_pass),
                    **_differences(run.predictions, answers),
                }
                for run in alike
            ],
        }
        for text, alike in groupby(runs, shared)
    ]


DIFFERENCE = re.compile("([0-9a-f]+)([g-q])")
"""How far on from the last one the next label differs, in hexadecimal, and which it is."""


def _differences(predictions: np.ndarray | None, answers: np.ndarray | None) -> dict[str, str]:
    """Differences between predictions, in short; nothing where they cannot be compared."""
    if predictions is None or answers is None or predictions.shape != answers.shape:
        return {}
    others = np.flatnonzero(predictions != answers)
    steps = np.diff(others, prepend=0)
    labels = (chr(ord("g") + label) for label in predictions[others])
    return {"predictions": "".join(f"{n:x}{label}" for n, label in zip(steps, labels, strict=True))}


def _runs(group: dict, answers: np.ndarray) -> Iterator[RunRecord]:
    """The runs of a group; see :func:`_groups`."""
    shared = {key: group[key] for key in SHARED}
    for run in group["runs"]:
        record = RunRecord(**shared, **run | {"per_pass": _rows(run["per_pass"])})
        if "predictions" in run:
            record.predictions = answers.copy()
            index = 0
            for step, label in DIFFERENCE.findall(run["predictions"]):
                index += int(step, 16)
                record.predictions[index] = ord(label) - ord("g")
        yield record


def _columns(rows: Sequence[dict]) -> dict[str, list]:
    return {key: [row[key] for row in rows] for key in rows[0]} if rows else {}


def _rows(columns: dict[str, list]) -> list[dict]:
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
