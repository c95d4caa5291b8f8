"""Recipes: the defaults are the paper's, and what no recipe can be is refused in one line."""

import dataclasses
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from experiments.results import read_json
from lenet1998 import paper
from lenet1998.criteria import DiscriminativeLoss, DistanceLoss
from lenet1998.data import SCALINGS
from lenet1998.errors import BadInput
from lenet1998.models import (
    build_model,
    build_optimizer,
    initial_parameters,
    pooled_curvature,
    sgd_rates,
)
from lenet1998.optim import SDLM
from lenet1998.pretrained import load_pretrained
from lenet1998.recipes import (
    DESCRIPTIONS,
    LARGEST,
    NETWORK_SWITCHES,
    ORIGINAL,
    RECIPES,
    Recipe,
    _told,
    recipe_named,
    recorded,
)
from lenet1998.training import fit

LINEAR = {"output": "linear", "loss": "cross_entropy"}
PRINTED = {
    "loss": "distance",
    "half_distance": False,
    "f6_curvature": "gauss_newton",
    "subsampling_curvature": "connections",
}
LITERAL = "loss=distance,half_distance=false,f6_curvature=gauss_newton"
NO_HALF = "half_distance=false,f6_curvature=gauss_newton,subsampling_curvature=connections"
DRAWN = "initial_coefficient=0.6,initial_coefficients=uniform"
SWITCHES = [switch.name for switch in dataclasses.fields(Recipe) if switch.name != "name"]


def refusal(call, *args, **kwargs) -> str:
    """The one line that a call is refused with."""
    with pytest.raises(BadInput) as error:
        call(*args, **kwargs)
    line = str(error.value)
    assert "\n" not in line
    return line


def test_the_defaults_are_the_papers_and_what_print_licenses():
    assert ORIGINAL.as_dict() == {
        "name": "original",
        "c3": "table",
        "pooling": "trainable",
        "squash": "scaled_tanh",
        "subsampling_squash": "scaled_tanh",
        "output": "rbf",
        "input_size": paper.INPUT_SIZE,
        "blank": "none",
        "codes": "bitmaps",
        "loss": "discriminative",
        "rubbish_j": 1.0,
        "half_distance": True,
        "f6_curvature": "constant",
        "subsampling_curvature": "sum",
        "initialisation": "sqrt_fan_in",
        "initial_gain": paper.INITIAL_WEIGHT_RANGE,
        "initial_biases": "zero",
        "fan_in_counts_bias": False,
        "initial_coefficient": 0.25,
        "initial_coefficients": "constant",
        "features": "trained",
        "optimizer": "sdlm",
        "eta": "paper",
        "schedule": "constant",
        "rates": "parameter",
        "mu": paper.MU,
        "mu_subsampling": "mu",
        "mu_f6": "mu",
        "momentum": 0.0,
        "curvature_patterns": paper.CURVATURE_PATTERNS,
        "curvature_draw": "first",
        "curvature_passes": "every",
        "batch_size": 1,
        "passes": paper.PASSES,
        "order": "constant",
        "train_size": None,
        "held_out": 0,
        "distortions": False,
        "noise": 0.0,
        "scaling": "paper",
        "flanks": False,
        "blank_share": 0.0,
    }


def test_default_rates_are_the_printed_schedule():
    etas = [ORIGINAL.learning_rate(number) for number in range(1, 22)]
    assert etas == [5e-4] * 2 + [2e-4] * 3 + [1e-4] * 3 + [5e-5] * 4 + [1e-5] * 9


def test_a_number_for_eta_is_constant():
    recipe = Recipe(eta=0.01)
    assert {recipe.learning_rate(number) for number in (1, 7, 30)} == {0.01}


def test_recipes_are_values():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ORIGINAL.mu = 1.0
    assert Recipe() == ORIGINAL
    assert hash(Recipe()) == hash(ORIGINAL)
    assert len({Recipe(), ORIGINAL, Recipe(mu=0.03)}) == 2


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_recipes_survive_json(recipe):
    assert Recipe(**json.loads(json.dumps(recipe.as_dict()))) == recipe


