"""One definition of multiply-accumulates, wherever a network is counted."""

from dataclasses import asdict
from itertools import product
from pathlib import Path

import pytest

from experiments.published import tables as results
from experiments.results import runs_in
from lenet1998 import count
from lenet1998.models import build_model
from lenet1998.recipes import NETWORK_SWITCHES, RECIPES, layers_of, multiply_accumulates
from lenet1998.report import comparison

RESULTS = Path(__file__).parents[1] / "experiments" / "results"


@pytest.mark.parametrize(
    ("pooling", "s2", "s4"),
    [
        ("trainable", 1_176, 400),
        ("trainable_average", 1_176, 400),
        ("average", 1_176, 400),
        ("max", 0, 0),
    ],
)
def test_connections_but_a_pooled_unit_once_or_never(pooling, s2, s4):
    model = build_model(RECIPES["original"].override([f"pooling={pooling}"]))
    found = {layer.name: layer.multiply_accumulates for layer in count(model).layers}
    assert found == {
        "c1": 122_304,
        "s2": s2,
        "c3": 151_600,
        "s4": s4,
        "c5": 48_120,
        "f6": 10_164,
        "output": 840,
    }


def test_a_layer_is_asked_by_its_counts_alone():
    layer = {"name": "s4", "maps": 3, "size": 2, "connections": 60}
    assert multiply_accumulates(layer, "trainable") == 12
    assert multiply_accumulates({**layer, "name": "f6"}, "trainable") == 60


@pytest.mark.parametrize(
    "source",
    ["headline/original", "headline/modern", "coursework/coursework-24-epochs"],
)
def test_a_record_counts_as_the_network_it_is_of(source):
    record = runs_in(RESULTS, source)[0]
    expected = count(build_model(record.recipe["name"])).multiply_accumulates
    assert record.multiply_accumulates == expected


SHAPING = ("c3", "pooling", "input_size", "blank")
"""Switches of the network, beside the output, that what a layer counts depends on."""


@pytest.mark.parametrize("output", NETWORK_SWITCHES["output"])
def test_what_switches_say_is_what_modules_count(output):
    loss = {"rbf": "discriminative", "linear": "cross_entropy"}[output]
    for values in product(*(NETWORK_SWITCHES[key] for key in SHAPING)):
        changes = dict(zip(SHAPING, values, strict=True))
        recipe = RECIPES["original"].changed(output=output, loss=loss, **changes)
        assert layers_of(recipe) == [asdict(layer) for layer in count(build_model(recipe)).layers]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_variants_switches_say_what_its_modules_count(recipe):
    assert layers_of(recipe) == [asdict(layer) for layer in count(build_model(recipe)).layers]


def test_the_pages_show_one_number():
    record = runs_in(RESULTS, "headline/original")[0]
    number = f"{count(build_model()).multiply_accumulates:,}"
    assert results.cost([record])["ours"][0].startswith(number)
    column = comparison.side_by_side({"original": [record]}).set_index("")["original"]
    assert column["multiply-accumulates to read a pattern"] == number
