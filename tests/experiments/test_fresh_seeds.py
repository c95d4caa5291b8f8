"""``experiments/fresh_seeds.py``: seeds that no other study has, each run gathered once."""

import json
import sys
from pathlib import Path

from factory import make_record

from lenet1998.ablations import chosen
from lenet1998.recipes import ORIGINAL
from lenet1998.records import write_record
from lenet1998.report.sources import FRESH_SEEDS

sys.path.append(str(Path(__file__).parents[2] / "experiments"))

import ablations
import fresh_seeds
import headline


def test_the_seeds_are_fresh_and_everything_has_them(tmp_path):
    cells = fresh_seeds.cells(tmp_path)
    before = {*ablations.SEEDS, *(cell.seed for cell in headline.cells(tmp_path))}
    assert before.isdisjoint(cell.seed for cell in cells)
    recipes = {change.recipe for change in chosen(None, "out")} | {ORIGINAL}
    every = [(recipe, seed) for recipe in recipes for seed in range(40, 50)]
    assert len(cells) == len(every)
    assert {(cell.recipe, cell.seed) for cell in cells} == set(every)


def test_what_has_run_is_gathered_once(tmp_path):
    first, second, *_ = cells = fresh_seeds.cells(tmp_path)
    for cell, errors in ((second, (9, 8)), (first, (7, 6))):
        recipe = cell.recipe.as_dict()
        write_record(cell.folder, make_record(errors, cell.seed, recipe=recipe))
        fresh_seeds.gather(tmp_path)
    assert fresh_seeds.cells(tmp_path) == cells[2:]
    written = (tmp_path / FRESH_SEEDS).read_bytes()
    fresh_seeds.gather(tmp_path)
    assert (tmp_path / FRESH_SEEDS).read_bytes() == written
    runs = json.loads(written)["runs"]
    assert [run["recipe"] for run in runs] == [second.recipe.name, first.recipe.name]
    assert [run["test"] for run in runs] == [[4.5, 4.0], [3.5, 3.0]]