@pytest.mark.parametrize(
    ("variant", "switches", "name"),
    [
        ("original", {}, "original"),
        ("original", {"pooling": "max"}, "original,pooling=max"),
        ("original", {"passes": 3, "c3": "dense"}, "original,c3=dense,passes=3"),
        ("original", {"half_distance": False}, "original,half_distance=false"),
        ("original", {"eta": 1e-5, "noise": 1}, "original,eta=1e-05,noise=1.0"),
        ("original", {"initial_coefficient": -1.0}, "original,initial_coefficient=-1.0"),
        ("original", {"subsampling_squash": "logistic"}, "original-logistic"),
        ("original", {"distortions": True}, "distortions"),
        ("original", {"noise": 0.1, "passes": 2}, "noise,passes=2"),
        ("original-logistic", {"passes": 3}, "original-logistic,passes=3"),
        ("original-logistic", {"subsampling_squash": "none"}, "original,subsampling_squash=none"),
        ("original", PRINTED, "printed"),
        ("printed", {"loss": "discriminative"}, f"original,{NO_HALF}"),
        ("original-literal", {"initialisation": "sqrt_fan_in"}, f"printed,{DRAWN}"),
        ("printed", {"subsampling_curvature": "sum"}, f"original,{LITERAL}"),
        ("fitted", {"passes": 3}, "fitted,passes=3"),
        (
            "fitted",
            {"rubbish_j": 1.0},
            "original,pooling=trainable_average,"
            "initial_gain=1.4,initial_coefficient=1.36,mu_subsampling=0.13",
        ),
        ("distortions", {"distortions": False}, "original"),
        ("noise", {"distortions": True}, "distortions,noise=0.1"),
        ("1998-features", {"passes": 2}, "1998-features,passes=2"),
        ("1998-features", {"noise": 0.1}, "noise,features=1998"),
        ("modern", {"eta": 2}, "modern,eta=2.0"),
        ("coursework-24-epochs", {"passes": 3}, "coursework-24-epochs,passes=3"),
    ],
)
def test_a_changed_recipe_names_itself(variant, switches, name):
    found = RECIPES[variant].changed(**switches)
    assert found.name == name
    assert {key: getattr(found, key) for key in switches} == switches
    # The name is written as the command line takes it.
    root, *changes = name.split(",")
    assert RECIPES[root].override(changes) == found
    assert Recipe(**found.as_dict()) == found


def test_a_name_does_not_depend_on_the_way_to_the_recipe():
    steps = [
        {"distortions": True},
        {"noise": 0.1},
        {"subsampling_squash": "logistic"},
        {"passes": 7, "mu": 0.5},
        {"passes": 3},
    ]
    whole = {key: value for step in steps for key, value in step.items()}
    once = ORIGINAL.changed(**whole)
    assert once.name == "original-logistic,mu=0.5,passes=3,distortions=true,noise=0.1"
    assert once.changed() == once.changed(**whole) == once
    for first in ("original", "original-logistic", "distortions", "noise"):
        for order in itertools.permutations(steps[:3]):
            recipe = RECIPES[first]
            for step in (*order, *steps[3:]):
                recipe = recipe.changed(**step)
            assert recipe == once
    back = {key: getattr(ORIGINAL, key) for key in whole}
    assert once.changed(**back) == ORIGINAL
    for key, value in back.items():
        once = once.changed(**{key: value})
    assert once == ORIGINAL


def test_a_recipe_without_a_name_is_a_change_of_original():
    assert Recipe(pooling="max") == ORIGINAL.changed(pooling="max")
    assert Recipe(**LINEAR).name == "original,output=linear,loss=cross_entropy"


def test_a_name_of_ones_own_is_kept_and_changed():
    mine = Recipe(name="mine", loss="distance")
    assert mine.changed() == mine
    assert mine.changed(pooling="max").name == "mine,pooling=max"
    assert mine.changed(pooling="max").pooling == "max"


@pytest.mark.parametrize(
    ("name", "switches", "true"),
    [
        ("original", {"pooling": "max"}, "original,pooling=max"),
        ("original,passes=3", {"passes": 4}, "original,passes=4"),
        ("original,passes=20", {}, "original"),
        ("original,passes=3,c3=dense", {"passes": 3, "c3": "dense"}, "original,c3=dense,passes=3"),
        ("original,distortions=true", {"distortions": True}, "distortions"),
        ("distortions", {}, "original"),
        ("modern", {"c3": "dense"}, "modern,pooling=trainable"),
    ],
)
def test_a_name_cannot_lie(name, switches, true):
    told = refusal(Recipe, name=name, **switches)
    assert told.startswith(f"name={name}: a recipe with these switches is {true}")
    assert "Recipe.changed" in told


