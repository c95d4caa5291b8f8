"""Variants side by side: committed runs, or runs trained afresh; and two runs' exact test."""

import json
from argparse import Namespace
from pathlib import Path

from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe, recorded
from lenet1998.report import comparison
from lenet1998.report.committed import committed, lacking
from lenet1998.report.fresh import in_words, train
from lenet1998.report.statistics import mcnemar
from lenet1998.report.style import save
from lenet1998.report.tables import markdown
from lenet1998.training import study
from lenet1998.training.locks import check_free, claimed, replacing
from lenet1998.training.records import RunRecord, read_record, write_atomically, write_json
from lenet1998.training.schedule import Schedule

CURVES = "figures/learning-curves.png"
FILES = ("comparison.json", "comparison.md", "comparison.csv", CURVES)


def run(recipes: list[Recipe], seeds: list[int] | None, out: Path, flags: Namespace) -> int:
    """Gather each variant's runs, write and print the comparison.

    Args:
        recipes: the variants.
        seeds: to train afresh; None: the committed runs, as they are.
        out: where to write.
        flags: all of them.

    Raises:
        BadInput: a variant without committed runs.
    """
    names = [recipe.name for recipe in recipes]
    if seeds is None:
        groups = committed(flags.results, recipes)
        if missing := [name for name in names if not groups[name]]:
            raise lacking(flags.results, ", ".join(missing))
        of = in_words({name: [run.seed for run in groups[name]] for name in names}, flags)
    else:
        of = in_words(dict.fromkeys(names, seeds), flags)
    check_free(out, FILES, of, flags.overwrite)
    if seeds is not None:
        groups = train(recipes, seeds, out, flags)
    with claimed(out), replacing(out, FILES, of, flags.overwrite):
        return publish({name: groups[name] for name in names}, out, flags.json)


def publish(groups: dict[str, list[RunRecord]], out: Path, as_json: bool) -> int:
    """Write tables and figure, print the tables; the exit status is 1 if a run diverged."""
    tables = comparison.side_by_side(groups), comparison.by_layer(groups)
    figure = out / CURVES
    write_json(out / "comparison.json", comparison.compare(groups))
    write_atomically(out / "comparison.md", "\n".join(map(markdown, tables)).encode())
    write_atomically(out / "comparison.csv", comparison.tidy(groups).to_csv(index=False).encode())
    save(comparison.learning_curves(groups), figure)
    if as_json:
        print(json.dumps(comparison.compare(groups)))
    else:
        print(*(table.to_string(index=False) for table in tables), sep="\n\n")
        print(f"\nlast pass, never the best\nwritten to {out}/comparison.* and {figure}")
    return int(any(run.diverged for runs in groups.values() for run in runs))


def compare_runs(ours: Path, theirs: Path, flags: Namespace) -> int:
    """Print how often only one of two runs misclassified a pattern, and the exact McNemar test's p.

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
    truth = schedule.test_labels
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
            f"of {len(truth):,} patterns only {ours} misclassifies {only_ours}, only {theirs}"
            f" {only_theirs}: exact McNemar p = {p:.3g}"
        )
    return 0


def _asked(record: RunRecord) -> tuple:
    """Key of the patterns that a run was tested on; those held out depend on its seed."""
    held_out = record.recipe.get("held_out", 0)
    return held_out, record.seed if held_out else None
