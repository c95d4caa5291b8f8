"""docs/pretrained.md: the cards of the nets that come with the package. Imports no torch.

A file of weights says in its metadata what run it is of: ``recipe`` (JSON), ``seed``, ``commit``
(of the code that trained it), ``dataset``, ``dataset_sha256``, and of the run's last pass
``test_errors``, ``test_patterns`` and ``test_error_percent``.
:mod:`experiments.pretrained.package` writes them.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pandas as pd
from safetensors import safe_open

from experiments.results import ALL_VARIANTS, shows
from lenet1998.report.tables import spread
from lenet1998.training.records import RunRecord

NAMES = (
    "original",
    "original-logistic",
    "distortions",
    "noise",
    "modern",
    "strings",
    "1998-features",
)
"""The nets that have a card."""
MISSING = "not in this version: train them with the command above"


def weights_of(name: str) -> Path:
    """File of a net's weights, if they come with the package."""
    return Path(str(files("lenet1998"))) / "weights" / f"{name}.safetensors"


def metadata(record: RunRecord) -> dict[str, str]:
    """Metadata of a finished run's weights; see the module."""
    environment, last = record.environment, record.last or {}
    commit = environment.get("commit") or "not recorded"
    return {
        "recipe": json.dumps(record.recipe),
        "seed": str(record.seed),
        "commit": f"{commit}, changed" if environment.get("dirty") else commit,
        "dataset": record.dataset["name"],
        "dataset_sha256": record.dataset["checksum"],
        "test_errors": str(last["test_errors"]),
        "test_patterns": str(record.dataset["test_patterns"]),
        "test_error_percent": str(last["test_error_percent"]),
    }


def stated(file: Path) -> dict[str, str]:
    """The metadata of a file of weights; none if there is no such file."""
    if not file.is_file():
        return {}
    with safe_open(file, framework="np") as opened:
        return opened.metadata() or {}


SHOWN = {name: ALL_VARIANTS[name] for name in NAMES}


@shows(SHOWN)
def overview(runs: Mapping[str, Sequence[RunRecord]]) -> pd.DataFrame:
    """One row a net: its own error, and that of all seeds of its recipe."""
    rows = []
    for name, records in runs.items():
        facts = stated(weights_of(name))
        rows.append(
            {
                "net": f"[`{name}`](pretrained.md#{name})",
                "misclassified by these weights": _misread(facts)
                if facts
                else MISSING.split(":")[0],
                "all seeds, %": spread(_errors(records)),
                "seed": facts.get("seed", ""),
            }
        )
    return pd.DataFrame(rows)


@shows(SHOWN)
def card(of: Mapping[str, Sequence[RunRecord]], name: str) -> pd.DataFrame:
    """Card of a net, from its file's metadata and the records."""
    runs = of[name]
    file = weights_of(name)
    facts, first = stated(file), runs[0]
    content = file.read_bytes() if facts else b""
    train = [run.last["train_error_percent"] for run in runs if not run.diverged]
    rows = {
        "trained with": f"`python -m lenet1998.reproduce --variant {name} --seeds 0`",
        "passes": str(first.recipe["passes"]),
        "data": f"{first.dataset['name']}, SHA-256 {first.dataset['checksum']}",
        "parameters, connections": f"{first.parameters:,}, {first.connections:,}",
        "misclassified by these weights": _misread(facts) if facts else MISSING,
        "test error of all seeds, %": spread(_errors(runs)),
        "their training error on the fly, %": spread(train),
        "seed": facts.get("seed", ""),
        "commit": facts.get("commit", ""),
        "weights": f"`{file.name}`, {len(content):,} bytes, SHA-256 {sha256(content).hexdigest()}",
        "licence": "MIT",
    }
    if not facts:
        rows = {key: text for key, text in rows.items() if key not in ("seed", "commit", "weights")}
    return pd.DataFrame({"": list(rows), name: list(rows.values())})


def _misread(facts: Mapping[str, str]) -> str:
    """Number of misread patterns, from a net's metadata."""
    errors, patterns = int(facts["test_errors"]), int(facts["test_patterns"])
    return f"{errors:,} of {patterns:,} ({100 * errors / patterns:.2f} %)"


def _errors(runs: Sequence[RunRecord]) -> list[float]:
    return [run.last["test_error_percent"] for run in runs if not run.diverged]