def test_replacing_a_switch_leaves_no_variants_name():
    told = refusal(dataclasses.replace, ORIGINAL, pooling="max")
    assert "original,pooling=max" in told


@pytest.mark.parametrize("name", ["../../etc", "a/b", "a b", ".", "..", "-x", "x\n", "\u0663", 5])
def test_a_name_is_safe_for_a_folder(name):
    assert "must be of letters, digits and -_.,=+" in refusal(Recipe, name=name)


def test_every_variant_is_described():
    assert list(DESCRIPTIONS) == list(RECIPES)
    assert all(recipe_named(name).name == name for name in RECIPES)
    assert recipe_named("original") is ORIGINAL


def test_logistic_variant_differs_in_one_switch():
    other = recipe_named("original-logistic").as_dict()
    changed = {key for key, value in ORIGINAL.as_dict().items() if other[key] != value}
    assert changed == {"name", "subsampling_squash"}


COURSEWORK = {
    # what the reports say; where they are silent, see docs/coursework.md
    "coursework-24-epochs": {"passes": 24, "held_out": 12_000, "squash": "relu", "pooling": "max"},
    "coursework-adam": {"passes": 15, "optimizer": "adam", "held_out": 0},
    "coursework-tanh-28": {
        "passes": 16,
        "input_size": 28,
        "squash": "tanh",
        "pooling": "average",
        "optimizer": "sgd",
        "eta": 0.01,
        "momentum": 0.9,
        "batch_size": 128,
        "scaling": "half",
    },
    "coursework-padded": {"input_size": 32, "pooling": "average", "eta": 0.01, "momentum": 0.0},
    "coursework-sweep": {"passes": 20, "c3": "dense", "eta": 0.02, "momentum": 0.9},
}


@pytest.mark.parametrize("name", COURSEWORK)
def test_coursework_recipes_are_what_the_reports_say(name):
    assert recipe_named(name).as_dict().items() >= COURSEWORK[name].items()
    assert recipe_named(name).loss == "cross_entropy"
    first_dense = build_model(name).c5.weight
    assert first_dense[0].numel() == (256 if name == "coursework-tanh-28" else 400)


def test_unknown_variant_lists_the_valid():
    said = refusal(recipe_named, "lenet6")
    assert said == (f"variant lenet6: no such variant; valid are {', '.join(RECIPES)}")
    assert refusal(build_model, "lenet6") == said


@pytest.mark.parametrize("call", [recipe_named, build_model, load_pretrained])
@pytest.mark.parametrize("variant", [None, 5, ["original"], {"name": "original"}])
def test_what_is_no_name_is_a_type_error(call, variant):
    with pytest.raises(TypeError, match=f"variant must be .*, got {type(variant).__name__}"):
        call(variant)


def test_trained_weights_are_had_by_name():
    with pytest.raises(TypeError, match="variant must be the name of one, got Recipe"):
        load_pretrained(ORIGINAL)


@pytest.mark.parametrize(
    ("seed", "error", "says"),
    [
        (-1, ValueError, "seed must be from 0 to 4294967295, got -1"),
        (2**32, ValueError, "seed must be from 0 to 4294967295"),
        (True, TypeError, "seed must be a whole number, got True"),
        (1.0, TypeError, "seed must be a whole number, got 1.0"),
        ("1", TypeError, "seed must be a whole number, got '1'"),
        (None, TypeError, "seed must be a whole number, got None"),
    ],
)
def test_a_seed_is_a_whole_number(seed, error, says):
    with pytest.raises(error, match=says):
        build_model("original", seed)


def test_numpys_seed_is_pythons():
    weights = (build_model("original", seed).c3.weight for seed in (3, np.int64(3), np.uint8(3)))
    first, *others = weights
    assert all(torch.equal(first, other) for other in others)


@pytest.fixture
def double_by_default():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def nowhere_by_default():
    torch.set_default_device("meta")
    yield
    torch.set_default_device(None)


@pytest.mark.parametrize("default", ["double_by_default", "nowhere_by_default"])
@pytest.mark.parametrize("variant", ["original", "modern"])
def test_the_callers_defaults_change_no_network(variant, default, request):
    drawn, trained = build_model(variant).state_dict(), load_pretrained(variant).state_dict()
    request.getfixturevalue(default)
    for expected, found in (
        (drawn, build_model(variant).state_dict()),
        (trained, load_pretrained(variant).state_dict()),
    ):
        assert all(torch.equal(found[name], value) for name, value in expected.items())
        assert {(t.dtype, t.device.type) for t in found.values()} == {(torch.float32, "cpu")}


