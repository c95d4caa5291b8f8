"""docs/open-questions.md: the search over all readings, its finalists, and what is decided."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from experiments.readings import departures
from experiments.readings.scores import DRAWS, SURE, Misfit, Trial, misfit
from experiments.results import SEARCH, runs_in, shows
from lenet1998 import paper
from lenet1998.recipes import join_name, spaced_name, split_name
from lenet1998.report.style import BLACK, BLUE, ORANGE, STYLE, head
from lenet1998.report.tables import brief, by_recipe, rates
from lenet1998.training.records import RunRecord

OPEN = (
    "initialisation",
    "initial_gain",
    "pooling",
    "initial_coefficients",
    "initial_coefficient",
    "initial_biases",
    "half_distance",
    "f6_curvature",
    "loss",
    "rubbish_j",
    "mu_subsampling",
    "mu_f6",
)
"""The switches that readings differ in."""
STUDY = "search"
SHORT = 5
"""Passes of the first stage."""
SEEDS = {1: (100,), 2: (100,), 3: (101, 102, 103), 4: range(104, 134)}
"""Seeds of each stage; the last is the finalists'."""
LETTERS = "ABCDEFGH"
SHOWN = 20
"""Readings of a stage that a table shows."""
FIRST = "original"
"""The first reading, which it was when the search was made and is again."""
ARROW = {"arrowstyle": "-", "color": BLACK, "lw": 0.8}
NEAR = 2.0
"""Units of S up to which the figure's title counts a reading as near; for R it is 1."""
STALLED = 50.0
"""Percent of test patterns misclassified from which on a net has learnt nothing to speak of."""


def stage_of(run: RunRecord) -> int:
    """Stage of the search that a run is of."""
    if run.recipe["passes"] == SHORT:
        return 1
    return next(stage for stage in (2, 3, 4) if run.seed in SEEDS[stage])


def last_stage(results: Path) -> list[RunRecord]:
    """The finalists' runs."""
    return [run for run in runs_in(results, STUDY) if stage_of(run) == 4]


def _by_reading(runs: Sequence[RunRecord], stage: int) -> dict[str, list[Trial]]:
    """A stage's trials by the name of their reading over all passes."""
    groups: dict[str, list[Trial]] = {}
    for run in runs:
        if stage_of(run) == stage:
            variant, switches = split_name(run.recipe["name"])
            switches.pop("passes", None)
            groups.setdefault(join_name(variant, switches), []).append(Trial.of_record(run))
    return groups


def _ranked(groups: Mapping[str, Sequence[Trial]]) -> list[tuple[str, Misfit]]:
    found = {name: misfit(trials) for name, trials in groups.items()}
    return sorted(found.items(), key=lambda item: item[1].all)


def _stages(runs: Sequence[RunRecord]) -> list[int]:
    """Stages that have run, before the finalists."""
    return sorted({stage_of(run) for run in runs} - {4})


def _two(value: float) -> str:
    return f"{value:.2f}"


