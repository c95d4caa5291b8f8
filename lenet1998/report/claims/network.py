"""What the paper says of the network: its layers (II-B), its units, its outputs and its loss."""

from functools import partial
from itertools import combinations

import numpy as np
from scipy.stats import spearmanr

from lenet1998 import paper
from lenet1998.report.claims.ledger import (
    HEADLINE,
    MEASURES,
    ORIGINAL,
    READINGS,
    REPRODUCE,
    RESTORATION,
    Claim,
    Evidence,
    Finding,
    not_measured,
    not_testable,
)
from lenet1998.report.claims.verdicts import (
    CANNOT_TELL,
    DOES_NOT,
    HOLDS,
    above,
    all_of,
    graded,
    lower,
    stands,
)
from lenet1998.report.sources import CLAIMS as MEASURED
from lenet1998.report.sources import RESTORATION as OF_1998
from lenet1998.report.tables import brief, spread

EQUATION_8 = "readings/original,loss=distance,f6_curvature=gauss_newton"
SHAPES = {  # maps and side, section II-B, p.7-8
    "c1": (6, 28),
    "s2": (6, 14),
    "c3": (16, 10),
    "s4": (16, 5),
    "c5": (120, 1),
    "f6": (84, 1),
    "output": (10, 1),
}
OUTPUT = "10 units, each 84 links to a fixed code: no parameters, 840 connections"
A, S = paper.TANH_AMPLITUDE, paper.TANH_SLOPE


def totals(evidence: Evidence) -> Finding:
    run = evidence.runs(ORIGINAL)[0]
    ours, printed = (
        (run.parameters, run.connections),
        (paper.TOTAL_PARAMETERS, paper.TOTAL_CONNECTIONS),
    )
    return Finding("{:,} and {:,}".format(*ours), stands(ours == printed))


def layer(name: str, evidence: Evidence) -> Finding:
    """One layer's maps and side, parameters and connections."""
    (found,) = (one for one in evidence.runs(ORIGINAL)[0].layers if one["name"] == name)
    keys = ("maps", "size", "parameters", "connections")
    ours = tuple(found[key] for key in keys)
    printed = (*SHAPES[name], paper.PARAMETERS[name], paper.CONNECTIONS[name])
    words = f"{_of(*ours[:2])}, {ours[2]:,} parameters, {ours[3]:,} connections"
    return Finding(words, stands(ours == printed))


def _of(maps: int, side: int) -> str:
    return f"{maps} maps of {side}x{side}" if side > 1 else f"{maps} units"


def _layer_claim(name: str) -> Claim:
    words = (
        f"{name.upper()}: {_of(*SHAPES[name])}, {paper.PARAMETERS[name]:,} parameters,"
        f" {paper.CONNECTIONS[name]:,} connections"
    )
    output = name == "output"
    return Claim(
        "8" if output else "7-8",
        "II-B",
        f"Output: {OUTPUT}" if output else words,
        "counted in the network that is trained",
        partial(layer, name),
        HEADLINE,
    )


def table_one_groups(_: Evidence) -> Finding:
    """Of Table I's columns, how many are of each kind; S2's maps are in a ring."""
    ring = paper.PARAMETERS["s2"] // 2

    def contiguous(maps) -> bool:
        return any({(first + k) % ring for k in range(len(maps))} == set(maps) for first in maps)

    kinds = [(len(maps), contiguous(maps)) for maps in paper.C3_TABLE]
    counts = [kinds.count(kind) for kind in ((3, True), (4, True), (4, False), (6, True))]
    return Finding("{}, {}, {} and {}".format(*counts), stands(counts == [6, 6, 3, 1]))


def table_one_limits(_: Evidence) -> Finding:
    """Connections with the table beside those of a full one."""
    maps, side = SHAPES["c3"]
    full = maps * (SHAPES["s2"][0] * 25 + 1) * side**2
    ours = paper.CONNECTIONS["c3"]
    return Finding(f"{ours:,} connections instead of {full:,}", stands(ours < full))


def table_one_of_1998(evidence: Evidence) -> Finding:
    ratios = []
    for row in evidence.json(OF_1998)["table_one"]:
        others = np.delete(row["norms"], row["connected"])
        if len(others):
            ratios.append(min(row["norms"][seen] for seen in row["connected"]) / others.max())
    words = f"least connected over largest other: {min(ratios):.1f} or more in {len(ratios)} maps"
    return Finding(f"{words} (n = 1 net)", stands(min(ratios) > 1))


def squashing_of_1998(evidence: Evidence) -> Finding:
    left = {
        name: float(np.sqrt(np.mean(np.square(by_map))))
        for name, by_map in evidence.json(OF_1998)["squashings"]["s2"].items()
    }
    words = ", ".join(f"{name} {100 * rms:.1f} %" for name, rms in left.items())
    return Finding(f"{words} (n = 1 net)", stands(min(left, key=left.get) == "scaled tanh"))


def window_of_1998(evidence: Evidence) -> Finding:
    """Sum times k and average times 4 k are one function: nothing that is printed tells them."""
    apart = [np.ptp(w) / np.mean(w) for w in evidence.json(OF_1998)["window_weights"]]
    words = f"the four places of a window weigh alike to {100 * max(apart):.0f} % (n = 1 net)"
    return Finding(f"{words}; both fit", CANNOT_TELL)


def receptive_fields(_: Evidence) -> Finding:
    """C3's units stand every two pixels, as many as a map has in a row."""
    covered = 2 * SHAPES["c3"][1]
    margins = (paper.INPUT_SIZE - covered) / 2
    words = f"10 units, one every 2 pixels: {covered}x{covered}, {margins:g} from each edge"
    return Finding(words, stands(covered == paper.DIGIT_SIZE))


