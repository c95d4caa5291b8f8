"""Tables of run records, as pandas frames and as Markdown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lenet1998 import names, paper
from lenet1998.records import RunRecord
from lenet1998.statistics import holm, log_ratio_rms, prediction_interval, summarise, welch

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


def brief(values: Sequence[float], unit: str = "", digits: int = 1) -> str:
    """``mean +- sd``, where n stands in a column of its own."""
    about = summarise(values)
    if not about.n:
        return "none"
    sd = f" {PLUS_MINUS} {about.sd:.{digits}f}" if about.n > 1 else ""
    return f"{about.mean:.{digits}f}{sd}{unit}"


SECTION_III_B = ("original", "original-logistic", "original-literal")
"""The variants that are the run of section III-B, its open points read in one way or another."""


def in_fig5(recipe: dict, dataset: str) -> bool:
    """Whether Fig. 5 is of such a run: ``original``, however its open points are read, on all data.

    The name tells what is changed, because it is true (:mod:`lenet1998.names`).
    """
    variant, changes = names.split(recipe["name"])
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
    variant, changes = names.split(recipe["name"])
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


def by_recipe(records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Records grouped by recipe name, in the order they come."""
    groups: dict[str, list[RunRecord]] = {}
    for record in records:
        groups.setdefault(record.recipe["name"], []).append(record)
    return groups


@dataclass(frozen=True)
class Score:
    """How near the mean curves of a reading's runs are to Fig. 5's (docs/protocol.md)."""

    training: float
    test: float

    @property
    def rank(self) -> float:
        """What readings are ranked by: the root mean square of the two."""
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


def readings(records: Sequence[RunRecord]) -> pd.DataFrame:
    """One row per reading: its score against Fig. 5, and what it is read with. Best first."""
    rows = [_lush()]
    for name, runs in by_recipe(records).items():
        about = score(runs)
        first = [run.per_pass[0] for run in runs if run.per_pass]
        low = min((entry["rate_min"] for entry in first), default=math.nan)
        high = max((entry["rate_max"] for entry in first), default=math.nan)
        rows.append(
            {
                "reading": names.spaced(name),
                "n": len(runs),
                **_scores(about),
                "score of one run": _one_by_one(runs),
                "first-pass rates": _rates(low, high) if first else "",
                "training error at the end, %": _at_the_end(runs, "train_error_percent"),
                "test error at the end, %": _at_the_end(runs, "test_error_percent"),
            }
        )
    frame = pd.DataFrame(rows).sort_values("score, both", kind="stable")
    for column in _scores(None):
        frame[column] = [f"{v:.3f}" if math.isfinite(v) else "diverged" for v in frame[column]]
    return frame


FINALIST = 10
"""Runs of a reading that was taken to the end."""


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
    frame = readings(records).set_index("reading").loc[[names.spaced(name) for name in ranked]]
    frame["against the first"] = [
        "",
        *(f"{d:+.3f} (p = {p:.1g})" for (d, _), p in zip(tests, adjusted, strict=True)),
    ]
    return frame.reset_index()[
        ["reading", "n", "score, both", "score of one run", "against the first", "first-pass rates"]
    ]


def _scores(about: Score | None) -> dict[str, float]:
    values = (about.rank, about.training, about.test) if about else (math.inf,) * 3
    return dict(zip(("score, both", "training", "test"), values, strict=True))


def _one_by_one(runs: Sequence[RunRecord]) -> str:
    """Mean and standard deviation of the scores that runs have alone."""
    about = summarise([alone.rank for run in runs if (alone := score([run]))])
    if not about.n:
        return "diverged"
    return f"{about.mean:.3f}" + (f" {PLUS_MINUS} {about.sd:.3f}" if about.n > 1 else "")


def _lush() -> dict:
    """The authors' own library's run as a row."""
    theirs, published = paper.lush_curve(), paper.fig5_curve()
    passes = slice(0, paper.PASSES)
    about = Score(
        log_ratio_rms(theirs.train_error[passes], published.train_error[passes]),
        log_ratio_rms(theirs.test_error[passes], published.test_error[passes]),
    )
    return {
        "reading": "*the authors' library (eq. 8, factor 1/2), as run*",
        "n": 1,
        **_scores(about),
        "score of one run": f"{about.rank:.3f}",
        "first-pass rates": _rates(theirs.rate_min[0], theirs.rate_max[0]),
        "training error at the end, %": f"{theirs.train_error[-1]:.2f}",
        "test error at the end, %": f"{theirs.test_error[-1]:.2f}",
    }


def _at_the_end(runs: Sequence[RunRecord], key: str) -> str:
    """Mean and standard deviation over the finished runs, after their last pass."""
    about = summarise([run.last[key] for run in runs if not run.diverged])
    if not about.n:
        return "diverged"
    return f"{about.mean:.2f}" + (f" {PLUS_MINUS} {about.sd:.2f}" if about.n > 1 else "")


def benchmark(result: dict) -> pd.DataFrame:
    """What :mod:`lenet1998.benchmark` measured, one line each."""
    rows = {}
    for engine in result["engines"]:
        rows[f"{engine['engine']}, one thread"] = (
            f"{engine['cpu_us']:.1f} us a pattern (wall {engine['wall_us']:.1f});"
            f" {engine['times_eager']:.1f} times eager"
        )
    rows["arithmetic floor of this core"] = (
        f"{result['floor_us']:.1f} us ({result['multiply_accumulates']:,} multiply-accumulates at"
        f" {result['peak_multiply_accumulates_per_us'] / 1000:.0f} a ns, measured)"
    )
    rows["compiling, empty cache and filled"] = (
        f"{result['compile_first_s']:.1f} s and {result['compile_again_s']:.2f} s"
    )
    if result["two_at_once"]:
        rows["two runs at once"] = f"{result['two_at_once']:.2f} times the time of one"
    if whole := result["whole_run"]:
        rows[f"{whole['passes']} passes with evaluation"] = (
            f"{whole['cpu_s']:.0f} s of one core (wall {whole['wall_s']:.0f} s),"
            f" {whole['peak_memory_gb']:.2f} GB at most"
        )
    rows["many runs on a GPU"] = (
        f"{result['gpu']['patterns_per_second']:,.0f} patterns/s over {result['gpu']['runs']} runs"
        if result["gpu"]
        else "not measured: no CUDA device here"
    )
    about = result["environment"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    rows["measured on"] = (
        f"{about['processor']}, {about['cores']} cores, {result['dataset']}, {versions};"
        f" medians of {result['rounds']} rounds"
    )
    return pd.DataFrame({"what": list(rows), "measured": list(rows.values())})
