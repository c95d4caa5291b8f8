"""Names of recipes: written, read back, and those of all committed records."""

from pathlib import Path

import pytest

from experiments.results import everything
from lenet1998.errors import BadInput
from lenet1998.recipes import RECIPES, check_name, join_name, recorded, spaced_name, split_name

RESULTS = Path(__file__).parents[1] / "experiments" / "results"


def test_what_is_joined_is_split_again():
    name = join_name("a-b", {"eta": 1e-5, "distortions": True, "train_size": None, "c3": "dense"})
    assert name == "a-b,eta=1e-05,distortions=true,train_size=none,c3=dense"
    variant, switches = split_name(name)
    assert (variant, switches["eta"], switches["train_size"]) == ("a-b", "1e-05", "none")
    assert split_name("modern") == ("modern", {})
    assert spaced_name("a,b=1,c=2") == "a, b=1, c=2"


@pytest.mark.parametrize("name", ["original", "a.b_c-d,e=+1", "28"])
def test_safe_names(name):
    check_name(name)


@pytest.mark.parametrize("name", ["", "a/b", "..", None, ["original"]])
def test_unsafe_names(name):
    with pytest.raises(BadInput):
        check_name(name)


OF_THEIR_OWN = {"second-restoration", "second-restoration-18"}
"""Names of runs in which more was done than their switches say."""


def test_every_committed_run_says_what_it_was():
    runs = everything(RESULTS)
    assert len(runs) > 1500
    for run in runs:
        recipe = recorded(run.recipe, "a committed run")
        switches = {key: value for key, value in recipe.as_dict().items() if key != "name"}
        variant, _ = split_name(recipe.name)
        if variant not in OF_THEIR_OWN:
            assert RECIPES[variant].changed(**switches) == recipe