CHOICES = {
    **NETWORK_SWITCHES,
    "f6_curvature": ("constant", "gauss_newton"),
    "subsampling_curvature": ("sum", "connections"),
    "half_distance": (True, False),
    "initialisation": ("sqrt_fan_in", "fan_in"),
    "initial_biases": ("zero", "uniform"),
    "fan_in_counts_bias": (False, True),
    "initial_coefficients": ("constant", "uniform"),
    "features": ("trained", "1998"),
    "curvature_draw": ("first", "fixed", "fresh"),
    "curvature_passes": ("every", "first"),
    "schedule": ("constant", "printed"),
    "rates": ("parameter", "layer", "fan_in"),
    "order": ("constant", "renewed"),
    "distortions": (False, True),
    "flanks": (False, True),
    "scaling": tuple(SCALINGS),
    "loss": ("discriminative", "distance", "cross_entropy"),
    "optimizer": ("sdlm", "sgd", "adam"),
}
NEEDED_BESIDE = {
    ("output", "linear"): {"loss": "cross_entropy"},
    ("loss", "cross_entropy"): {"output": "linear"},
    ("optimizer", "sgd"): {"eta": 0.1},
    ("optimizer", "adam"): {"eta": 0.1},
    ("schedule", "printed"): {"eta": 0.1},
    ("rates", "fan_in"): {"optimizer": "sgd", "eta": 0.1},
}
"""What some values cannot be without."""


def assignments(switches: dict) -> list[str]:
    return [f"{key}={value}" for key, value in switches.items()]


@pytest.mark.parametrize("key", CHOICES)
def test_choices_are_closed_and_can_be_written(key):
    for value in CHOICES[key]:
        changes = {**NEEDED_BESIDE.get((key, value), {}), key: value}
        recipe = Recipe(**changes)
        assert getattr(recipe, key) is value
        assert ORIGINAL.override(assignments(changes)) == recipe
    valid = ", ".join(str(value).lower() for value in CHOICES[key])
    assert refusal(Recipe, **{key: "full"}) == f"{key}=full: {key} must be {valid}"
    assert refusal(ORIGINAL.override, [f"{key}=full"]) == f"{key}=full: {key} must be {valid}"


@pytest.mark.parametrize(
    ("key", "value"),
    [("input_size", 32.0), ("half_distance", 1), ("distortions", 0), ("distortions", "true")],
)
def test_a_choice_is_of_its_own_type(key, value):
    assert refusal(Recipe, **{key: value}).startswith(f"{key}={value}: {key} must be ")


NUMBERS = {
    # switch: (the limits as told, values inside, values outside)
    "rubbish_j": ("a number > 0 and <= 1e+37", (1e-9, 3, 1e37), (0, -1, 1e38)),
    "initial_gain": ("a number > 0 and <= 1e+37", (0.5, 1e37), (0, 1e39)),
    "initial_coefficient": (
        "a number >= -1e+37 and <= 1e+37",
        (-1.0, 0, 2.5, 1e37, -1e37),
        (1e39, -1e39),
    ),
    "eta": (
        "a number > 0 and <= 1e+37, or paper, or stretched",
        (1e-6, 2, 1e37, "paper", "stretched"),
        (0, -0.1, 1e38, 1e300, "papers"),
    ),
    "mu": ("a number > 0 and <= 1e+37", (1e-9, 1, 1e37), (0, -1e-9, 1e38)),
    "mu_subsampling": ("a number > 0 and <= 1e+37, or mu", (1e-9, 1, "mu"), (0, "paper", 1e38)),
    "mu_f6": ("a number > 0 and <= 1e+37, or mu", (1e-9, 1, "mu"), (0, "paper", 1e38)),
    "momentum": ("a number >= 0 and <= 0.999", (0,), (-0.1, 0.9991)),
    "curvature_patterns": ("a whole number >= 1", (1, 60_000), (0, -3)),
    "noise": ("a number >= 0 and <= 1", (0, 0.1, 1), (-0.1, 1.1)),
    "blank_share": ("a number >= 0 and <= 1", (0,), (-0.1, 1.1)),
    "batch_size": ("a whole number >= 1 and <= 60,000", (1, 60_000), (0, 10**400)),
    "passes": ("a whole number >= 1", (1, 1000, 10**400), (0,)),
    "train_size": ("a whole number >= 1 and <= 60,000, or None", (1, 60_000, None), (0, 60_001)),
    "held_out": ("a whole number >= 0 and <= 59,999", (0, 12_000), (-1, 60_000)),
}
NO_NUMBERS = (math.nan, math.inf, -math.inf, True, False, "many")
INSIDE = [(key, value) for key, (_, inside, _) in NUMBERS.items() for value in inside]
OUTSIDE = [
    (key, value, told)
    for key, (told, _, outside) in NUMBERS.items()
    for value in outside + NO_NUMBERS + ((1.5, 20.0) if "whole" in told else ())
]


