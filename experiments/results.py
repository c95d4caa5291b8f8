"""The committed results: runs as lines, and what else was measured as JSON."""

import os
from functools import cache
from pathlib import Path

from lenet1998 import errors
from lenet1998.errors import BadInput
from lenet1998.training import lines
from lenet1998.training.records import RunRecord

BENCHMARK, BENCHMARKS_OLDER = "benchmark.json", "benchmark_older.json"
RIVALS = "rivals.json"
REJECTION_INVARIANCE, ANSWERS, FIG7 = "rejection_invariance.json", "answers.json", "fig7.json"
FAULTS, RESTORATION, SEARCH, FIG6 = "faults.json", "restoration.json", "search.json", "fig6.json"
CLAIMS, FEATURES = "claims.json", "features.json"
ABLATIONS, READ_STRINGS, BLANK_SHARE = "ablations.json", "read_strings.json", "blank_share.json"
LICENCES = "licences.json"

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


MEASURES = (
    REJECTION_INVARIANCE,
    ANSWERS,
    FIG7,
    FAULTS,
    READ_STRINGS,
    BLANK_SHARE,
    RESTORATION,
    SEARCH,
    FIG6,
    CLAIMS,
    FEATURES,
    ABLATIONS,
    LICENCES,
    RIVALS,
    BENCHMARK,
    BENCHMARKS_OLDER,
)
"""The JSON files of what else was measured."""