# --- Units ----------------------------------------------------------------------------------------


def fixed_point(_: Evidence) -> Finding:
    ours = A * np.tanh(S)
    return Finding(f"f(1) = {ours:.5f}", stands(round(ours, 4) == 1))


def most_bent(_: Evidence) -> Finding:
    """|f''| = 2 A S^2 tanh(1 - tanh^2) is largest where tanh^2 = 1/3."""
    place = np.arctanh(np.sqrt(1 / 3)) / S
    return Finding(f"largest at {place:.3f}", stands(round(place) == 1))


def spread_of_sums(correlated: bool, printed: float, _: Evidence) -> Finding:
    """How a unit's total grows with its inputs: the exponent of F.

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


def _maps(evidence: Evidence) -> list[list[dict]]:
    return evidence.json(MEASURED)["subsampling"]


def small_coefficients(evidence: Evidence) -> Finding:
    left = []
    for maps in _maps(evidence):
        least = sorted(maps, key=lambda one: abs(one["coefficient"]))[: round(len(maps) / 4)]
        left.append(100 * float(np.mean([one["bent"] for one in least])))
    words = f"of the least quarter's, in percent: {spread([100 - rest for rest in left])}"
    return Finding(words, graded(left, 1, 5))


def large_coefficients(evidence: Evidence) -> Finding:
    ranks = [
        spearmanr(*([abs(one["coefficient"]) for one in maps], [one["bent"] for one in maps]))[0]
        for maps in _maps(evidence)
    ]
    return Finding(f"rank correlation {spread(ranks)}", above(ranks, 0))


def gates(_: Evidence) -> Finding:
    """f of windows with 0 to 4 inputs at A and the others at -A, with k = 2 and bias +-3 k A."""
    coefficient = 2.0
    sums = A * (2 * np.arange(5) - 4)
    either, both = (
        A * np.tanh(S * (coefficient * sums + side * 3 * coefficient * A)) for side in (1, -1)
    )
    right = (np.sign(either) == [-1, 1, 1, 1, 1]).all() and (np.sign(both) == [-1] * 4 + [1]).all()
    least = min(np.abs(either).min(), np.abs(both).min()) / A
    words = f"k = 2, bias +-3kA: OR and AND of four inputs, states at {least:.2f} A or beyond"
    return Finding(words, stands(bool(right) and least > 0.9))


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


def equation_9(evidence: Evidence) -> Finding:
    ours, theirs = evidence.last("readings/original"), evidence.last(EQUATION_8)
    return Finding(f"eq. 9 {spread(ours)}; eq. 8 {spread(theirs)}", lower(ours, theirs))


def equation_8(evidence: Evidence) -> Finding:
    ours, theirs = evidence.last(EQUATION_8), evidence.last("readings/original")
    words = f"eq. 8 {spread(ours)}; eq. 9 {spread(theirs)}"
    return Finding(words, lower(ours, [error + paper.ERROR_UNCERTAINTY for error in theirs]))


CLAIMS = (
    Claim(
        "7",
        "II-A",
        "60,000 trainable parameters and 340,908 connections",
        "counted in the network that is trained, the outputs' links to the codes among the latter",
        totals,
        HEADLINE,
    ),
    *(_layer_claim(name) for name in SHAPES),
    Claim(
        "7",
        "II-B",
        "The receptive fields of C3's units are centred in the 20x20 that a digit fills",
        "strides and sizes of the layers",
        receptive_fields,
    ),
    Claim(
        "7",
        "II-B",
        "A subsampling unit with a small coefficient is a nearly linear blur",
        "variance of the states in S2 and S4 that a line of the window's sum explains",
        small_coefficients,
        MEASURES,
    ),
    Claim(
        "7",
        "II-B",
        "The larger the coefficient, the less linear the unit",
        "coefficients of a net's 22 maps against the variance that the line leaves",
        large_coefficients,
        MEASURES,
    ),
    Claim(
        "7",
        "II-B",
        "With a large coefficient it is a noisy OR or AND, by its bias",
        "the function at saturated inputs",
        gates,
    ),
    Claim(
        "6-7",
        "II-A, II-B",
        "The window is averaged (II-A), or added up (II-B)",
        "the 1998 net recovered from Fig. 13",
        window_of_1998,
        RESTORATION,
    ),
    Claim(
        "7",
        "II-B",
        "S2 squashes with the sigmoid that is the scaled tanh (eqs. 5 and 6)",
        "what each function leaves of the 1998 net's printed states",
        squashing_of_1998,
        RESTORATION,
    ),
    Claim(
        "8",
        "II-B",
        "Table I: 6 maps see three neighbours, 6 four, 3 four that are not neighbours, 1 all",
        "counted in the table that is trained",
        table_one_groups,
    ),
    Claim(
        "8",
        "II-B",
        "The table limits the number of connections",
        "counted, beside all maps seeing all",
        table_one_limits,
    ),
    Claim(
        "8",
        "II-B",
        "Table I says what the net's C3 maps see",
        "kernels of the 1998 net fitted as if every map saw all",
        table_one_of_1998,
        RESTORATION,
    ),
    Claim(
        "8",
        "II-B",
        "The table breaks the symmetry: maps that see different inputs learn different features",
        "likeness of C3's maps with the table and without (ablations)",
        not_measured,
        f"{REPRODUCE} --set c3=dense",
    ),
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
        "the same with other outputs (ablations)",
        not_measured,
        f"{REPRODUCE} --set output=linear --set loss=cross_entropy",
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
        "test error with a plain tanh (ablations)",
        not_measured,
        f"{REPRODUCE} --set squash=tanh",
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
