"""What is done to patterns; and that measuring needs all nets: without one, nothing is written."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from factory import make_record

from experiments.ablations import measures
from experiments.published import rejection_invariance as study
from experiments.study import SCRATCH
from lenet1998.data import prepare
from lenet1998.models import build_model
from lenet1998.recipes import RECIPES
from lenet1998.training.records import WEIGHTS, write_record

EXPERIMENTS = Path(__file__).parents[2] / "experiments"


@pytest.fixture
def results(tmp_path):
    """Ten untrained nets of each kind."""
    for name, folder in study.NETS.items():
        state = build_model(name).state_dict()
        weights = {key: value.numpy() for key, value in state.items()}
        for seed in range(study.NETS_MEASURED):
            run = make_record(seed=seed, recipe=RECIPES[name].as_dict(), weights=weights)
            write_record(tmp_path / SCRATCH / folder / f"seed-{seed}", run)
    return tmp_path


def refusal(results, capsys, *flags) -> str:
    assert study.main(["--results", str(results), *flags]) == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    return error


def test_the_first_ten_nets_are_measured(results):
    nets = study.nets_of(results, "noise")
    assert [net.record.seed for net in nets] == list(range(10))
    assert {net.recipe.name for net in nets} == {"noise"}


@pytest.mark.parametrize("kind", ["original", "noise"])
def test_without_a_net_nothing_is_written(kind, results, capsys):
    folder = results / SCRATCH / study.NETS[kind] / "seed-4"
    (folder / WEIGHTS).unlink()
    assert f"{folder / WEIGHTS}: is missing; train it again" in refusal(results, capsys)
    shutil.rmtree(folder)
    assert f"{folder}" in refusal(results, capsys)
    assert not (results / study.OUTCOME).exists()


def test_without_results_there_are_none(tmp_path, capsys):
    nowhere = tmp_path / "nowhere"
    assert str(nowhere / SCRATCH / study.NETS["original"] / "seed-0") in refusal(nowhere, capsys)
    assert not nowhere.exists()


# --- What is done to patterns, and margins --------------------------------------------------------


@pytest.fixture(scope="module")
def images(digits):
    return prepare(digits.test_images[:20])


def close(ours, expected):
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=0)


def test_moved_by_nothing(images):
    close(study.moved(images), images)


@pytest.mark.parametrize("down", [-3, 2, 5])
def test_moved_down_is_rolled_down(images, down):
    expected = images.roll(down, dims=2)
    background = slice(None, down) if down > 0 else slice(down, None)
    expected[:, :, background] = images.min()
    close(study.moved(images, down=down), expected)


@pytest.mark.parametrize(("degrees", "quarters"), [(90, -1), (-90, 1), (180, 2)])
def test_turned_clockwise_as_seen(images, degrees, quarters):
    close(study.moved(images, degrees=degrees), images.rot90(quarters, dims=(2, 3)))


def test_scaled_about_the_centre(images):
    square = torch.full((1, 1, 32, 32), -0.1)
    square[..., 12:20, 12:20] = 1.175
    expected = torch.full((1, 1, 32, 32), -0.1)
    expected[..., 8:24, 8:24] = 1.175
    inner = (..., slice(9, 23), slice(9, 23))
    larger = study.moved(square, scale=2)
    close(larger[inner], expected[inner])
    assert (larger[..., :7, :] == square.min()).all()
    ink = float((images + 0.1).sum())
    assert float((study.moved(images, scale=0.5) + 0.1).sum()) == pytest.approx(ink / 4, rel=0.02)


def test_turned_then_shifted(images):
    turned = images.rot90(-1, dims=(2, 3))
    expected = turned.roll(2, dims=2)
    expected[:, :, :2] = images.min()
    close(study.moved(images, down=2, degrees=90), expected)


def test_inverted_trades_ink_for_background(images):
    assert study.inverted(images, 0.0, "paper").equal(images)
    low, high = images.min(), images.max()
    close(study.inverted(images, 1.0, "paper"), low + high - images)
    some = study.inverted(images, 0.1, "paper")
    changed = some != images
    assert changed.float().mean() == pytest.approx(0.1, abs=0.01)
    close(some[changed], low + high - images[changed])
    assert study.inverted(images, 0.1, "paper").equal(some)
    # What is inverted at 10 % is inverted at 20 % too.
    assert (study.inverted(images, 0.2, "paper") != images)[changed].all()


@pytest.mark.parametrize(("smallest_wins", "expected"), [(True, [1.0, 2.0]), (False, [4.0, 3.0])])
def test_margins_are_between_the_two_best(smallest_wins, expected, monkeypatch):
    answers = torch.tensor([[1.0, 2.0, 9.0, 5.0], [7.0, 3.0, 1.0, 4.0]])
    monkeypatch.setattr(measures, "outputs", lambda model, images: images)
    net = SimpleNamespace(smallest_wins=smallest_wins)
    assert measures.margins(net, answers).tolist() == expected
