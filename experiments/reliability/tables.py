"""docs/reliability.md: what a hostile day found."""

import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.results import FAULTS, shows
from lenet1998.report.style import BLACK, BLUE, SKY, STYLE, VERMILION, head


@shows(FAULTS)
def runs(result: dict) -> pd.DataFrame:
    """Runs that were stopped, and what came of resuming them."""
    return pd.DataFrame(
        [
            {
                "what was done to it": name,
                "tried": f"{told['tried']:,}",
                "stopped by it": f"{told['stopped']:,}",
                "the same bytes in the end": f"{told['identical']:,}",
                "faults": len(told["failures"]),
            }
            for name, told in result["runs"].items()
        ]
    )


@shows(FAULTS)
def files(result: dict) -> pd.DataFrame:
    """Damaged files, and how many got past their reader."""
    kinds = result["files"]
    rows = {
        name: (told["accepted"], told["refused"], len(told["escaped"]))
        for name, told in kinds.items()
    }
    rows["all"] = tuple(map(sum, zip(*rows.values(), strict=True)))
    return pd.DataFrame(
        [
            {
                "kind of file": name,
                "damaged": f"{sum(counts):,}",
                "accepted": f"{counts[0]:,}",
                "refused in one line": f"{counts[1]:,}",
                "anything else": counts[2],
            }
            for name, counts in rows.items()
        ]
    )


@shows(FAULTS)
def flags(result: dict) -> pd.DataFrame:
    """Command lines with a value that a flag cannot have."""
    rows = {name: (told["cases"], len(told["failures"])) for name, told in result["flags"].items()}
    rows["all"] = tuple(map(sum, zip(*rows.values(), strict=True)))
    return pd.DataFrame(
        [
            {
                "command": name,
                "command lines": f"{cases:,}",
                "one line and exit status 2": f"{cases - failures:,}",
                "anything else": failures,
            }
            for name, (cases, failures) in rows.items()
        ]
    )


# --- Figure -------------------------------------------------------------------------------------

LIGHT = "#d5d5d5"
LONG = 26  # of a bar's name, in letters
SAME = {"color": BLACK, "marker": "|", "ms": 12, "mew": 2, "ls": "none", "clip_on": False}
BELOW = {"loc": "upper left", "bbox_to_anchor": (-0.02, -0.06), "ncols": 3}


@shows(FAULTS)
@rc_context(STYLE)
def figure(result: dict) -> Figure:
    """Trials on runs and on files, kind by kind, with their outcome."""
    sheet = Figure(figsize=(7.4, 8.6), layout="constrained")
    upper, lower = sheet.subplots(2, 1, height_ratios=(4, 3))
    _trials(upper, result["runs"])
    _damaged(lower, result["files"])
    runs, files = result["runs"].values(), result["files"].values()
    same, tried = (sum(told[key] for told in runs) for key in ("identical", "tried"))
    done = sum(told["refused"] + told["accepted"] for told in files)
    every = done + sum(len(told["escaped"]) for told in files)
    head(
        sheet,
        f"{same:,} of {tried:,} disturbed runs and studies end with the same bytes;\n"
        f"{done:,} of {every:,} damaged files are refused in one line, or accepted",
    )
    return sheet


def _trials(axes: Axes, kinds: dict) -> None:
    """Of each kind of trial a wide bar of all, in it one of those stopped; a tick for the same."""
    tried, stopped, identical = (
        [told[key] for told in kinds.values()] for key in ("tried", "stopped", "identical")
    )
    places = range(len(kinds))
    handles = [
        axes.barh(places, tried, 0.75, color=LIGHT, label="tried"),
        axes.barh(places, stopped, 0.35, color=BLUE, label="stopped by it"),
        *axes.plot(identical, places, **SAME, label="the same bytes in the end"),
    ]
    axes.legend(handles=handles, **BELOW)
    words = [f"{same} of {every}" for same, every in zip(identical, tried, strict=True)]
    _finish(axes, list(kinds), words, max(tried), "trials of each kind")


def _damaged(axes: Axes, kinds: dict) -> None:
    """Of each kind of file a bar of what became of the damaged ones, in per cent."""
    counts = [(told["refused"], told["accepted"], len(told["escaped"])) for told in kinds.values()]
    shares = [[100 * count / sum(row) for count in row] for row in counts]
    done = [0.0] * len(shares)
    looks = (("refused in one line", BLUE), ("accepted", SKY), ("anything else", VERMILION))
    for (label, colour), widths in zip(looks, zip(*shares, strict=True), strict=True):
        axes.barh(range(len(done)), widths, 0.6, left=done, color=colour, label=label)
        done = [left + width for left, width in zip(done, widths, strict=True)]
    axes.legend(**BELOW)
    words = [f"{row[0]:,} + {row[1]:,} + {row[2]}" for row in counts]
    _finish(axes, list(kinds), words, 100, "% of each kind of file: refused + accepted + else")


def _finish(axes: Axes, names: list[str], words: list[str], longest: float, title: str) -> None:
    """Name the bars on the left, say their numbers on the right, the first on top."""
    for place, text in enumerate(words):
        axes.text(1.015 * longest, place, text, va="center", size=9)
    in_two = [name.replace(": ", ":\n") if len(name) > LONG else name for name in names]
    axes.set_yticks(range(len(names)), in_two)
    axes.set(xlim=(0, longest), ylim=(len(names) - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_axisbelow(True)
    axes.set_title(title)
