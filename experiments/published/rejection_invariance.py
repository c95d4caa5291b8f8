"""Measures that need trained weights: rejection (III-D) and invariance (III-E).

Reads the weights that the headline and published studies left beside their records, and writes
``rejection_invariance.json``.
"""

import sys
from pathlib import Path

import torch

from experiments.ablations.measures import inverted, margins, moved
from experiments.results import parser_of, read_json
from experiments.study import SCRATCH
from lenet1998.cli import entry, writable
from lenet1998.data import load, prepare
from lenet1998.engines.exactly import one_thread
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.pretrained import TrainedNet, load_net
from lenet1998.recipes import Recipe
from lenet1998.report.statistics import rejected_for
from lenet1998.training.records import WEIGHTS, write_json

NETS = {
    "original": "headline/original",
    "modern": "headline/modern",
    "distortions": "published/distortions",
    "noise": "published/noise",
}
OUTCOME = "rejection_invariance.json"
NETS_MEASURED = 10  # of each kind
ERROR_ALLOWED = 0.005
SCALES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0)
SHIFTS = tuple(range(-12, 13, 2))  # pixels downwards
ROTATIONS = tuple(range(-60, 61, 10))  # degrees
INVERTED = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)


def measure(model: LeNet5, recipe: Recipe, data) -> dict:
    """Rejection on the whole test set; invariance on its first thousand patterns."""
    images = prepare(data.test_images, recipe.input_size, recipe.scaling)
    truth = torch.from_numpy(data.test_labels)
    wrong = (model.predict(images) != truth).numpy()
    few, labels = images[:1000], truth[:1000]

    def errors(changed):
        return 100 * float((model.predict(changed) != labels).float().mean())

    return {
        "rejected_percent": 100 * rejected_for(margins(model, images), wrong, ERROR_ALLOWED),
        "scale": [errors(moved(few, scale=value)) for value in SCALES],
        "shift": [errors(moved(few, down=value)) for value in SHIFTS],
        "rotation": [errors(moved(few, degrees=value)) for value in ROTATIONS],
        "inverted": [errors(inverted(few, value, recipe.scaling)) for value in INVERTED],
    }


def nets_of(results: Path, name: str) -> list[TrainedNet]:
    """A kind's first ten nets.

    Raises:
        BadInput: a run that is missing or cannot be read, or one without its weights.
    """
    folders = [results / SCRATCH / NETS[name] / f"seed-{seed}" for seed in range(NETS_MEASURED)]
    for folder in folders:
        if not (folder / WEIGHTS).exists():
            raise BadInput(
                f"{folder / WEIGHTS}: is missing; train it again (weights are not committed)"
            )
    return [load_net(str(folder)) for folder in folders]


def measure_all(nets: list[TrainedNet], data) -> list[dict]:
    """Measures of nets."""
    rows = []
    for net in nets:
        rows.append({"seed": net.record.seed, **measure(net.model, net.recipe, data)})
        print(f"{net.source}: {rows[-1]['rejected_percent']:.2f} % rejected")
    return rows


@entry
@one_thread()  # as runs are recorded
def main(arguments=None):
    parser = parser_of("experiments.published.rejection_invariance", __doc__)
    parser.add_argument(
        "--nets",
        nargs="+",
        choices=NETS,
        default=list(NETS),
        help="measure only these; the others stay as they were measured (default: all)",
    )
    flags = parser.parse_args(arguments)
    file = flags.results / OUTCOME
    others = set(NETS) - set(flags.nets)
    kept = read_json(file)["nets"] if others else {}
    if missing := sorted(others - kept.keys()):
        raise BadInput(f"{file}: has no nets of {', '.join(missing)}: measure them, too")
    trained = {name: nets_of(flags.results, name) for name in flags.nets}
    data = load("mnist", flags.data)
    writable(flags.results, "--results")
    fresh = {name: measure_all(nets, data) for name, nets in trained.items()}
    nets = {name: fresh.get(name) or kept[name] for name in NETS}
    axes = {"scale": SCALES, "shift": SHIFTS, "rotation": ROTATIONS, "inverted": INVERTED}
    write_json(file, {"axes": axes, "patterns": 1000, "nets": nets})
    return 0


if __name__ == "__main__":
    sys.exit(main())
