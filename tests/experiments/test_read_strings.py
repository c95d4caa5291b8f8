"""What replicated nets read: which nets are found, and how each is measured."""

from pathlib import Path

import pytest
from factory import make_record

from experiments import results as sources
from experiments.net_1998 import fig25_sheet as sheet
from experiments.strings import measures as string_errors
from experiments.strings import read as study
from experiments.strings.measures import draw, outputs_along, score, strings_of
from lenet1998 import paper
from lenet1998.models import build_model
from lenet1998.recipes import recipe_named
from lenet1998.strings import penalties, read
from lenet1998.training.checkpoints import weights_of
from lenet1998.training.records import write_record

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def runs(tmp_path):
    """Two seeds of each net as runs that learnt nothing, and one of the net of which few do."""
    for name in study.NETS:
        recipe = recipe_named("strings").changed(distortions=True)
        recipe = recipe if name == study.FEW else recipe_named(name)
        for seed in (0,) if name == study.FEW else (0, 1):
            weights = weights_of(build_model(recipe, seed))
            run = make_record(seed=seed, recipe=recipe.as_dict(), weights=weights)
            write_record(tmp_path / "runs" / name / f"seed-{seed}", run)
    return tmp_path / "runs"


@pytest.fixture
def small(monkeypatch):
    """A study of few seeds, strings and changes."""
    monkeypatch.setattr(study, "SEEDS", range(2))
    monkeypatch.setattr(study, "ROUNDS", 1)
    monkeypatch.setattr(
        study, "AXES", {"gap": (2, 4), "noise": (0.0,), "shift": (0,), "scale": (1.0,)}
    )
    monkeypatch.setattr(study, "draw", lambda digits, **kind: draw(digits, 3, **kind))
    monkeypatch.setattr(string_errors, "RUBBISH_J", range(-1, 2))


def test_all_is_measured_and_can_be_read_again(runs, small, tmp_path, tiny_mnist, capsys):
    flags = ["--results", str(tmp_path / "results"), "--data", str(tiny_mnist)]
    assert study.main([*flags, "--runs", str(runs)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["original: 2 nets", "noise: 2 nets"]
    content = sources.read_json(tmp_path / "results" / sources.READ_STRINGS)
    ways: dict[tuple[str, int], list[str]] = {}
    for row in content["measured"]:
        ways.setdefault((row["net"], row["seed"]), []).append(row["way"])
    assert ways == {
        ("original", 0): ["segmented", "repeats", "chosen"],
        ("original", 1): ["segmented", "repeats", "chosen"],
        ("noise", 0): ["repeats", "chosen"],
        ("noise", 1): ["repeats", "chosen"],
        ("modern", 0): ["chosen"],
        ("modern", 1): ["chosen"],
        ("strings", 0): ["contiguous", "repeats"],
        ("strings", 1): ["contiguous", "repeats"],
        (study.FEW, 0): ["contiguous", "repeats"],
    }
    constants = {(row["way"], row["net"]): row.get("rubbish_j") for row in content["measured"]}
    assert constants["repeats", "noise"] == recipe_named("noise").rubbish_j
    assert constants["chosen", "modern"] in (-1, 0, 1)
    assert constants["segmented", "original"] is constants["repeats", "strings"] is None
    for row in content["measured"]:
        assert row["noise"] == row["scale"] == {key: value[:1] for key, value in row["gap"].items()}
    assert [row["answer"] for row in content["published"]] == list(paper.printed_strings().answer)
    assert [len(row["nets"]) for row in content["published"]] == [3] * 5
    assert content["speed"]["positions"] == 73
    assert content["speed"]["replicated_multiply_accumulates"] < 8.1e6 + 84 * 73


def test_the_nets_that_were_chosen_for_are_read_so(runs, small, digits):
    """A row is what its net, way and constant give, string by string."""
    (net, *_) = study.trained("noise", [runs])
    practice = strings_of(digits.train_images, digits.train_labels, draw(300, 3))
    rows = study.measure(net, study.asked(digits), practice)
    asked = strings_of(
        digits.test_images, digits.test_labels, study.draw(len(digits.test_labels)), gap=4
    )
    for row in rows:
        costs = [
            penalties(net.recipe, of_one, row.get("rubbish_j"))
            for of_one in outputs_along(net, asked.fields)
        ]
        found = score(asked.truths, [read(cost, repeats=True).text for cost in costs])
        assert (row["gap"]["right_percent"][1], row["gap"]["digit_error_percent"][1]) == found


def test_seeds_that_are_missing_are_named_and_how_to_train_them(runs, small, tmp_path, capsys):
    (runs / "modern" / "seed-1" / "weights.safetensors").unlink()
    assert study.main(["--results", str(tmp_path / "results"), "--runs", str(runs)]) == 2
    said = capsys.readouterr().err
    assert (
        "no weights of modern, seeds 1; make them with lenet1998.reproduce --variant modern" in said
    )
    assert said.count("\n") == 1
    assert not (tmp_path / "results" / sources.READ_STRINGS).exists()


def test_of_the_net_with_few_seeds_there_may_be_none(runs, tmp_path):
    assert len(study.trained(study.FEW, [runs])) == 1
    assert study.trained(study.FEW, [tmp_path / "results"]) == []


def test_the_five_strings_are_drawn_beside_1998(tmp_path, capsys):
    assert sheet.main(["--root", str(tmp_path)]) == 0
    file = tmp_path / "docs" / "figures" / "fig25.png"
    assert capsys.readouterr().out.split() == [str(file)]
    assert 10_000 < file.stat().st_size < 300_000


def test_the_fields_of_1998_are_as_wide_as_its_net_was():
    fields = study.published_fields()
    assert fields.shape == (5, 1, *paper.FIG25_FIELD)
    # From paper to ink; the grey scale's lightest step is a little lighter than paper.
    assert -0.3 < fields.min() <= paper.BACKGROUND
    assert fields.max() == pytest.approx(paper.INK, abs=0.01)
    assert (fields[..., :6] == paper.BACKGROUND).all()
    assert (fields[..., 58:] == paper.BACKGROUND).all()
