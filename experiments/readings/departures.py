"""docs/differences.md: in what a reading departs from the printed words, as one list."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from experiments.results import shows
from lenet1998 import paper
from lenet1998.recipes import RECIPES


class Departure(NamedTuple):
    """A point in which a recipe may depart from the printed words.

    Attributes:
        short: a few words for it.
        printed: what the paper prints, and where.
        made: whether a recipe makes it.
    """

    short: str
    printed: str
    made: Callable[[Mapping], bool]


def _more_than_one_mu(recipe: Mapping) -> bool:
    return any(recipe.get(key, "mu") != "mu" for key in ("mu_subsampling", "mu_f6"))


def _not_the_losses(recipe: Mapping) -> bool:
    exact = recipe["loss"] == "distance" and recipe["half_distance"]  # whose second derivative is 1
    return recipe["output"] == "rbf" and recipe["f6_curvature"] == "constant" and not exact


DEPARTURES = (
    Departure(
        "1/sqrt F",
        "weights from U(-2.4/F, 2.4/F), F the fan-in (Appendix A, p.41)",
        lambda recipe: recipe["initialisation"] != "fan_in",
    ),
    Departure(
        "a changed 2.4",
        "2.4 (Appendix A, p.41)",
        lambda recipe: recipe["initial_gain"] != paper.INITIAL_WEIGHT_RANGE,
    ),
    Departure(
        "the factor 1/2",
        "the squared distance without a factor (eq. 7)",
        lambda recipe: recipe["loss"] != "cross_entropy" and recipe["half_distance"],
    ),
    Departure(
        "1 at F6",
        "the second derivative by eqs. 25 to 27 from the loss on (Appendix C, p.42)",
        _not_the_losses,
    ),
    Departure(
        "more than one mu",
        "mu = 0.02 (section III-B, p.10)",
        _more_than_one_mu,
    ),
    Departure(
        "the window's sum squared",
        "second derivatives added up over the connections that share a weight (eq. 23)",
        lambda recipe: (
            recipe["pooling"].startswith("trainable")
            and recipe.get("subsampling_curvature", "sum") == "sum"
        ),
    ),
)


def of(recipe: Mapping) -> list[str]:
    """The departures that a recipe makes, in short, of what decides how the 1998 design trains."""
    return [departure.short for departure in DEPARTURES if departure.made(recipe)]


def variants(_: Path) -> dict[str, Mapping]:
    """The named variants that are readings of the 1998 recipe."""
    names = "printed", "original", "fitted", "original-literal"
    return {name: RECIPES[name].as_dict() for name in names}


@shows(variants)
def table(recipes: Mapping[str, Mapping]) -> pd.DataFrame:
    """Every point with what is printed, and which of some recipes depart from it."""
    rows = [
        {
            "departure": departure.short,
            "in print": departure.printed,
            **{name: "x" if departure.made(recipe) else "" for name, recipe in recipes.items()},
        }
        for departure in DEPARTURES
    ]
    return pd.DataFrame(rows)
