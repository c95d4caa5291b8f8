"""The second look at one out of ``original``, from runs made up for it."""

import pytest
from factory import make_record

from lenet1998.ablations import COMPONENTS, ORIGINAL
from lenet1998.report import fresh_seeds
from lenet1998.report.ablations import CANNOT_TELL, MATTERS
from lenet1998.report.style import source_of

C3, MAX = ORIGINAL.changed(c3="dense"), ORIGINAL.changed(pooling="max")
FIRST = {ORIGINAL: (4, 5, 4), C3: (5, 5, 4), MAX: (28, 29, 29)}
SECOND = {ORIGINAL: (4, 5, 6), C3: (4, 5, 5), MAX: (29, 30, 32)}


@pytest.fixture
def runs() -> list:
    """The first look's, seeds from 0."""
    return [
        make_record((count + 4, count), seed, recipe=recipe.as_dict())
        for recipe, counts in FIRST.items()
        for seed, count in enumerate(counts)
    ]


@pytest.fixture
def content() -> dict:
    """The second look's, seeds from 40; percent of 200 patterns."""
    return {
        "runs": [
            {"recipe": recipe.name, "seed": seed, "status": "finished", "test": [9.0, count / 2]}
            for recipe, counts in SECOND.items()
            for seed, count in enumerate(counts, 40)
        ]
    }


def test_a_row_tells_the_second_look_by_itself_and_all_pairs_together(runs, content):
    dense, maxima = fresh_seeds.table(runs, content).to_dict("records")
    assert (dense["component"], maxima["component"]) == ("c3", "subsampling")
    assert (dense["n"], maxima["n"]) == (3, 3)
    assert dense["difference, points"] == "-0.167"  # 0, 0 and -0.5
    assert maxima["difference, points"] == "+12.667"  # 12.5, 12.5 and 13.0
    assert (maxima["first look"], maxima["verdict"]) == (MATTERS, MATTERS)
    assert (dense["first look"], dense["verdict"]) == (CANNOT_TELL, CANNOT_TELL)
    # Of the first look 0.5, 0, 0 and 12.0, 12.0, 12.5.
    assert dense["both, points"].startswith("+0.000 (")
    assert maxima["both, points"].startswith("+12.417 (")
    assert maxima["both, points"].endswith("; n = 6)")


def test_a_seed_that_is_not_complete_does_not_count(runs, content):
    lacking = {"recipe": C3.name, "seed": 42}
    content["runs"] = [run for run in content["runs"] if not lacking.items() <= run.items()]
    assert {run.seed for run in fresh_seeds.runs_of(content)} == {40, 41}
    dense, maxima = fresh_seeds.table(runs, content).to_dict("records")
    assert (dense["n"], maxima["n"]) == (2, 2)


def test_a_change_that_the_second_look_has_not_has_no_row(runs, content):
    content["runs"] = [run for run in content["runs"] if run["recipe"] != MAX.name]
    assert fresh_seeds.table(runs, content)["component"].tolist() == ["c3"]


def test_one_seed_is_no_second_look(runs, content):
    content["runs"] = [run for run in content["runs"] if run["seed"] == 40]
    assert fresh_seeds.table(runs, content).empty


def test_in_brief_a_component_is_its_largest_effect_in_the_first_look(runs, content):
    average = ORIGINAL.changed(pooling="average")
    runs += [
        make_record((4, count), seed, recipe=average.as_dict())
        for seed, count in enumerate((5, 5, 4))
    ]
    content["runs"] += [
        {"recipe": average.name, "seed": seed, "status": "finished", "test": [9.5]}
        for seed in (40, 41, 42)
    ]
    rows = fresh_seeds.brief(runs, content, COMPONENTS)
    assert rows["historical"].tolist() == [COMPONENTS["c3"], COMPONENTS["subsampling"]]
    assert rows["becomes"].tolist() == ["every map sees all six", "maxima"]
    assert rows["test error, points"][1].startswith("+12.17 (")
    assert rows["ten more seeds"][1].startswith("+12.67 (")


def test_both_looks_are_drawn(runs, content, tmp_path):
    fresh_seeds.figure(runs, content, tmp_path / "looks.png", "a digest")
    assert source_of(tmp_path / "looks.png") == "a digest"
    assert (tmp_path / "looks.png").stat().st_size > 10_000
