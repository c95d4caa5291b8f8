"""The reading settled again: a wide search, judged by all that survives (docs/protocol.md).

Its runs are lines; of those of stages 1 to 3 only the errors and the first pass's rates were kept.
``search.json`` gets what the finalists' nets are compared with that of 1998 by. It needs
``restoration.json``.
"""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from scipy.stats import qmc

from experiments.readings import sizes
from experiments.readings.scores import Trial, misfit
from experiments.readings.search_tables import SEEDS, SHORT, STUDY, stage_of
from experiments.results import RESTORATION, SEARCH, read_json
from experiments.study import cell_of, run_study
from lenet1998 import paper
from lenet1998.data import Dataset
from lenet1998.engines import create
from lenet1998.pretrained import load_net
from lenet1998.recipes import ORIGINAL, Recipe, recorded
from lenet1998.restore.refine import read_fig13
from lenet1998.training.lines import SUFFIX, read_whole
from lenet1998.training.records import WEIGHTS, RunRecord, write_json
from lenet1998.training.run import Run
from lenet1998.training.study import Cell

FIRST = ORIGINAL
"""What it was when the search was made, too."""
POINTS = 256
KEPT = {1: 40, 2: 20, 3: 4}
"""How many readings a stage leaves to the next."""
NOISE_SEEDS = range(104, 114)
DIMENSIONS = 11  # the loss and its j are one


def reading(point: np.ndarray) -> Recipe:
    """The reading that a point of the unit cube stands for: protocol.md, stage 1."""
    draws = iter(point)

    def one_of(*values):
        return values[int(next(draws) * len(values))]

    def between(low: float, high: float, share: float | None = None) -> float:
        """By logarithm, to two digits; ``share`` is next(draws) where it was drawn already."""
        place = next(draws) if share is None else share
        return float(f"{low * (high / low) ** place:.2g}")

    by_fan_in = next(draws) < 1 / 8
    averages = one_of(False, True)
    switches = {
        "initialisation": "fan_in" if by_fan_in else "sqrt_fan_in",
        "initial_gain": between(2.4, 24) if by_fan_in else between(0.6, 3.6),
        "pooling": "trainable_average" if averages else "trainable",
        "initial_coefficients": one_of("constant", "uniform"),
        "initial_coefficient": between(0.1, 0.8) * (4 if averages else 1),
        "initial_biases": one_of("zero", "uniform"),
        "half_distance": one_of(True, False),
        "f6_curvature": one_of("constant", "gauss_newton"),
    }
    loss = next(draws)
    if loss < 1 / 4:
        switches["loss"] = "distance"
    else:
        switches["rubbish_j"] = between(0.3, 30, (loss - 1 / 4) / (3 / 4))
    for key, high in (("mu_subsampling", 2.0), ("mu_f6", 0.2)):
        share = next(draws)
        if share >= 1 / 3:
            switches[key] = between(0.002, high, (share - 1 / 3) / (2 / 3))
    return FIRST.changed(**switches)


def readings() -> list[Recipe]:
    """The readings of stage 1, over all passes."""
    return [reading(point) for point in qmc.Sobol(DIMENSIONS, seed=1998).random(POINTS)]


def ranked(runs: Sequence[RunRecord], stage: int) -> list[Recipe]:
    """A stage's readings over all passes, the smallest misfit first."""
    groups: dict[Recipe, list[Trial]] = {}
    for run in runs:
        if stage_of(run) == stage:
            recipe = recorded(run.recipe, STUDY).changed(passes=FIRST.passes)
            groups.setdefault(recipe, []).append(Trial.of_record(run))
    return sorted(groups, key=lambda recipe: misfit(groups[recipe]).all)


def candidates(runs: Sequence[RunRecord], stage: int) -> list[Recipe]:
    """The readings that a stage is to run."""
    if stage == 1:
        return [recipe.changed(passes=SHORT) for recipe in readings()]
    return ranked(runs, stage - 1)[: KEPT[stage - 1]]


def finalists(runs: Sequence[RunRecord]) -> list[Recipe]:
    """The best four, ``original`` of before, and the best reading with eq. 8."""
    by_equation_8 = [
        recipe for stage in (3, 2, 1) for recipe in ranked(runs, stage) if recipe.loss == "distance"
    ]
    return list(dict.fromkeys([*candidates(runs, 4), FIRST, by_equation_8[0]]))


