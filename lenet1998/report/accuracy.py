"""Accuracies of recipes' runs, and where another accuracy falls among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from lenet1998.report.comparison import Groups
from lenet1998.report.statistics import (
    CANNOT_TELL,
    CONSISTENT,
    INCONSISTENT,
    TOO_WIDE,
    prediction_interval,
    summarise,
    verdict,
)
from lenet1998.report.style import BLUE, STYLE, VERMILION, head
from lenet1998.report.tables import PLUS_MINUS, brief

BIN = 0.1
"""Width of the histograms' bars, percentage points."""
LEARNT = 95.0
"""Percent from which on a run is on the histograms' axis; below it a run has failed."""
COLUMNS = 3


class Accuracy(NamedTuple):
    """An accuracy as somebody reports it.

    Attributes:
        percent: of test patterns that were classified right.
        known_to: half its last digit, percentage points.
    """

    percent: float
    known_to: float


@dataclass(frozen=True)
class Standing:
    """An accuracy among the finished runs of a recipe.

    Attributes:
        runs: their accuracies, percent.
        mine: the other.
    """

    runs: Sequence[float]
    mine: Accuracy

    @property
    def at_or_below(self) -> int:
        """Runs that are no better."""
        return sum(run <= self.mine.percent for run in self.runs)

    @property
    def verdict(self) -> str:
        """Verdict on the accuracy as one more run, by errors as everywhere."""
        errors = [100 - run for run in self.runs]
        return verdict(100 - self.mine.percent, errors, self.mine.known_to)

    def as_dict(self) -> dict:
        """Everything of :meth:`row`, as numbers."""
        summary = summarise(self.runs)
        return {
            "accuracy_percent": list(self.runs),
            "mean": summary.mean,
            "sd": summary.sd,
            "percentile": 100 * self.at_or_below / len(self.runs),
            "one_more_run": prediction_interval(self.runs),
            "verdict": self.verdict,
        }

    def row(self) -> dict:
        """The runs' range, the interval for one more, how many are no better, and the verdict."""
        if not self.runs:
            return {
                "our runs, %": "",
                "one more run": "",
                "no better": "0 of 0",
                "yours is": "no run finished",
            }
        side = "low" if self.mine.percent < np.mean(self.runs) else "high"
        judged = {
            CONSISTENT: "normal",
            TOO_WIDE: "normal, but wide",
            INCONSISTENT: f"too {side}",
            CANNOT_TELL: "too few runs",
        }[self.verdict]
        return {
            "our runs, %": _between(min(self.runs), max(self.runs)),
            "one more run": _between(*prediction_interval(self.runs)),
            "no better": f"{self.at_or_below} of {len(self.runs)}",
            "yours is": judged,
        }


def _between(low: float, high: float) -> str:
    """An interval of accuracies, of which none is below 0 or above 100."""
    return f"{max(low, 0):.2f} to {min(high, 100):.2f}"


def accuracies(groups: Groups) -> dict[str, list[float]]:
    """Accuracies of each recipe's finished runs after the last pass, percent."""
    return {
        name: [100 - run.last["test_error_percent"] for run in runs if not run.diverged]
        for name, runs in groups.items()
    }


def table(groups: Groups) -> pd.DataFrame:
    """Accuracy of each recipe's runs: mean and standard deviation, range, and one more run."""
    rows = []
    for name, runs in accuracies(groups).items():
        low, high = prediction_interval(runs)
        rows.append(
            {
                "recipe": name,
                "n": len(runs),
                f"mean {PLUS_MINUS} sd, %": brief(runs, digits=2),
                "range, %": _between(min(runs), max(runs)),
                "one more run, 95 %": _between(low, high),
            }
        )
    return pd.DataFrame(rows)


@rc_context(STYLE)
def histograms(groups: Groups, mine: Accuracy | None = None) -> Figure:
    """A histogram of each recipe's accuracies on one axis, with another accuracy in all of them."""
    found = {name: np.array(runs) for name, runs in accuracies(groups).items()}
    learnt = np.concatenate([runs[runs >= LEARNT] for runs in found.values()])
    ends = learnt if mine is None or mine.percent < LEARNT else [*learnt, mine.percent]
    low, high = np.min(ends, initial=99.0) - BIN, np.max(ends, initial=99.0) + BIN
    bins = np.arange(np.floor(low / BIN), np.ceil(high / BIN) + 1) * BIN
    rows = -(-len(found) // COLUMNS)
    figure = Figure(figsize=(7.4, 1.3 + 1.25 * rows), layout="constrained")
    grid = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(found) :]:
        axes.remove()
    for axes, (name, runs) in zip(grid.flat, found.items(), strict=False):
        axes.hist(runs, bins, color=BLUE)
        axes.set_title(f"{name} (n = {len(runs)})")
        if failed := int((runs < LEARNT).sum()):
            axes.annotate(f"{failed} below {LEARNT:g} %", (0.03, 0.8), xycoords="axes fraction")
        if mine is not None:
            axes.axvline(max(mine.percent, bins[0]), color=VERMILION, lw=2)
        axes.set_xlim(bins[0], bins[-1])
        axes.tick_params(labelbottom=True)
    head(figure, _message(found, mine))
    figure.supxlabel("accuracy on the test patterns, % (last pass)", size=9)
    figure.supylabel("runs", size=9)
    return figure


def _message(found: Mapping[str, Sequence[float]], mine: Accuracy | None) -> str:
    if mine is None:
        means = [np.mean(runs) for runs in found.values() if min(runs, default=0) >= LEARNT]
        between = f"from {min(means):.1f} to {max(means):.1f} %" if means else f"below {LEARNT:g} %"
        return f"A normal accuracy depends on the recipe: the means are {between}"
    could = [Standing(runs, mine).verdict in (CONSISTENT, TOO_WIDE) for runs in found.values()]
    where = "orange, left of the axis" if mine.percent < LEARNT else "orange"
    told = f"could be one more run of {sum(could)} of {len(could)} recipes"
    return f"{mine.percent:g} % ({where}) {told}"
