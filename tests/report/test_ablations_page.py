"""docs/ablations.md's tables and figures, from runs and measures made up for it."""

import pytest
from factory import make_record

from experiments.ablations import figures as ablation_figures
from experiments.ablations import measures_tables as of_nets
from experiments.ablations import rates_tables as rates
from experiments.ablations.measures import ROTATIONS, SCALES, SHIFTS
from experiments.ablations.measures_tables import families
from experiments.ablations.tables import worth
from experiments.ablations.tuning import LADDER, OPTIMIZERS, TUNINGS
from lenet1998.ablate.components import ORIGINAL, changes, chosen
from lenet1998.ablate.effects import effects, effects_table
from lenet1998.errors import BadInput
from lenet1998.report import style

C3 = ORIGINAL.changed(c3="dense")
MOVES = [f"shift {by}" for by in SHIFTS] + [f"scale {by}" for by in SCALES]
MOVES += [f"rotation {by}" for by in ROTATIONS]


def runs_of(recipe, *counts) -> list:
    """A run for each count of misclassified patterns after the last of two passes, seeds from 0."""
    return [
        make_record((count + 4, count), seed, recipe=recipe.as_dict())
        for seed, count in enumerate(counts)
    ]


def net(recipe, seed: int, area: float = 0.9) -> dict:
    return {
        "recipe": recipe.name,
        "seed": seed,
        "rejection": dict.fromkeys(("between", "half", "noise"), area + seed / 1000),
        "rejected": 2.0 + seed / 10,
        "invariance": dict.fromkeys(MOVES, 3.0 + seed),
        "noise": 4.0,
        "alikeness": 0.1 + area / 10 + seed / 1000,
    }


@pytest.fixture
def whole():
    """Three runs of everything, and measures of them all."""
    pairs = ((change.base, change.recipe) for change in changes())
    recipes = dict.fromkeys(recipe for pair in pairs for recipe in pair)
    runs = [run for k, recipe in enumerate(recipes) for run in runs_of(recipe, k, k + 1, k + 3)]
    return runs, {"nets": [net(recipe, seed) for recipe in recipes for seed in range(3)]}


def test_changes_stand_beside_their_bases_as_far_as_there_are_runs():
    runs = runs_of(ORIGINAL, 2, 3) + runs_of(C3, 4, 6, 5)
    runs += runs_of(ORIGINAL.changed(train_size=1000), 9, 9)
    found = families(runs[::-1])
    assert {key: len(some) for key, some in found.items()} == {
        "out": 1,
        "tuned": 0,
        "in": 0,
        "ladder": 0,
    }
    (one,) = found["out"]
    assert [run.seed for run in one.ours] == [0, 1, 2]
    assert one.pairs(lambda run: run.last["test_errors"]) == ([4, 6], [2, 3])
    assert families(runs, 1000)["out"] == []


def test_a_row_shows_the_runs_that_are_paired_and_no_others():
    runs = runs_of(ORIGINAL, 2, 4, 60) + runs_of(C3, 4, 8)
    (row,) = effects_table(effects(families(runs)["out"])).to_dict("records")
    assert row["n"] == 2
    assert row["test error, %"].startswith("3.00 ")  # percent of 200 patterns
    assert row["base, %"].startswith("1.50 ")


def test_what_differs_from_the_base_is_starred():
    runs = runs_of(ORIGINAL, 2, 3, 2) + runs_of(C3, 4, 6, 5)
    nets = [net(ORIGINAL, seed) for seed in range(3)] + [net(C3, seed, 0.7) for seed in range(3)]
    measures = of_nets.rejection(families(runs), {"nets": nets})
    table = of_nets.table(measures)
    assert table["component"].tolist() == ["one out of original", "c3"]
    base, dense = table["area, half digits"]
    assert base == "0.9010 \N{PLUS-MINUS SIGN} 0.0010"
    # All pairs differ by the same: what is seen decides.
    assert dense == "0.7010 \N{PLUS-MINUS SIGN} 0.0010*"
    base, dense = table["to reject for 0.5 % error, %"]
    assert (base, dense) == ("2.10 \N{PLUS-MINUS SIGN} 0.10",) * 2


def test_nets_that_were_not_measured_are_left_out():
    runs = runs_of(ORIGINAL, 2, 3, 2) + runs_of(C3, 4, 6, 5)
    nets = [net(ORIGINAL, 0), net(ORIGINAL, 1), net(C3, 1)]
    table = of_nets.table(of_nets.rejection(families(runs), {"nets": nets}))
    assert table["area, half digits"].tolist()[1] == "0.9010 (n = 1)"


def test_passes_to_2_percent_count_one_more_than_there_are_if_it_never_gets_there():
    (never,), (second,) = runs_of(ORIGINAL, 4), runs_of(ORIGINAL, 3)
    assert of_nets.passes_to_2_percent(never) == ORIGINAL.passes + 1
    assert of_nets.passes_to_2_percent(second) == 2