def named(value):
    """A short name of a long number, for a test."""
    return "huge" if isinstance(value, int) and value > 1e9 else None


def test_no_switch_is_left_out_here():
    assert sorted([*CHOICES, *NUMBERS]) == sorted(SWITCHES)


@pytest.mark.parametrize(
    "switches",
    [
        {"initial_gain": LARGEST, "initial_biases": "uniform"},
        {"initial_coefficient": LARGEST, "initial_coefficients": "uniform"},
        {"initial_coefficient": -LARGEST},
        {"rubbish_j": LARGEST},
        {"mu": LARGEST},
        {"eta": LARGEST},
        {"eta": LARGEST, "optimizer": "sgd", "momentum": 0.9},
        {"eta": LARGEST, "optimizer": "adam"},
        {"batch_size": paper.TRAIN_SIZE},
    ],
    ids=str,
)
@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_the_largest_numbers_train_or_diverge(switches, engine, digits):
    small = {"passes": 1, "train_size": 5, "curvature_patterns": 5}
    assert fit(Recipe(**small, **switches), data=digits, engine=engine).status


@pytest.mark.parametrize(
    ("key", "value", "plain"),
    [
        ("passes", np.int64(3), 3),
        ("batch_size", np.uint8(4), 4),
        ("train_size", np.int32(50), 50),
        ("eta", np.float64(0.01), 0.01),
        ("mu", np.float32(0.5), 0.5),
        ("mu", np.int64(2), 2.0),
        ("noise", np.float16(0.25), 0.25),
        ("half_distance", np.bool_(False), False),
        ("input_size", np.int64(28), 28),
        ("pooling", np.str_("max"), "max"),
    ],
)
def test_numpys_scalars_are_pythons(key, value, plain):
    recipe, same = Recipe(**{key: value}), Recipe(**{key: plain})
    assert recipe == same
    assert repr(recipe) == repr(same)
    assert type(getattr(recipe, key)) is type(plain)
    assert Recipe(**json.loads(json.dumps(recipe.as_dict()))) == same


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("passes", np.array([1, 2])),
        ("eta", np.array([0.1, 0.2])),
        ("pooling", np.array(["max", "average"])),
        ("pooling", ["max"]),
        ("eta", torch.tensor([0.1, 0.2])),
        ("passes", np.float64(3)),
        ("passes", np.bool_(True)),
        ("mu", np.float64("nan")),
    ],
    ids=str,
)
def test_what_is_no_scalar_of_its_kind_is_refused(key, value):
    assert f"{key} must be " in refusal(Recipe, **{key: value})


@pytest.mark.parametrize(("key", "value"), INSIDE, ids=named)
def test_numbers_within_limits(key, value):
    assert getattr(Recipe(**{key: value}), key) == value
    assert getattr(ORIGINAL.override([f"{key}={value}"]), key) == value


@pytest.mark.parametrize(("key", "value", "told"), OUTSIDE, ids=named)
def test_numbers_without_limits(key, value, told):
    assert refusal(Recipe, **{key: value}) == f"{key}={value}: {key} must be {told}"
    assert refusal(ORIGINAL.override, [f"{key}={value}"]).endswith(f": {key} must be {told}")


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("mu=2e-2", "mu", 0.02),
        ("mu=1", "mu", 1.0),
        ("eta=5e-4", "eta", 5e-4),
        ("eta=Paper", "eta", "paper"),
        ("train_size=none", "train_size", None),
        ("train_size=15000", "train_size", 15_000),
        ("passes=7", "passes", 7),
        ("half_distance=True", "half_distance", True),
        ("half_distance=false", "half_distance", False),
        ("input_size=28", "input_size", 28),
        ("c3=DENSE", "c3", "dense"),
    ],
)
def test_override_reads_each_kind(text, key, value):
    found = getattr(Recipe(eta=0.1, train_size=9, half_distance=True).override([text]), key)
    assert found == value
    assert type(found) is type(value)


