"""Made-up runs and measures for tests of reports."""

import dataclasses
from pathlib import Path

import numpy as np
from factory import make_record

from experiments.published import rejection_invariance
from lenet1998 import paper

ROOT = Path(__file__).parents[2]
THEN = paper.fig8_errors()
RIGHT = np.zeros(paper.TEST_SIZE, np.uint8)
RIGHT[THEN.index] = THEN.label
PAGE = ("fig5.png", "fig6.png", "invariance.png")
"""Figures of the page of results."""


def run(name, test=1.0, train=0.5, seed=0, **recipe):
    """A run that ended with these errors in percent."""
    record = make_record((3, 2), seed=seed, recipe={"name": name, **recipe})
    record.last.update(test_error_percent=test, train_error_percent=train)
    return record


def net(same, other, elsewhere, name="distortions", seed=0):
    """A net with this many of Fig. 8's answers, other wrong answers to its digits, other errors."""
    predictions = RIGHT.copy()
    predictions[THEN.index[:same]] = THEN.answer[:same]
    for place in range(same, same + other):
        wrong = set(range(10)) - {int(THEN.label[place]), int(THEN.answer[place])}
        predictions[THEN.index[place]] = min(wrong)
    record = run(name, seed=seed)
    record.last["test_errors"] = same + other + elsewhere
    return dataclasses.replace(record, predictions=predictions)


def sizes(seeds=3):
    """Runs on each training set, their test errors 0.1 apart."""
    kinds = ({"train_size": 15_000}, {"train_size": 30_000}, {}, {"distortions": True})
    return [
        [run("any", 1 + seed / 10, 0.3, seed, **recipe) for seed in range(seeds)]
        for recipe in kinds
    ]


def some_measures(seeds=2):
    axes = {
        "scale": rejection_invariance.SCALES,
        "shift": rejection_invariance.SHIFTS,
        "rotation": rejection_invariance.ROTATIONS,
        "inverted": rejection_invariance.INVERTED,
    }
    nets = {
        name: [
            {"seed": seed, "rejected_percent": 1.0}
            | {key: [1.0 + 2 * seed] * len(values) for key, values in axes.items()}
            for seed in range(seeds)
        ]
        for name in rejection_invariance.NETS
    }
    return {"axes": axes, "patterns": 1000, "nets": nets}
