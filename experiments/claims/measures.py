"""Small measurements of the 1998 recipe, for docs/claims.md, beside other studies' runs.

Trains a few nets, recorded below ``claims/`` (those of ``original`` belong to ``headline.py``), and
writes ``claims.json``: how far the curvature depends on the patterns that it is estimated on and
what it costs, how large weights are in the first passes, what subsampling units do, what is
rejected as no character, and the data itself.
"""

import argparse
import statistics
import sys
import time

import numpy as np
import torch
from torch import Tensor

from experiments.ablations.measures import penalties
from experiments.ablations.rubbish import rubbish
from experiments.results import CLAIMS, parser_of
from experiments.study import cell_of, recorded, standing, without_weights
from lenet1998 import paper
from lenet1998.cli import entry, writable
from lenet1998.data import Dataset, prepare
from lenet1998.engines.compiled.engine import CompiledEngine
from lenet1998.engines.eager import EagerEngine
from lenet1998.engines.exactly import one_thread
from lenet1998.models import LeNet5, build_model
from lenet1998.modules import Subsampling2d
from lenet1998.pretrained import load_net
from lenet1998.recipes import ORIGINAL, Recipe
from lenet1998.training import study
from lenet1998.training.environment import describe
from lenet1998.training.records import write_json
from lenet1998.training.schedule import Schedule
from lenet1998.training.study import Cell, Setting

SEEDS = range(6)
FIRST_PASSES = (1, 2, 3)
OTHER_MU = (paper.MU / 10, paper.MU * 10)
OTHER_MU_PASSES = 10
RECIPES = (
    ORIGINAL,
    *(ORIGINAL.changed(passes=passes) for passes in FIRST_PASSES),
    *(ORIGINAL.changed(mu=mu, passes=OTHER_MU_PASSES) for mu in OTHER_MU),
    ORIGINAL.changed(eta=1e-5, passes=3 * paper.PASSES),
)
DRAWS = {  # pairs of draws by how many patterns each has, and which draw it is
    "500 and 500": ((500, 1), (500, 2)),
    "50 and 5,000": ((50, 1), (5000, 1)),
    "500 and 5,000": ((500, 1), (5000, 1)),
}
STATES = 1000  # test patterns whose states in S2 and S4 are looked at
KEPT = 0.99  # of the test digits, where what is no character is to be rejected
NO_CHARACTERS = {"between two digits": "between", "half a digit": "half", "noise": "noise"}
RUBBISH = 2000  # patterns of each kind
ROUNDS = 7


def cells(results) -> list[Cell]:
    """A net of each recipe for each seed."""
    studies = {recipe: "headline" if recipe == ORIGINAL else "claims" for recipe in RECIPES}
    return [
        cell_of(results, study, recipe, seed) for recipe, study in studies.items() for seed in SEEDS
    ]


def asked() -> tuple[Recipe, ...]:
    """The recipes whose nets are looked at; of the others the errors tell."""
    return RECIPES[: 1 + len(FIRST_PASSES)]


def train(flags: argparse.Namespace, dataset: Dataset) -> None:
    """Train the cells that have not been, and those whose weights are asked and not at hand."""
    every = cells(flags.results)
    done = standing(flags.results, every, dataset)
    wanted = without_weights(cell for cell in every if cell.recipe in asked())
    to_run = [cell for cell in every if cell in wanted or cell not in done]
    for _ in recorded(
        flags.results, study.run(to_run, Setting("mnist", flags.data), resume=True), done
    ):
        pass


# --- The curvature --------------------------------------------------------------------------------


def curvature(model: LeNet5, dataset: Dataset, seed: int, patterns: int, draw: int) -> np.ndarray:
    """h of every parameter from a draw of training patterns, (60000,) of float64."""
    recipe = ORIGINAL.changed(curvature_draw="fresh", curvature_patterns=patterns)
    schedule = Schedule(recipe, seed, dataset)
    images, labels = schedule.take(schedule.curvature_indices(draw), draw)
    of = EagerEngine(recipe, model).curvature(model, images, labels)
    return torch.cat([h.flatten() for h in of.values()]).double().numpy()