def test_override_changes_nothing_else_and_the_last_one_holds():
    recipe = ORIGINAL.override(["passes=3", "mu=0.1", "passes=4"])
    assert recipe == Recipe(passes=4, mu=0.1)
    assert ORIGINAL.override([]) == ORIGINAL == Recipe()


def test_override_takes_switches_that_only_fit_together():
    assert ORIGINAL.override(assignments(LINEAR)) == Recipe(**LINEAR)


def test_unknown_key_lists_the_valid():
    said = refusal(ORIGINAL.override, ["c4=table"])
    assert said == f"assignment c4: no such switch; valid are {', '.join(SWITCHES)}"


def test_a_variants_name_is_no_switch():
    assert "no such switch" in refusal(ORIGINAL.override, ["name=mine"])


@pytest.mark.parametrize("text", ["passes", "", "passes:3"])
def test_override_wants_key_and_value(text):
    assert refusal(ORIGINAL.override, [text]) == f"assignment {text}: write KEY=VALUE"


@pytest.mark.parametrize(
    ("switches", "says"),
    [
        ({"output": "linear"}, "loss=discriminative does not fit output=linear"),
        ({"loss": "cross_entropy"}, "loss=cross_entropy does not fit output=rbf"),
        (
            {"output": "linear", "loss": "distance"},
            "loss=distance does not fit output=linear",
        ),
        ({"optimizer": "sgd"}, "optimizer=sgd needs eta=NUMBER"),
        ({"optimizer": "adam"}, "optimizer=adam needs eta=NUMBER"),
        ({"momentum": 0.9}, "momentum=0.9 needs optimizer=sgd, not sdlm"),
        (
            {"initial_coefficient": -0.5, "initial_coefficients": "uniform"},
            "initial_coefficient=-0.5: initial_coefficient must be >= 0 with"
            " initial_coefficients=uniform",
        ),
        (
            {"optimizer": "adam", "eta": 0.1, "momentum": 0.9},
            "momentum=0.9 needs optimizer=sgd, not adam",
        ),
        (
            {"features": "1998", "pooling": "max"},
            "pooling=max does not fit features=1998: it needs pooling=trainable or"
            " trainable_average",
        ),
        (
            {"features": "1998", "scaling": "unit"},
            "scaling=unit does not fit features=1998: it needs scaling=paper",
        ),
    ],
)
def test_switches_that_contradict_each_other(switches, says):
    assert refusal(Recipe, **switches).startswith(says)
    assert refusal(ORIGINAL.override, assignments(switches)).startswith(says)


def test_start_says_what_the_switches_say():
    start = initial_parameters(ORIGINAL)
    assert (start.gain, start.power, start.coefficient) == (2.4, 0.5, 0.25)
    assert not any((start.count_bias, start.draw_bias, start.draw_coefficient))
    other = initial_parameters(
        Recipe(
            initial_gain=1.5,
            initialisation="fan_in",
            initial_biases="uniform",
            fan_in_counts_bias=True,
            initial_coefficient=0.5,
            initial_coefficients="uniform",
        )
    )
    assert (other.gain, other.power, other.coefficient) == (1.5, 1.0, 0.5)
    assert other.count_bias
    assert other.draw_bias
    assert other.draw_coefficient


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, value) for key, values in NETWORK_SWITCHES.items() for value in values[1:]],
)
def test_the_network_has_the_recipes_switches(key, value):
    model = build_model(Recipe(**{key: value, **NEEDED_BESIDE.get((key, value), {})}))
    assert model.switches == {**{k: getattr(ORIGINAL, k) for k in NETWORK_SWITCHES}, key: value}


def test_a_seed_is_a_network():
    state = torch.random.get_rng_state()
    first, again, other = (build_model("original", seed).c5.weight for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)  # the caller's draws go on as before
    assert torch.equal(build_model(ORIGINAL, 3).c5.weight, first)


@pytest.mark.parametrize(("variant", "gain"), [("original", 2.4), ("fitted", 1.4)])
def test_weights_start_within_a_gain_over_the_root_of_the_fan_in(variant, gain):
    weight = build_model(variant).c5.weight
    limit = gain / math.sqrt(400)
    assert 0.999 * limit < weight.abs().max() <= limit


