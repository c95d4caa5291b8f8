"""The ablate command: components by name and direction, committed runs or fresh ones."""

import json
from itertools import pairwise

import pandas as pd
import pytest
from factory import make_record

from lenet1998.ablate.__main__ import main
from lenet1998.ablate.components import (
    COMPONENTS,
    DIRECTIONS,
    MODERN,
    MODERN_TUNED,
    ORIGINAL,
    TUNED,
    changes,
    chosen,
)
from lenet1998.errors import BadInput
from lenet1998.recipes import SWITCHES
from lenet1998.training.records import write_record


def switched(recipe, base) -> set[str]:
    """The switches in which two recipes differ."""
    return {key for key in SWITCHES if getattr(recipe, key) != getattr(base, key)}


def failure(capsys, *arguments) -> str:
    assert main(list(arguments)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_every_change_differs_from_its_base_and_every_component_is_switched():
    found = changes()
    assert all(switched(change.recipe, change.base) for change in found)
    assert {change.component for change in found} == set(COMPONENTS)
    assert {change.direction for change in found} == set(DIRECTIONS)
    names = [(change.direction, change.base.name, change.recipe.name) for change in found]
    assert len(set(names)) == len(names)


def test_one_out_switches_one_thing_and_bases_are_the_two_variants():
    for change in chosen(None, "out"):
        assert change.base == ORIGINAL
        # What a softmax cannot be without; weights and biases; what is tuned for a way to learn.
        beside = {"loss", "initial_biases"}
        if "tuned" in change.title:
            beside |= {"eta", "schedule", "momentum", "rates"}
        assert len(switched(change.recipe, ORIGINAL) - beside) <= 1
    assert {change.base for change in chosen(None, "in")} == {MODERN, MODERN_TUNED}


def test_what_is_tuned_stands_beside_sdlm_tuned_alike_too():
    tuned, out = chosen(None, "tuned"), chosen(None, "out")
    assert {change.base for change in tuned} == {ORIGINAL.changed(**TUNED["sdlm"])}
    assert {change.recipe for change in tuned} < {change.recipe for change in out}
    left = [change.title for change in out if "tuned" in change.title]
    left.remove("SDLM, its rate tuned")
    assert [change.title for change in tuned] == left


def test_the_ladder_goes_from_original_to_modern():
    rungs = chosen(None, "ladder")
    assert rungs[0].base == ORIGINAL
    assert rungs[-1].recipe == MODERN
    assert switched(MODERN, rungs[-1].base) == {"initial_gain", "initial_biases"}
    assert all(above.base == below.recipe for below, above in pairwise(rungs))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "c4"], "--only c4: no such component; there are c3, subsampling, squash,"),
        (["--only", "c3,c3"], "--only c3,c3: a component is named twice"),
        (
            ["--only", "loss", "--direction", "in"],
            "loss: has no change of direction in, only of out",
        ),
        (["--variant", "modern"], "--variant: original and modern are what is switched"),
        (["--data", "."], "--data: is for runs that are trained: add --fresh to train them"),
        (["--quick", "--results", "."], "--results: is where committed runs are"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, told, capsys):
    assert told in failure(capsys, *arguments)