def agreement(ours: np.ndarray, theirs: np.ndarray) -> dict[str, float]:
    """Likeness of the rates of two curvatures: logarithms' correlation, factors between them."""
    ours, theirs = (-np.log(ORIGINAL.mu + h) for h in (ours, theirs))
    median, most = np.exp(np.quantile(np.abs(ours - theirs), (0.5, 0.95)))
    return {
        "correlation": float(np.corrcoef(ours, theirs)[0, 1]),
        "median_factor": float(median),
        "factor_of_95_percent": float(most),
    }


def curvature_of(model: LeNet5, dataset: Dataset, seed: int) -> dict:
    """All pairs of draws of one net, and the least h of any."""
    draws = {draw for pair in DRAWS.values() for draw in pair}
    of = {draw: curvature(model, dataset, seed, *draw) for draw in draws}
    pairs = {name: agreement(of[one], of[other]) for name, (one, other) in DRAWS.items()}
    return {"seed": seed, "least_h": float(min(h.min() for h in of.values())), **pairs}


def curvature_seconds(dataset: Dataset) -> dict[str, dict[str, float]]:
    """CPU time of each engine's estimate, and of its pass, scaled up from fewer patterns.

    Medians of alternating rounds in one thread.
    """
    schedule = Schedule(ORIGINAL, 0, dataset)
    on = schedule.take(schedule.curvature_indices(1), 1)
    trained = {"compiled": (CompiledEngine, 6000), "eager": (EagerEngine, 300)}
    engines, taken = {}, {name: {"estimate": [], "pass": []} for name in trained}
    for name, (engine, _) in trained.items():
        engines[name] = engine(ORIGINAL, build_model(ORIGINAL))
        (model,) = engines[name].models
        engines[name].begin_pass(ORIGINAL.learning_rate(1), [engines[name].curvature(model, *on)])
    for turn in range(ROUNDS + 1):
        for name, (_, patterns) in trained.items():
            engine, some = engines[name], schedule.take(schedule.indices(1)[:patterns], 1)
            begun = time.thread_time()
            engine.curvature(engine.models[0], *on)
            estimated = time.thread_time()
            engine.train(*some)
            learnt = (time.thread_time() - estimated) * schedule.per_pass / patterns
            if turn:  # the first round warms up
                taken[name]["estimate"].append(estimated - begun)
                taken[name]["pass"].append(learnt)
    return {
        name: {what: statistics.median(seconds) for what, seconds in of_engine.items()}
        for name, of_engine in taken.items()
    }


# --- Weights and states ---------------------------------------------------------------------------


def norms(model: LeNet5) -> dict[str, float]:
    """The norm of each layer's weights, and of all of them; biases are not among them."""
    of = {
        name.removesuffix(".weight"): float(value.detach().double().norm())
        for name, value in model.named_parameters()
        if name.endswith(".weight")
    }
    return {**of, "all": float(np.linalg.norm(list(of.values())))}


def subsampling_units(model: LeNet5, images: Tensor) -> list[dict[str, float]]:
    """Functions of the window sums that the units of each map of S2 and S4 compute.

    Of the states' variance ``bent`` is what no straight line of the sums explains; ``saturated`` is
    the share of states beyond nine tenths of the squashing function's height.
    """
    seen: dict[str, tuple[Tensor, Tensor]] = {}

    def keep(name):
        def hook(layer, inputs, states):
            seen[name] = layer.pooled(inputs[0]), states

        return hook

    layers = {name: getattr(model, name) for name in ("s2", "s4")}
    handles = [layer.register_forward_hook(keep(name)) for name, layer in layers.items()]
    with torch.no_grad():
        model(images)
    for handle in handles:
        handle.remove()
    return [
        {"layer": name, **of_map(layer, number, *seen[name])}
        for name, layer in layers.items()
        for number in range(layer.channels)
    ]