@shows(STUDY)
def stages(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """Stages of the search that have run, with the misfits of their readings."""
    rows = []
    for stage in _stages(runs):
        groups = _by_reading(runs, stage)
        trials = [trial for group in groups.values() for trial in group]
        fits = [fit.all for _, fit in _ranked(groups)]
        rows.append(
            {
                "stage": stage,
                "readings": len(groups),
                "seeds": ", ".join(map(str, sorted({trial.seed for trial in trials}))),
                "passes": max(len(trial.train) for trial in trials),
                "diverged": sum(trial.diverged for trial in trials),
                "failed": sum(bool(t.test) and t.test[-1] > STALLED for t in trials),
                "smallest M": _two(fits[0]),
                "median M": _two(float(np.median(fits))),
                "rank correlation": _correlation(runs, stage),
            }
        )
    return pd.DataFrame(rows)


def _correlation(runs: Sequence[RunRecord], stage: int) -> str:
    """Spearman's, of the misfits of the readings that both stages have."""
    here, before = (dict(_ranked(_by_reading(runs, n))) for n in (stage, stage - 1))
    shared = [name for name in here if name in before]
    if len(shared) < 3:
        return ""
    return _two(spearmanr(*([fits[n].all for n in shared] for fits in (here, before))).statistic)


@shows(STUDY)
def best(runs: Sequence[RunRecord]) -> pd.DataFrame:
    """The readings of the last stage that has run, at most twenty, the smallest misfit first."""
    groups = _by_reading(runs, _stages(runs)[-1])
    rows = []
    for name, fit in _ranked(groups)[:SHOWN]:
        trials = groups[name]
        low, high = np.exp(np.mean(np.log([trial.rates for trial in trials]), axis=0))
        rows.append(
            {
                "reading": spaced_name(name),
                "n": len(trials),
                "S": _two(fit.curves),
                "R": _two(fit.rates),
                "M": _two(fit.all),
                "first-pass rates": rates(low, high),
                "training error, %": _spread([t.train[-1] for t in trials]),
                "test error, %": _spread([t.test[-1] for t in trials]),
            }
        )
    return pd.DataFrame(rows)


def _spread(values: Sequence[float]) -> str:
    return brief(values, digits=2)


# --- The finalists ------------------------------------------------------------------------------


def ranked_finalists(content: dict, records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """The runs without noise by reading, the smallest misfit first."""
    plain = by_recipe([run for run in records if not run.recipe["noise"]])
    fits = {name: _fit(content, runs) for name, runs in plain.items()}
    return {name: plain[name] for name in sorted(plain, key=lambda name: fits[name].all)}


def _fit(content: dict, runs: Sequence[RunRecord], draw=None) -> Misfit:
    name = runs[0].recipe["name"]
    nets = [net["sizes"] for net in content["nets"] if net["recipe"] == name]
    trials = [Trial.of_record(run) for run in runs]
    return misfit(trials, nets, content["net_1998"], draw)


def _drawn(content: dict, groups: Mapping[str, Sequence[RunRecord]]) -> dict[str, np.ndarray]:
    """M of each finalist in every draw of seeds."""
    generator = np.random.default_rng(1)
    return {
        name: np.broadcast_to(_fit(content, runs, generator).all, DRAWS)
        for name, runs in groups.items()
    }


def decision(content: dict, records: Sequence[RunRecord]) -> tuple[str, str]:
    """The reading that the rules take, and why, in words."""
    groups = ranked_finalists(content, records)
    drawn = _drawn(content, groups)
    first, today = next(iter(groups)), FIRST
    below = float(np.mean(drawn[first] < drawn[today]))
    if below > SURE:
        return (
            first,
            f"its M is below that of the first reading in {100 * below:.1f} % of the draws",
        )
    equal = [name for name in groups if np.mean(drawn[first] < drawn[name]) <= SURE]
    if len(equal) == 1:
        return first, "every other finalist's M is above its own"

    def order(name: str) -> tuple[int, bool]:
        return len(departures.of(groups[name][0].recipe)), name != today

    nearest = min(equal, key=order)
    return nearest, (
        f"nothing distinguishes {len(equal)} of the finalists, and of these it is nearest to the"
        " printed text"
    )


@shows(SEARCH, last_stage)
def finalists(content: dict, records: Sequence[RunRecord]) -> pd.DataFrame:
    """The finalists, the smallest misfit first, and what is decided."""
    groups = ranked_finalists(content, records)
    drawn = _drawn(content, groups)
    taken, _ = decision(content, records)
    rows = []
    for letter, (name, runs) in zip(LETTERS, groups.items(), strict=False):
        fit = _fit(content, runs)
        rows.append(
            {
                "": f"**{letter}** (taken)" if name == taken else letter,
                "n": len(runs),
                "S": _two(fit.curves),
                "R": _two(fit.rates),
                "N": _two(fit.net),
                "M": _two(fit.all),
                "M below F's": ""
                if name == FIRST
                else f"{100 * np.mean(drawn[name] < drawn[FIRST]):.1f} % of draws",
                "departures": len(departures.of(runs[0].recipe)),
            }
        )
    return pd.DataFrame(rows)


@shows(SEARCH, last_stage)
def names(content: dict, records: Sequence[RunRecord]) -> pd.DataFrame:
    """The finalists by letter: their switches that differ from a variant, and their errors."""
    rows = []
    ranked = ranked_finalists(content, records)
    for letter, (name, runs) in zip(LETTERS, ranked.items(), strict=False):
        rows.append(
            {
                "": letter,
                "reading": spaced_name(name),
                "training error, %": _last(runs, "train_error_percent"),
                "test error, %": _last(runs, "test_error_percent"),
            }
        )
    return pd.DataFrame(rows)


def _last(runs: Sequence[RunRecord], key: str) -> str:
    """Mean and standard deviation after the last pass."""
    return "diverged" if any(r.diverged for r in runs) else _spread([r.last[key] for r in runs])


@shows(SEARCH, last_stage)
def nets(content: dict, records: Sequence[RunRecord]) -> pd.DataFrame:
    """The quantities that N compares: of 1998's net, and of each finalist's with noise."""
    rows = []
    for quantity, theirs in content["net_1998"].items():
        row = {"quantity": quantity, "1998": f"{theirs:.3f}"}
        for letter, name in zip(LETTERS, ranked_finalists(content, records), strict=False):
            ours = [net["sizes"][quantity] for net in content["nets"] if net["recipe"] == name]
            row[f"{letter} (n = {len(ours)})"] = brief(ours, digits=3)
        rows.append(row)
    return pd.DataFrame(rows)


@shows(SEARCH, last_stage)
def rates_by_layer(content: dict, records: Sequence[RunRecord]) -> pd.DataFrame:
    """The range of effective rates that each layer begins with, by finalist."""
    rows = []
    for layer in (name for name, count in paper.PARAMETERS.items() if count):
        row = {"layer": layer.upper()}
        for letter, name in zip(LETTERS, ranked_finalists(content, records), strict=False):
            found = [r["layers"][layer] for r in content["rates"] if r["recipe"] == name]
            low, high = np.exp(np.mean(np.log(found), axis=0))
            row[f"{letter} (n = {len(found)})"] = rates(low, high)
        rows.append(row)
    return pd.DataFrame(rows)


@shows(STUDY)
@rc_context(STYLE)
def figure(runs: Sequence[RunRecord]) -> Figure:
    """Misfits of the readings with the curves and the rates: of stage 1, and of the last one."""
    fits = dict(_ranked(_by_reading(runs, 1)))
    last = _by_reading(runs, _stages(runs)[-1])
    seeds = {len(trials) for trials in last.values()}
    kinds = {"sums": (BLUE, "o"), "averages": (ORANGE, "^")}
    drawing = Figure(figsize=(7, 4.6), layout="constrained")
    axes = drawing.subplots()
    for kind, (colour, marker) in kinds.items():
        chosen = [
            fit
            for name, fit in fits.items()
            if ("trainable_average" in name) == (kind == "averages") and np.isfinite(fit.all)
        ]
        points = np.array([(fit.curves, fit.rates) for fit in chosen])
        label = f"{kind}, 5 passes (n = {len(chosen)} readings, one seed)"
        axes.scatter(*points.T, s=16, color=colour, marker=marker, alpha=0.6, label=label)
    ranked = _ranked(last)
    points = np.array([(fit.curves, fit.rates) for _, fit in ranked])
    label = f"the best {len(last)}, 20 passes (n = {max(seeds)} each)"
    axes.scatter(*points.T, s=40, facecolors="none", edgecolors=BLACK, label=label)
    name, fit = ranked[0]
    beside = {"xytext": (-6, -22), "textcoords": "offset points", "ha": "right"}
    axes.annotate(split_name(name)[0], (fit.curves, fit.rates), arrowprops=ARROW, **beside)
    stalled = max(fit.curves for fit in fits.values() if np.isfinite(fit.all))
    axes.annotate("failed:\n90 % error", (stalled, 1), xytext=(8, 0), textcoords="offset points")
    near = sum(fit.curves <= NEAR and fit.rates <= 1 for fit in fits.values())
    title = f"{near} of {len(fits)} readings come near to both the curves (S) and the rates (R)"
    head(drawing, title)
    axes.set(xscale="log", xlabel="S: distance from Fig. 5's curves, in units of 10 % (log scale)")
    axes.set(ylabel="R: distance from the rates, in factors of 2")
    axes.xaxis.set_major_formatter("{x:g}")
    drawing.legend(loc="outside lower center", ncols=1)
    return drawing