def test_list_names_components_and_what_becomes_of_them(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--list"])
    assert ended.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(COMPONENTS)
    assert sum(": " in line for line in lines if line.startswith(" ")) == len(changes())


def test_chosen_refuses_in_words_of_the_library():
    with pytest.raises(BadInput, match="no such component"):
        chosen(["nothing"], None)


@pytest.fixture
def results(tmp_path):
    """Three committed runs of original and of its changes of C3."""
    for recipe, errors in ((ORIGINAL, (2, 3, 2)), (ORIGINAL.changed(c3="dense"), (4, 6, 4))):
        for seed, count in enumerate(errors):
            run = make_record((9, count), seed, recipe=recipe.as_dict())
            write_record(tmp_path / "results" / recipe.name / f"seed-{seed}", run)
    return tmp_path / "results"


def test_committed_runs_are_paired_and_written_in_every_form(results, tmp_path, capsys):
    out = tmp_path / "out"
    where = ["--results", str(results), "--out", str(out)]
    assert main([*where, "--only", "c3", "--direction", "out", "--json"]) == 0
    (effect,) = json.loads(capsys.readouterr().out)["effects"]
    assert (effect["component"], effect["n"]) == ("c3", 3)
    assert effect["difference"] == pytest.approx((1 + 1.5 + 1) / 3)  # points; of 200 patterns
    assert json.loads((out / "ablations.json").read_text())["effects"] == [effect]
    assert "| c3 | every map sees all six | 3 |" in (out / "ablations.md").read_text()
    assert len(pd.read_csv(out / "ablations.csv")) == 1
    assert r"\toprule" in (out / "ablations.tex").read_text()
    assert (out / "figures" / "ablations.png").stat().st_size > 5_000


@pytest.mark.parametrize("component", ["subsampling", "output"])
def test_what_is_asked_for_has_the_verdict_that_the_whole_has(component, tmp_path, capsys):
    def asked(*flags: str) -> list[dict]:
        assert main(["--json", "--overwrite", "--out", str(tmp_path), *flags]) == 0
        return json.loads(capsys.readouterr().out)["effects"]

    whole = [effect for effect in asked() if effect["component"] == component]
    assert asked("--only", component) == whole


def test_it_is_said_over_how_many_changes_p_is_adjusted(results, tmp_path, capsys):
    where = ["--results", str(results), "--out", str(tmp_path / "out")]
    assert main([*where, "--only", "c3", "--direction", "out"]) == 0
    told = "p adjusted over all 28 changes of this kind; the 27 without runs here count as p = 1"
    assert told in capsys.readouterr().out.splitlines()
    assert told in (tmp_path / "out" / "ablations.md").read_text().splitlines()
    with_squash = ORIGINAL.changed(squash="tanh")
    for seed in range(3):
        run = make_record((9, 9), seed, recipe=with_squash.as_dict())
        write_record(results / with_squash.name / f"seed-{seed}", run)
    assert main([*where, "--only", "c3", "--direction", "out"]) == 0
    assert "the 26 without runs here count as p = 1" in capsys.readouterr().out


def test_missing_committed_runs_are_named(results, tmp_path, capsys):
    where = ["--results", str(results), "--direction", "out"]
    told = failure(capsys, *where, "--only", "squash")
    assert "no committed runs of original,squash=tanh (2 lacking) in it" in told
    # Of several changes those that have runs are shown.
    assert main([*where, "--only", "c3,squash", "--out", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr()
    assert "every map sees all six" in shown.out
    told = "lenet1998: no committed runs of original,squash=tanh (2 lacking): shown without\n"
    assert shown.err == told


def test_runs_of_another_data_set_are_refused(results, capsys):
    dense = ORIGINAL.changed(c3="dense")
    other = make_record((4,), 3, recipe=dense.as_dict(), dataset="digits")
    other.dataset["checksum"] = "of the digits"
    write_record(results / dense.name / "seed-3", other)
    told = failure(capsys, "--results", str(results), "--only", "c3", "--direction", "out")
    assert f"--results {results}: runs of several data sets: " in told
    assert "original,c3=dense/seed-3 on digits" in told


@pytest.mark.usefixtures("no_net_figures")
def test_fresh_runs_land_in_the_table(tmp_path, capsys):
    small = ["--dataset", "digits", "--set", "train_size=20", "--set", "curvature_patterns=5"]
    flags = ["--only", "codes", "--seeds", "0-1", "--passes", "1", "--engine", "eager"]
    assert main([*flags, *small, "--out", str(tmp_path / "out"), "--json"]) == 0
    effects = json.loads(capsys.readouterr().out)["effects"]
    assert [effect["title"] for effect in effects] == ["random codes", "one-hot codes"]
    assert {effect["n"] for effect in effects} == {2}
