"""Committed runs: those of recipes, and those of changes beside their bases. Imports no torch."""

from pathlib import Path

from lenet1998.ablate import effects as report
from lenet1998.ablate.components import Change, changes
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe, recorded
from lenet1998.report import shipped
from lenet1998.training.records import RECORD, RunRecord, read_record

Pairs = dict[Change, tuple[Recipe, Recipe]]
"""Changes, each with its recipe and its base's, which flags may have changed."""


def committed(results: Path | None, recipes: list[Recipe]) -> dict[str, list[RunRecord]]:
    """The committed runs of recipes by name, each recipe's from one study, in order of seeds.

    It is the study that has the most runs of it, and of those the variants' own before the others:
    runs of two studies may share seeds, and were not all meant to stand beside each other.

    Args:
        results: a folder of studies; None: what comes with the package.
        recipes: whose runs.
    """
    found: dict[str, list[RunRecord]] = {recipe.name: [] for recipe in recipes}
    for _, records in shipped.in_folder(results) if results else shipped.in_package():
        here: dict[str, list[RunRecord]] = {name: [] for name in found}
        for record in records:
            name = record.recipe["name"]
            if name in here and recorded(record.recipe, results or shipped.FILE) in recipes:
                here[name].append(record)
        for name, of_recipe in here.items():
            found[name] = max(found[name], of_recipe, key=len)
    return found


def arithmetic_of(environment: dict) -> int | None:
    """The arithmetic that made a run; records from before it was written down are of the first."""
    return environment.get("arithmetic", 1 if environment["engine"] == "compiled" else None)


def committed_run(run: RunRecord) -> RunRecord | None:
    """The committed run of a run's recipe, seed and data set, with its predictions.

    Of a checkout's records, or of what comes with the package.
    """
    results = Path(__file__).parents[2] / "experiments" / "results"
    if results.is_dir():
        # By its folder's name, which is true, rather than by reading all records.
        folders = (file.parent for file in results.rglob(f"seed-{run.seed}/{RECORD}"))
        named = sorted(folder for folder in folders if folder.parent.name == run.recipe["name"])
        found = [read_record(folder) for folder in named]
    else:
        found = [other for _, runs in shipped.in_package() for other in runs]
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


def recipes_of(pairs: Pairs) -> list[Recipe]:
    """Each recipe once, bases before what is compared with them."""
    return list(dict.fromkeys(recipe for pair in pairs.values() for recipe in reversed(pair)))


def of_committed(asked: Pairs, results: Path | None) -> dict[str, list[report.Comparison]]:
    """The committed runs of changes beside their bases', by direction.

    With those of the other changes of the same directions, as far as there are any: p values are
    adjusted over all of them.

    Raises:
        BadInput: no runs of any change asked for, or some of another data set.
    """
    directions = {change.direction for change in asked}
    family = {
        change: (change.recipe, change.base)
        for change in changes()
        if change.direction in directions
    }
    groups = committed(results, recipes_of(family))
    missing = [recipe.name for recipe in recipes_of(asked) if not groups[recipe.name]]
    if all(recipe.name in missing or base.name in missing for recipe, base in asked.values()):
        raise lacking(results, f"{missing[0]} ({len(missing)} lacking)")
    of = {run.dataset["checksum"]: (name, run) for name, runs in groups.items() for run in runs}
    if len(of) > 1:
        told = [f"{name} on {run.dataset['name']}" for name, run in of.values()]
        where = results or "what comes with lenet1998"
        raise BadInput(f"{where}: runs of several data sets: {', '.join(told)}", "results")
    with_runs = {
        change: pair
        for change, pair in family.items()
        if all(groups[recipe.name] for recipe in pair)
    }
    return beside(with_runs, groups)


def beside(pairs: Pairs, groups: dict[str, list[RunRecord]]) -> dict[str, list[report.Comparison]]:
    """The changes beside their bases, by direction."""
    found: dict[str, list[report.Comparison]] = {}
    for change, (recipe, base) in pairs.items():
        runs = groups[recipe.name], groups[base.name]
        one = report.Comparison(change.direction, change.component, change.title, *runs)
        found.setdefault(change.direction, []).append(one)
    return found
