"""Measures of ``experiments/comparison/answers.py``: nets are paired by seed, however many."""

from pathlib import Path

import numpy as np
import pytest
from factory import TEST_PATTERNS, make_record, put

from experiments.comparison import answers
from experiments.results import runs_in
from lenet1998.training import lines

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def test_nets_are_paired_by_the_seeds_that_both_variants_have(tmp_path):
    seeds = {"original": (0, 1, 2, 5), "original-logistic": (1, 2), "modern": (5,)}
    truth = np.arange(TEST_PATTERNS, dtype=np.uint8) % 10
    for name, of_variant in seeds.items():
        for seed in of_variant:
            run = make_record(seed=seed)
            run.predictions[: seed if name == "original" else 0] += (
                1  # as many misclassified as its seed
            )
            put(tmp_path, f"headline/{name}", run)
    rows = answers.pairs(tmp_path, truth)
    told = [(row["variants"][1], row["seed"], row["only_first"]) for row in rows]
    assert told == [("original-logistic", 1, 1), ("original-logistic", 2, 2), ("modern", 5, 5)]


def test_a_nets_errors_overlap_with_those_of_the_others_of_its_kind(tmp_path):
    truth = np.arange(TEST_PATTERNS, dtype=np.uint8) % 10
    for source in answers.KINDS:
        for seed, misclassified in enumerate((slice(0, 4), slice(0, 2), slice(2, 4))):
            run = make_record(seed=seed)
            run.predictions[:] = truth
            run.predictions[misclassified] += 1
            put(tmp_path, source, run)
    told = [(row["variant"], row["dice"]) for row in answers.alike(tmp_path, truth)]
    # Two of four and two are shared, or none.
    expected = [pytest.approx(dice) for dice in (4 / 6, 2 / 6, 2 / 6)]
    assert told == [
        (source.partition("/")[2], dice) for source in answers.KINDS for dice in expected
    ]


@pytest.mark.parametrize(
    ("source", "seed"),
    [
        ("headline/modern", 9),
        ("headline/original", 3),
        ("published/distortions", 29),
        ("coursework/coursework-padded", 0),
        ("headline/original", None),
    ],
)
def test_without_a_run_that_is_asked_for_nothing_is_written(source, seed, tmp_path, capsys):
    """Without one seed's, or without any of the recipe."""
    study, _, recipe = source.partition("/")
    for name in ("headline", "published", "coursework"):
        runs = runs_in(EXPERIMENTS / "results", name)
        if name == study:
            runs = [
                run for run in runs if run.recipe["name"] != recipe or seed not in (None, run.seed)
            ]
        lines.write(tmp_path / f"{name}.jsonl", runs)
    assert answers.main(["--results", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    told = f"no runs of {recipe}" if seed is None else f"{source}, seed {seed}: no run"
    assert told in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "answers.json").exists()


def test_a_run_without_answers_is_named(tmp_path):
    put(tmp_path, "headline/original", make_record())
    with pytest.raises(answers.BadInput, match="seed 0 has not 10,000 answers"):
        answers.answered(tmp_path, "headline/original", np.zeros(10_000))
