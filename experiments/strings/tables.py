"""docs/strings.md: what replicated nets read, and what the 1998 net's states between digits are."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.results import BLANK_SHARE, READ_STRINGS, shows
from lenet1998 import paper
from lenet1998.recipes import spaced_name
from lenet1998.report.style import BLUE, GREEN, ORANGE, PURPLE, STYLE, VERMILION
from lenet1998.report.tables import brief
from lenet1998.restore.printing import MIDDLE

WORDS = {
    "segmented": "connected components, each read by itself",
    "contiguous": "replicated, a character on one output",
    "repeats": "replicated, a character on one or more outputs",
    "chosen": "replicated, on one or more outputs, j chosen for strings",
}
LINES = {  # one a net, read as suits it best, and connected components beside them
    ("original", "segmented"): ("original, connected components", VERMILION, ":", "x"),
    ("original", "chosen"): ("original, j chosen", VERMILION, "-", "o"),
    ("noise", "chosen"): ("noise, j chosen", ORANGE, "-.", "^"),
    ("modern", "chosen"): ("modern, j chosen", PURPLE, "--", "D"),
    ("strings", "repeats"): ("strings", BLUE, "-", "s"),
    ("strings,distortions=true", "repeats"): ("strings, with distortions", GREEN, "--", "v"),
}
AXIS_LABELS = {
    "gap": "gap between bounding boxes, pixels",
    "noise": "pixels inverted, share",
    "shift": "shift downwards, pixels",
    "scale": "scale",
}


@shows()
def f6_between_digits() -> pd.DataFrame:
    """The nearest codes to the states of F6 in Figs. 25 and 26, and how far the blank cell is."""
    shown = paper.printed_strings()
    codes = paper.digit_codes().astype(float)
    always = (codes == codes[0]).all(0)  # the cells that all ten digits share
    rows = []
    for answer, greys in zip(shown.answer, shown.f6, strict=True):
        states = 1 - greys.reshape(-1, paper.CODE_LENGTH) / MIDDLE
        distances = np.square(states[:, None] - codes).sum(-1)
        blank = np.square(states - paper.blank_code()).sum(-1)
        nearest = distances.min(1)
        rows.append(
            {
                "answer": answer,
                "nearest code at each position": " ".join(map(str, distances.argmin(1))),
                "distance to it": f"{nearest.min():.1f} to {nearest.max():.1f}",
                "distance to the blank cell": f"{blank.min():.1f} to {blank.max():.1f}",
                "largest difference from what all ten codes share": (
                    f"{np.abs(states - codes[0])[:, always].max():.2f}"
                ),
            }
        )
    return pd.DataFrame(rows)


@shows(READ_STRINGS)
def published(result: dict) -> pd.DataFrame:
    """The five published strings: 1998's nearest codes, and what each kind of our nets makes of it.

    The classes at each position are the first seed's.
    """
    then = f6_between_digits()
    rows = []
    for row, codes in zip(result["published"], then["nearest code at each position"], strict=True):
        for name in dict.fromkeys(net["net"] for net in row["nets"]):
            of_one = [net for net in row["nets"] if net["net"] == name]
            classes = [
                "-" if number == paper.CLASSES else str(number) for number in of_one[0]["classes"]
            ]
            rows.append(
                {
                    "answer of 1998": row["answer"],
                    "nearest code in 1998": codes,
                    "our nets": spaced_name(name),
                    f"classes, seed {of_one[0]['seed']} (-: blank)": " ".join(classes),
                    "read, a character on one output": _answers(of_one, "contiguous"),
                    "read, on one or more": _answers(of_one, "repeats"),
                }
            )
    return pd.DataFrame(rows)


def _answers(nets: Sequence[dict], way: str) -> str:
    """Readings of nets, the most frequent first, with the number of nets that give it."""
    counts = Counter(net[way] for net in nets)
    return ", ".join(f"{text or 'nothing'} ({n})" for text, n in counts.most_common())


@shows(READ_STRINGS)
def usual(result: dict) -> pd.DataFrame:
    """Strings as they are usually drawn: each net, each way of reading them."""
    gap = result["axes"]["gap"].index(result["usual"]["gap"])
    rows = []
    for (net, way), found in _by_way(result).items():
        constants = [row["rubbish_j"] for row in found if "rubbish_j" in row]
        rows.append(
            {
                "net": spaced_name(net),
                "way": WORDS[way],
                "j": brief(constants) if constants else "",
                "n": len(found),
                "strings read right, %": brief([row["gap"]["right_percent"][gap] for row in found]),
                "digits in error, %": brief(
                    [row["gap"]["digit_error_percent"][gap] for row in found]
                ),
            }
        )
    return pd.DataFrame(rows)


@shows(BLANK_SHARE)
def blank_share(result: dict) -> pd.DataFrame:
    """Strings of held-out digits by how often the centre digit is missing in training."""
    rows = []
    for share in sorted({net["blank_share"] for net in result["nets"]}):
        found = [net for net in result["nets"] if net["blank_share"] == share]
        rows.append(
            {
                "share of blanks": f"{share:g}",
                "n": len(found),
                "strings read right, %": brief([net["right_percent"] for net in found]),
                "digits in error, %": brief([net["digit_error_percent"] for net in found]),
                "single digits misclassified": brief([net["held_out_errors"] for net in found]),
            }
        )
    return pd.DataFrame(rows)


@shows(READ_STRINGS)
def speed(result: dict) -> pd.DataFrame:
    """Work saved by replication on a strip."""
    told = result["speed"]
    swept, once = told["swept_multiply_accumulates"], told["replicated_multiply_accumulates"]
    ways = (
        ("replicated", once, told["replicated_ms"]),
        ("swept, all windows in one batch", swept, told["swept_together_ms"]),
        ("swept, one window after the other", swept, told["swept_one_by_one_ms"]),
        ("reading the string off the outputs", None, told["decoding_ms"]),
    )
    return pd.DataFrame(
        [
            {
                "way": way,
                "multiply-accumulates": "" if work is None else f"{work:,}",
                "milliseconds of a core": f"{spent:.1f}",
                "times the replicated net's": f"{spent / told['replicated_ms']:.1f}",
            }
            for way, work, spent in ways
        ]
    )


@shows(READ_STRINGS)
@rc_context(STYLE)
def figure(result: dict) -> Figure:
    """Strings read right along each axis: a line a net, in a band of a standard deviation."""
    drawing = Figure(figsize=(7.4, 6.2), layout="constrained")
    for axes, axis in zip(drawing.subplots(2, 2, sharey=True).flat, AXIS_LABELS, strict=True):
        for way, found in _by_way(result).items():
            if way in LINES:
                right = np.array([row[axis]["right_percent"] for row in found])
                _line(axes, result["axes"][axis], right, way)
        axes.set(xlabel=AXIS_LABELS[axis], ylim=(0, 100))
    for axes in drawing.axes[::2]:
        axes.set_ylabel("strings read right, %")
    drawing.legend(
        *drawing.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2
    )
    title = "Trained on strings, a network reads more of them, unless the digits are far apart"
    drawing.suptitle(title, x=0.01, ha="left", size=10)
    return drawing


def _line(axes: Axes, values: Sequence[float], right: np.ndarray, way: tuple[str, str]) -> None:
    """The mean of (n, points) over n nets, and a standard deviation to either side of it."""
    label, colour, style, marker = LINES[way]
    mean = right.mean(0)
    label = f"{label} (n = {len(right)})"
    axes.plot(values, mean, color=colour, ls=style, marker=marker, ms=4, label=label)
    if len(right) > 1:
        sd = right.std(0, ddof=1)
        axes.fill_between(values, mean - sd, mean + sd, color=colour, alpha=0.15, lw=0)


def _by_way(result: dict) -> dict[tuple[str, str], Sequence[dict]]:
    """The measurements of each net and way of reading, a row for each seed."""
    found: dict[tuple[str, str], list[dict]] = {}
    for row in result["measured"]:
        found.setdefault((row["net"], row["way"]), []).append(row)
    return found
