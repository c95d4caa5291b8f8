"""Explanations of Fig. 6's training error with 15,000 patterns; exploratory (docs/protocol.md).

Fig. 6 does not say after how many passes it was measured, nor whether on the fly. Writes
``fig6.json``: the errors of the trained nets on their own patterns, not on the fly.
"""

import sys
from pathlib import Path

from experiments.results import FIG6
from experiments.study import cell_of, run_study
from lenet1998.data import Dataset
from lenet1998.pretrained import load_net
from lenet1998.recipes import ORIGINAL
from lenet1998.training.records import write_json
from lenet1998.training.schedule import Schedule
from lenet1998.training.study import Cell

FEWER = ORIGINAL.changed(train_size=15_000)
RECIPES = (
    FEWER,
    FEWER.changed(passes=80),  # as many updates as 20 passes of 60,000 make
    FEWER.changed(passes=80, eta="stretched"),
)
SEEDS = range(10)


def cells(results: Path) -> list[Cell]:
    return [cell_of(results, "published", recipe, seed) for recipe in RECIPES for seed in SEEDS]


def score_again(results: Path, dataset: Dataset) -> None:
    """Measure the errors of the trained nets on the patterns that they learnt."""
    runs = []
    for cell in cells(results):
        schedule = Schedule(cell.recipe, cell.seed, dataset)
        images, labels = schedule.take(schedule.indices(1), 1)
        wrong = load_net(str(cell.folder)).model.predict(images) != labels
        percent = 100 * wrong.float().mean().item()
        runs.append({"recipe": cell.recipe.name, "seed": cell.seed, "percent": percent})
    write_json(results / FIG6, {"runs": runs})
    print(results / FIG6)


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells, afterwards=score_again))
