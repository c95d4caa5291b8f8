"""The reading settled again: a wide search, judged by all that survives (docs/protocol.md).

Stages 1 to 3 are gathered in ``search.json``; the finalists' runs are records of their own.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.stats import qmc

from lenet1998 import paper
from lenet1998.recipes import ORIGINAL, Recipe
from lenet1998.records import RunRecord, read_record, write_json
from lenet1998.report.misfit import Trial, misfit
from lenet1998.report.sources import SEARCH, read_json
from lenet1998.training.flags import run_study
from lenet1998.training.study import Cell

POINTS, SHORT = 256, 5
KEPT = {1: 40, 2: 20, 3: 4}
"""How many readings a stage leaves to the next."""
SEEDS = {1: (100,), 2: (100,), 3: (101, 102, 103), 4: range(104, 134)}
NOISE_SEEDS = range(104, 114)
OPEN = (
    "initialisation",
    "initial_gain",
    "pooling",
    "initial_coefficients",
    "initial_coefficient",
    "initial_biases",
    "half_distance",
    "f6_curvature",
    "loss",
    "rubbish_j",
    "mu_subsampling",
    "mu_f6",
)
"""The switches that readings differ in."""
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
    return ORIGINAL.changed(**switches)


def readings() -> list[Recipe]:
    """The readings of stage 1, over all passes."""
    return [reading(point) for point in qmc.Sobol(DIMENSIONS, seed=1998).random(POINTS)]


def recipe_of(run: dict) -> Recipe:
    """What a run of ``search.json`` learnt by, but for the number of passes."""
    return ORIGINAL.changed(**run["switches"])


def trial(run: dict) -> Trial:
    """A run of ``search.json``."""
    return Trial(
        recipe_of(run).name,
        run["seed"],
        tuple(run["train"]),
        tuple(run["test"]),
        tuple(run["rates"]),
        run["status"] == "diverged",
    )


def ranked(runs: Sequence[dict], stage: int) -> list[Recipe]:
    """A stage's readings over all passes, the smallest misfit first."""
    groups: dict[Recipe, list[Trial]] = {}
    for run in runs:
        if run["stage"] == stage:
            groups.setdefault(recipe_of(run), []).append(trial(run))
    return sorted(groups, key=lambda recipe: misfit(groups[recipe]).all)


def candidates(runs: Sequence[dict], stage: int) -> list[Recipe]:
    """The readings that a stage is to run."""
    if stage == 1:
        return [recipe.changed(passes=SHORT) for recipe in readings()]
    return ranked(runs, stage - 1)[: KEPT[stage - 1]]


def finalists(runs: Sequence[dict]) -> list[Recipe]:
    """The best four, today's ``original``, and the best reading with eq. 8."""
    by_equation_8 = [
        recipe for stage in (3, 2, 1) for recipe in ranked(runs, stage) if recipe.loss == "distance"
    ]
    return list(dict.fromkeys([*candidates(runs, 4), ORIGINAL, by_equation_8[0]]))


def as_run(stage: int, record: RunRecord) -> dict:
    """What ``search.json`` keeps of a run."""
    first = record.per_pass[0] if record.per_pass else {"rate_min": 0.0, "rate_max": 0.0}
    return {
        "stage": stage,
        "switches": {key: record.recipe[key] for key in OPEN},
        "seed": record.seed,
        "status": record.status,
        "train": [entry["train_error_percent"] for entry in record.per_pass],
        "test": [entry["test_error_percent"] for entry in record.per_pass],
        "rates": [first["rate_min"], first["rate_max"]],
        "seconds": round(record.seconds, 1),
        "commit": record.environment.get("commit"),
        "dirty": record.environment.get("dirty"),
    }


def kept(results: Path) -> list[dict]:
    """The runs that were gathered before."""
    return read_json(results / SEARCH)["runs"] if (results / SEARCH).exists() else []


def cells(stage: int, runs: Sequence[dict], results: Path) -> list[Cell]:
    """What a stage has still to run; its readings' folders are numbered from the best one down."""
    done = {(recipe_of(run), run["seed"]) for run in runs if run["stage"] == stage}
    return [
        Cell(recipe, seed, results / "search" / f"stage-{stage}" / f"{number:03}-seed-{seed}")
        for number, recipe in enumerate(candidates(runs, stage))
        for seed in SEEDS[stage]
        if (recipe.changed(passes=ORIGINAL.passes), seed) not in done
    ]


def final_cells(runs: Sequence[dict], results: Path) -> list[Cell]:
    """The finalists' runs, and those with inverted pixels that their nets are compared by."""
    plain = finalists(runs)
    noisy = [recipe.changed(noise=paper.NOISE_PROBABILITY) for recipe in plain]
    return [
        Cell(recipe, seed, results / "finalists" / recipe.name / f"seed-{seed}")
        for recipes, seeds in ((plain, SEEDS[4]), (noisy, NOISE_SEEDS))
        for seed in seeds
        for recipe in recipes
    ]


def run_stage(stage: int, arguments: list[str] | None) -> int:
    """Run what a stage lacks, and gather it when all of it is there; the exit status."""
    found: list[Cell] = []
    folders: list[Path] = []

    def of_stage(results: Path) -> list[Cell]:
        folders.append(results)
        found.extend(cells(stage, kept(results), results))
        return found

    status = run_study(__doc__, of_stage, arguments)
    if found and not status:
        new = [as_run(stage, read_record(cell.folder)) for cell in found]
        write_json(folders[0] / SEARCH, {"runs": kept(folders[0]) + new})
    return status


def main(arguments: list[str] | None = None) -> int:
    """All stages, each from what the one before it left; what is done is not run again."""
    for stage in (1, 2, 3):
        if status := run_stage(stage, arguments):
            return status
    return run_study(__doc__, lambda results: final_cells(kept(results), results), arguments)


if __name__ == "__main__":
    sys.exit(main())
