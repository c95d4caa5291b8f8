"""The JSON files among the results, each with the one reader that checks it."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from experiments import schemas
from lenet1998 import schema
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
    """The checked content of one of the results' JSON files.

    Raises:
        BadInput: it is missing, or not what that file holds.
    """
    return READERS[file.name](file)


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
    try:
        about = file.stat()
    except OSError:
        return []
    return _read_lines(file, about.st_mtime_ns, about.st_size)


@cache
def _read_lines(file: Path, *_) -> list[RunRecord]:
    return lines.ordered(lines.read(file))


def rejection_invariance(file: Path) -> dict:
    """The content of ``rejection_invariance.json``, checked.

    Raises:
        BadInput: none that can be read, or not as many errors as there are transforms.
    """
    content = schema.read(file, schemas.REJECTION_INVARIANCE)
    for name, nets in content["nets"].items():
        for axis in schemas.AXES:
            if any(len(net[axis]) != len(content["axes"][axis]) for net in nets):
                raise BadInput(f"{file}: a net of {name} was not measured at each {axis}")
    return content


def read_strings(file: Path) -> dict:
    """The content of ``read_strings.json``, checked.

    Raises:
        BadInput: none that can be read, or not as many results as there are changes of a string.
    """
    content = schema.read(file, schemas.READ_STRINGS)
    for row in content["measured"]:
        for axis in schemas.STRING_AXES:
            if any(len(values) != len(content["axes"][axis]) for values in row[axis].values()):
                raise BadInput(f"{file}: {row['net']} was not measured at each {axis}")
    return content


READERS: dict[str, Callable[[Path], dict]] = {
    REJECTION_INVARIANCE: rejection_invariance,
    ANSWERS: partial(schema.read, schema=schemas.ANSWERS),
    FIG7: partial(schema.read, schema=schemas.FIG7),
    FAULTS: partial(schema.read, schema=schemas.FAULTS),
    READ_STRINGS: read_strings,
    BLANK_SHARE: partial(schema.read, schema=schemas.BLANK_SHARE),
    RESTORATION: partial(schema.read, schema=schemas.RESTORATION),
    SEARCH: partial(schema.read, schema=schemas.SEARCH),
    FIG6: partial(schema.read, schema=schemas.FIG6),
    CLAIMS: partial(schema.read, schema=schemas.CLAIMS),
    FEATURES: partial(schema.read, schema=schemas.FEATURES),
    ABLATIONS: partial(schema.read, schema=schemas.ABLATIONS),
    LICENCES: partial(schema.read, schema=schemas.LICENCES),
    RIVALS: partial(schema.read, schema=schemas.RIVALS),
    BENCHMARK: partial(schema.read, schema=schemas.BENCHMARK),
    BENCHMARKS_OLDER: partial(schema.read, schema=schemas.BENCHMARKS),
}
"""What reads each JSON file of results and checks it."""
