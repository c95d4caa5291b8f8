"""Tables of run records, as pandas frames and as Markdown."""

from collections.abc import Sequence

import pandas as pd

from lenet1998 import paper
from lenet1998.records import RunRecord
from lenet1998.statistics import prediction_interval, summarise

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"


def markdown(frame: pd.DataFrame) -> str:
    """A frame of strings and numbers as a Markdown table, numbers flush right."""
    numeric = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    rule = ["---:" if right else "---" for right in numeric]
    rows = [list(frame.columns), rule, *frame.to_numpy(dtype=object).tolist()]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows) + "\n"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """``mean +- sd (n = 10; 95 % low to high)``, or the value with n = 1."""
    about = summarise(values)
    if not about.n:
        return "none finished (n = 0)"
    if about.n == 1:
        return f"{about.mean:.{digits}f} (n = 1)"
    interval = f"{about.low:.{digits}f} to {about.high:.{digits}f}"
    return (
        f"{about.mean:.{digits}f} {PLUS_MINUS} {about.sd:.{digits}f}"
        f" (n = {about.n}; 95 % of the mean {interval})"
    )


def published(recipe: dict, dataset: str) -> dict | None:
    """The paper's values to set a recipe's runs beside: after as many passes, on as much data.

    None where there are none: on another data set, or with a number of patterns that the paper
    does not report. The networks of other variants are set beside LeNet-5's.
    """
    if dataset != "mnist":
        return None
    whole = {
        "parameters": paper.TOTAL_PARAMETERS,
        "connections": paper.TOTAL_CONNECTIONS,
        "rate_min": paper.RATE_RANGE[0],
        "rate_max": paper.RATE_RANGE[1],
    }
    size = recipe["train_size"] or paper.TRAIN_SIZE
    if recipe["distortions"]:
        if recipe["passes"] < paper.PASSES or size != paper.TRAIN_SIZE:
            return None
        return {
            "source": "section III-B, with distortions",
            "test_error_percent": paper.DISTORTED_TEST_ERROR_PERCENT,
            "train_error_percent": None,
            **whole,
        }
    if size == paper.TRAIN_SIZE and recipe["passes"] >= paper.PASSES:
        return {
            "source": "section III-B",
            "test_error_percent": paper.TEST_ERROR_PERCENT,
            "train_error_percent": paper.TRAIN_ERROR_PERCENT,
            **whole,
        }
    if size == paper.TRAIN_SIZE:
        curve, last = paper.fig5_curve(), recipe["passes"] - 1
        return {
            "source": f"Fig. 5 after pass {recipe['passes']}",
            "test_error_percent": float(curve.test_error[last]),
            "train_error_percent": float(curve.train_error[last]),
            **whole,
        }
    points = paper.fig6_points()
    if recipe["passes"] >= paper.PASSES and size in points.train_size:
        place = list(points.train_size).index(size)
        return {
            "source": f"Fig. 6 at {size:,} patterns",
            "test_error_percent": float(points.test_error[place]),
            "train_error_percent": float(points.train_error[place]),
            **whole,
        }
    return None


def summary_of(records: Sequence[RunRecord]) -> dict:
    """``summary.json``: the runs of one recipe, lists ordered as ``seeds``; null where diverged."""
    first = records[0]

    def last(key: str) -> list:
        return [None if r.diverged else r.last[key] for r in records]

    return {
        "variant": first.recipe["name"],
        "dataset": first.dataset["name"],
        "engine": first.environment["engine"],
        "device": first.environment["device"],
        "seeds": [record.seed for record in records],
        "passes": first.recipe["passes"],
        "status": [record.status for record in records],
        "test_error_percent": last("test_error_percent"),
        "train_error_percent": last("train_error_percent"),
        "test_errors": last("test_errors"),
        "parameters": first.parameters,
        "connections": first.connections,
        "rate_min": [r.per_pass[0]["rate_min"] if r.per_pass else None for r in records],
        "rate_max": [r.per_pass[0]["rate_max"] if r.per_pass else None for r in records],
        "seconds": [record.seconds for record in records],
        "paper": published(first.recipe, first.dataset["name"]),
    }


def _known(values: Sequence) -> list:
    return [value for value in values if value is not None]


def _rates(low: float, high: float) -> str:
    return f"{low:.1e} to {high:.1e}"


def beside_the_paper(summary: dict) -> pd.DataFrame:
    """This run | the paper; without the second column where the paper has nothing to compare."""
    test = _known(summary["test_error_percent"])
    ours = {
        "test error, %": spread(test),
        "training error on the fly, %": spread(_known(summary["train_error_percent"])),
        "misread test patterns": ", ".join(
            "diverged" if n is None else f"{n}" for n in summary["test_errors"]
        ),
        "parameters": f"{summary['parameters']:,}",
        "connections": f"{summary['connections']:,}",
    }
    lows, highs = _known(summary["rate_min"]), _known(summary["rate_max"])
    if lows:
        ours["effective rates, pass 1"] = _rates(min(lows), max(highs))
    if len(test) > 1:
        low, high = prediction_interval(test)
        ours["one more run, 95 %"] = f"{low:.2f} to {high:.2f}"
    frame = {"": list(ours), f"{summary['variant']} on {summary['dataset']}": list(ours.values())}
    if theirs := summary["paper"]:
        known = {
            "test error, %": theirs["test_error_percent"],
            "training error on the fly, %": theirs["train_error_percent"],
            "parameters": f"{theirs['parameters']:,}",
            "connections": f"{theirs['connections']:,}",
            "effective rates, pass 1": _rates(theirs["rate_min"], theirs["rate_max"]),
        }
        values = ["" if known.get(row) is None else str(known[row]) for row in ours]
        frame[f"the paper ({theirs['source']})"] = values
    return pd.DataFrame(frame)


def curve(records: Sequence[RunRecord], key: str) -> list[list[float]]:
    """One list per run of a value after each pass, diverged runs up to their last good pass."""
    return [[entry[key] for entry in record.per_pass] for record in records]
