"""What ``experiments/comparison/answers.py`` makes of records: nets are paired by seed, of whatever number."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from factory import TEST_PATTERNS, make_record

from experiments.comparison import answers
from lenet1998.recipes import RECIPES
from lenet1998.training.records import write_record

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


def test_nets_are_paired_by_the_seeds_that_both_variants_have(tmp_path):
    seeds = {"original": (0, 1, 2, 5), "original-logistic": (1, 2), "modern": (5,)}
    truth = np.arange(TEST_PATTERNS, dtype=np.uint8) % 10
    for name, of_variant in seeds.items():
        for seed in of_variant:
            run = make_record(seed=seed, recipe=RECIPES[name].as_dict())
            run.predictions[: seed if name == "original" else 0] += 1  # as many misread as its seed
            write_record(tmp_path / "headline" / name / f"seed-{seed}", run)
    rows = answers.pairs(tmp_path, truth)
    told = [(row["variants"][1], row["seed"], row["only_first"]) for row in rows]
    assert told == [("original-logistic", 1, 1), ("original-logistic", 2, 2), ("modern", 5, 5)]


def test_a_nets_errors_overlap_with_those_of_the_others_of_its_kind(tmp_path):
    truth = np.arange(TEST_PATTERNS, dtype=np.uint8) % 10
    for folder in answers.KINDS:
        for seed, misread in enumerate((slice(0, 4), slice(0, 2), slice(2, 4))):
            run = make_record(seed=seed, recipe=RECIPES[folder.name].as_dict())
            run.predictions[:] = truth
            run.predictions[misread] += 1
            write_record(tmp_path / folder / f"seed-{seed}", run)
    told = [(row["variant"], row["dice"]) for row in answers.alike(tmp_path, truth)]
    # Two of four and two are shared, or none.
    expected = [pytest.approx(dice) for dice in (4 / 6, 2 / 6, 2 / 6)]
    assert told == [(folder.name, dice) for folder in answers.KINDS for dice in expected]


@pytest.mark.parametrize(
    "missing",
    [
        "headline/modern/seed-9",
        "headline/original/seed-3",
        "published/distortions/seed-29",
        "coursework/reported/coursework-padded/seed-0",
        "headline",
        "",
    ],
)
def test_without_a_run_that_is_asked_for_nothing_is_written(missing, tmp_path, capsys):
    results = tmp_path / "results"
    wanted = [f"headline/{name}" for name in ("original", "original-logistic", "modern")]
    for folder in (*wanted, answers.PADDED, "published/distortions"):
        shutil.copytree(EXPERIMENTS / "results" / folder, results / folder)
    shutil.rmtree(results / missing)
    assert answers.main(["--results", str(results)]) == 2
    error = capsys.readouterr().err
    assert str(results / missing) in error
    assert "has no record" in error
    assert len(error.splitlines()) == 1
    assert not (results / "answers.json").exists()


def test_a_run_without_answers_is_named(tmp_path):
    write_record(tmp_path / "seed-0", make_record())
    with pytest.raises(answers.BadInput, match="seed 0 has not 10,000 answers"):
        answers.answered(tmp_path, np.zeros(10_000))
