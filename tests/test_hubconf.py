"""``torch.hub`` finds the nets in a checkout."""

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch

import lenet1998
from experiments.pretrained.tables import NAMES, weights_of
from lenet1998.errors import BadInput

ROOT = str(Path(__file__).parents[1])
ENTRY_POINTS = {
    "original": "original",
    "distortions": "distortions",
    "noise": "noise",
    "modern": "modern",
    "strings": "strings",
    "features_1998": "1998-features",
}


def hub(name, *arguments, **options):
    return torch.hub.load(ROOT, name, *arguments, source="local", **options)


def same(ours, theirs) -> bool:
    state, other = ours.state_dict(), theirs.state_dict()
    return state.keys() == other.keys() and all(
        torch.equal(state[key], other[key]) for key in state
    )


@pytest.fixture(scope="module")
def hubconf():
    spec = spec_from_file_location("hubconf_of_this_checkout", Path(ROOT, "hubconf.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_can_be_called_are_the_entry_points(hubconf):
    """So hub tells them: by being there to be called, and by not beginning with _."""
    named = {name: thing for name, thing in vars(hubconf).items() if not name.startswith("_")}
    assert {name for name in named if callable(named[name])} == {"lenet5", *ENTRY_POINTS}
    assert all(named[name].__doc__ for name in ENTRY_POINTS)
    assert {*ENTRY_POINTS.values(), "original-logistic"} == set(NAMES)


@pytest.mark.parametrize(("name", "variant"), ENTRY_POINTS.items())
def test_a_net_is_the_one_that_is_loaded_otherwise(name, variant):
    assert same(hub(name, pretrained=False), lenet1998.build_model(variant))
    if weights_of(variant).is_file():
        assert same(hub(name), lenet1998.load_pretrained(variant))
    else:
        with pytest.raises(BadInput, match=f"{variant}: its weights do not come"):
            hub(name)


def test_any_variant_can_be_had():
    assert same(hub("lenet5", "original-logistic"), lenet1998.load_pretrained("original-logistic"))
    drawn = hub("lenet5", "coursework-adam", pretrained=False, seed=3)
    assert same(drawn, lenet1998.build_model("coursework-adam", 3))


def test_another_version_that_was_imported_before_is_told_of(monkeypatch):
    monkeypatch.setattr(lenet1998, "__version__", "0.9")
    with pytest.warns(UserWarning, match=r"is \d.*, but 0\.9 was imported before, from "):
        assert same(hub("original"), lenet1998.load_pretrained())


def test_what_it_needs_is_named_as_it_is_imported(hubconf):
    assert all(find_spec(name) for name in hubconf.dependencies)