def done(results: Path) -> list[RunRecord]:
    """Runs that the stages and the finalists have left."""
    return read_whole(results / f"{STUDY}{SUFFIX}")


def cells(stage: int, results: Path) -> list[Cell]:
    """Runs of a stage, the best reading's of the stage before first."""
    return [
        cell_of(results, STUDY, recipe, seed)
        for recipe in candidates(done(results), stage)
        for seed in SEEDS[stage]
    ]


def finals(results: Path) -> list[Cell]:
    """The finalists' runs, and those with inverted pixels that their nets are compared by."""
    plain = finalists(done(results))
    noisy = [recipe.changed(noise=paper.NOISE_PROBABILITY) for recipe in plain]
    return [
        cell_of(results, STUDY, recipe, seed)
        for recipes, seeds in ((noisy, NOISE_SEEDS), (plain, SEEDS[4]))
        for seed in seeds
        for recipe in recipes
    ]


# --- What the finalists' nets are like ----------------------------------------------------------


def gathered(file: Path) -> dict:
    """Measures that were gathered before."""
    return read_json(file) if file.exists() else {}


def measure(file: Path, cell: Cell) -> None:
    """Enter the quantities of a net with inverted pixels, while its weights are at hand."""
    if not cell.recipe.noise:
        return
    scale, pixels, _states = read_fig13()
    net = {
        "recipe": cell.recipe.changed(noise=0.0).name,
        "seed": cell.seed,
        "sizes": sizes.sizes(load_net(str(cell.folder)).model, pixels, scale),
    }
    content = gathered(file)
    content["nets"] = [*content.get("nets", []), net]
    write_json(file, content)


def compare_nets(file: Path, cells: Sequence[Cell], seeds: Sequence[int], data: Dataset) -> None:
    """Enter 1998's own quantities, what our nets read of Fig. 13, and the rates by layer.

    Args:
        file: where it is gathered, beside ``restoration.json``.
        cells: whose nets, plain ones and those with inverted pixels.
        seeds: of which the rates are taken, of each plain recipe.
        data: MNIST.
    """
    content = gathered(file)
    scale, pixels, _ = read_fig13()
    content["fig13"] = [
        {"recipe": cell.recipe.changed(noise=0.0).name, "seed": cell.seed, "read": fig13_read(cell)}
        for cell in cells
        if cell.recipe.noise and (cell.folder / WEIGHTS).is_file()
    ]
    content["net_1998"] = sizes.of_1998(read_json(file.parent / RESTORATION), pixels, scale)
    content["rates"] = [
        {"recipe": recipe.name, "seed": seed, "layers": rates_by_layer(recipe, seed, data)}
        for recipe in dict.fromkeys(cell.recipe for cell in cells if not cell.recipe.noise)
        for seed in seeds
    ]
    write_json(file, content)


def fig13_read(cell: Cell) -> int:
    """Number of Fig. 13's nine patterns that a net reads as LeNet-5 did in 1998."""
    _, pixels, _ = read_fig13()
    images = torch.from_numpy(pixels.value).float()[:, None]
    answers = load_net(str(cell.folder)).model.predict(images)
    return int((answers.numpy() == paper.fig13_states().labels).sum())


def rates_by_layer(recipe: Recipe, seed: int, data: Dataset) -> dict[str, list[float]]:
    """The smallest and the largest effective rate that each layer's parameters begin with."""
    run = Run(recipe, seed, data, "compiled", torch.device("cpu"))
    engine = create("compiled", recipe, [run.model])
    rates = recipe.sdlm_rates(recipe.learning_rate(1), run.begin_pass(1, engine))
    found: dict[str, list[float]] = {}
    for name, rate in rates.items():
        low, high = (x.item() for x in rate.aminmax())
        layer = found.setdefault(name.partition(".")[0], [low, high])
        layer[:] = [min(layer[0], low), max(layer[1], high)]
    return found


def main(arguments: list[str] | None = None) -> int:
    """All stages, each from what the one before it left; what is done is not run again."""
    for stage in (1, 2, 3):
        if status := run_study(__doc__, partial(cells, stage), arguments):
            return status

    def compare(results: Path, data: Dataset) -> None:
        compare_nets(results / SEARCH, finals(results), SEEDS[4][:10], data)

    def each(results: Path, _: Dataset, cell: Cell) -> None:
        measure(results / SEARCH, cell)

    return run_study(__doc__, finals, arguments, compare, each)


if __name__ == "__main__":
    sys.exit(main())
