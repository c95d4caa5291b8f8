"""``python -m lenet1998.compare``: variants side by side, of committed runs or trained afresh."""

import json
import sys
from argparse import Namespace
from collections.abc import Set
from pathlib import Path

from lenet1998.cli import entry, parse_seeds, path, writable
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe, recorded
from lenet1998.records import RunRecord, read_record, write_atomically, write_json
from lenet1998.report import comparison, shipped
from lenet1998.report.tables import markdown
from lenet1998.reproduce import show_each
from lenet1998.statistics import mcnemar
from lenet1998.training import study
from lenet1998.training.claims import claimed
from lenet1998.training.flags import check_cells, recipe_from, run_all, run_parser
from lenet1998.training.schedule import Schedule
from lenet1998.training.study import Cell

SUMMARY = "Variants side by side: accuracy, parameters, connections, time."
VARIANTS = ["original", "original-logistic", "modern"]
FRESH_SEEDS, OUT = "0-2", Path("runs", "compare")
WHERE = "a folder of studies' records (default: the committed runs that come with lenet1998)"
FRESH = ("fresh", "seeds", "passes", "train_size", "distortions", "set", "quick", "resume")
"""Flags that ask for other runs than the committed ones."""
OF_COMMITTED = {"variant", "variants", "dataset", "results", "out", "json"}
ONLY_TRAINED = "is for runs that are trained: add --fresh to train them"
OF_TWO_RUNS = {"runs", "dataset", "data", "json"}
"""What of the flags means anything there."""


@entry
def main(arguments: list[str] | None = None) -> int:
    """Gather each variant's runs, write and print the comparison; or compare two given runs."""
    parser = run_parser("compare", SUMMARY, f"when trained afresh: {FRESH_SEEDS}", str(OUT))
    parser.set_defaults(variant=None, seeds=None)
    add = parser.add_argument
    words = f"default {' '.join(VARIANTS)}"
    add("variants", nargs="*", default=[], metavar="VARIANT", help=words)
    add("--fresh", action="store_true", help="train afresh, as do --seeds, --passes and the like")
    add("--results", type=path, metavar="DIR", help=WHERE)
    add("--runs", nargs=2, type=path, metavar="RUN", help="exact McNemar test of two runs' folders")
    flags = parser.parse_args(arguments)
    given = {name for name, value in vars(flags).items() if value != parser.get_default(name)}
    if flags.runs:
        refuse(given - OF_TWO_RUNS, "does not go with --runs, which compares two given runs")
        return compare_runs(*flags.runs, flags)
    if flags.variants and flags.variant:
        raise BadInput(f"{flags.variant}: name variants with or without the flag", "variant")
    variants = flags.variants or ([flags.variant] if flags.variant else VARIANTS)
    recipes = [recipe_from(flags, variant) for variant in variants]
    names = [recipe.name for recipe in recipes]
    if len(set(names)) < len(names):
        raise BadInput(f"{' '.join(variants)}: a variant is named twice, or made the same by flags")
    if given.intersection(FRESH) or flags.dataset == "digits":
        refuse(given & {"results"}, "is where committed runs are, and these are trained afresh")
        out = flags.out or OUT
        groups = train(recipes, out, flags)
    else:
        refuse(given - OF_COMMITTED, ONLY_TRAINED)
        groups = committed(flags.results, recipes)
        if missing := [name for name in names if not groups[name]]:
            raise lacking(flags.results, ", ".join(missing))
        out = writable(flags.out or OUT)
    return publish({name: groups[name] for name in names}, out, flags.json)


def refuse(given: Set[str], why: str) -> None:
    """Refuse flags that would be ignored.

    Raises:
        BadInput: there is one.
    """
    for name in sorted(given):
        words = "VARIANT" if name == "variants" else f"--{name.replace('_', '-')}"
        raise BadInput(f"{words}: {why}")


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


