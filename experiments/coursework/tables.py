"""docs/coursework.md: what coursework reports claim, beside the same measure of our runs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from experiments.results import ANSWERS, everything, shows
from lenet1998.recipes import spaced_name
from lenet1998.report.statistics import holm, prediction_interval, summarise, verdict, welch
from lenet1998.report.style import BLACK, BLUE, STYLE, VERMILION, band, head
from lenet1998.report.tables import PLUS_MINUS, brief, by_recipe, curve, passing, spread
from lenet1998.training.records import RunRecord

COURSEWORK = "coursework"
LAST, BEST, TRAINING = "at the end", "of the best epoch", "training, at the end"
HUNDREDTH = 0.005  # half the last digit of a claim
WHOLE = 0.5


@dataclass(frozen=True)
class Claim:
    """An accuracy that a report claims.

    Attributes:
        recipe: the name of the runs it is set beside.
        when: the epoch it was measured after, or one of ``LAST``, ``BEST`` and ``TRAINING``.
        percent: the accuracy; None where the report has no number in its text.
        known_to: half the last digit given.
    """

    recipe: str
    when: int | str
    percent: float | None
    known_to: float = HUNDREDTH

    def measured(self, runs: Sequence[RunRecord]) -> list[float]:
        """The claim's measure of each run that finished, in percent."""
        return [self._of(run) for run in runs if not run.diverged]

    def verdict(self, runs: Sequence[RunRecord]) -> str:
        """Verdict on the claim as one more run, by errors, whose size limits the width."""
        if self.percent is None:
            return ""
        return _of_errors(self.percent, self.measured(runs), self.known_to)

    def _of(self, run: RunRecord) -> float:
        if self.when == TRAINING:
            return 100 - run.last["train_error_percent"]
        accuracies = accuracy(run)
        if self.when == BEST:
            return max(accuracies)
        return accuracies[-1 if self.when == LAST else self.when - 1]


def _of_errors(percent: float, accuracies: Sequence[float], known_to: float) -> str:
    """The verdict on an accuracy, as one on the share of errors."""
    return verdict(100 - percent, [100 - one for one in accuracies], known_to)


def accuracy(run: RunRecord) -> list[float]:
    """Test accuracy after each epoch, in percent."""
    return [100 - entry["test_error_percent"] for entry in run.per_pass]


CLAIMS = (
    Claim("coursework-24-epochs", 1, 94.46),
    Claim("coursework-24-epochs", BEST, 99.00),
    Claim("coursework-24-epochs", LAST, 98.81),
    Claim("coursework-adam", TRAINING, 99.73),
    Claim("coursework-adam", LAST, 98.89),
    Claim("coursework-tanh-28", TRAINING, None),
    Claim("coursework-tanh-28", LAST, None),
    Claim("coursework-padded", LAST, 99.10),
    Claim("coursework-sweep,eta=0.01,momentum=0.0,passes=8", LAST, 54, WHOLE),
    Claim("coursework-sweep,eta=0.03,momentum=0.0,passes=8", LAST, 95, WHOLE),
    Claim("coursework-sweep,eta=0.01,passes=8", LAST, 89, WHOLE),
    Claim("coursework-sweep", LAST, 99, WHOLE),
)
PADDED_BY_CLASS = (99.39, 99.74, 99.32, 99.21, 98.98, 99.33, 98.64, 98.74, 98.67, 98.91)


@shows(COURSEWORK, everything)
def claims(records: Sequence[RunRecord], every: Sequence[RunRecord]) -> pd.DataFrame:
    """One row per claim: claimed | ours | where one more run would fall | verdict.

    Args:
        records: the reported recipes' runs.
        every: all committed runs, of which the last column says how many pass the same check.
    """
    groups = by_recipe(records)
    rows = []
    for claim in CLAIMS:
        runs = groups.get(claim.recipe, [])
        values = claim.measured(runs)
        low, high = prediction_interval(values)
        told = claim.percent is not None
        rows.append(
            {
                "recipe": spaced_name(claim.recipe),
                "accuracy, %": f"after epoch {claim.when}"
                if isinstance(claim.when, int)
                else claim.when,
                "claimed": f"{claim.percent:g}" if told else "(curves only)",
                "ours": spread(values),
                "one more run, 95 %": f"{low:.2f} to {high:.2f}" if len(values) > 1 else "",
                "verdict": claim.verdict(runs),
                "recipes consistent": passing(every, claim.verdict) if told else "",
            }
        )
    return pd.DataFrame(rows)


