"""Statements on units, outputs and the loss: eq. 6 and App. A, II-B and II-C."""

from functools import partial
from itertools import combinations

import numpy as np

from experiments.claims.ledger import (
    ABLATIONS,
    MEASURES,
    READINGS,
    TEST,
    Claim,
    Evidence,
    Finding,
    not_testable,
)
from experiments.claims.verdicts import CANNOT_TELL, DOES_NOT, HOLDS, all_of, graded, lower, stands
from experiments.results import ABLATIONS as ABLATED
from experiments.results import CLAIMS as MEASURED
from lenet1998 import paper
from lenet1998.report.tables import brief, spread

EQUATION_8 = "readings/original,loss=distance,f6_curvature=gauss_newton"
EQUATION_9 = "readings/original"
A, S = paper.TANH_AMPLITUDE, paper.TANH_SLOPE


def fixed_point(_: Evidence) -> Finding:
    ours = A * np.tanh(S)
    return Finding(f"f(1) = {ours:.5f}", stands(round(ours, 4) == 1))


def most_bent(_: Evidence) -> Finding:
    """|f''| = 2 A S^2 tanh(1 - tanh^2) is largest where tanh^2 = 1/3."""
    place = np.arctanh(np.sqrt(1 / 3)) / S
    return Finding(f"largest at {place:.3f}", stands(round(place) == 1))


def spread_of_sums(correlated: bool, printed: float, _: Evidence) -> Finding:
    """Growth of a unit's total with its inputs: the exponent of F.

    Weights are drawn from U(-1, 1), inputs from a normal distribution: all apart, or one for all.
    """
    generator, sizes, draws = np.random.default_rng(0), (25, 100, 400, 1600), 2000
    spreads = []
    for fan_in in sizes:
        inputs = generator.normal(size=(draws, 1 if correlated else fan_in))
        weights = generator.uniform(-1, 1, (draws, fan_in))
        spreads.append((weights * inputs).sum(1).std())
    slope = np.polyfit(np.log(sizes), np.log(spreads), 1)[0]
    return Finding(f"F to the power {slope:.2f}", stands(abs(slope - printed) < 0.1))


# --- Outputs and loss -----------------------------------------------------------------------------


def confusable_codes(_: Evidence) -> Finding:
    """Distances of the codes of Fig. 8's confused pairs, beside digits given codes at random."""
    codes = paper.digit_codes()
    distance = (codes[:, None] != codes).sum(2)
    confused = paper.fig8_errors()
    generator = np.random.default_rng(0)
    seen = distance[confused.label, confused.answer].mean()
    drawn = [
        distance[order[confused.label], order[confused.answer]].mean()
        for order in (generator.permutation(paper.CLASSES) for _ in range(10_000))
    ]
    p = float(np.mean(np.array(drawn) <= seen))
    every = np.mean([distance[pair] for pair in combinations(range(paper.CLASSES), 2)])
    words = f"{seen:.1f} of 84 cells differ, {every:.1f} between any two (p = {p:.2g}; n = 82)"
    return Finding(words, HOLDS if p < 0.025 else DOES_NOT if p > 0.975 else CANNOT_TELL)


def rejected(evidence: Evidence) -> Finding:
    nets = evidence.json(MEASURED)["rejected_percent"]
    by_kind = {kind: [net[kind] for net in nets] for kind in nets[0]}
    words = "; ".join(f"{kind} {brief(values, ' %')}" for kind, values in by_kind.items())
    kept = ([100 - value for value in values] for values in by_kind.values())
    verdict = all_of(*(graded(values, 10, 50) for values in kept))
    return Finding(f"{words} (n = {len(nets)})", verdict)


