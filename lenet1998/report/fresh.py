"""Runs that are trained for a comparison: trained, shown, and told from others."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from lenet1998.errors import in_short
from lenet1998.recipes import Recipe
from lenet1998.report.answers import show_each
from lenet1998.training import study
from lenet1998.training.launch import check_cells, run_all
from lenet1998.training.locks import claimed
from lenet1998.training.records import RunRecord
from lenet1998.training.study import Cell


def in_words(runs: Mapping[str, Sequence[int]], flags: Namespace) -> str:
    """Words for runs, by the seeds of each recipe, that no others have.

    A folder that was not asked for has what was asked for last.
    """
    if flags.out is None:
        return "what was compared last"
    every = "; ".join(f"{name}, seeds {' '.join(map(str, seeds))}" for name, seeds in runs.items())
    return f"{in_short(every)} ({sha256(every.encode()).hexdigest()[:12]})"


def train(
    recipes: list[Recipe], seeds: list[int], out: Path, flags: Namespace
) -> dict[str, list[RunRecord]]:
    """Train every seed of recipes, in a folder of each one's name; the runs by name."""
    cells = [
        Cell(recipe, seed, out / recipe.name / f"seed-{seed}")
        for recipe in recipes
        for seed in seeds
    ]
    dataset = study.load_once(flags.dataset, flags.data)
    check_cells(cells, flags, dataset)
    with claimed(out, [out, *(cell.folder for cell in cells)]):
        records = run_all(cells, out, flags, dataset)
        show_each(cells, dataset, flags.overwrite)
    return {
        recipe.name: [record for cell, record in records.items() if cell.recipe == recipe]
        for recipe in recipes
    }
