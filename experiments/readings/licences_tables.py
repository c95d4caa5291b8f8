"""docs/open-questions.md: the readings that the printed words leave, and which of them is taken.

The rule is in docs/protocol.md, "Third choice: print before fit".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from experiments.readings import departures
from experiments.readings.scores import CURVES_UNIT, NET_UNIT, RATES_UNIT, differences
from experiments.results import LICENCES, shows
from lenet1998 import paper
from lenet1998.recipes import ORIGINAL, Recipe, recipe_named
from lenet1998.report.statistics import prediction_interval
from lenet1998.report.tables import brief, by_recipe, rates
from lenet1998.training.records import RunRecord

SEEDS, MORE_SEEDS = range(600, 610), range(610, 630)
POINTS_ALLOWED = 3
"""Of the 20 of a curve, that may lie outside where one more run's would."""
FAILED = 50.0
"""Percent of test patterns misread from which on a run has failed."""
_PRINTED = recipe_named("printed")
_AVERAGES = {"pooling": "trainable_average", "initial_coefficient": 1.0}
READINGS: dict[str, Recipe] = {
    "P": _PRINTED,
    "PS": _PRINTED.changed(subsampling_curvature="sum"),
    **{
        f"P9-{j:g}": _PRINTED.changed(loss="discriminative", rubbish_j=j)
        for j in (0.5, 1.0, 2.0, 3.0)
    },
    "P9A": _PRINTED.changed(loss="discriminative", rubbish_j=1.0, **_AVERAGES),
    "F23": ORIGINAL.changed(subsampling_curvature="connections"),
    "F": ORIGINAL,
    "AV": ORIGINAL.changed(**_AVERAGES),
    "A": recipe_named("fitted"),
}
"""The readings by the letters of docs/protocol.md."""


def fitted(recipe: Mapping) -> int:
    """Number of fitted constants of a recipe, as docs/protocol.md counts them."""
    return sum(
        (
            recipe["loss"] == "discriminative",
            recipe["initial_coefficients"] == "constant",
            recipe["initial_gain"] != paper.INITIAL_WEIGHT_RANGE,
            recipe["mu_subsampling"] != "mu",
        )
    )


def has_the_library(recipe: Mapping) -> int:
    """In how many points a recipe has what the authors' library has: sums, 1/2, 1, squared sums."""
    return sum(
        (
            recipe["pooling"] == "trainable",
            recipe["half_distance"],
            recipe["f6_curvature"] == "constant",
            recipe.get("subsampling_curvature", "sum") == "sum",
        )
    )


@dataclass(frozen=True)
class Distance:
    """Distance of 1998 from the runs of a reading, beside their distances from one another.

    Attributes:
        of_1998: the root mean square of the logarithms' differences to the runs' mean, in a unit.
        of_runs: the same of each run, to the mean of the others.
        outside: of each column, whether 1998's is outside where one more run's would lie.
    """

    of_1998: float
    of_runs: np.ndarray
    outside: np.ndarray

    @property
    def limit(self) -> float:
        """Beyond it the reading is rejected: see docs/protocol.md."""
        return math.exp(prediction_interval(np.log(self.of_runs).tolist())[1])

    @property
    def rejected(self) -> bool:
        return self.of_1998 > self.limit


def distance(runs: np.ndarray, published: np.ndarray, unit: float, logarithms=False) -> Distance:
    """Distance of published values from runs.

    Args:
        runs: (runs, quantities), positive; of logarithms, any.
        published: (quantities,).
        unit: what distances are measured in.
        logarithms: whether both are logarithms already, and means are taken of those.
    """

    def off(one: np.ndarray, others: np.ndarray) -> float:
        mean = others.mean(0)
        apart = one - mean if logarithms else np.log(one / mean)
        return float(np.sqrt(np.mean(apart**2))) / unit

    of_runs = [off(run, np.delete(runs, i, 0)) for i, run in enumerate(runs)]
    columns = runs if logarithms else np.log(runs)
    ends = np.array([prediction_interval(column.tolist()) for column in columns.T])
    where = published if logarithms else np.log(published)
    outside = (where < ends[:, 0]) | (where > ends[:, 1])
    return Distance(off(published, runs), np.array(of_runs), outside)