def of_map(layer: Subsampling2d, number: int, sums: Tensor, states: Tensor) -> dict[str, float]:
    """One map of :func:`subsampling_units`."""
    u, x = (values[:, number].double().numpy().ravel() for values in (sums, states))
    return {
        "coefficient": layer.of_sums()[number].item(),
        "bias": layer.bias[number].item(),
        "bent": 1 - float(np.corrcoef(u, x)[0, 1]) ** 2,
        "saturated": float(np.mean(np.abs(x) > 0.9 * paper.TANH_AMPLITUDE)),
    }


def no_characters(dataset: Dataset) -> dict[str, np.ndarray]:
    """Pictures (N, 28, 28) of what is no digit, made of test digits."""
    digits = dataset.test_images, dataset.test_labels
    return {name: rubbish(kind, *digits, RUBBISH) for name, kind in NO_CHARACTERS.items()}


def smallest_distances(model: LeNet5, pictures: np.ndarray) -> np.ndarray:
    """Of each picture to the nearest code, (N,)."""
    return penalties(model, prepare(pictures, paper.INPUT_SIZE, ORIGINAL.scaling))


def rejected_percent(model: LeNet5, dataset: Dataset, others: dict) -> dict[str, float]:
    """Share of what is no character that is farther from all codes than nearly every test digit."""
    limit = np.quantile(smallest_distances(model, dataset.test_images), KEPT)
    return {
        name: 100 * float(np.mean(smallest_distances(model, pictures) > limit))
        for name, pictures in others.items()
    }


# --- The data -------------------------------------------------------------------------------------


def data_of(dataset: Dataset) -> dict[str, float]:
    """Statistics of MNIST's training digits, prepared for the net and as they are stored."""
    images = dataset.train_images
    values = prepare(images, paper.INPUT_SIZE, ORIGINAL.scaling).double()
    sides = [_spans(images.any(axis)) for axis in (1, 2)]
    weights = images.astype(float)
    total, place = weights.sum((1, 2)), np.arange(images.shape[-1]) - (images.shape[-1] - 1) / 2
    off = [np.abs((weights.sum(axis) * place).sum(1) / total) for axis in (1, 2)]
    return {
        "patterns": len(images),
        "mean": float(values.mean()),
        "variance": float(values.var()),
        "within_digit_size": int(np.sum(np.maximum(*sides) <= paper.DIGIT_SIZE)),
        "centred_to_a_pixel": int(np.sum(np.maximum(*off) <= 1)),
    }


def _spans(inked: np.ndarray) -> np.ndarray:
    """From the first to the last place with ink, (N,) of (N, places)."""
    return inked.shape[1] - np.argmax(inked[:, ::-1], 1) - np.argmax(inked, 1)


def measured(dataset: Dataset, nets: dict[Recipe, list[LeNet5]]) -> dict:
    """All that is measured of nets, which are in the order of their seeds."""
    starts = [build_model(ORIGINAL, seed) for seed in SEEDS]
    trained, *early = nets.values()
    images = prepare(dataset.test_images[:STATES], paper.INPUT_SIZE, ORIGINAL.scaling)
    others = no_characters(dataset)
    return {
        "data": data_of(dataset),
        "curvature": {
            "untrained": [curvature_of(net, dataset, seed) for seed, net in enumerate(starts)],
            "trained": [curvature_of(net, dataset, seed) for seed, net in enumerate(trained)],
            "cpu_seconds": curvature_seconds(dataset),
        },
        "norms": [[norms(net) for net in of_seed] for of_seed in zip(starts, *early, strict=True)],
        "subsampling": [subsampling_units(net, images) for net in trained],
        "rejected_percent": [rejected_percent(net, dataset, others) for net in trained],
        "environment": describe("compiled", torch.device("cpu")),
    }


@entry
@one_thread()  # as runs are recorded
def main(arguments=None):
    parser = parser_of("experiments.claims.measures", __doc__)
    flags = parser.parse_args(arguments)
    file = writable(flags.results, "--results") / CLAIMS
    dataset = study.load_once("mnist", flags.data)
    train(flags, dataset)
    nets = {
        recipe: [
            load_net(str(cell.folder)).model
            for cell in cells(flags.results)
            if cell.recipe == recipe
        ]
        for recipe in asked()
    }
    write_json(file, measured(dataset, nets))
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
