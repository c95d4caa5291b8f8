"""Runs of a recipe trained, and set beside the published result."""

import json
from argparse import Namespace
from pathlib import Path

from lenet1998.cli import say
from lenet1998.data import Dataset
from lenet1998.recipes import Recipe
from lenet1998.report.answers import FIGURES, show_each
from lenet1998.report.committed import arithmetic_of, committed_run
from lenet1998.report.figures import learning_curve
from lenet1998.report.style import save
from lenet1998.report.tables import beside_the_paper, summary_of
from lenet1998.training import study
from lenet1998.training.checkpoints import CHECKPOINT
from lenet1998.training.launch import check_cells, run_all
from lenet1998.training.locks import check_free, claimed, replacing
from lenet1998.training.records import (
    RunRecord,
    check_links,
    each_once,
    has_record,
    read_record,
    write_json,
)
from lenet1998.training.study import Cell

SUMMARY_FILE, CURVE = "summary.json", f"{FIGURES}/learning-curve.png"


def run(recipe: Recipe, seeds: list[int], out: Path, flags: Namespace) -> int:
    """Train every seed, write and print what came of it."""
    dataset = study.load_once(flags.dataset, flags.data)
    cells = [Cell(recipe, seed, out / f"seed-{seed}") for seed in seeds]
    check_cells(cells, flags, dataset)
    files = out, (SUMMARY_FILE, CURVE), f"{recipe.name} on {dataset.name}", flags.overwrite
    with claimed(out, [out, *(cell.folder for cell in cells)]):
        check_free(*files)
        others = standing(recipe, out, dataset, cells)
        records = list(run_all(cells, out, flags, dataset).values())
        everyone = each_once([*others, *records])
        summary = summary_of(everyone)
        with replacing(*files):
            write_json(out / SUMMARY_FILE, summary)
            save(learning_curve(everyone), out / CURVE)
        show_each(cells, dataset, flags.overwrite)
    return publish(records, summary, out, flags.json)


def standing(recipe: Recipe, out: Path, dataset: Dataset, cells: list[Cell]) -> list[RunRecord]:
    """Read the recipe's other runs of the data set, whose folders stand beside those of cells.

    Raises:
        BadInput: one that cannot be read, or is there twice.
    """
    ours = {cell.folder for cell in cells}
    folders = [folder for folder in sorted(out.glob("seed-*")) if folder not in ours]
    check_links(folders)
    runs = [read_record(folder) for folder in folders if has_record(folder)]
    every = [Cell(recipe, run.seed, Path(run.source)) for run in runs]
    pairs = zip(every, runs, strict=True)
    return each_once(run for cell, run in pairs if study.is_of(cell, vars(run), dataset))


def as_committed(record: RunRecord) -> str | None:
    """Compare a run's predictions with the committed run's, in a line; None where there is none."""
    there = committed_run(record)
    if there is None or record.predictions is None:
        return None
    n, differ = len(record.predictions), int((record.predictions != there.predictions).sum())
    if not differ:
        return f"the same {n:,} answers as the committed run"
    ours, theirs = (arithmetic_of(run.environment) for run in (record, there))
    if ours is None:
        engine = record.environment["engine"]
        why = f"the {engine} engine's last bits depend on the machine; the compiled engine's do not"
    elif ours != theirs:
        why = f"that was made with arithmetic {theirs or 'of another engine'}, this with {ours}"
    else:
        why = "both are of one arithmetic, which promises the same: please report this machine"
    return f"{differ:,} of {n:,} answers are not those of the committed run ({why})"


def publish(records: list[RunRecord], summary: dict, out: Path, as_json: bool) -> int:
    """Print the table; the exit status is 1 if a run diverged."""
    if as_json:
        print(json.dumps(summary))
    else:
        print(beside_the_paper(summary).to_string(index=False))
        seconds = ", ".join(f"{record.seconds:.0f}" for record in records)
        environment = records[0].environment
        print(
            f"\n{environment['engine']} engine on {environment['device']}, {seconds} s of training;"
            " last pass, never the best\n"
            f"written to {out}: summary.json, {FIGURES}, and each seed-*/{FIGURES}"
        )
        for record in records:
            if line := as_committed(record):
                print(f"seed {record.seed}: {line}")
    for record in (record for record in records if record.diverged):
        kept = out / f"seed-{record.seed}" / CHECKPOINT
        stays = f"; the last good checkpoint is {kept}" if kept.exists() else ""
        say(
            f"seed {record.seed} diverged in pass {len(record.per_pass) + 1}: its loss is no"
            f" number{stays}"
        )
    return int(any(record.diverged for record in records))
