"""An accuracy of the reader's own among the committed runs of each recipe."""

import json
import re
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from lenet1998.cli import late, writable
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe

FLAGS = {"mine", "variant", "variants", "results", "out", "json"}
"""Flags that mean anything beside it."""
SHARE = 1.0
"""A number up to here is more likely a share than a percentage."""


def accuracy(text: str) -> tuple[float, float]:
    """Read an accuracy in percent, ``98.7`` or ``98.7%``.

    Returns:
        The accuracy, and half its last digit: what it is known to.

    Raises:
        BadInput: anything else, or a number outside 0 to 100.
    """
    match = re.fullmatch(r"([0-9]{1,3}(?:\.([0-9]{1,9}))?) ?%?", text.strip())
    if not match or float(match[1]) > 100:
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise BadInput(
            f"{shown}: must be an accuracy in percent, from 0 to 100, written as 98.7", "mine"
        )
    return float(match[1]), 0.5 * 10.0 ** -len(match[2] or "")


def run(recipes: Sequence[Recipe], mine: tuple[float, float], out: Path, flags: Namespace) -> int:
    """Print where an accuracy falls among each recipe's committed runs, and draw the histograms.

    Args:
        recipes: whose runs.
        mine: as :func:`accuracy` reads it.
        out: where ``figures/mine.png`` goes.
        flags: all of them.

    Raises:
        BadInput: a recipe without committed runs.
    """
    runs, report, style = (
        late(f"lenet1998.report.{name}") for name in ("committed", "accuracy", "style")
    )
    found = runs.committed(flags.results, list(recipes))
    groups = {recipe.name: found[recipe.name] for recipe in recipes}
    if missing := [name for name, records in groups.items() if not records]:
        raise runs.lacking(flags.results, ", ".join(missing))
    mine = report.Accuracy(*mine)
    standings = {
        name: report.Standing(values, mine) for name, values in report.accuracies(groups).items()
    }
    figure = writable(out) / "figures" / "mine.png"
    style.save(report.histograms(groups, mine), figure)
    if flags.json:
        print(json.dumps({name: standing.as_dict() for name, standing in standings.items()}))
        return 0
    rows = [{"recipe": name, **standing.row()} for name, standing in standings.items()]
    print(f"{mine.percent:g} % beside our runs on MNIST, last pass:\n")
    print(late("pandas").DataFrame(rows).to_string(index=False), end="\n\n")
    print("one more run: the 95 % prediction interval; no better: runs at or below yours")
    if 0 < mine.percent <= SHARE:
        print(f"read as percent: for a share of {mine.percent:g} write {100 * mine.percent:g}")
    print(f"the histograms are in {figure}")
    return 0
