"""Variants side by side: accuracy, parameters, connections, work and time, from their records."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from lenet1998.recipes import multiply_accumulates
from lenet1998.report.statistics import holm, summarise, welch
from lenet1998.report.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, STYLE, VERMILION, band, head
from lenet1998.report.tables import curve, spread
from lenet1998.training.records import RunRecord

Groups = dict[str, list[RunRecord]]

COLOURS = (VERMILION, BLUE, GREEN, PURPLE, ORANGE, BLACK)
MARKERS = "osD^vX"
DASHES = ("-", "--", "-.", ":")


def asked(record: RunRecord) -> str:
    """The patterns that a run's test error is of."""
    held_out = record.recipe.get("held_out")
    what = "held out of training" if held_out else "test patterns"
    return f"{record.dataset['test_patterns']:,} {what}"


def compare(groups: Groups) -> dict:
    """Everything the tables show, by variant, for ``comparison.json``.

    Args:
        groups: each variant's runs, in the order to show them; differences are from the first.
    """
    errors = {name: _finished(runs, "test_error_percent") for name, runs in groups.items()}
    return {
        name: {
            "seeds": [run.seed for run in runs],
            "status": [run.status for run in runs],
            "dataset": runs[0].dataset["name"],
            "asked": asked(runs[0]),
            "passes": runs[0].recipe["passes"],
            "test_error_percent": errors[name],
            "train_error_percent": _finished(runs, "train_error_percent"),
            "parameters": runs[0].parameters,
            "connections": runs[0].connections,
            "multiply_accumulates": runs[0].multiply_accumulates,
            "patterns_seen": runs[0].recipe["passes"] * runs[0].dataset["train_patterns"],
            "seconds": [run.seconds for run in runs if not run.diverged],
            "layers": [
                {**layer, "multiply_accumulates": _work(layer, runs[0])} for layer in runs[0].layers
            ],
            **against,
        }
        for (name, runs), against in zip(groups.items(), _against(groups, errors), strict=True)
    }


def _work(layer: dict, run: RunRecord) -> int:
    return multiply_accumulates(layer, run.recipe["pooling"])


def _finished(runs: Sequence[RunRecord], key: str) -> list[float]:
    return [run.last[key] for run in runs if not run.diverged]


def _against(groups: Groups, errors: dict[str, list[float]]) -> list[dict]:
    """Difference of mean test errors from the first variant and Welch's p, adjusted by Holm.

    Nothing where the patterns asked about are others, or a side has fewer than two finished runs.
    """
    (first, runs), *_ = groups.items()
    patterns = (runs[0].dataset["checksum"], asked(runs[0]))
    comparable = [
        name
        for name, runs in groups.items()
        if name != first
        and (runs[0].dataset["checksum"], asked(runs[0])) == patterns
        and min(len(errors[first]), len(errors[name])) > 1
    ]
    tests = {name: welch(errors[name], errors[first]) for name in comparable}
    adjusted = dict(zip(comparable, holm([p for _, p in tests.values()]), strict=True))
    return [
        {
            "difference": tests[name][0] if name in tests else None,
            "p": adjusted.get(name),
        }
        for name in groups
    ]


def side_by_side(groups: Groups) -> pd.DataFrame:
    """One column a variant."""
    first = next(iter(groups))
    columns = {}
    for name, numbers in compare(groups).items():
        diverged = numbers["status"].count("diverged")
        if numbers["difference"] is not None:
            against = f"{numbers['difference']:+.2f} (p = {numbers['p']:.1g})"
        else:
            against = "" if name == first else "not comparable"
        columns[name] = {
            "test error, %": spread(numbers["test_error_percent"])
            + (f"; {diverged} diverged" if diverged else ""),
            "of": numbers["asked"],
            f"against {first}": against,
            "training error on the fly, %": spread(numbers["train_error_percent"]),
            "parameters": f"{numbers['parameters']:,}",
            "connections": f"{numbers['connections']:,}",
            "multiply-accumulates to read a pattern": f"{numbers['multiply_accumulates']:,}",
            "patterns seen in training": f"{numbers['patterns_seen']:,}",
            "training, seconds of one core": _seconds(numbers["seconds"]),
        }
    frame = pd.DataFrame(columns)
    frame = frame[(frame != "").any(axis=1)]
    return frame.rename_axis("").reset_index()


def _seconds(values: Sequence[float]) -> str:
    """The fastest run: the others shared their core with more of other work."""
    return f"{min(values):.0f} (fastest of {len(values)})" if values else "none finished"


def tidy(groups: Groups) -> pd.DataFrame:
    """One row a variant, numbers as numbers, for ``comparison.csv``."""
    rows = []
    for name, numbers in compare(groups).items():
        test = summarise(numbers["test_error_percent"])
        rows.append(
            {
                "variant": name,
                "n": test.n,
                "test_error_percent": test.mean,
                "sd": test.sd,
                "low": test.low,
                "high": test.high,
                "train_error_percent": summarise(numbers["train_error_percent"]).mean,
                **{
                    key: numbers[key]
                    for key in (
                        "asked",
                        "difference",
                        "p",
                        "parameters",
                        "connections",
                        "multiply_accumulates",
                        "passes",
                        "patterns_seen",
                    )
                },
                "seconds": min(numbers["seconds"], default=math.nan),
            }
        )
    return pd.DataFrame(rows)


def by_layer(groups: Groups) -> pd.DataFrame:
    """Parameters / connections / multiply-accumulates: a row a layer, a column a variant."""
    columns = {}
    for name, (run, *_) in groups.items():
        counts = {
            layer["name"]: (
                layer["parameters"],
                layer["connections"],
                _work(layer, run),
            )
            for layer in run.layers
        }
        counts["total"] = tuple(map(sum, zip(*counts.values(), strict=True)))
        columns[name] = {
            layer: " / ".join(f"{number:,}" for number in numbers)
            for layer, numbers in counts.items()
        }
    return pd.DataFrame(columns).rename_axis("layer").reset_index()


@rc_context(STYLE)
def learning_curves(groups: Groups) -> Figure:
    """Training error on the fly and test error after each pass, a band a variant."""
    panels = (
        ("test error, % (log scale)", "test_error_percent", (1, 1.5, 2, 3, 5)),
        ("training error on the fly, % (log scale)", "train_error_percent", (1, 2, 5)),
    )
    figure = Figure(figsize=(7.4, 4.6), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, (label, key, ticks) in zip(both, panels, strict=True):
        for place, (name, runs) in enumerate(groups.items()):
            begun = [run for run in runs if run.per_pass]
            if begun:
                colour = COLOURS[place % len(COLOURS)]
                band(axes, curve(begun, key), colour, f"{name} (n = {len(begun)})")
                axes.lines[-1].set(
                    marker=MARKERS[place % len(MARKERS)], ls=DASHES[place % len(DASHES)]
                )
        axes.set(xlabel="pass", ylabel=label, yscale="log")
        axes.yaxis.set_major_locator(LogLocator(subs=ticks))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
        axes.xaxis.get_major_locator().set_params(integer=True)
    columns = 4 if max(map(len, groups)) < 18 else 2
    handles = both[0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=columns)
    head(figure, _message(groups))
    return figure


def _message(groups: Groups) -> str:
    """Spread of the variants' mean test errors after the last pass, as a title."""
    ends = [values for runs in groups.values() if (values := _finished(runs, "test_error_percent"))]
    if len(ends) < 2:
        return "Test and training error after each pass"
    apart = np.ptp([np.mean(values) for values in ends])
    return f"{len(ends)} recipes end within {apart:.2f} percentage points of test error"
