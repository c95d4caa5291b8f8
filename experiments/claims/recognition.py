"""Statements on invariance and noise (III-E), and on strings (VII)."""

import operator
from collections.abc import Sequence
from functools import partial

import numpy as np

from experiments.claims.ledger import (
    FEATURES,
    INVARIANCE,
    RESTORATION,
    STRINGS,
    Claim,
    Evidence,
    Finding,
    NotMeasuredError,
)
from experiments.claims.verdicts import DOES_NOT, HOLDS, above, all_of, graded, one_more, stands
from experiments.results import FEATURES as OF_NETS
from experiments.results import READ_STRINGS as OF_STRINGS
from experiments.results import REJECTION_INVARIANCE
from experiments.results import RESTORATION as OF_1998
from lenet1998 import paper
from lenet1998.report.tables import brief

NOISE = "noise"
RECOGNISED, LOST = 10, 50
SHIFT = int(paper.INVARIANT_VERTICAL_SHIFT * paper.DIGIT_SIZE)
HALF = 50
TURN = paper.INVARIANT_ROTATION


def _errors(evidence: Evidence, kind: str, axis: str, values: Sequence[float]) -> list[list[float]]:
    """By value of an axis, the errors of a kind's nets."""
    measures = evidence.json(REJECTION_INVARIANCE)
    tried, nets = measures["axes"][axis], measures["nets"].get(kind)
    if not nets or not set(values) <= set(tried):
        raise NotMeasuredError
    return [[net[axis][tried.index(value)] for net in nets] for value in values]


def moved(axis: str, values: Sequence[float], unit: str, evidence: Evidence) -> Finding:
    """Errors of the net with noise, as III-E's, where the paper still sees recognition."""
    errors = _errors(evidence, NOISE, axis, values)
    told = [
        f"{np.mean(found):.0f} % at {value:g}{unit}"
        for value, found in zip(values, errors, strict=True)
    ]
    beside = [np.mean(found) for found in _errors(evidence, "original", axis, values)]
    words = f"misclassified: {', '.join(told)} (n = {len(errors[0])});"
    words += f" trained without noise {', '.join(f'{mean:.0f}' for mean in beside)} %"
    return Finding(words, all_of(*(graded(found, RECOGNISED, LOST) for found in errors)))


def fig25(evidence: Evidence) -> Finding:
    layers = evidence.json(OF_1998)["fig25"]
    alike = {name: layer["correlation"] for name, layer in layers.items()}
    words = ", ".join(f"{name.upper()} {value:.4f}" for name, value in alike.items())
    return Finding(
        f"Fig. 13's layers give Fig. 25's states: correlation {words} (n = 1 net)",
        DOES_NOT if min(alike.values()) > 0.99 else HOLDS,
    )


def _of(values: Sequence[float], total: int) -> str:
    return f"{brief(values)} of {total} (n = {len(values)})"


def nine_patterns(evidence: Evidence) -> Finding:
    """Of Fig. 13's patterns, how many each net with noise reads."""
    result = evidence.json(OF_NETS)
    right = [
        sum(map(operator.eq, net["answers"], result["of_1998"]["fig13"]))
        for net in result["nets"][NOISE]
    ]
    return Finding(_of(right, 9), one_more(9, right, 0.0))


def printed_strings(evidence: Evidence) -> Finding:
    """Of Figs. 25 and 26, the strings whose digits are all read where LeNet-5 read them."""
    result = evidence.json(OF_NETS)
    right = [
        sum(
            all(
                net["answers"][9 + 9 * number + place] == int(digit)
                for place, digit in zip(string["digits"], string["answer"], strict=True)
            )
            for number, string in enumerate(result["of_1998"]["strings"])
        )
        for net in result["nets"]["strings"]
    ]
    return Finding(_of(right, 5), one_more(5, right, 0.0))


