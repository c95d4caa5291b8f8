"""What ``experiments/answers.py`` makes of records: nets are paired by seed, of whatever number."""

import importlib.util
from pathlib import Path

import numpy as np
from factory import TEST_PATTERNS, make_record

from lenet1998.recipes import RECIPES
from lenet1998.records import write_record

SCRIPT = Path(__file__).parents[2] / "experiments" / "answers.py"


def test_nets_are_paired_by_the_seeds_that_both_variants_have(tmp_path):
    spec = importlib.util.spec_from_file_location("labels", SCRIPT)
    labels = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(labels)
    seeds = {"original": (0, 1, 2, 5), "original-logistic": (1, 2), "modern": (5,)}
    truth = np.arange(TEST_PATTERNS, dtype=np.uint8) % 10
    for name, of_variant in seeds.items():
        for seed in of_variant:
            run = make_record(seed=seed, recipe=RECIPES[name].as_dict())
            run.predictions[: seed if name == "original" else 0] += 1  # as many misread as its seed
            write_record(tmp_path / "headline" / name / f"seed-{seed}", run)
    rows = labels.pairs(tmp_path, truth)
    told = [(row["variants"][1], row["seed"], row["only_first"]) for row in rows]
    assert told == [("original-logistic", 1, 1), ("original-logistic", 2, 2), ("modern", 5, 5)]