def test_the_1998_features_are_the_recovered_ones_and_stay():
    restoration = Path(__file__).parents[1] / "experiments" / "results" / "restoration.json"
    recovered = read_json(restoration)["weights"]
    model = build_model("1998-features", 3)
    for name, p in model.named_parameters():
        assert p.requires_grad == (name not in recovered)
        if name in recovered:  # there to four digits
            expected = torch.tensor(recovered[name])
            atol = 1e-3 * expected.abs().max().item()
            torch.testing.assert_close(p.detach(), expected, rtol=0, atol=atol)
    drawn = build_model("original", 3)
    assert torch.equal(model.c5.weight, drawn.c5.weight)
    assert torch.equal(model.f6.weight, drawn.f6.weight)


def test_modern_starts_as_torch_starts():
    model = build_model("modern")
    for tensor in (model.c5.weight, model.c5.bias):
        assert 0.95 / 20 < tensor.abs().max() <= 1 / 20


@pytest.mark.parametrize(
    ("switches", "kind", "attributes"),
    [
        ({}, DiscriminativeLoss, {"j": 1.0, "half_distance": True, "curvature": "constant"}),
        (
            {"loss": "distance", "half_distance": False},
            DistanceLoss,
            {"half_distance": False, "curvature": "constant"},
        ),
        (
            {"rubbish_j": 2.5, "f6_curvature": "gauss_newton"},
            DiscriminativeLoss,
            {"j": 2.5, "half_distance": True, "curvature": "gauss_newton"},
        ),
        (LINEAR, nn.CrossEntropyLoss, {}),
    ],
)
def test_criterion(switches, kind, attributes):
    criterion = Recipe(**switches).build_criterion()
    assert type(criterion) is kind
    assert {key: getattr(criterion, key) for key in attributes} == attributes


@pytest.mark.parametrize(
    ("switches", "kind", "defaults"),
    [
        ({"mu": 0.3}, SDLM, {"lr": 5e-4, "mu": 0.3}),
        (
            {"optimizer": "sgd", "eta": 0.01, "momentum": 0.9},
            torch.optim.SGD,
            {"lr": 0.01, "momentum": 0.9},
        ),
        ({"optimizer": "adam", "eta": 0.002}, torch.optim.Adam, {"lr": 0.002}),
    ],
)
def test_optimizer(switches, kind, defaults):
    recipe = Recipe(**switches)
    optimizer = build_optimizer(recipe, build_model(recipe))
    assert type(optimizer) is kind
    assert {key: optimizer.defaults[key] for key in defaults} == defaults


def test_layers_may_have_a_mu_of_their_own():
    recipe = ORIGINAL.changed(mu=0.1, mu_subsampling=1.0, mu_f6=0.01)
    model = build_model(recipe)
    curvature = {name: torch.full_like(p, 0.5) for name, p in model.named_parameters()}
    by_layer = {"c1": 0.1, "s2": 1.0, "c3": 0.1, "s4": 1.0, "c5": 0.1, "f6": 0.01}
    expected = {name: 5e-4 / (by_layer[name[:2]] + 0.5) for name in curvature}
    rates = recipe.sdlm_rates(5e-4, curvature)
    assert {name: rate.unique().item() for name, rate in rates.items()} == pytest.approx(expected)
    optimizer = build_optimizer(recipe, model)
    optimizer.set_curvature(list(curvature.values()))
    for rate, (name, p) in zip(optimizer.rates(), model.named_parameters(), strict=True):
        torch.testing.assert_close(rate, rates[name])
        assert rate.shape == p.shape


def test_one_mu_is_one_group():
    recipe = recipe_named("first-reading")
    assert len(build_optimizer(recipe, build_model(recipe)).param_groups) == 1


@pytest.mark.parametrize("passes", [10, 20, 80])
def test_a_stretched_schedule_spends_the_same_share_on_each_rate(passes):
    recipe = ORIGINAL.changed(eta="stretched", passes=passes)
    ours = [recipe.learning_rate(number) for number in range(1, passes + 1)]
    printed = [paper.eta(number) for number in range(1, 21)]
    for rate in set(ours):
        assert ours.count(rate) / passes == pytest.approx(printed.count(rate) / 20, abs=1 / passes)
    assert ours == sorted(ours, reverse=True)


