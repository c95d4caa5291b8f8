"""Run records as a training run would leave them, for tests that train nothing."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import torch

from lenet1998 import paper
from lenet1998.models import LeNet5
from lenet1998.recipes import ORIGINAL, RECIPES, Recipe, split_name
from lenet1998.training import lines
from lenet1998.training.records import RunRecord

MAPS = {"c1": 6, "s2": 6, "c3": 16, "s4": 16, "c5": 120, "f6": 84, "output": 10}
SIZES = {"c1": 28, "s2": 14, "c3": 10, "s4": 5, "c5": 1, "f6": 1, "output": 1}
LAYERS = [
    {
        "name": name,
        "maps": MAPS[name],
        "size": SIZES[name],
        "parameters": paper.PARAMETERS[name],
        "connections": paper.CONNECTIONS[name],
    }
    for name in paper.PARAMETERS
]
TEST_PATTERNS = 200


def make_record(
    test_errors=(3, 2),
    seed=0,
    dataset="mnist",
    status="finished",
    recipe=None,
    **changes,
) -> RunRecord:
    """A run with these counts of misclassified test patterns after its passes, out of 200.

    Its recipe is ``original`` with switches changed, and named so unless a name is given with them.

    Training errors are twice the test errors in percent; pass k took k seconds and has the rates
    k / 10,000 to k / 100.
    """
    switches = recipe or {}
    original = ORIGINAL if "name" in switches else ORIGINAL.changed(**switches)
    per_pass = [
        {
            "pass": number,
            "loss": 1 / number,
            "train_error_percent": 2 * 100 * count / TEST_PATTERNS,
            "test_error_percent": 100 * count / TEST_PATTERNS,
            "test_errors": count,
            "rate_min": number / 10_000,
            "rate_max": number / 100,
            "seconds": float(number),
        }
        for number, count in enumerate(test_errors, 1)
    ]
    record = RunRecord(
        recipe=original.as_dict() | switches,
        seed=seed,
        dataset={
            "name": dataset,
            "checksum": "abc",
            "train_patterns": 60_000,
            "test_patterns": TEST_PATTERNS,
        },
        layers=LAYERS,
        environment={"engine": "eager", "device": "cpu", "processor": "a processor"},
        status=status,
        per_pass=per_pass,
        predictions=np.arange(TEST_PATTERNS, dtype=np.uint8) % 10 if per_pass else None,
    )
    return dataclasses.replace(record, **changes)


def on_fig5(recipe: Recipe, factor: float = 1.0, seed: int = 100, **changes) -> RunRecord:
    """A run of all of its recipe's passes, off Fig. 5 and the published rates by a factor."""
    curves = paper.fig5_curve()
    low, high = (rate * factor for rate in paper.RATE_RANGE)
    rows = [
        {"train_error_percent": factor * train, "test_error_percent": factor * test}
        | {"rate_min": low, "rate_max": high}
        for train, test in zip(curves.train_error.tolist(), curves.test_error.tolist(), strict=True)
    ]
    run = make_record(seed=seed, recipe=recipe.as_dict(), per_pass=rows[: recipe.passes])
    return dataclasses.replace(run, **changes)


FINE = 100_000
"""Test patterns of a run whose errors in percent are no whole numbers of what it was tested on."""


def named(name: str) -> Recipe:
    """The recipe of a true name."""
    variant, switches = split_name(name)
    return RECIPES[variant].override([f"{key}={value}" for key, value in switches.items()])


def put(results: Path, source: str, *runs: RunRecord) -> None:
    """Write runs into a study's file of lines, in place of those of their recipes and seeds.

    Args:
        results: the folder of results.
        source: ``STUDY/RECIPE``, which is then the recipe of all, or ``STUDY``.
        runs: what else they are.
    """
    study, _, name = source.partition("/")
    if name:
        recipe = named(name).as_dict()
        runs = [dataclasses.replace(run, recipe=recipe) for run in runs]
    runs = [run if _whole(run) else _finer(run) for run in runs]
    file = results / f"{study}{lines.SUFFIX}"
    file.parent.mkdir(parents=True, exist_ok=True)
    new = {(run.recipe["name"], run.seed) for run in runs}
    others = lines.read(file) if file.exists() else []
    others = [run for run in others if (run.recipe["name"], run.seed) not in new]
    lines.write(file, [*others, *runs])


def _whole(run: RunRecord) -> bool:
    patterns = run.dataset["test_patterns"]
    return all(
        row["test_error_percent"] == 100 * row["test_errors"] / patterns for row in run.per_pass
    )


def _finer(run: RunRecord) -> RunRecord:
    answers = run.predictions
    if len(answers) < paper.TEST_SIZE:
        answers = np.arange(FINE, dtype=np.uint8) % 10
    rows = [
        row | {"test_errors": round(row["test_error_percent"] * len(answers) / 100)}
        for row in run.per_pass
    ]
    dataset = run.dataset | {"test_patterns": len(answers)}
    return dataclasses.replace(run, dataset=dataset, per_pass=rows, predictions=answers)


def restored(model: LeNet5) -> LeNet5:
    """A network that was saved and loaded."""
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    other = LeNet5(**model.switches)
    other.load_state_dict(torch.load(file, weights_only=True))
    return other


def compiled(model: LeNet5):
    """A network compiled as one graph."""
    torch.compiler.reset()
    return torch.compile(model, backend="aot_eager", fullgraph=True)
