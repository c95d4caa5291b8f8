"""Tables of run records, as pandas frames and as Markdown."""

from collections.abc import Callable, Sequence

import pandas as pd

from lenet1998 import paper
from lenet1998.recipes import split_name
from lenet1998.report.statistics import CONSISTENT, ENOUGH, prediction_interval, summarise
from lenet1998.training.records import RunRecord

PLUS_MINUS = "\N{PLUS-MINUS SIGN}"


def markdown(frame: pd.DataFrame) -> str:
    """A frame of strings and numbers as a Markdown table, numbers flush right."""
    numeric = [pd.api.types.is_numeric_dtype(frame[column]) for column in frame]
    rule = ["---:" if right else "---" for right in numeric]
    rows = [list(frame.columns), rule, *frame.to_numpy(dtype=object).tolist()]
    lines = (" | ".join(str(cell).translate(_MARKDOWN) for cell in row) for row in rows)
    return "".join(f"| {line} |\n" for line in lines)


_MARKDOWN = str.maketrans({"|": r"\|", "<": "&lt;", "\n": " "})
"""Characters that would end a cell, or begin a tag; other markup is the tables' own."""
_TEX = str.maketrans(
    {
        **{letter: f"\\{letter}" for letter in "&%$#_{}"},
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        PLUS_MINUS: r"$\pm$",
    }
)


def latex(frame: pd.DataFrame) -> str:
    """A frame as a LaTeX table with the rules of the package booktabs, numbers flush right."""
    columns = "".join("r" if pd.api.types.is_numeric_dtype(frame[c]) else "l" for c in frame)
    rows = [list(frame.columns), *frame.to_numpy(dtype=object).tolist()]
    head, *body = [" & ".join(str(cell).translate(_TEX) for cell in row) + r" \\" for row in rows]
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *body]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def spread(values: Sequence[float], digits: int = 2) -> str:
    """``mean +- sd (n = 10; 95 % low to high)``, or the value with n = 1."""
    summary = summarise(values)
    if not summary.n:
        return "none finished (n = 0)"
    if summary.n == 1:
        return f"{summary.mean:.{digits}f} (n = 1)"
    interval = f"{summary.low:.{digits}f} to {summary.high:.{digits}f}"
    return (
        f"{summary.mean:.{digits}f} {PLUS_MINUS} {summary.sd:.{digits}f}"
        f" (n = {summary.n}; 95 % of the mean {interval})"
    )


def brief(values: Sequence[float], unit: str = "", digits: int = 1) -> str:
    """``mean +- sd``, where n stands in a column of its own."""
    summary = summarise(values)
    if not summary.n:
        return "none"
    sd = f" {PLUS_MINUS} {summary.sd:.{digits}f}" if summary.n > 1 else ""
    return f"{summary.mean:.{digits}f}{sd}{unit}"


SECTION_III_B = ("original", "original-logistic", "printed", "original-literal", "fitted")
"""The variants that are the run of section III-B, its open points read in one way or another."""


def in_fig5(recipe: dict, dataset: str) -> bool:
    """Test for a run of Fig. 5: ``original``, however its open points are read, on all data.

    The name tells what is changed, because it is true (:mod:`lenet1998.recipes`).
    """
    variant, changes = split_name(recipe["name"])
    return (
        dataset == "mnist"
        and variant in SECTION_III_B
        and changes.keys() <= {"passes", "train_size"}
        and recipe["train_size"] in (None, paper.TRAIN_SIZE)
        and recipe["passes"] <= paper.PASSES
    )


