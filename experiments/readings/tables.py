"""docs/open-questions.md: the readings of the paper's open points, scored against Fig. 5."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from experiments.results import shows
from lenet1998 import paper
from lenet1998.recipes import spaced_name
from lenet1998.report.statistics import holm, log_ratio_rms, summarise, welch
from lenet1998.report.style import BLACK, BLUE, GREEN, STYLE, VERMILION, band, head
from lenet1998.report.tables import PLUS_MINUS, brief, by_recipe, curve, rates
from lenet1998.training.records import RunRecord


@dataclass(frozen=True)
class Score:
    """Distance of the mean curves of a reading's runs from Fig. 5's (docs/protocol.md)."""

    training: float
    test: float

    @property
    def rank(self) -> float:
        """Rank of a reading: the root mean square of the two."""
        return math.hypot(self.training, self.test) / math.sqrt(2)


def score(runs: Sequence[RunRecord]) -> Score | None:
    """The score of runs of 20 passes or more; None where one of them diverged."""
    published, passes = paper.fig5_curve(), paper.PASSES
    if any(len(run.per_pass) < passes for run in runs):
        return None

    def distance(key: str, theirs: np.ndarray) -> float:
        ours = np.mean([values[:passes] for values in curve(runs, key)], axis=0)
        return log_ratio_rms(ours, theirs[:passes])

    return Score(
        distance("train_error_percent", published.train_error),
        distance("test_error_percent", published.test_error),
    )


@shows("readings")
def readings(records: Sequence[RunRecord]) -> pd.DataFrame:
    """One row per reading: its score against Fig. 5, and what it is read with. Best first."""
    rows = [_lush()]
    for name, runs in by_recipe(records).items():
        fit = score(runs)
        first = [run.per_pass[0] for run in runs if run.per_pass]
        low = min((entry["rate_min"] for entry in first), default=math.nan)
        high = max((entry["rate_max"] for entry in first), default=math.nan)
        rows.append(
            {
                "reading": spaced_name(name),
                "n": len(runs),
                **_scores(fit),
                "score of one run": _one_by_one(runs),
                "first-pass rates": rates(low, high) if first else "",
                "training error, %": _at_the_end(runs, "train_error_percent"),
                "test error, %": _at_the_end(runs, "test_error_percent"),
            }
        )
    frame = pd.DataFrame(rows).sort_values("score, both", kind="stable")
    for column in _scores(None):
        frame[column] = [f"{v:.3f}" if math.isfinite(v) else "diverged" for v in frame[column]]
    return frame


FINALIST = 10
"""Runs of a reading that was taken to the end."""


@shows("readings")
def finalists(records: Sequence[RunRecord]) -> pd.DataFrame:
    """The readings with ten runs, the best fit first, and whether the others can be told from it.

    p is Welch's on the scores of single runs, adjusted by Holm.
    """
    groups = {name: runs for name, runs in by_recipe(records).items() if len(runs) >= FINALIST}
    alone = {
        name: [one.rank for run in runs if (one := score([run]))] for name, runs in groups.items()
    }
    ranked = sorted(
        groups, key=lambda name: score(groups[name]).rank if score(groups[name]) else math.inf
    )
    best, *others = ranked
    tests = [welch(alone[name], alone[best]) for name in others]
    adjusted = holm([p for _, p in tests])
    frame = readings(records).set_index("reading").loc[[spaced_name(name) for name in ranked]]
    frame["against the first"] = [
        "",
        *(f"{d:+.3f} (p = {p:.1g})" for (d, _), p in zip(tests, adjusted, strict=True)),
    ]
    return frame.reset_index()[
        ["reading", "n", "score, both", "score of one run", "against the first", "first-pass rates"]
    ]


def _scores(fit: Score | None) -> dict[str, float]:
    values = (fit.rank, fit.training, fit.test) if fit else (math.inf,) * 3
    return dict(zip(("score, both", "training", "test"), values, strict=True))


def _one_by_one(runs: Sequence[RunRecord]) -> str:
    """Mean and standard deviation of the scores that runs have alone."""
    summary = summarise([alone.rank for run in runs if (alone := score([run]))])
    if not summary.n:
        return "diverged"
    return f"{summary.mean:.3f}" + (f" {PLUS_MINUS} {summary.sd:.3f}" if summary.n > 1 else "")


def _lush() -> dict:
    """The authors' own library's run as a row."""
    theirs, published = paper.lush_curve(), paper.fig5_curve()
    passes = slice(0, paper.PASSES)
    fit = Score(
        log_ratio_rms(theirs.train_error[passes], published.train_error[passes]),
        log_ratio_rms(theirs.test_error[passes], published.test_error[passes]),
    )
    return {
        "reading": "*the authors' library (eq. 8, factor 1/2), as run*",
        "n": 1,
        **_scores(fit),
        "score of one run": f"{fit.rank:.3f}",
        "first-pass rates": rates(theirs.rate_min[0], theirs.rate_max[0]),
        "training error, %": f"{theirs.train_error[-1]:.2f}",
        "test error, %": f"{theirs.test_error[-1]:.2f}",
    }


def _at_the_end(runs: Sequence[RunRecord], key: str) -> str:
    """Mean and standard deviation over the finished runs, after their last pass."""
    summary = summarise([run.last[key] for run in runs if not run.diverged])
    if not summary.n:
        return "diverged"
    return f"{summary.mean:.2f}" + (f" {PLUS_MINUS} {summary.sd:.2f}" if summary.n > 1 else "")


EQUATION_8 = "readings/original,loss=distance,half_distance=false,f6_curvature=gauss_newton"
DRAWN = ("readings/original", EQUATION_8, f"{EQUATION_8},initialisation=fan_in")


@shows(*DRAWN)
@rc_context(STYLE)
def learning_curves(*groups: Sequence[RunRecord]) -> Figure:
    """Fig. 5's two curves by reading, and as the authors' own library runs (once).

    The groups are eq. 9 with j = 1, eq. 8 as printed, and that with the literal initial weights.
    """
    kinds = (
        ("eq. 9: original", VERMILION, "-", "."),
        ("eq. 8", BLUE, "-.", "s"),
    )
    published, lush = paper.fig5_curve(), paper.lush_curve()
    panels = (
        ("training error on the fly, %", "train_error_percent", "train_error"),
        ("test error, %", "test_error_percent", "test_error"),
    )
    figure = Figure(figsize=(7.4, 4.4), layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    *_, literal = groups
    failed = brief([run.last["test_error_percent"] for run in literal], digits=0)
    for axes, (label, key, field) in zip(both, panels, strict=True):
        for runs, (name, colour, dashes, marker) in zip(groups, kinds, strict=False):
            band(axes, curve(runs, key), colour, f"{name} (n = {len(runs)})")
            axes.lines[-1].set(ls=dashes, marker=marker)
        theirs = getattr(lush, field)
        axes.plot(lush.passes, theirs, color=GREEN, ls="--", label="authors' library (n = 1)")
        look = {"color": BLACK, "marker": "o", "mfc": "white", "ls": "none", "ms": 4.5}
        axes.plot(published.passes, getattr(published, field), label="Fig. 5 (1998)", **look)
        axes.set(xlabel="pass", ylabel=f"{label} (log scale)", yscale="log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        axes.xaxis.get_major_locator().set_params(integer=True)
    handles, labels = both[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    head(
        figure,
        "Eq. 9 follows Fig. 5, and eq. 8 stays above it\n(not shown: eq. 8 from U(-2.4/F, 2.4/F),"
        f" whose test error ends at {failed} %, n = {len(literal)})",
    )
    return figure
