"""Worth of each component: every change and its base, twenty seeds (docs/ablations.md).

Writes ``ablations.json``: what the paper says components are for, measured on every net.
"""

import json
import sys
from pathlib import Path

from experiments.ablations.measures import purposes
from experiments.results import ABLATIONS, read_json
from experiments.study import cell_of, run_study
from lenet1998.ablate.components import changes
from lenet1998.data import Dataset
from lenet1998.pretrained import load_net
from lenet1998.recipes import Recipe
from lenet1998.training.records import WEIGHTS, write_json
from lenet1998.training.study import Cell

SEEDS = range(20)
FEW, FEW_SEEDS = (1000, 5000), range(6)
"""Training patterns, beside all of them."""


def recipes() -> list[Recipe]:
    """The bases and everything that is compared with them."""
    pairs = ((change.base, change.recipe) for change in changes())
    return list(dict.fromkeys(recipe for pair in pairs for recipe in pair))


def cells(results: Path) -> list[Cell]:
    every = [(recipe, seed) for recipe in recipes() for seed in SEEDS]
    few = [
        (recipe.changed(train_size=size), seed)
        for recipe in recipes()
        for size in FEW
        for seed in FEW_SEEDS
    ]
    # Rows whole, one after the other: a family is judged in one look, and none before it is there.
    return [cell_of(results, "ablations", run, seed) for run, seed in (*every, *few)]


def measured(results: Path) -> dict[tuple[str, int], dict]:
    """Measures of nets, by recipe and seed."""
    file = results / ABLATIONS
    content = read_json(file) if file.exists() else {"nets": []}
    return {(net["recipe"], net["seed"]): net for net in content["nets"]}


def measure(results: Path, dataset: Dataset, cell: Cell) -> None:
    """Enter what a net is good for, if it learnt from all patterns and left weights."""
    if cell.recipe.train_size or not (cell.folder / WEIGHTS).is_file():
        return
    net = load_net(str(cell.folder))
    found = {"recipe": cell.recipe.name, "seed": cell.seed}
    # Digits beyond the ninth are rounding's, and take a third of the file.
    measures = json.dumps(purposes(net.model, net.recipe, dataset))
    found |= json.loads(measures, parse_float=lambda text: round(float(text), 9))
    nets = measured(results) | {(cell.recipe.name, cell.seed): found}
    write_json(results / ABLATIONS, {"nets": [nets[key] for key in sorted(nets)]})


def measure_the_rest(results: Path, dataset: Dataset) -> None:
    """The nets of runs that had ended when the study was interrupted, before they were measured."""
    done = measured(results)
    for cell in cells(results):
        if (cell.recipe.name, cell.seed) not in done:
            measure(results, dataset, cell)


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells, afterwards=measure_the_rest, each=measure))