def softmax_rejects(evidence: Evidence) -> Finding:
    words, verdicts = [], []
    for kind in evidence.json(ABLATED)["nets"][0]["rejection"]:
        rbf, softmax = (
            evidence.purposes(lambda net, kind=kind: net["rejection"][kind], **outputs)
            for outputs in ({}, {"output": "linear", "loss": "cross_entropy"})
        )
        words.append(f"{kind} {brief(rbf, digits=3)} and {brief(softmax, digits=3)}")
        verdicts.append(lower(softmax, rbf))
    return Finding(f"{'; '.join(words)} (n = {len(rbf)}, {len(softmax)})", all_of(*verdicts))


def plain_tanh(evidence: Evidence) -> Finding:
    ours, tanh = (
        [run.last[TEST] for run in evidence.ablated(squash=squash)]
        for squash in ("scaled_tanh", "tanh")
    )
    margin = paper.ERROR_UNCERTAINTY
    within = (
        lower(tanh, [error + margin for error in ours]),
        lower(ours, [error + margin for error in tanh]),
    )
    return Finding(f"tanh {spread(tanh)}; scaled tanh {spread(ours)}", all_of(*within))


def equation_9(evidence: Evidence) -> Finding:
    ours, theirs = (
        evidence.last(EQUATION_9),
        evidence.last(EQUATION_8),
    )
    return Finding(f"eq. 9 {spread(ours)}; eq. 8 {spread(theirs)}", lower(ours, theirs))


def equation_8(evidence: Evidence) -> Finding:
    ours, theirs = (
        evidence.last(EQUATION_8),
        evidence.last(EQUATION_9),
    )
    words = f"eq. 8 {spread(ours)}; eq. 9 {spread(theirs)}"
    return Finding(words, lower(ours, [error + paper.ERROR_UNCERTAINTY for error in theirs]))


CLAIMS = (
    Claim(
        "8-9",
        "II-B",
        "Characters that are easily confused have codes near each other",
        "Fig. 8's 82 confusions, beside codes dealt out at random",
        confusable_codes,
    ),
    Claim(
        "9",
        "II-B",
        "RBF units reject what is no character: it lies outside all of them",
        "a threshold on the smallest distance that keeps 99 % of the test digits",
        rejected,
        MEASURES,
    ),
    Claim(
        "9",
        "II-B",
        "Sigmoid units cannot reject so",
        "area under the ROC curve, digits against three kinds, with RBF units and with a softmax",
        softmax_rejects,
        ABLATIONS,
    ),
    Claim(
        "8-9",
        "II-B",
        "One unit a class suits sigmoids badly when there are many classes",
        "needs more than MNIST's ten classes",
        not_testable,
    ),
    Claim(
        "9",
        "II-C",
        "Eq. 9 is more discriminative than eq. 8",
        "test error, %, with either, all else as in `original`",
        equation_9,
        READINGS,
    ),
    Claim(
        "9",
        "II-C",
        "Eq. 8 is enough in most cases",
        "its test error, %, is less than 0.1 points above eq. 9's",
        equation_8,
        READINGS,
    ),
    Claim(
        "41",
        "App. A",
        "f(1) = 1 and f(-1) = -1",
        "f of eq. 6 with the printed constants, to four digits",
        fixed_point,
    ),
    Claim(
        "41",
        "App. A",
        "The choice of f is a convenience",
        "test error, %, with a plain tanh, within 0.1 points",
        plain_tanh,
        ABLATIONS,
    ),
    Claim(
        "41",
        "App. A",
        "f'' is largest, either way, at 1 and -1",
        "analytically, to a digit",
        most_bent,
    ),
    Claim(
        "41",
        "App. A",
        "The spread of a unit's total grows with sqrt F when its F inputs are independent",
        "2,000 draws of weights and inputs for each F from 25 to 1,600",
        partial(spread_of_sums, False, 0.5),
    ),
    Claim(
        "41",
        "App. A",
        "The spread of a unit's total grows with F when its inputs are correlated",
        "the same draws, with one value for all inputs; weights are drawn around zero",
        partial(spread_of_sums, True, 1.0),
    ),
)
