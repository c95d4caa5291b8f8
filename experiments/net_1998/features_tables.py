"""docs/1998-net.md and 1998-features.md: nets on the recovered layers, and the paper's patterns."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure

from experiments.readings.scores import of_the_net
from experiments.results import FEATURES, shows
from lenet1998 import paper
from lenet1998.report import style
from lenet1998.report.inside_figures import GREY
from lenet1998.report.statistics import holm, summarise, welch
from lenet1998.report.style import PICTURES
from lenet1998.report.tables import brief
from lenet1998.restore.printing import MIDDLE, PAPER

GAP = 3  # pixels between pictures
WHOLE, ON_FEATURES = ("original", "noise"), ("1998-features", "noise,features=1998")
TOLD = {
    "noise,features=1998": "nothing",
    "second-restoration-18": "Figs. 13 and 25",
    "second-restoration": "Figs. 13, 25 and 26",
}
"""Nets on the recovered layers, by the printed states of C5 and F6 that pulled them."""
NAMES = {
    "original": "`original`",
    "noise": "`noise`",
    "strings": "`strings`",
    "distortions": "`distortions`",
    "modern": "`modern`",
    "1998-features": "`1998-features`",
    "noise,features=1998": "`1998-features`, noise",
    "second-restoration-18": "second restoration, by Figs. 13 and 25",
    "second-restoration": "second restoration, by all three",
}
PRINTED = (("c5", "fig13"), ("c5", "fig25"), ("f6", "fig13"), ("f6", "fig25"), ("f6", "fig26"))
TESTS = {"test_errors": "test error, %", "noisy_errors": "with inverted pixels, %"}


def _values(nets: Sequence[dict], key: str) -> list[float]:
    return [net[key] for net in nets]


def _percents(result: dict, name: str, key: str) -> list[float]:
    return [100 * errors / result["patterns"] for errors in _values(result["nets"][name], key)]


def _kinds(result: dict) -> list[str]:
    return [name for name in NAMES if name in result["nets"]]


@shows(FEATURES)
def features(result: dict) -> pd.DataFrame:
    """Nets on the recovered layers beside whole nets of ours that were trained the same way."""
    ways = list(zip(WHOLE, ON_FEATURES, strict=True))
    p_values = holm(
        [
            welch(_percents(result, ours, key), _percents(result, theirs, key))[1]
            for ours, theirs in ways
            for key in TESTS
        ]
    )
    p_of = {(theirs, key): f"{p_values.pop(0):.2g}" for _, theirs in ways for key in TESTS}
    rows = []
    for trained, pair in zip(("MNIST", "MNIST with inverted pixels"), ways, strict=True):
        for name in reversed(pair):
            row = {
                "trained on": trained,
                "C1 to S4": "trained" if name in WHOLE else "1998's",
                "n": len(result["nets"][name]),
            }
            for key, title in TESTS.items():
                row[title] = brief(_percents(result, name, key), digits=2)
                row[f"p, {title.partition(',')[0]}"] = p_of.get((name, key), "")
            rows.append(row)
    return pd.DataFrame(rows)


def _near(nets: Sequence[dict], layer: str, figure: str) -> str:
    """The mean rms difference as a share of the limit, and the mean correlation."""
    found = [net[layer][figure] for net in nets if net[layer] and figure in net[layer]]
    if not found:
        return ""
    rms, correlation = (summarise(_values(found, key)).mean for key in ("rms", "correlation"))
    return f"{rms:.3f} ({correlation:.2f})"


@shows(FEATURES)
def pulled(result: dict) -> pd.DataFrame:
    """Distance of C5 and F6 from the printed states, by the states that pulled the nets."""
    rows = []
    for name, words in TOLD.items():
        if name not in result["nets"]:
            continue
        nets = result["nets"][name]
        rows.append(
            {
                "pulled towards": words,
                "n": len(nets),
                **{
                    f"{layer.upper()}, Fig. {figure[3:]}": _near(nets, layer, figure)
                    for layer, figure in PRINTED
                },
                **{
                    title: brief(_percents(result, name, key), digits=2)
                    for key, title in TESTS.items()
                },
            }
        )
    return pd.DataFrame(rows)


# --- The published patterns ---------------------------------------------------------------------


def _fig13(result: dict, name: str) -> np.ndarray:
    """Agreement of each net with LeNet-5 on Fig. 13's patterns, (nets, 9)."""
    answers = np.array(_values(result["nets"][name], "answers"))[:, :9]
    return answers == np.array(result["of_1998"]["fig13"])


