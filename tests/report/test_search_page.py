"""The search's tables: stages, ranks, finalists and what the rules decide."""

import numpy as np
import pytest
from factory import make_record, on_fig5

from experiments.readings import search_tables as search
from experiments.readings import search_tests
from lenet1998 import paper
from lenet1998.recipes import ORIGINAL

FIG5 = paper.fig5_curve()
FIRST = ORIGINAL
AVERAGES = FIRST.changed(pooling="trainable_average")
LITERAL = FIRST.changed(
    initialisation="fan_in",
    half_distance=False,
    loss="distance",
    initial_coefficients="uniform",
    initial_coefficient=0.6,
)
THEIRS = {"C1 weights, rms": 2.0, "C1 states of 1.5 and more, share": 0.5}


def recipes(count):
    return [FIRST.changed(rubbish_j=float(j)) for j in range(2, count + 2)]


def short(recipe, factor, **changes):
    """A run of stage 1."""
    return on_fig5(recipe.changed(passes=search.SHORT), factor, **changes)


@pytest.fixture
def staged():
    """Two stages: five readings with short runs, the better three again with whole ones."""
    first = [short(recipe, 1.1 + n) for n, recipe in enumerate(recipes(5))]
    return first + [on_fig5(recipe, 1.1 + n) for n, recipe in enumerate(recipes(3))]


def test_stages_are_counted_and_compared_with_the_one_before(staged):
    table = search.stages(staged).set_index("stage")
    assert table["readings"].tolist() == [5, 3]
    assert table["passes"].tolist() == [5, 20]
    assert table["rank correlation"].tolist() == ["", "1.00"]
    assert table["smallest M"].iloc[0] == "0.68"  # log 1.1: 0.953 tenths and 0.1375 doublings


def test_runs_that_learnt_nothing_and_those_that_diverged_are_counted(staged):
    staged += [short(recipe, 40) for recipe in recipes(7)[5:]]
    staged.append(short(AVERAGES, 1.0, status="diverged"))
    first = search.stages(staged).iloc[0]
    assert (first["failed"], first["diverged"]) == (2, 1)


def test_the_best_of_the_last_stage_come_first(staged):
    table = search.best(staged)
    assert table["reading"].tolist() == [recipe.name.replace(",", ", ") for recipe in recipes(3)]
    staged += [on_fig5(recipes(3)[1], 1.0, seed) for seed in (101, 102, 103)]
    assert search.best(staged)["n"].tolist() == [3]


def record(recipe, factor, seed):
    """A run that is off Fig. 5 and the rates by a factor, and a little by its seed."""
    made = make_record((2,) * 20, seed=seed, recipe=recipe.as_dict())
    scatter = factor * (1 + 0.02 * np.sin(seed))
    for number, entry in enumerate(made.per_pass):
        entry["train_error_percent"] = float(scatter * FIG5.train_error[number])
        entry["test_error_percent"] = float(scatter * FIG5.test_error[number])
        entry["rate_min"], entry["rate_max"] = (factor * rate for rate in paper.RATE_RANGE)
    return made


def final(factors):
    """Finalists by recipe, each off everything by its factor."""
    records, nets, rates = [], [], []
    for recipe, factor in factors.items():
        records += [record(recipe, factor, seed) for seed in range(104, 112)]
        own = {"C1 weights, rms": 2.0 * factor, "C1 states of 1.5 and more, share": 0.5}
        nets += [{"recipe": recipe.name, "seed": seed, "sizes": own} for seed in range(104, 107)]
        layers = {name: [1e-4, 1e-2] for name in ("c1", "s2", "c3", "s4", "c5", "f6")}
        rates.append({"recipe": recipe.name, "seed": 104, "layers": layers})
    return {"runs": [], "net_1998": THEIRS, "nets": nets, "rates": rates}, records


def test_a_finalist_that_is_surely_nearer_is_taken():
    content, records = final({FIRST: 2.0, AVERAGES: 1.1, LITERAL: 3.0})
    taken, why = search.decision(content, records)
    assert taken == AVERAGES.name
    assert why == "its M is below that of the first reading in 100.0 % of the draws"
    table = search.finalists(content, records)
    assert search.names(content, records)["reading"].tolist()[0] == AVERAGES.name.replace(",", ", ")
    assert table[""].tolist() == ["**A** (taken)", "B", "C"]
    assert table["departures"].tolist() == [4, 4, 2]


def test_where_nothing_distinguishes_them_the_printed_text_decides():
    nearer = FIRST.changed(half_distance=False)
    content, records = final({FIRST: 1.3, AVERAGES: 1.3, nearer: 1.3, LITERAL: 3.0})
    taken, why = search.decision(content, records)
    assert taken == nearer.name
    assert why.startswith("nothing distinguishes 3 of the finalists")


def test_original_stays_where_it_is_nearest():
    content, records = final({FIRST: 1.1, AVERAGES: 1.5})
    assert search.decision(content, records) == (
        FIRST.name,
        "every other finalist's M is above its own",
    )


def test_quantities_and_rates_have_a_column_a_finalist():
    content, records = final({FIRST: 2.0, AVERAGES: 1.1})
    nets = search.nets(content, records)
    assert list(nets) == ["quantity", "1998", "A (n = 3)", "B (n = 3)"]
    assert nets["A (n = 3)"].iloc[0].startswith("2.200")
    layers = search.rates_by_layer(content, records)
    assert layers["layer"].tolist() == ["C1", "S2", "C3", "S4", "C5", "F6"]


def test_the_figure_is_drawn(staged):
    staged.append(short(AVERAGES, 1.7))
    (axes,) = search.figure(staged).axes
    assert [len(group.get_offsets()) for group in axes.collections] == [5, 1, 3]


def test_what_was_held_back_is_told_by_the_switches_and_not_by_the_name():
    content, records = final({FIRST: 2.0, AVERAGES: 1.1})
    content["fig13"] = [{"recipe": AVERAGES.name, "seed": seed, "read": 7} for seed in (1, 2)]
    for made in records:
        made.predictions = np.zeros(paper.TEST_SIZE, np.uint8)
    fewer, distorted = FIRST.changed(train_size=15_000), FIRST.changed(distortions=True)
    published = [
        make_record((3,), recipe=fewer.as_dict() | {"name": "another name"}),
        make_record((1,), recipe=distorted.as_dict()),
        make_record((9,), recipe=fewer.changed(noise=0.1).as_dict()),
    ]
    table = search_tests.held_back(content, records, published).set_index("")
    assert table.loc["1998", "test error, 15,000 patterns, %"] == "1.68"
    assert table["test error, 15,000 patterns, %"].tolist()[1:] == ["", "1.50 (n = 1)"]
    assert table.loc["B", "test error with distortions, %"] == "0.50 (n = 1)"
    assert table["of Fig. 13's nine, read"].tolist() == ["9", "7.0 ± 0.0 (n = 2)", ""]
    zeros = sum(answer == 0 for answer in paper.fig8_errors().label)
    assert table.loc["A", "of Fig. 8's 82, misclassified"].startswith(f"{82 - zeros}.0")