@dataclass(frozen=True)
class Trial:
    """A reading's runs and nets.

    Attributes:
        letter: its letter.
        runs: without inverted pixels.
        sizes: the quantities of nets with inverted pixels.
        ranges: by layer, the smallest and the largest effective rate of each seed's first pass.
        net_1998: the 1998 net's quantities.
    """

    letter: str
    runs: Sequence[RunRecord]
    sizes: Sequence[Mapping[str, float]]
    ranges: Sequence[Mapping[str, Sequence[float]]]
    net_1998: Mapping[str, float]

    @property
    def recipe(self) -> Mapping:
        return self.runs[0].recipe

    @property
    def failed(self) -> bool:
        """True where a run diverged or learnt next to nothing."""
        return any(run.diverged or run.last["test_error_percent"] > FAILED for run in self.runs)

    @cached_property
    def curves(self) -> Distance:
        """From both curves of Fig. 5."""
        published = paper.fig5_curve()
        runs = [[entry[key] for key in _CURVES for entry in run.per_pass] for run in self.runs]
        both = np.hstack([c[: paper.PASSES] for c in (published.train_error, published.test_error)])
        return distance(np.array(runs), both, CURVES_UNIT)

    @cached_property
    def net(self) -> Distance:
        """From the recovered net's thirteen quantities."""
        off = np.array([list(differences(net, self.net_1998).values()) for net in self.sizes])
        return distance(off, np.zeros(off.shape[1]), NET_UNIT, logarithms=True)

    @property
    def points_outside(self) -> tuple[int, int]:
        """Of the training curve, and of the test curve."""
        train, test = np.split(self.curves.outside, 2)
        return int(train.sum()), int(test.sum())

    @property
    def rejected(self) -> bool:
        """By Fig. 5, by the recovered net, or by failing."""
        by_points = max(self.points_outside) > POINTS_ALLOWED
        return self.failed or self.curves.rejected or by_points or self.net.rejected

    def rates(self, without: tuple[str, ...] = ()) -> tuple[float, float]:
        """Geometric means of the seeds' smallest and largest rates, some layers left out."""
        ends = [
            (min(low for low, _ in layers), max(high for _, high in layers))
            for layers in (
                [ends for layer, ends in of.items() if layer not in without] for of in self.ranges
            )
        ]
        low, high = np.exp(np.mean(np.log(ends), axis=0))
        return float(low), float(high)

    @property
    def order(self) -> tuple[int, int, int]:
        """By which readings that are not rejected are taken, the least first."""
        recipe = self.recipe
        return len(departures.of(recipe)), fitted(recipe), -has_the_library(recipe)


_CURVES = ("train_error_percent", "test_error_percent")
SUBSAMPLING = ("s2", "s4")


def trials(content: dict, records: Sequence[RunRecord]) -> list[Trial]:
    """The readings in the order of the protocol's table, each with what was run of it.

    Args:
        content: of ``licences.json``.
        records: of the folder beside it.
    """
    groups = by_recipe([record for record in records if not record.recipe["noise"]])
    found = []
    for letter, recipe in READINGS.items():
        nets, of_seeds = (
            [entry[part] for entry in content[key] if entry["recipe"] == recipe.name]
            for key, part in (("nets", "sizes"), ("rates", "layers"))
        )
        found.append(Trial(letter, groups[recipe.name], nets, of_seeds, content["net_1998"]))
    return found


def in_order(of: Sequence[Trial]) -> list[Trial]:
    """Readings as the rule takes them: those not rejected first, then by the curves."""
    kept = sorted((trial for trial in of if not trial.rejected), key=lambda trial: trial.order)
    rejected = [trial for trial in of if trial.rejected]
    return kept + sorted(rejected, key=lambda trial: (trial.failed, trial.curves.of_1998))


def taken_and_rival(content: dict, records: Sequence[RunRecord]) -> list[str]:
    """The letters of the reading taken by the first ten seeds and of its nearest rival."""
    first = [record for record in records if record.seed in SEEDS]
    return [trial.letter for trial in in_order(trials(content, first))[:2]]


@shows(LICENCES, "licences")
def licences(content: dict, records: Sequence[RunRecord]) -> pd.DataFrame:
    """The readings beside the figures of 1998 that may reject one, and the decision."""
    of = trials(content, records)
    first = in_order(of)[0]
    return pd.DataFrame([_row(trial, trial is first) for trial in of])


def _row(trial: Trial, taken: bool) -> dict:
    curves, net = trial.curves, trial.net
    return {
        "": trial.letter,
        "departures": len(departures.of(trial.recipe)),
        "fitted": fitted(trial.recipe),
        "S (limit)": f"{curves.of_1998:.2f} ({curves.limit:.2f})",
        "points outside": "{} and {}".format(*trial.points_outside),
        "N (limit)": f"{net.of_1998:.2f} ({net.limit:.2f})",
        "n": f"{len(trial.runs)}, N {len(trial.sizes)}",
        "verdict": "rejected" if trial.rejected else "**taken**" if taken else "not rejected",
    }


@shows(LICENCES, "licences")
def rates_and_errors(content: dict, records: Sequence[RunRecord]) -> pd.DataFrame:
    """The same readings' effective rates of the first pass and errors, which decide nothing."""
    rows = []
    for trial in trials(content, records):
        all_rates, others = trial.rates(), trial.rates(SUBSAMPLING)
        rows.append(
            {
                "": trial.letter,
                "rates, all": rates(*all_rates),
                "R": f"{_off_the_rates(all_rates):.2f}",
                "rates without S2 and S4": rates(*others),
                "R without": f"{_off_the_rates(others):.2f}",
                **{
                    f"{what} error, %": brief([run.last[key] for run in trial.runs], digits=2)
                    for what, key in zip(("training", "test"), _CURVES, strict=True)
                },
            }
        )
    return pd.DataFrame(rows)


def _off_the_rates(ends: tuple[float, float]) -> float:
    off = np.log(ends) - np.log(paper.RATE_RANGE)
    return float(np.sqrt(np.mean(off**2))) / RATES_UNIT