def test_a_rate_of_ones_own_can_fall_as_the_printed_schedule_does():
    recipe = ORIGINAL.changed(optimizer="sgd", eta=0.01, schedule="printed")
    assert recipe.learning_rate(1) == recipe.learning_rate(2) == 0.01
    assert recipe.learning_rate(3) == pytest.approx(0.004)
    assert recipe.learning_rate(20) == pytest.approx(0.01 * 1e-5 / 5e-4)
    told = refusal(ORIGINAL.changed, schedule="printed")
    assert told == "schedule=printed needs eta=NUMBER: eta=paper is one"


def test_one_rate_for_each_layer_is_that_of_its_mean_curvature():
    recipe = ORIGINAL.changed(rates="layer")
    curvature = {
        name: torch.rand(p.shape, generator=torch.Generator().manual_seed(1))
        for name, p in build_model(recipe).named_parameters()
    }
    pooled = pooled_curvature(recipe, curvature)
    for layer in ("c1", "s2", "c3", "s4", "c5", "f6"):
        both = [f"{layer}.weight", f"{layer}.bias"]
        mean = torch.cat([curvature[name].flatten() for name in both]).mean()
        for name in both:
            torch.testing.assert_close(pooled[name], mean.expand_as(curvature[name]))
    assert pooled_curvature(ORIGINAL, curvature) == curvature


def test_rates_by_fan_in_are_the_global_one_over_the_inputs_of_a_unit():
    recipe = ORIGINAL.changed(optimizer="sgd", eta=0.1, rates="fan_in")
    model = build_model(recipe)
    fan_in = {"c1": 25, "s2": 4, "c3": 1500 / 16, "s4": 4, "c5": 400, "f6": 120}
    expected = {name: 0.1 / fan_in[name[:2]] for name, _ in model.named_parameters()}
    assert sgd_rates(recipe, 0.1, model) == pytest.approx(expected)
    one = ORIGINAL.changed(optimizer="sgd", eta=0.1)
    assert set(sgd_rates(one, 0.1, model).values()) == {0.1}


@pytest.mark.parametrize(
    ("optimizer", "rates"), [("sdlm", "fan_in"), ("sgd", "layer"), ("adam", "layer")]
)
def test_rates_that_an_optimizer_does_not_have_are_refused(optimizer, rates):
    eta = {} if optimizer == "sdlm" else {"eta": 0.1}
    told = refusal(ORIGINAL.changed, optimizer=optimizer, rates=rates, **eta)
    assert told.startswith(f"rates={rates} does not fit optimizer={optimizer}: rates=layer goes")


def of_version_1(name: str, **switches) -> dict:
    """A recipe as a record of 1.0 has it, which knew no `subsampling_curvature`."""
    recipe = RECIPES["fitted"].as_dict() | switches | {"name": name}
    del recipe["subsampling_curvature"]
    return recipe


FIRST = {
    "pooling": "trainable",
    "rubbish_j": 1.0,
    "initial_gain": 2.4,
    "initial_coefficient": 0.25,
    "mu_subsampling": "mu",
}


@pytest.mark.parametrize(
    ("recipe", "present"),
    [
        (of_version_1("original"), "fitted"),
        (of_version_1("original,passes=3", passes=3), "fitted,passes=3"),
        (of_version_1("distortions", distortions=True), "fitted,distortions=true"),
        (of_version_1("first-reading", **FIRST), "original"),
        (
            of_version_1("first-reading,passes=3", passes=3, **FIRST),
            "original,passes=3",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value["name"],
)
def test_a_record_of_version_1_is_read_as_what_it_is_now(recipe, present, caplog):
    found = recorded(recipe, "a record")
    assert found.name == present
    assert found.subsampling_curvature == "sum"
    _told.clear()
    caplog.clear()
    recorded(recipe, "a record")
    recorded(recipe, "another")
    assert caplog.messages == [f"what version 1.0 called {recipe['name']} is {present} now"]


def test_a_name_of_one_s_own_and_other_variants_keep_their_names():
    own = RECIPES["fitted"].as_dict() | {"name": "mine"}
    del own["subsampling_curvature"]
    assert recorded(own, "a record").name == "mine"
    modern = RECIPES["modern"].as_dict()
    del modern["subsampling_curvature"]
    assert recorded(modern, "a record") == RECIPES["modern"]


def test_a_retired_variant_is_still_found(caplog):
    _told.clear()
    recipe = recipe_named("first-reading")
    assert recipe == ORIGINAL
    assert caplog.messages == [f"what version 1.0 called first-reading is {recipe.name} now"]
    assert "first-reading" not in refusal(recipe_named, "second-reading")
