"""C5 and F6 moved towards printed states, and the study of the 1998 features."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import least_squares

from experiments.net_1998 import dense, features
from experiments.results import read_json
from experiments.study import SCRATCH
from lenet1998 import paper
from lenet1998.models import build_model
from lenet1998.recipes import Recipe, recipe_named
from lenet1998.training.records import read_record

FEATURES = recipe_named("1998-features")


def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def layer():
    return build_model(FEATURES).f6


def drawn(layer, inputs, limit=1.0):
    return (dense.A * torch.tanh(dense.S * layer(inputs)) / limit).clamp(-1, 1)


def test_what_the_figures_print():
    told = dense.printed()
    assert told.images.shape == (54, 1, 32, 32)
    assert (told.c5.shape, told.f6.shape) == ((18, 120), (54, 84))
    assert told.f6.abs().max() == 1
    few = told.first(18)
    assert (len(few.images), len(few.c5), len(few.f6)) == (18, 18, 18)
    codes = torch.from_numpy(paper.digit_codes()).double()
    nearest = torch.cdist(told.f6[:9], codes).argmin(1)
    assert nearest.tolist() == paper.fig13_states().labels.tolist()


@torch.no_grad()
def test_a_move_is_the_least_squares_change(layer):
    inputs = torch.rand(7, 120, generator=generator())
    shares = 0.8 * torch.rand(7, 84, generator=generator(), dtype=torch.float64)
    before = torch.cat([layer.weight, layer.bias[:, None]], 1).double()
    dense.move(layer, inputs, shares, 1.0, 4.0)
    after = torch.cat([layer.weight, layer.bias[:, None]], 1).double()
    design = torch.cat([inputs, torch.ones(7, 1)], 1).double().numpy()
    wanted = torch.atanh(shares / dense.A) / dense.S
    lacking = (wanted - torch.from_numpy(design) @ before.T)[:, 5].numpy()
    best = least_squares(lambda d: np.concatenate([lacking - design @ d, 2 * d]), np.zeros(121))
    torch.testing.assert_close((after - before)[5].numpy(), best.x, rtol=0, atol=1e-5)


@torch.no_grad()
def test_moves_lead_to_the_print(layer):
    inputs = torch.rand(7, 120, generator=generator())
    shares = torch.rand(7, 84, generator=generator(), dtype=torch.float64).mul(2.4).sub(1.2)
    shares = shares.clamp(-1, 1)
    for _ in range(30):
        dense.move(layer, inputs, shares, 1.0, 1.0)
    torch.testing.assert_close(drawn(layer, inputs).double(), shares, rtol=0, atol=1e-3)


@torch.no_grad()
def test_beyond_the_limit_nothing_is_lacking(layer):
    layer.weight.fill_(1.0)
    layer.bias.fill_(0.0)
    inputs = torch.rand(5, 120, generator=generator()) + 1  # all units are far beyond
    dense.move(layer, inputs, torch.ones(5, 84, dtype=torch.float64), 1.0, 1.0)
    assert (layer.weight == 1).all()
    dense.move(layer, inputs, -torch.ones(5, 84, dtype=torch.float64), 1.0, 1.0)
    assert (layer.weight < 1).all()


def test_nearness():
    shares = torch.tensor([[1.0, -0.5, 0.25]], dtype=torch.float64)
    same = dense.nearness(torch.tensor([[9.0, -1.0, 0.5]]), shares, limit=2.0)
    assert same == pytest.approx((0, 1))
    other = dense.nearness(-2 * shares, shares, limit=2.0)
    assert other.correlation == pytest.approx(-1)
    assert other.rms == pytest.approx(2 * float(shares.square().mean().sqrt()))


def test_a_net_that_is_told_comes_near_and_keeps_its_features(digits):
    small = {"passes": 1, "train_size": 30, "curvature_patterns": 10}
    recipe = Recipe(**FEATURES.changed(**small).as_dict() | {"name": "told"})
    told = dense.printed().first(18)
    record = dense.fit_told(recipe, 1, digits, told, c5_limit=1.67)
    assert (record.recipe["name"], record.recipe["features"]) == ("told", "1998")
    model = build_model(recipe, 1)
    start = dense.dense_states(model, told.images)
    frozen = {name: p for name, p in model.named_parameters() if not p.requires_grad}
    assert all(np.array_equal(record.weights[name], p) for name, p in frozen.items())
    model.load_state_dict({name: torch.from_numpy(x) for name, x in record.weights.items()})
    for before, after, shares, limit in zip(
        start,
        dense.dense_states(model, told.images),
        (told.c5, told.f6),
        (1.67, dense.F6_LIMIT),
        strict=True,
    ):
        nearer = dense.nearness(after, shares, limit).rms
        assert nearer < 0.8 * dense.nearness(before, shares, limit).rms


ROOT = Path(__file__).parents[2]


SMALL = {"passes": 1, "train_size": 20, "curvature_patterns": 10}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder for results where every kind of net is small and there is one of each."""
    small = {}
    for name, (recipe, folder, seeds) in features.STUDIES.items():
        if name in features.TOLD:
            changed = features.NOISY.changed(**SMALL).as_dict() | {"name": name}
            small[name] = Recipe(**changed), folder, seeds[:1]
        elif name in ("original", "1998-features"):
            small[name] = recipe.changed(**SMALL), folder, seeds[:1]
    monkeypatch.setattr(features, "STUDIES", small)
    shutil.copy(ROOT / "experiments" / "results" / "restoration.json", tmp_path)
    return tmp_path


def test_nets_are_trained_once_and_measured(results, tiny_mnist, capsys):
    asked = ["--data", str(tiny_mnist), "--results", str(results)]
    assert features.main(asked) == 0
    found = read_json(results / "features.json")
    assert found["nets"].keys() == features.STUDIES.keys()
    (told,) = found["nets"]["second-restoration"]
    (untold,) = found["nets"]["1998-features"]
    assert told["f6"]["fig26"]["rms"] < untold["f6"]["fig26"]["rms"]
    assert untold["c5"] is None
    record = read_record(results / SCRATCH / "features" / "second-restoration-18" / "seed-0")
    assert record.last["test_errors"] == found["nets"]["second-restoration-18"][0]["test_errors"]
    assert capsys.readouterr().out.count("seed-0: ") == len(features.STUDIES)
    assert features.main(asked) == 0
    assert "seed-0: " not in capsys.readouterr().out
    assert read_json(results / "features.json") == found


def test_1998_read_what_it_answered():
    read = features.read_in_1998()
    for string in read["strings"]:
        digits = [string["nearest"][place] for place in string["digits"]]
        assert "".join(map(str, digits)) == string["answer"]


def test_every_kind_is_what_its_name_says():
    for name, (recipe, _, _) in features.STUDIES.items():
        assert recipe.name == name
        assert name in features.TOLD or recipe == recipe_named(name.partition(",")[0]).changed(
            features=recipe.features
        )


def test_without_a_restoration_it_is_one_line(tmp_path, capsys):
    assert features.main(["--results", str(tmp_path)]) == 2
    assert "restoration.json: is missing" in capsys.readouterr().err