def lacking(results: Path | None, names: str) -> BadInput:
    """What to say where there are no committed runs of some recipes."""
    where = (
        f"{results}: no committed runs of {names} in it"
        if results
        else (f"no committed runs of {names} come with lenet1998")
    )
    told = f"{where}; name a folder that has them, or add --fresh to train them"
    return BadInput(told, "results" if results else None)


def train(recipes: list[Recipe], out: Path, flags: Namespace) -> dict[str, list[RunRecord]]:
    """Train every seed of recipes, in a folder of each one's name; the runs by name."""
    cells = [
        Cell(recipe, seed, out / recipe.name / f"seed-{seed}")
        for recipe in recipes
        for seed in parse_seeds(flags.seeds or FRESH_SEEDS)
    ]
    dataset = study.load_once(flags.dataset, flags.data)
    check_cells(cells, flags, dataset)
    with claimed(out, [out, *(cell.folder for cell in cells)]):
        records = run_all(cells, out, flags, dataset)
        show_each(cells, dataset)
    return {
        recipe.name: [record for cell, record in records.items() if cell.recipe == recipe]
        for recipe in recipes
    }


def publish(groups: dict[str, list[RunRecord]], out: Path, as_json: bool) -> int:
    """Write tables and figure, print the tables; the exit status is 1 if a run diverged."""
    tables = comparison.side_by_side(groups), comparison.by_layer(groups)
    figure = out / "figures" / "learning-curves.png"
    write_json(out / "comparison.json", comparison.compare(groups))
    write_atomically(out / "comparison.md", "\n".join(map(markdown, tables)).encode())
    write_atomically(out / "comparison.csv", comparison.tidy(groups).to_csv(index=False).encode())
    comparison.learning_curves(*groups.values(), file=figure, names=list(groups))
    if as_json:
        print(json.dumps(comparison.compare(groups)))
    else:
        print(*(table.to_string(index=False) for table in tables), sep="\n\n")
        print(f"\nlast pass, never the best\nwritten to {out}/comparison.* and {figure}")
    return int(any(run.diverged for runs in groups.values() for run in runs))


def compare_runs(ours: Path, theirs: Path, flags: Namespace) -> int:
    """Print how often only one of two runs misread a pattern, and the exact McNemar test's p.

    Raises:
        BadInput: a run that is none, that never finished a pass, or of other test patterns.
    """
    records = [read_record(folder) for folder in (ours, theirs)]
    dataset = study.load_once(flags.dataset, flags.data)
    for folder, record in zip((ours, theirs), records, strict=True):
        if record.predictions is None:
            raise BadInput(f"{folder}: the run finished no pass, so there are no answers of it")
        if record.dataset["checksum"] != dataset.checksum:
            raise BadInput(f"{folder}: is of {record.dataset['name']}, not of {dataset.name}")
    if len({_asked(record) for record in records}) > 1:
        raise BadInput(f"{ours} and {theirs} were not asked about the same patterns")
    schedule = Schedule(recorded(records[0].recipe, ours), records[0].seed, dataset)
    truth = schedule.patterns.test_labels.numpy()
    only_ours, only_theirs, p = mcnemar(records[0].predictions, records[1].predictions, truth)
    result = {
        "runs": [str(ours), str(theirs)],
        "test_patterns": len(truth),
        "test_errors": [int((record.predictions != truth).sum()) for record in records],
        "only_first": only_ours,
        "only_second": only_theirs,
        "p": p,
    }
    if flags.json:
        print(json.dumps(result))
    else:
        print(
            f"of {len(truth):,} patterns only {ours} misreads {only_ours}, only {theirs}"
            f" {only_theirs}: exact McNemar p = {p:.3g}"
        )
    return 0


def _asked(record: RunRecord) -> tuple:
    """What tells the patterns that a run was asked about; those held out depend on its seed."""
    held_out = record.recipe.get("held_out", 0)
    return held_out, record.seed if held_out else None


if __name__ == "__main__":
    sys.exit(main())