@shows(COURSEWORK)
def best_epoch(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Gap between the best of many test scores and the last one, by recipe."""
    rows = []
    for name, runs in by_recipe(records).items():
        curves = [accuracy(run) for run in runs if not run.diverged]
        gains = [max(values) - values[-1] for values in curves]
        rows.append(
            {
                "recipe": spaced_name(name),
                "epochs": runs[0].recipe["passes"],
                "last epoch, %": spread([values[-1] for values in curves]),
                "best epoch, %": spread([max(values) for values in curves]),
                "gained by choosing, points": spread(gains),
                "best epoch of the best run, %": f"{max(map(max, curves)):.2f}" if curves else "",
            }
        )
    return pd.DataFrame(rows)


@shows(ANSWERS)
def by_class(measured: dict) -> pd.DataFrame:
    """``coursework-padded``'s accuracy by digit, beside the claim.

    Args:
        measured: ``by_class``, for each run the accuracy of each digit in percent.
    """
    runs = np.array(measured["by_class"])
    rows = []
    for digit, claimed in enumerate(PADDED_BY_CLASS):
        low, high = prediction_interval(runs[:, digit])
        rows.append(
            {
                "digit": digit,
                "claimed, %": f"{claimed:.2f}",
                "ours, %": spread(runs[:, digit]),
                "one more run, 95 %": f"{low:.2f} to {high:.2f}",
                "verdict": _of_errors(claimed, runs[:, digit], HUNDREDTH),
            }
        )
    return pd.DataFrame(rows)


@shows((COURSEWORK, "coursework_open"))
def open_choices(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Effects of a report's open points on its accuracies.

    A row per alternative, under the recipe as we take it. p is Welch's that the last epoch's
    accuracy is the recipe's own, adjusted by Holm over the table.
    """
    groups = by_recipe(records)
    last = {name: Claim(name, LAST, None).measured(runs) for name, runs in groups.items()}
    bases = {name: base for name in groups if (base := _base(name, groups))}
    varied = list(bases)
    tests = [welch(last[name], last[bases[name]]) for name in varied]
    against = dict(zip(varied, zip(tests, holm([p for _, p in tests]), strict=True), strict=True))
    rows = []
    for base in (name for name in groups if name in bases.values()):
        for name in (base, *(name for name in varied if bases[name] == base)):
            runs = groups[name]
            difference = ""
            if name in against:
                (change, _), p = against[name]
                difference = f"{change:+.2f} (p = {p:.1g})"
            rows.append(
                {
                    "recipe": spaced_name(base) if name == base else "",
                    "open choice": "as taken" if name == base else _varied(name, base),
                    "after epoch 1, %": brief(Claim(name, 1, None).measured(runs), digits=2),
                    "at the end, %": brief(last[name], digits=2),
                    "n": len(last[name]),
                    "difference at the end": difference,
                }
            )
    return pd.DataFrame(rows)


def _base(name: str, groups: dict) -> str | None:
    """The reported recipe that another is a variation of: the one with the most of its switches.

    The settings that one report has results for are no variations of each other.
    """
    reported = [other for other in groups if any(other == claim.recipe for claim in CLAIMS)]
    if name in reported:
        return None
    fewer = [other for other in reported if set(other.split(",")) < set(name.split(","))]
    return max(fewer, key=lambda other: other.count(","), default=None)


def _varied(name: str, base: str) -> str:
    """The switches that a variation has beside those of its base."""
    return ", ".join(part for part in name.split(",") if part not in base.split(","))


# --- Figures ------------------------------------------------------------------------------------

REPORTS = ("24-epochs", "adam", "tanh-28", "padded", "sweep")


@shows(COURSEWORK)
@rc_context(STYLE)
def learning_curves(records: Sequence[RunRecord]) -> Figure:
    """Accuracy after each epoch of the five recipes, with the claims as points."""
    groups = by_recipe(records)
    figure = Figure(figsize=(7.4, 7.4), layout="constrained")
    grid = figure.subplots(3, 2)
    *panels, corner = grid.flat
    for axes, report in zip(panels, REPORTS, strict=True):
        name = f"coursework-{report}"
        runs = [run for run in groups[name] if run.per_pass]
        training = [[100 - error for error in errors] for errors in _errors(runs)]
        band(axes, training, BLUE, "training, on the fly")
        band(axes, [accuracy(run) for run in runs], VERMILION, "test (or held out)")
        axes.lines[1].set(marker="s", ms=3)
        _claimed(axes, name, runs[0].recipe["passes"])
        axes.set_title(f"{name} (n = {len(runs)})")
        axes.set(xlabel="epoch", ylabel="accuracy, %", ylim=(94, 100.15))
        axes.xaxis.get_major_locator().set_params(integer=True)
    corner.axis("off")
    corner.plot([], [], **CLAIMED, label="claimed, test")
    corner.plot([], [], **CLAIMED_TRAINING, label="claimed, training")
    corner.plot([], [], color=BLACK, ls="--", lw=1, label="claimed, best epoch")
    handles = [*panels[0].get_legend_handles_labels()[0], *corner.lines]
    corner.legend(handles=handles, loc="center left")
    title = "Most claims lie near our runs; the first of 24-epochs and that of padded do not"
    head(figure, title)
    return figure


CLAIMED = {"color": BLACK, "marker": "D", "mfc": "white", "ls": "none", "ms": 6}
CLAIMED_TRAINING = {**CLAIMED, "marker": "^"}


def _errors(runs: Sequence[RunRecord]) -> list[list[float]]:
    return curve(runs, "train_error_percent")


def _claimed(axes, name: str, epochs: int) -> None:
    for claim in CLAIMS:
        if claim.recipe != name or claim.percent is None:
            continue
        if claim.when == BEST:
            axes.axhline(claim.percent, color=BLACK, ls="--", lw=1)
        else:
            look = CLAIMED_TRAINING if claim.when == TRAINING else CLAIMED
            when = claim.when if isinstance(claim.when, int) else epochs
            axes.plot(when, claim.percent, zorder=3, **look)


BETTER_IN_BLACK = 0.18
"""Relative luminance of a ground from which on black letters have more contrast than white."""
SHOWN_EPOCHS = (1, 2, 5, 10, 20)


@shows("sweep")
@rc_context({**STYLE, "axes.grid": False})
def sweep(records: Sequence[RunRecord]) -> Figure:
    """Held-out accuracy by learning rate and momentum: a heat map for each number of epochs.

    The colour is of the error's logarithm, because the interesting differences are near 100 %.
    """
    rates = sorted({run.recipe["eta"] for run in records})
    momenta = sorted({run.recipe["momentum"] for run in records})
    seeds = len({run.seed for run in records})
    figure = Figure(figsize=(7.4, 3.6), layout="constrained")
    row = figure.subplots(1, len(SHOWN_EPOCHS), sharey=True)
    for axes, epoch in zip(row, SHOWN_EPOCHS, strict=True):
        cells = np.array(
            [[_errors_of(records, rate, momentum, epoch) for momentum in momenta] for rate in rates]
        )
        errors = cells.mean(-1)
        image = axes.imshow(np.log10(errors), cmap="cividis_r", vmin=0, vmax=2, aspect="auto")
        for i, j in np.ndindex(errors.shape):
            summary = summarise(cells[i, j])
            words = f"{100 - summary.mean:.1f}\n{PLUS_MINUS} {summary.sd:.1f}"
            ground = image.to_rgba(np.log10(errors[i, j]))[:3]
            light = np.dot([0.2126, 0.7152, 0.0722], np.power(ground, 2.2))
            look = {"color": "black" if light > BETTER_IN_BLACK else "white", "size": 8}
            axes.text(j, i, words, ha="center", va="center", **look)
        axes.set_xticks(range(len(momenta)), [f"{momentum:g}" for momentum in momenta])
        axes.set_yticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        axes.set(xlabel="momentum")
        axes.set_title(f"{epoch} epoch{'s' * (epoch > 1)}", loc="center")
        axes.tick_params(length=0)
    row[0].set_ylabel("learning rate")
    bar = figure.colorbar(image, ax=row, label="accuracy, % (log scale of the error)", pad=0.01)
    bar.set_ticks([0, 1, 2], labels=["99", "90", "0"])
    bar.ax.invert_yaxis()
    patterns = records[0].dataset["test_patterns"]
    head(
        figure,
        "With more epochs the accuracy depends less on rate and momentum\n(accuracy on"
        f" {patterns:,} held-out patterns, %: mean {PLUS_MINUS} sd over n = {seeds} seeds)",
    )
    return figure


def _errors_of(
    records: Sequence[RunRecord], rate: float, momentum: float, epoch: int
) -> list[float]:
    """Each run's held-out error; 90 %, a guess, for those that diverged before."""
    return [
        run.per_pass[epoch - 1]["test_error_percent"] if len(run.per_pass) >= epoch else 90.0
        for run in records
        if (run.recipe["eta"], run.recipe["momentum"]) == (rate, momentum)
    ]
