"""The committed results: runs as lines, what else was measured as JSON, and who shows which."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from lenet1998 import errors, paper
from lenet1998.cli import Parser, path
from lenet1998.errors import BadInput
from lenet1998.recipes import RECIPES
from lenet1998.report.committed import COMPARED
from lenet1998.training import lines
from lenet1998.training.flags import DATA, RESULTS
from lenet1998.training.records import RunRecord

BENCHMARK, BENCHMARKS_OLDER = "benchmark.json", "benchmark_older.json"
RIVALS = "rivals.json"
REJECTION_INVARIANCE, ANSWERS, FIG7 = "rejection_invariance.json", "answers.json", "fig7.json"
FAULTS, RESTORATION, SEARCH, FIG6 = "faults.json", "restoration.json", "search.json", "fig6.json"
CLAIMS, FEATURES = "claims.json", "features.json"
ABLATIONS, READ_STRINGS, BLANK_SHARE = "ablations.json", "read_strings.json", "blank_share.json"
LICENCES, PICTURES = "licences.json", "pictures.json"

ORIGINAL, MODERN = COMPARED["original"], COMPARED["modern"]
DISTORTIONS = "published/distortions"
ALL_VARIANTS = {
    **COMPARED,
    "distortions": DISTORTIONS,
    "noise": "published/noise",
    "1998-features": "features/1998-features",
    "strings": "strings/strings",
    "printed": "licences/printed",
    "original-literal": "headline/original-literal",
    "fitted": "fitted/fitted",
    **{name: f"coursework/{name}" for name in RECIPES if name.startswith("coursework-")},
}
"""Each named variant's runs, as ``STUDY/RECIPE``."""

MADE_BY = {
    "ablations": "experiments.ablations.runs",
    "answers": "experiments.comparison.answers",
    "blank_share": "experiments.strings.blank_share",
    "claims": "experiments.claims.measures",
    "coursework": "experiments.coursework.runs",
    "coursework_open": "experiments.coursework.runs",
    "faults": "tests.faults",
    "features": "experiments.net_1998.features",
    "fig6": "experiments.published.fig6",
    "fig7": "experiments.distortions.fig7",
    "fitted": "experiments.readings.fitted",
    "headline": "experiments.published.headline",
    "licences": "experiments.readings.licences",
    "pictures": "experiments.pictures.read",
    "published": "experiments.published.runs",
    "read_strings": "experiments.strings.read",
    "readings": "experiments.readings.runs",
    "rejection_invariance": "experiments.published.rejection_invariance",
    "restoration": "experiments.net_1998.restoration",
    "rivals": "experiments.speed.rivals",
    "search": "experiments.readings.search",
    "strings": "experiments.strings.runs",
    "sweep": "experiments.coursework.sweep",
    "tuning": "experiments.ablations.tuning",
    **dict.fromkeys(("benchmark", "benchmark_older"), "lenet1998.benchmark --full"),
}
"""The module that makes each result, as ``python -m`` takes it."""


def parser_of(prog: str, description: str) -> Parser:
    """Make the parser of a study or a script, with the flags for MNIST and the results."""
    parser = Parser(prog=prog, description=description)
    parser.add_argument("--data", type=path, metavar="DIR", help=DATA)
    parser.add_argument(
        "--results", default=RESULTS, type=path, metavar="DIR", help=f"default {RESULTS}"
    )
    return parser


def made_by(name: str) -> str:
    """Command that makes a result.

    Args:
        name: of a folder of runs or a JSON file, without its ending.
    """
    return f"python -m {MADE_BY[name]}"


def read_json(file: Path) -> dict:
    """Read one of the results' JSON files.

    Raises:
        BadInput: it is missing, or no JSON.
    """
    return errors.parse(file)


def runs_in(results: Path, *sources: str) -> list[RunRecord]:
    """Read runs, one source after the other, each's by recipe and seed.

    Args:
        results: the folder of all results.
        sources: studies, ``STUDY``, or of one of their recipes only, ``STUDY/RECIPE``.

    Raises:
        BadInput: a source without runs, or one that cannot be read.
    """
    found = []
    for source in sources:
        study, _, recipe = source.partition("/")
        file = results / f"{study}{lines.SUFFIX}"
        runs = [run for run in read_lines(file) if not recipe or run.recipe["name"] == recipe]
        if not runs:
            raise BadInput(f"{file}: no runs of {recipe or study} to make a table or figure of")
        found += runs
    return found


def everything(results: Path) -> list[RunRecord]:
    """Read the runs of all studies, by recipe and seed, but those that kept no answers."""
    files = sorted(results.glob(f"*{lines.SUFFIX}"))
    return lines.ordered(
        run
        for file in files
        for run in read_lines(file)
        if run.predictions is not None or not run.per_pass
    )


def read_lines(file: Path) -> list[RunRecord]:
    """Read a study's runs by recipe and seed, once while the file is as it was."""
    if not os.path.lexists(file):
        return []
    about = file.stat()
    return _read_lines(file, about.st_mtime_ns, about.st_size)


@cache
def _read_lines(file: Path, *_) -> list[RunRecord]:
    return lines.ordered(lines.read(file))


# --- What the docs show -------------------------------------------------------------------------

Source = str | tuple[str, ...] | dict[str, str] | Callable[[Path], Any]


@dataclass(frozen=True, eq=False)
class Shown:
    """A function that makes a table or figure of results.

    Attributes:
        function: is given what each source holds, then the words of the mark that names it.
        sources: ``NAME.json`` for its content; ``STUDY`` or ``STUDY/RECIPE`` for a list of runs,
            several in a tuple for one list of all, in a dict for a list by name; or what else
            makes something of the folder of results.
        facts: names in :mod:`lenet1998.paper`, which a figure reads itself.
    """

    function: Callable
    sources: tuple[Source, ...]
    facts: tuple[str, ...] = ()

    def __call__(self, *args):
        return self.function(*args)

    def made(self, results: Path, *words: str):
        """Table or figure of a folder of results."""
        return self.function(*self.held(results), *words)

    def held(self, results: Path) -> list:
        """Content of the sources."""
        return [read(results, source) for source in self.sources]

    def digest(self, results: Path) -> str:
        """Digest of the sources, each list of a dict by itself, and of the facts."""
        held = zip(self.sources, self.held(results), strict=True)
        each = [list(of.values()) if isinstance(named, dict) else [of] for named, of in held]
        return digest(*chain(*each), facts=self.facts)


def shows(*sources: Source, facts: tuple[str, ...] = ()) -> Callable[[Callable], Shown]:
    """Declare what a table or figure is made of; see :class:`Shown`."""
    return lambda function: Shown(function, sources, facts)


def read(results: Path, source: Source):
    """Content of a source in a folder of results.

    Raises:
        BadInput: it is missing, or cannot be read.
    """
    match source:
        case dict():
            return {name: runs_in(results, one) for name, one in source.items()}
        case tuple():
            return runs_in(results, *source)
        case str():
            whole = source.endswith(".json")
            return read_json(results / source) if whole else runs_in(results, source)
    return source(results)


def digest(*shown: list[RunRecord] | dict, facts: tuple[str, ...] = ()) -> str:
    """SHA-256 over runs with their answers, JSON files' content, and facts by name."""
    total = sha256()
    for content in shown:
        whole = isinstance(content, dict)
        text = json.dumps(content, sort_keys=True) if whole else lines.digest(content)
        total.update(text.encode())
    for name in facts:
        fact = getattr(paper, name)
        value = fact() if callable(fact) else fact
        for part in value if hasattr(value, "_fields") else [value]:
            total.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return total.hexdigest()
