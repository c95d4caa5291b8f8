"""The 1998 net recovered from Fig. 13, how sure that is, and the same done to nets of our own.

Writes ``restoration.json``. Our nets are ``noise``, trained as section III-E says of Fig. 13's net;
what is not there yet is trained first.
"""

import argparse
import sys

import numpy as np

from experiments.net_1998 import evidence
from experiments.results import RESTORATION, parser_of
from experiments.study import cell_of, recorded, standing, without_weights
from lenet1998.cli import entry, writable
from lenet1998.pretrained import load_net
from lenet1998.recipes import recipe_named
from lenet1998.restore.printing import Reading, Scale
from lenet1998.restore.refine import Restored, read_fig13, restore
from lenet1998.training import study
from lenet1998.training.records import write_json
from lenet1998.training.study import Cell, Setting

NETS = "restoration/noise"
SEEDS = range(100, 106)  # that no choice has seen
DRAWS = 30
PAIRS = [(k, (k + 1) % 9) for k in range(9)]  # each pattern is held out twice


def rounded(weights: dict[str, np.ndarray]) -> dict[str, list]:
    """Weights as lists of four significant digits: more than the print tells."""
    return {name: _rounded(values) for name, values in weights.items()}


def _rounded(values: np.ndarray) -> list:
    return [
        _rounded(part) if np.ndim(part) else float(f"{part:.4g}") for part in np.asarray(values)
    ]


def of_1998(scale: Scale, pixels: Reading, states: dict[str, Reading]) -> tuple[Restored, dict]:
    """The recovered net and all that it shows without another net beside it."""
    restored = restore(pixels, states)
    layers = {
        layer: {
            "rms": restored.rms(layer),
            "median": float(np.median(np.abs(restored.left[layer]))),
            "open": float(np.sqrt(np.mean(states[layer].deviation ** 2))),
            "states": int(states[layer].value.size),
            "at_limit": float(np.mean(np.abs(states[layer].value) >= 1)),
        }
        for layer in states
    }
    return restored, {
        "weights": rounded(restored.weights),
        "limit": restored.limit,
        "greys": len(scale.levels),
        "layers": layers,
        "table_one": evidence.table_one(restored, states["c3"]),
        "squashings": evidence.squashings(restored, states),
        "window_weights": evidence.window_weights(restored, states["s2"]),
        "fig25": evidence.of_one_net(restored),
        "prior": evidence.prior_dependence(restored, pixels, states),
    }


def how_sure(pixels: Reading, states: dict[str, Reading]) -> dict:
    """Standard deviations over bootstraps of the patterns, and patterns held out."""
    deviations = evidence.bootstrap(pixels, states, DRAWS, np.random.default_rng(1))
    left = [evidence.held_out(pixels, states, pair) for pair in PAIRS]
    return {"bootstrap": {"draws": DRAWS, **rounded(deviations)}, "held_out": left}


def nets_of_our_own(flags: argparse.Namespace) -> list[Cell]:
    """The cells of our nets, trained where their weights are not at hand, which no checkout has."""
    recipe = recipe_named("noise")
    cells = [cell_of(flags.results, "features", recipe, seed) for seed in SEEDS]
    done = standing(flags.results, cells, study.load_once("mnist", flags.data))
    runs = study.run(without_weights(cells), Setting("mnist", flags.data), resume=True)
    for _ in recorded(flags.results, runs, done):
        pass
    return cells


@entry
def main(arguments=None):
    parser = parser_of("experiments.net_1998.restoration", __doc__)
    flags = parser.parse_args(arguments)
    file = writable(flags.results, "--results") / RESTORATION
    cells = nets_of_our_own(flags)
    scale, pixels, states = read_fig13()
    restored, outcome = of_1998(scale, pixels, states)
    ours = []
    for cell in cells:
        model = load_net(str(cell.folder)).model
        generator = np.random.default_rng(cell.seed)
        found = evidence.recovered_from_our_own(model, pixels, scale, restored.limit, generator)
        ours.append({"seed": cell.seed, **found})
        if cell is cells[0]:
            names = [f"{layer}.{kind}" for layer in states for kind in ("weight", "bias")]
            known = evidence.as_restored(model)
            outcome["weights_of_ours"] = rounded({name: known[name] for name in names})
        print(f"recovered seed {cell.seed}", flush=True)
    write_json(file, {**outcome, **how_sure(pixels, states), "ours": ours, "patterns": 9})
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
