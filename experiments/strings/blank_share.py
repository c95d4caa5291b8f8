"""Share of patterns without a centre digit: a check of the share of blanks in ``strings``.

Made after the choice, and it changes nothing (docs/protocol.md, "Strings"). Judged by strings of
digits held out of training; the test set is not asked. Writes ``blank_share.json``.
"""

import sys
from pathlib import Path

from experiments.results import BLANK_SHARE, read_json
from experiments.strings.measures import draw, outputs_along, score, strings_of, texts
from experiments.study import cell_of, run_study
from lenet1998.data import Dataset, constant_order
from lenet1998.pretrained import load_net
from lenet1998.recipes import recipe_named
from lenet1998.training.records import write_json
from lenet1998.training.study import Cell

HELD_OUT = 10_000
SHARES = (0.1, 0.3, 0.5)
SEEDS = range(3)
STRINGS = 1000


def cells(results: Path) -> list[Cell]:
    recipes = [
        recipe_named("strings").changed(blank_share=share, held_out=HELD_OUT) for share in SHARES
    ]
    return [cell_of(results, "strings", recipe, seed) for seed in SEEDS for recipe in recipes]


def measure(results: Path, dataset: Dataset, cell: Cell) -> None:
    """Enter what a net that has just been trained reads of digits that it has not learnt."""
    file = results / BLANK_SHARE
    content = read_json(file) if file.exists() else {"strings": STRINGS, "nets": []}
    net = load_net(str(cell.folder))
    kept = constant_order(len(dataset.train_images), cell.seed)[-HELD_OUT:]
    drawn = [kept[which] for which in draw(HELD_OUT, STRINGS, "training strings", cell.seed)]
    asked = strings_of(dataset.train_images, dataset.train_labels, drawn)
    read = score(asked.truths, texts(net, outputs_along(net, asked.fields)))
    found = {
        "blank_share": cell.recipe.blank_share,
        "seed": cell.seed,
        "held_out_errors": net.record.last["test_errors"],
        **read._asdict(),
    }
    others = [net for net in content["nets"] if _which(net) != _which(found)]
    write_json(file, {**content, "nets": sorted([*others, found], key=_which)})


def _which(net: dict) -> tuple[float, int]:
    return net["blank_share"], net["seed"]


if __name__ == "__main__":
    sys.exit(run_study(__doc__, cells, each=measure))