def _strings(result: dict, name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """By string: the windows of digits and all windows that each net reads as LeNet-5 did."""
    answers = np.array(_values(result["nets"][name], "answers"))[:, 9:].reshape(-1, 5, 9)
    found = []
    for number, string in enumerate(result["of_1998"]["strings"]):
        digits = answers[:, number, string["digits"]] == np.array(list(map(int, string["answer"])))
        found.append((digits, answers[:, number] == np.array(string["nearest"])))
    return found


def _of(counts: np.ndarray, total: int) -> str:
    """Mean and standard deviation of how many of a total, over nets."""
    return f"{brief(counts.tolist())} of {total}"


@shows(FEATURES)
def patterns(result: dict) -> pd.DataFrame:
    """Agreement of our nets with LeNet-5 on the paper's own patterns, and F6 beside 1998's."""
    rows = []
    for name in _kinds(result):
        strings = _strings(result, name)
        digits = np.concatenate([digits for digits, _ in strings], 1)
        windows = np.concatenate([windows for _, windows in strings], 1)
        whole = np.stack([digits.all(1) for digits, _ in strings], 1)
        rows.append(
            {
                "nets": NAMES[name],
                "n": len(digits),
                "patterns of Fig. 13": _of(_fig13(result, name).sum(1), 9),
                "digits of the strings": _of(digits.sum(1), digits.shape[1]),
                "strings, all digits": _of(whole.sum(1), len(strings)),
                "all windows": _of(windows.sum(1), windows.shape[1]),
                **{
                    f"F6, Fig. {figure[3:]}": _near(result["nets"][name], "f6", figure)
                    for figure in ("fig13", "fig25", "fig26")
                },
            }
        )
    return pd.DataFrame(rows)


@shows(FEATURES)
def fig13(result: dict) -> pd.DataFrame:
    """Pattern by pattern, how many nets read what LeNet-5 read."""
    labels = result["of_1998"]["fig13"]
    return pd.DataFrame(
        [
            {
                "nets": NAMES[name],
                "n": len(result["nets"][name]),
                **{
                    f"{number}: {label}": int(right)
                    for number, (label, right) in enumerate(
                        zip(labels, _fig13(result, name).sum(0), strict=True), 1
                    )
                },
            }
            for name in _kinds(result)
        ]
    )


@shows(FEATURES)
def strings(result: dict) -> pd.DataFrame:
    """String by string, LeNet-5's reading of nine windows, and how many nets read all digits so."""
    counts = {
        name: [digits.all(1) for digits, _ in _strings(result, name)] for name in _kinds(result)
    }
    by_string = pd.DataFrame(
        [
            {
                "string": string["answer"],
                "1998, window by window": " ".join(
                    f"**{read}**" if place in string["digits"] else f"{read}"
                    for place, read in enumerate(string["nearest"])
                ),
                **{
                    NAMES[name]: f"{whole[number].sum()} of {len(whole[number])}"
                    for name, whole in counts.items()
                },
            }
            for number, string in enumerate(result["of_1998"]["strings"])
        ]
    )
    return by_string.set_index("string").T.rename_axis("nets").reset_index()


TRAINING_SETS = ("noise", "strings")
"""Nets trained on III-E's set and on VII-B's: the text names both for the net of the figures."""


@shows(FEATURES)
def training_sets(result: dict) -> pd.DataFrame:
    """Nets of ours trained on either set beside the net of the figures, and which is nearer."""
    nets = {name: result["nets"][name] for name in TRAINING_SETS}
    theirs = result["sizes_1998"]
    digits = {
        name: np.concatenate([read for read, _ in _strings(result, name)], 1).sum(1).tolist()
        for name in TRAINING_SETS
    }
    rows = [
        *(
            (
                f"F6 off the printed states, {label} (rms)",
                {name: [net["f6"][figure]["rms"] for net in of] for name, of in nets.items()},
                False,
            )
            for figure, label in (("fig13", "Fig. 13"), ("fig25", "Fig. 25"), ("fig26", "Fig. 26"))
        ),
        ("digits of the strings read, of 18", digits, True),
        (
            "N, in units of a factor of 1.5",
            {name: [of_the_net(net["sizes"], theirs) for net in of] for name, of in nets.items()},
            False,
        ),
    ]
    tests = [welch(values["noise"], values["strings"]) for _, values, _ in rows]
    adjusted = holm([p for _, p in tests])
    return pd.DataFrame(
        [
            {
                "how near": what,
                **{
                    f"`{name}` (n = {len(values[name])})": brief(values[name], digits=2)
                    for name in TRAINING_SETS
                },
                "p": f"{p:.1g}",
                "nearer": _nearer(difference, p, more),
            }
            for (what, values, more), (difference, _), p in zip(rows, tests, adjusted, strict=True)
        ]
    )


def _nearer(difference: float, p: float, more: bool) -> str:
    """Training set whose nets are nearer; ``more``: more of the measure is nearer."""
    if not p < 0.05:
        return "cannot tell"
    return "VII-B (`strings`)" if (difference < 0) == more else "III-E (`noise`)"


@shows(FEATURES)
def card(result: dict) -> pd.DataFrame:
    """The packaged weights: seed 0, beside all seeds."""
    nets = result["nets"]["1998-features"]
    (first,) = (net for net in nets if net["seed"] == 0)
    return pd.DataFrame(
        [
            {
                "test": title.partition(",")[0],
                "misclassified by these weights": f"{first[key]} of {result['patterns']:,}",
                f"all seeds, % (n = {len(nets)})": brief(
                    _percents(result, "1998-features", key), digits=2
                ),
            }
            for key, title in TESTS.items()
        ]
    )


@shows(FEATURES)
@rc_context(PICTURES)
def f6_figure(result: dict) -> Figure:
    """F6's states for Fig. 13's patterns: 1998's, and below those of a net of each kind."""
    printed = paper.fig13_states()
    rows = {"1998, as printed": 1 - printed.f6.reshape(9, -1) / MIDDLE}
    rows |= {
        NAMES[name].replace("`", ""): np.array(result["f6_states"][name])
        for name in _kinds(result)
        if name in result["f6_states"]
    }
    ink = 1 - printed.input / PAPER
    pictures = [2 * ink.clip(0, 1) - 1, *(_enlarged(states) for states in rows.values())]
    sheets = [style.tile(row, 9, (0, GAP))[0] for row in pictures]
    between = np.full((GAP, sheets[0].shape[1]), np.nan)
    sheet = np.concatenate([part for row in sheets for part in (row, between)])
    figure = Figure(figsize=(7.4, 7.4 * len(sheet) / len(sheet[0])))
    axes = figure.add_axes((0, 0, 1, 1))
    style.show(axes, sheet, GREY, -1, 1)
    middle = 0.0
    for words, row in zip(("Fig. 13", *rows), sheets, strict=True):
        axes.text(-GAP, middle + len(row) / 2, words, ha="right", va="center")
        middle += len(row) + GAP
    return figure


def _enlarged(states: np.ndarray) -> np.ndarray:
    """F6's states (9, 84) as bitmaps of twice the size, each as wide as an input: (9, 24, 32)."""
    bitmaps = states.reshape(-1, *paper.CODE_SHAPE).repeat(2, 1).repeat(2, 2)
    margin = (paper.INPUT_SIZE - bitmaps.shape[2]) // 2
    return np.pad(bitmaps, ((0, 0), (0, 0), (margin, margin)), constant_values=np.nan)
