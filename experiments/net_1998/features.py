"""The recovered layers of 1998 at work, and the paper's own patterns as a test of our nets.

Trains C5 and F6 on C1 to S4 of 1998, tells some nets the states of C5 and F6 that the figures
print, and asks them and whole nets of ours what the figures show. Writes ``features.json``. What is
not there yet is trained first.
"""

import sys
from collections.abc import Callable, Iterable, Sequence

from torch import Tensor

from experiments.ablations.measures import inverted
from experiments.net_1998 import dense
from experiments.net_1998 import printed_strings as strings
from experiments.readings import sizes
from experiments.results import FEATURES, RESTORATION, parser_of, read_json
from experiments.study import cell_of, recorded, standing, without_weights
from lenet1998 import paper
from lenet1998.cli import entry, writable
from lenet1998.data import Dataset, prepare
from lenet1998.engines.evaluation import predict
from lenet1998.engines.exactly import one_thread
from lenet1998.models import LeNet5
from lenet1998.pretrained import TrainedNet, load_net
from lenet1998.recipes import Recipe, recipe_named
from lenet1998.restore.refine import read_fig13
from lenet1998.training import study
from lenet1998.training.records import RunRecord, write_json, write_record
from lenet1998.training.study import Cell, Setting

NOISY = recipe_named("noise").changed(features="1998")
TOLD = {
    name: Recipe(**NOISY.as_dict() | {"name": name})
    for name in ("second-restoration", "second-restoration-18")
}
"""Nets that are also told states, as their switches do not say: of all 54 inputs, or of 18."""
STUDIES = {  # recipe, the folder of its runs, and their seeds
    "original": (recipe_named("original"), "headline", range(6)),
    "noise": (recipe_named("noise"), "features", range(100, 106)),
    "strings": (recipe_named("strings"), "strings", range(6)),
    "distortions": (recipe_named("distortions"), "published", range(6)),
    "modern": (recipe_named("modern"), "headline", range(6)),
    "1998-features": (recipe_named("1998-features"), "features", range(10)),
    NOISY.name: (NOISY, "features", range(10)),
    **{name: (recipe, "features", range(10)) for name, recipe in TOLD.items()},
}
TRAINING_SETS = ("noise", "strings")
"""The two that the text names for the net of the figures: III-E's and VII-B's."""
FIGURES = {"fig13": slice(0, 9), "fig25": slice(9, 18), "fig26": slice(18, 54)}
"""The inputs of each figure among those of which states are printed."""


def cells(results) -> dict[str, list[Cell]]:
    """The runs of each kind of net."""
    return {
        name: [cell_of(results, folder, recipe, seed) for seed in seeds]
        for name, (recipe, folder, seeds) in STUDIES.items()
    }


def trained(
    to_run: Sequence[Cell], data: Dataset, setting: Setting, told: dense.Told, c5_limit: float
) -> Iterable[tuple[Cell, RunRecord]]:
    """Train cells; yields each when its record is written."""
    plain = [cell for cell in to_run if cell.recipe.name not in TOLD]
    yield from study.run(plain, setting, resume=True)
    for cell in to_run:
        if cell.recipe.name in TOLD:
            known = told.first(18) if cell.recipe.name.endswith("-18") else told
            record = dense.fit_told(cell.recipe, cell.seed, data, known, c5_limit)
            write_record(cell.folder, record)
            yield cell, record


def measurer(data: Dataset, told: dense.Told, c5_limit: float) -> Callable[[TrainedNet], dict]:
    """Function that measures a net."""
    images = prepare(data.test_images)
    with_noise = inverted(images, paper.NOISE_PROBABILITY, "paper")
    scale, pixels, _ = read_fig13()

    def misclassified(model, asked: Tensor) -> int:
        return int((predict(model, asked) != data.test_labels).sum())

    def nearness(states: Tensor, shares: Tensor, limit: float) -> dict:
        return {
            figure: dense.nearness(states[part], shares[part], limit)._asdict()
            for figure, part in FIGURES.items()
            if len(shares[part])
        }

    def measure(net: TrainedNet) -> dict:
        model, answers = net.model, predict(net.model, told.images)
        c5, f6 = dense.dense_states(model, told.images)
        of_1998 = net.recipe.name in TOLD  # whose units of C5 are 1998's, one by one
        return {
            "seed": net.record.seed,
            "test_errors": misclassified(model, images),
            "noisy_errors": misclassified(model, with_noise),
            "answers": answers.tolist(),
            "c5": nearness(c5[: len(told.c5)], told.c5, c5_limit) if of_1998 else None,
            "f6": nearness(f6, told.f6, dense.F6_LIMIT) if model.smallest_wins else None,
            "sizes": sizes.sizes(model, pixels, scale)
            if net.recipe.name in TRAINING_SETS
            else None,
        }

    return measure


def shown(model: LeNet5, told: dense.Told) -> list:
    """F6's states for Fig. 13's patterns, (9, 84)."""
    _, f6 = dense.dense_states(model, told.images[FIGURES["fig13"]])
    return f6.double().numpy().round(3).tolist()


def read_in_1998() -> dict:
    """LeNet-5's own readings: of each string the answer, the nearest codes, the digits' places."""
    scale = strings.Scale.of([strings.f6_greys()])
    f6 = dense.F6_LIMIT * scale.states(strings.f6_greys()).value
    return {
        "fig13": paper.fig13_states().labels.tolist(),
        "strings": [
            {
                "answer": answer,
                "nearest": strings.distances(states).argmin(-1).tolist(),
                "digits": list(strings.digit_places(states, answer)),
            }
            for states, answer in zip(f6, paper.printed_strings().answer, strict=True)
        ],
    }


@entry
@one_thread()  # as runs are recorded
def main(arguments=None):
    parser = parser_of("experiments.net_1998.features", __doc__)
    flags = parser.parse_args(arguments)
    file = writable(flags.results, "--results") / FEATURES
    restoration = read_json(flags.results / RESTORATION)
    c5_limit = restoration["limit"]
    told, setting = dense.printed(), Setting("mnist", flags.data)
    data, kinds = study.load_once("mnist", flags.data), cells(flags.results)
    every = [cell for of_kind in kinds.values() for cell in of_kind]
    done = standing(flags.results, every, data)
    runs = trained(without_weights(every), data, setting, told, c5_limit)
    for _ in recorded(flags.results, runs, done):
        pass
    measure = measurer(data, told, c5_limit)
    nets = {
        name: [load_net(str(cell.folder)) for cell in of_kind] for name, of_kind in kinds.items()
    }
    scale, pixels, _ = read_fig13()
    found = {
        "patterns": paper.TEST_SIZE,
        "of_1998": read_in_1998(),
        "sizes_1998": sizes.of_1998(restoration, pixels, scale),
        "nets": {name: [measure(net) for net in of_kind] for name, of_kind in nets.items()},
        "f6_states": {
            name: shown(of_kind[0].model, told)
            for name, of_kind in nets.items()
            if of_kind[0].model.smallest_wins
        },
    }
    write_json(file, found)
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
