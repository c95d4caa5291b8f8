"""Committed runs, of a folder of results or as they travel with the package.

``runs.jsonl.gz`` beside this file, with ``runs.npz``, is written by ``python -m lenet1998.report``,
so that who installed the package sees what a checkout has. It holds the runs of the named variants,
with their answers to the usual test set, and of those of the ablations that learnt from all
patterns the last pass. Of the environment it has what tables show.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from lenet1998.errors import BadInput, read_bytes
from lenet1998.recipes import Recipe, recorded
from lenet1998.training import lines
from lenet1998.training.records import RunRecord

FILE = Path(__file__).with_name("runs.jsonl.gz")
FIRST = ("headline", "published")
"""The studies of the variants themselves, which go before others that have as many runs of them."""
ABLATIONS = "ablations"
COMPARED = {
    "original": "headline/original",
    "original-logistic": "headline/original-logistic",
    "modern": "headline/modern",
    "modern-tuned": "ablations/modern-tuned",
}
"""The variants that stand side by side, and the study of each, with its recipe."""


SHOWN = ("engine", "device", "processor", "arithmetic")
"""Keys of an environment that tables show."""


def in_folder(results: Path) -> Iterator[Sequence[RunRecord]]:
    """Read the studies of a folder of results, in the order of preference."""
    studies = lines.read_studies(results)
    for name in [
        *(name for name in FIRST if name in studies),
        *sorted(studies.keys() - set(FIRST)),
    ]:
        yield studies[name]


def in_package() -> list[RunRecord]:
    """Read the runs that come with the package, without their weights."""
    return lines.ordered(lines.read(FILE))


def in_checkout(results: Path, run: RunRecord) -> list[RunRecord]:
    """Read the runs of the studies that name a run's recipe, which is quicker than reading all."""
    name = lines.quoted_name(run.recipe["name"])
    files = (
        file
        for file in sorted(results.glob(f"*{lines.SUFFIX}"))
        if name in read_bytes(file, lines.MOST_BYTES)
    )
    return [other for file in files for other in lines.read(file)]


def named(variants: Iterable[str]) -> dict[str, list[RunRecord]]:
    """Read the package's runs of variants."""
    runs = in_package()
    return {name: [run for run in runs if run.recipe["name"] == name] for name in variants}


def summary(results: Path, sources: Mapping[str, str]) -> list[RunRecord]:
    """Gather what travels with the package.

    Args:
        results: the folder of all results.
        sources: of each named variant, the study and recipe of its runs, as ``STUDY/RECIPE``.
    """
    studies = lines.read_studies(results)
    found = [
        _cut(run, run.per_pass, run.predictions)
        for name, source in sources.items()
        for run in studies.get(source.partition("/")[0], ())
        if run.recipe["name"] == name
    ]
    return found + [
        _cut(run, [dict.fromkeys(row) for row in run.per_pass[:-1]] + run.per_pass[-1:])
        for run in studies.get(ABLATIONS, ())
        if not run.recipe["train_size"] and run.recipe["name"] not in sources
    ]


def _cut(run: RunRecord, per_pass: list[dict], predictions=None) -> RunRecord:
    """Leave out of a run what no command shows."""
    environment = {key: run.environment.get(key) for key in SHOWN}
    return replace(run, environment=environment, per_pass=per_pass, predictions=predictions)


def committed(results: Path | None, recipes: list[Recipe]) -> dict[str, list[RunRecord]]:
    """The committed runs of recipes by name, each recipe's from one study, in order of seeds.

    It is the study that has the most runs of it, and of those the variants' own before the others:
    runs of two studies may share seeds, and were not all meant to stand beside each other.

    Args:
        results: a folder of studies; None: what comes with the package.
        recipes: whose runs.

    Raises:
        BadInput: runs that cannot be read, that are there twice, or of several data sets.
    """
    found: dict[str, list[RunRecord]] = {recipe.name: [] for recipe in recipes}
    for records in in_folder(results) if results else [in_package()]:
        here: dict[str, list[RunRecord]] = {name: [] for name in found}
        for record in records:
            name = record.recipe["name"]
            if name in here and recorded(record.recipe, results or FILE) in recipes:
                here[name].append(record)
        for name, of_recipe in here.items():
            found[name] = max(found[name], of_recipe, key=len)
    of = {run.dataset["checksum"]: run for runs in found.values() for run in runs}
    if len(of) > 1:
        told = (f"{run.source} on {run.dataset['name']}" for run in of.values())
        where = results or "what comes with lenet1998"
        raise BadInput(f"{where}: runs of several data sets: {', '.join(told)}", "results")
    return found


def arithmetic_of(environment: dict) -> int | None:
    """The arithmetic that made a run; records from before it was written down are of the first."""
    return environment.get("arithmetic", 1 if environment.get("engine") == "compiled" else None)


def committed_run(run: RunRecord) -> RunRecord | None:
    """The committed run of a run's recipe, seed and data set, with its predictions.

    Of a checkout's records, or of what comes with the package.
    """
    results = Path(__file__).parents[2] / "experiments" / "results"
    found = in_checkout(results, run) if results.is_dir() else in_package()
    recipe = recorded(run.recipe, "this run")

    def alike(other: RunRecord) -> bool:
        same = other.seed == run.seed and other.dataset["checksum"] == run.dataset["checksum"]
        return (
            same
            and other.predictions is not None
            and other.recipe["name"] == recipe.name
            and recorded(other.recipe, "a committed run") == recipe
        )

    return next(filter(alike, found), None)


def lacking(results: Path | None, names: str) -> BadInput:
    """Complaint that there are no committed runs of some recipes."""
    where = (
        f"{results}: no committed runs of {names} in it"
        if results
        else (f"no committed runs of {names} come with lenet1998")
    )
    told = f"{where}; name a folder that has them, or add --fresh to train them"
    return BadInput(told, "results" if results else None)
