"""The generated parts of README and docs: which records make which table or figure.

A Markdown file marks a generated table with ``<!-- generated: NAME -->`` and ``<!-- end -->``;
what stands between is replaced. A figure carries, in the file, a digest of the records it shows.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lenet1998.errors import BadInput
from lenet1998.records import PREDICTIONS, RECORD, RunRecord, read_records, write_atomically
from lenet1998.report import figures, tables

BLOCK = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
DOCUMENTS = ("README.md", "docs/*.md")


def _records(folder: Path) -> list[RunRecord]:
    records = read_records(folder)
    if not records:
        raise BadInput(f"{folder}: no run records to make a table or figure of")
    return records


def headline(results: Path) -> str:
    """The 1998 recipe's ten seeds beside the paper."""
    records = _records(results / "headline" / "original")
    return tables.markdown(tables.beside_the_paper(tables.summary_of(records)))


def readings(results: Path) -> str:
    """All readings, ranked as docs/protocol.md says."""
    return tables.markdown(tables.readings(_records(results / "readings")))


def benchmark(results: Path) -> str:
    """The engines side by side."""
    return tables.markdown(tables.benchmark(json.loads((results / "benchmark.json").read_text())))


TABLES: dict[str, Callable[[Path], str]] = {
    "headline": headline,
    "readings": readings,
    "benchmark": benchmark,
}


@dataclass(frozen=True)
class Drawing:
    """A figure of the docs: the results folder it shows, and what draws it."""

    source: str
    draw: Callable[[list, Path, str], None]


FIGURES = {
    "fig5.png": Drawing("headline/original", figures.learning_curve),
}


def digest(folder: Path) -> str:
    """SHA-256 over a folder's records and predictions, by name."""
    total = sha256()
    for file in sorted(folder.rglob("*")):
        if file.name in (RECORD, PREDICTIONS):
            total.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    return total.hexdigest()


def remake(root: Path, check: bool = False) -> list[str]:
    """Remake every generated table and figure from committed records.

    Args:
        root: the project's folder.
        check: write nothing.

    Returns:
        What was stale, as ``file: name``.
    """
    results, stale = root / "experiments" / "results", []
    for file in sorted(path for pattern in DOCUMENTS for path in root.glob(pattern)):
        text = file.read_text()
        if unknown := {name for _, name, _ in BLOCK.findall(text)} - set(TABLES):
            raise BadInput(f"{file}: no generated table is called {', '.join(sorted(unknown))}")
        fresh = BLOCK.sub(lambda m: m[1] + TABLES[m[2]](results) + m[3], text)
        if fresh != text:
            stale.append(str(file.relative_to(root)))
            if not check:
                write_atomically(file, fresh.encode())
    for name, drawing in FIGURES.items():
        file, source = root / "docs" / "figures" / name, digest(results / drawing.source)
        if not file.is_file() or figures.source_of(file) != source:
            stale.append(str(file.relative_to(root)))
            if not check:
                drawing.draw(_records(results / drawing.source), file, source)
    return stale