def test_every_change_has_its_row_in_every_table(whole):
    runs, content = whole
    found, few = (
        families(runs),
        {size: families(runs, size) for size in (1000, 5000)},
    )
    rows = len(changes()) + 4  # the bases'
    for measures in (
        of_nets.rejection(found, content),
        of_nets.invariance(found, content),
        of_nets.learning(found, few, content),
    ):
        assert len(of_nets.table(measures)) == rows
    work = of_nets.work(found)
    assert len(work) == rows
    assert set(work["n"]) == {3}


def test_a_component_is_shown_beside_the_base_that_each_change_has(whole):
    table = worth(whole[0], "optimizer")
    assert set(table["beside"]) == {"original", "SDLM tuned alike", "modern", "modern-tuned"}
    titles = {
        of.title for of in changes() if of.component == "optimizer" and of.direction != "ladder"
    }
    assert set(table["becomes"]) == titles
    assert table["becomes"].is_unique


def test_figures_are_drawn(whole, tmp_path):
    runs, content = whole
    trials = [
        run
        for key in OPTIMIZERS
        for recipe in TUNINGS[key].three_decades
        for run in runs_of(recipe, 3, 4)
    ]
    panels = {
        ablation_figures.forest(runs): 4,
        ablation_figures.ladder(runs, content): 2,
        ablation_figures.rejections(runs, content): 2,
        rates.against_time(runs): 2,
        rates.sensitivity(trials): 1,
    }
    for figure, count in panels.items():
        assert len(figure.axes) == count
        assert all(axes.lines for axes in figure.axes)
        style.save(figure, tmp_path / "figure.png")  # what cannot be drawn warns here


def test_figures_leave_out_directions_without_runs_or_measures():
    runs = runs_of(ORIGINAL, 2, 3, 2) + runs_of(C3, 4, 6, 5)
    nets = [net(ORIGINAL, seed) for seed in range(3)] + [net(C3, seed, 0.7) for seed in range(3)]
    assert len(ablation_figures.forest(runs).axes) == 1
    (axes,) = ablation_figures.rejections(runs, {"nets": nets}).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "original",
        "C3: every map sees all six",
    ]
    for draw in (ablation_figures.ladder, ablation_figures.rejections):
        with pytest.raises(BadInput, match=r"ablations\.json: no change and its base are measured"):
            draw(runs, {"nets": nets[:3]})


def test_the_best_trial_is_that_of_the_least_error_and_of_equals_the_larger_rate():
    tuning = TUNINGS["sgd"]
    counts = dict.fromkeys(tuning.trials, 9) | {
        tuning.at(3e-4, "printed"): 3,
        tuning.at(1e-3, "constant"): 3,
    }
    runs = rates.by_recipe(
        [run for recipe, count in counts.items() for run in runs_of(recipe, count, 0)]
    )
    of = rates.trials(tuning, runs)
    assert len(of) == 12
    assert rates.best(of) == (1e-3, "constant")  # seed 1 is none of the tuning's


def test_what_was_tuned_and_what_it_cost():
    runs = [
        run for tuning in TUNINGS.values() for recipe in tuning.trials for run in runs_of(recipe, 5)
    ]
    table = rates.tuned(runs)
    assert table["tuned"].tolist() == [tuning.title for tuning in TUNINGS.values()]
    assert set(table["trials"]) >= {12}
    assert table["core minutes"].tolist()[0] == f"{12 * 3 / 60:.0f}"  # passes of 1 and 2 seconds


def test_three_decades_are_seven_rates_about_the_tuned():
    for key in OPTIMIZERS:
        etas = [recipe.eta for recipe in TUNINGS[key].three_decades]
        assert len(etas) == 7
        assert etas[3] == TUNINGS[key].eta
        assert etas == LADDER[LADDER.index(etas[0]) :][:7]


def test_lost_runs_are_counted():
    key = OPTIMIZERS[0]
    middle = TUNINGS[key].three_decades
    runs = [run for recipe in middle[:4] for run in runs_of(recipe, 4, 4)]
    runs += runs_of(middle[4], 6, 150)
    runs.append(make_record((), 0, status="diverged", recipe=middle[5].as_dict()))
    row = rates.reliable(runs).iloc[0]
    assert row["runs"] == 11
    assert row["runs that learnt nothing"] == 2
    assert row["rates within 0.5 points of the best"] == "4 of 7"


def test_ways_to_learn_are_those_that_were_tuned(whole):
    runs, _ = whole
    table = rates.speed(runs)
    assert table["way to learn"].tolist()[0] == "SDLM, printed rates"
    assert len(table) == 1 + len(OPTIMIZERS)
    settled = {change.recipe.name for change in chosen(["optimizer"], "out")}
    assert {some[0].recipe["name"] for some in list(rates.ways(runs).values())[1:]} <= settled