def published(recipe: dict, dataset: str) -> dict | None:
    """The paper's values to set a recipe's runs beside; None where the paper has no such run.

    It has the run of section III-B after each of its passes (Fig. 5) and on fewer patterns
    (Fig. 6), and ``distortions``.
    """
    variant, changes = split_name(recipe["name"])
    size, points = recipe["train_size"], paper.fig6_points()
    if in_fig5(recipe, dataset) and recipe["passes"] == paper.PASSES:
        source = "section III-B"
        test, train = paper.TEST_ERROR_PERCENT, paper.TRAIN_ERROR_PERCENT
    elif in_fig5(recipe, dataset):
        curve, last = paper.fig5_curve(), recipe["passes"] - 1
        source = f"Fig. 5 after pass {recipe['passes']}"
        test, train = float(curve.test_error[last]), float(curve.train_error[last])
    elif dataset == "mnist" and recipe["name"] == "distortions":
        source = "section III-B, with distortions"
        test, train = paper.DISTORTED_TEST_ERROR_PERCENT, None
    elif (
        dataset == "mnist"
        and variant in SECTION_III_B
        and changes.keys() == {"train_size"}
        and size in points.train_size
    ):
        place = list(points.train_size).index(size)
        source = f"Fig. 6 at {size:,} patterns"
        test, train = float(points.test_error[place]), float(points.train_error[place])
    else:
        return None
    return {
        "source": source,
        "test_error_percent": test,
        "train_error_percent": train,
        "parameters": paper.TOTAL_PARAMETERS,
        "connections": paper.TOTAL_CONNECTIONS,
        "rate_min": paper.RATE_RANGE[0],
        "rate_max": paper.RATE_RANGE[1],
    }


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


def rates(low: float, high: float) -> str:
    return f"{low:.1e} to {high:.1e}"


def beside_the_paper(summary: dict) -> pd.DataFrame:
    """This run | the paper; without the second column where the paper has nothing to compare."""
    test = _known(summary["test_error_percent"])
    ours = {
        "test error, %": spread(test),
        "training error on the fly, %": spread(_known(summary["train_error_percent"])),
        "misclassified test patterns": ", ".join(
            "diverged" if n is None else f"{n}" for n in summary["test_errors"]
        ),
        "parameters": f"{summary['parameters']:,}",
        "connections": f"{summary['connections']:,}",
    }
    lows, highs = _known(summary["rate_min"]), _known(summary["rate_max"])
    if lows:
        ours["effective rates, pass 1"] = rates(min(lows), max(highs))
    if len(test) > 1:
        low, high = prediction_interval(test)
        ours["one more run, 95 %"] = f"{low:.2f} to {high:.2f}"
        if theirs := summary["paper"]:
            reached = sum(error <= theirs["test_error_percent"] for error in test)
            ours["runs at the paper's test error or less"] = f"{reached} of {len(test)}"
    frame = {"": list(ours), f"{summary['variant']} on {summary['dataset']}": list(ours.values())}
    if theirs := summary["paper"]:
        known = {
            "test error, %": theirs["test_error_percent"],
            "training error on the fly, %": theirs["train_error_percent"],
            "parameters": f"{theirs['parameters']:,}",
            "connections": f"{theirs['connections']:,}",
            "effective rates, pass 1": rates(theirs["rate_min"], theirs["rate_max"]),
        }
        values = ["" if known.get(row) is None else str(known[row]) for row in ours]
        frame[f"the paper ({theirs['source']})"] = values
    return pd.DataFrame(frame)


def curve(records: Sequence[RunRecord], key: str) -> list[list[float]]:
    """One list per run of a value after each pass, diverged runs up to their last good pass."""
    return [[entry[key] for entry in record.per_pass] for record in records]


def passing(
    records: Sequence[RunRecord],
    judge: Callable[[Sequence[RunRecord]], str],
    patterns: int = paper.TRAIN_SIZE,
) -> str:
    """Count the recipes that are consistent with a published number, of all.

    Args:
        records: all that there are; studies may share runs. A recipe counts if it learns from so
            many patterns, is tested on the test set, and six or more of its runs finished.
        judge: gives a recipe's verdict.
        patterns: that a run learns from.
    """
    runs: dict[str, dict[int, RunRecord]] = {}
    for run in records:
        size = run.recipe.get("train_size") or paper.TRAIN_SIZE
        if size == patterns and not run.recipe.get("held_out") and not run.diverged:
            runs.setdefault(run.recipe["name"], {}).setdefault(run.seed, run)
    verdicts = [judge(list(some.values())) for some in runs.values() if len(some) >= ENOUGH]
    return f"{verdicts.count(CONSISTENT)} of {len(verdicts)}"


def by_recipe(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Records grouped by recipe name, in the order they come."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(record.recipe["name"], []).append(record)
    return groups
