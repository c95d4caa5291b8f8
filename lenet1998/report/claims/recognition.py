"""What the paper says of invariance and noise (III-E), and of strings (VII)."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from lenet1998 import paper
from lenet1998.report.claims.ledger import (
    INVARIANCE,
    RESTORATION,
    Claim,
    Evidence,
    Finding,
    NotMeasuredError,
    not_measured,
)
from lenet1998.report.claims.verdicts import (
    DOES_NOT,
    HOLDS,
    all_of,
    graded,
)
from lenet1998.report.sources import REJECTION_INVARIANCE
from lenet1998.report.sources import RESTORATION as OF_1998

NOISE = "noise"
RECOGNISED, LOST = 10, 50
SHIFT = int(paper.INVARIANT_VERTICAL_SHIFT * paper.DIGIT_SIZE)
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
    words = f"misread: {', '.join(told)} (n = {len(errors[0])});"
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
        "the figure's patterns read by nets of ours",
        not_measured,
        RESTORATION,
    ),
    Claim(
        "16-28",
        "III-E, VII-B",
        "The nets of Figs. 13 and 25 were trained on different sets: noisy digits, noisy strings",
        "layers recovered from the one compute the states of the other",
        fig25,
        RESTORATION,
    ),
    *(
        Claim(page, section, words, test, not_measured)
        for page, section, words, test in (
            (
                "27-28",
                "VII-A",
                "C5 is a convolution, so that the net can be replicated over a wider field",
                "a wider field beside the net swept over it (strings)",
            ),
            (
                "27-28",
                "VII-A",
                "The replicated net has an output vector at every 4th pixel",
                "the same",
            ),
            (
                "28",
                "VII-B",
                "Trained with neighbours and blanks, it reads strings without segmentation",
                "strings of test digits (strings)",
            ),
            (
                "28-29",
                "Figs. 25, 26",
                "It reads 2345, 540, 1114, 678 and 3514",
                "the figures' strings read by nets of ours (strings)",
            ),
        )
    ),
)