def strings_read(evidence: Evidence) -> Finding:
    """Strings of test digits as III-A's digits stand beside each other, read by the best path."""
    result = evidence.json(OF_STRINGS)
    usual = result["axes"]["gap"].index(result["usual"]["gap"])
    right = [
        net["gap"]["right_percent"][usual]
        for net in result["measured"]
        if (net["net"], net["way"]) == ("strings", "repeats")
    ]
    words = f"{brief(right)} % of {result['strings']} strings of 2 to 6 digits (n = {len(right)})"
    return Finding(words, above(right, HALF))


def replicated(evidence: Evidence) -> Finding:
    """Cost of replication beside sweeping; a test holds their outputs equal."""
    speed = evidence.json(OF_STRINGS)["speed"]
    both = [speed[f"{way}_multiply_accumulates"] for way in ("replicated", "swept")]
    words = f"{both[0]:,} multiply-accumulates instead of {both[1]:,}, {speed['width']} columns"
    return Finding(words, stands(both[0] < both[1]))


def positions(evidence: Evidence) -> Finding:
    speed = evidence.json(OF_STRINGS)["speed"]
    expected = (speed["width"] - paper.INPUT_SIZE) // 4 + 1
    words = f"{speed['positions']} vectors for {speed['width']} columns"
    return Finding(words, stands(speed["positions"] == expected))


CLAIMS = (
    Claim(
        "16",
        "III-E",
        "Scale up to about a factor of 2, if that is the whole range",
        "patterns at 0.7 and 1.4 of their size",
        partial(moved, "scale", (0.7, 1.4), ""),
        INVARIANCE,
    ),
    Claim(
        "16",
        "III-E",
        "Scale up to about a factor of 2, if that is either way",
        "patterns at half their size; twice it does not fit the field",
        partial(moved, "scale", (0.5,), ""),
        INVARIANCE,
    ),
    Claim(
        "16",
        "III-E",
        "Vertical shift up to about half the character's height",
        f"patterns moved {SHIFT} pixels up and down; beyond 6, part of them leaves the field",
        partial(moved, "shift", (-SHIFT, SHIFT), " pixels"),
        INVARIANCE,
    ),
    Claim(
        "16",
        "III-E",
        "Rotation up to 30 degrees either way",
        "patterns turned about the middle of the field",
        partial(moved, "rotation", (-TURN, TURN), " degrees"),
        INVARIANCE,
    ),
    Claim(
        "15-16",
        "III-E",
        "Robust to noise when trained with a tenth of the pixels inverted",
        "a tenth of a test pattern's pixels inverted",
        partial(moved, "inverted", (paper.NOISE_PROBABILITY,), ""),
        INVARIANCE,
    ),
    Claim(
        "17",
        "Fig. 13",
        "Nine distorted and noisy patterns are all read right",
        "the figure's patterns read by nets of ours that learnt with inverted pixels; one more net",
        nine_patterns,
        FEATURES,
    ),
    Claim(
        "16-28",
        "III-E, VII-B",
        "The nets of Figs. 13 and 25 were trained on different sets: noisy digits, noisy strings",
        "layers recovered from the one compute the states of the other",
        fig25,
        RESTORATION,
    ),
    Claim(
        "27-28",
        "VII-A",
        "C5 is a convolution, so that the net can be replicated over a wider field",
        "a wider field beside the net swept over it",
        replicated,
        STRINGS,
    ),
    Claim(
        "27-28",
        "VII-A",
        "The replicated net has an output vector at every 4th pixel",
        "counted",
        positions,
        STRINGS,
    ),
    Claim(
        "28",
        "VII-B",
        "Trained with neighbours and blanks, it reads strings without segmentation",
        "strings of test digits, more than half of them right",
        strings_read,
        STRINGS,
    ),
    Claim(
        "28-29",
        "Figs. 25, 26",
        "It reads 2345, 540, 1114, 678 and 3514",
        "the figures' strings read by nets of ours at LeNet-5's places; one more net",
        printed_strings,
        FEATURES,
    ),
)
