"""docs/coursework.md's tables and figures: each claim beside the same measure of our runs."""

from pathlib import Path

import numpy as np
import pytest
from factory import make_record

from experiments.coursework import tables as coursework
from experiments.coursework.tables import BEST, CLAIMS, LAST, TRAINING, Claim
from lenet1998.report.statistics import CONSISTENT, INCONSISTENT, TOO_WIDE

ERRORS = ((20, 2, 5, 4), (22, 6, 3, 5), (18, 4, 4, 3))  # of 200, epoch by epoch


def runs(name="coursework-padded", errors=ERRORS, **switches):
    recipe = {"name": name, "passes": len(errors[0]), **switches}
    return [make_record(counts, seed, recipe=recipe) for seed, counts in enumerate(errors)]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (1, [90, 89, 91]),
        (LAST, [98, 97.5, 98.5]),
        (BEST, [99, 98.5, 98.5]),
        (TRAINING, [96, 95, 97]),  # the factory's training errors are twice the test errors
    ],
)
def test_a_claim_is_measured_where_the_report_measured_it(when, expected):
    assert Claim("coursework-padded", when, 99.0).measured(runs()) == pytest.approx(expected)


def test_a_claim_is_set_beside_runs_of_its_recipe():
    errors = [(9, 2), (9, 2), (9, 2), (9, 2), (9, 2), (9, 2)]
    padded = runs(errors=errors)
    for seed, record in enumerate(padded):
        record.last["test_error_percent"] += 0.02 * (seed - 2.5)
    records = [*padded, *runs("coursework-sweep")]
    table = coursework.claims(records, records)
    row = table[table["recipe"] == "coursework-padded"].iloc[0]
    assert row["claimed"] == "99.1"
    assert row["ours"].startswith("99.00")
    assert row["verdict"] == "consistent"
    assert row["recipes consistent"] == "1 of 1"
    told = dict(zip(table["recipe"], table["verdict"], strict=True))
    assert told["coursework-sweep"] == "cannot tell"  # three runs
    assert told["coursework-tanh-28"] == ""  # a report without numbers


def test_the_gain_of_choosing_the_best_epoch_is_over_the_last():
    row = coursework.best_epoch(runs()).iloc[0]
    assert row["gained by choosing, points"].startswith("0.67")
    assert row["best epoch of the best run, %"] == "99.00"


def test_digits_are_set_beside_the_reports():
    claimed = np.array(coursework.PADDED_BY_CLASS)
    wobble = np.linspace(-0.1, 0.1, 6)
    measured = claimed + wobble[:, None]
    measured[:, 4] += 1
    table = coursework.by_class({"by_class": measured.tolist()})
    # One more run's errors are 0.21 points to either side: of 0.61 and of 0.26 that is too wide.
    assert list(table["verdict"]) == [
        *[TOO_WIDE] * 2,
        *["consistent"] * 2,
        "inconsistent",
        *["consistent"] * 5,
    ]


def test_open_choices_stand_under_the_recipe_they_vary():
    setting = "coursework-sweep,eta=0.01,momentum=0.0,passes=8"
    records = [
        *runs("coursework-sweep"),
        *runs(setting),
        *runs("coursework-tanh-28"),
        *runs("coursework-sweep,batch_size=256", [(30, 12), (31, 11), (32, 13)]),
        *runs("coursework-sweep,eta=0.01,momentum=0.0,batch_size=256,passes=8"),
    ]
    table = coursework.open_choices(records)
    assert list(table["open choice"]) == ["as taken", "batch_size=256"] * 2
    assert list(table["recipe"])[::2] == ["coursework-sweep", setting.replace(",", ", ")]
    assert table["difference at the end"][1].startswith("-4.00 (p = ")
    assert table["difference at the end"][3].startswith("+0.00")


def test_every_claim_is_of_a_recipe_that_the_study_runs(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "experiments")
    from experiments.coursework import runs as study

    names = {
        cell.recipe.name
        for cell in study.cells(Path())
        if cell.folder.parents[1].name == "coursework"
    }
    assert names == {claim.recipe for claim in CLAIMS}


def all_five():
    return [run for report in coursework.REPORTS for run in runs(f"coursework-{report}")]


def test_the_page_counts_the_verdicts_of_its_table():
    page = (Path(__file__).parents[2] / "docs" / "coursework.md").read_text()
    table = page.partition("coursework.tables:claims -->")[2].partition("<!-- end -->")[0]
    count = {
        verdict: table.count(f"| {verdict} |") for verdict in (CONSISTENT, INCONSISTENT, TOO_WIDE)
    }
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    agree, differ, wide = (words[number] for number in count.values())
    told = f"Of {words[sum(count.values())]} claims, {differ} are inconsistent with our runs and"
    assert f"{told} {agree} are consistent. For {wide}, our runs spread too widely" in page


def test_curves_show_every_report_with_its_claims():
    *panels, _ = coursework.learning_curves(all_five()).axes
    assert [axes.get_title("left").split()[0] for axes in panels] == [
        f"coursework-{report}" for report in coursework.REPORTS
    ]
    markers = [sum(line.get_marker() in ("D", "^") for line in axes.lines) for axes in panels]
    assert markers == [2, 2, 0, 1, 1]


def cell(eta, momentum, errors, seed):
    recipe = {"name": "x", "passes": 20, "eta": eta, "momentum": momentum}
    return make_record(errors, seed, recipe=recipe)


def test_the_sweeps_map_has_a_cell_for_each_setting():
    records = [
        cell(eta, momentum, [int(200 * eta) + int(10 * momentum)] * 20, seed)
        for eta in (0.1, 0.01)
        for momentum in (0.0, 0.9)
        for seed in (0, 1)
    ]
    figure = coursework.sweep(records)
    first = figure.axes[0]
    # Rates down, momenta across.
    words = [text.get_text().splitlines()[0] for text in first.texts]
    assert words == ["99.0", "94.5", "90.0", "85.5"]
    assert "n = 2 seeds" in figure.get_suptitle()
