"""Statements on the layers: their counts, Table I and subsampling (II-A, II-B)."""

from functools import partial

import numpy as np
from scipy.stats import spearmanr

from experiments.claims.ledger import (
    ABLATIONS,
    HEADLINE,
    MEASURES,
    ORIGINAL,
    RESTORATION,
    Claim,
    Evidence,
    Finding,
)
from experiments.claims.verdicts import CANNOT_TELL, above, graded, lower, stands
from experiments.results import CLAIMS as MEASURED
from experiments.results import RESTORATION as OF_1998
from lenet1998 import paper
from lenet1998.report.tables import spread

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


def receptive_fields(_: Evidence) -> Finding:
    """C3's units stand every two pixels, as many as a map has in a row."""
    covered = 2 * SHAPES["c3"][1]
    margins = (paper.INPUT_SIZE - covered) / 2
    words = f"10 units, one every 2 pixels: {covered}x{covered}, {margins:g} from each edge"
    return Finding(words, stands(covered == paper.DIGIT_SIZE))


# --- Table I --------------------------------------------------------------------------------------


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


def symmetry(evidence: Evidence) -> Finding:
    ours, dense = (
        evidence.purposes(lambda net: net["alikeness"], c3=c3) for c3 in ("table", "dense")
    )
    words = f"with the table {spread(ours, 3)}; without {spread(dense, 3)}"
    return Finding(words, lower(ours, dense))


def table_one_of_1998(evidence: Evidence) -> Finding:
    ratios = []
    for row in evidence.json(OF_1998)["table_one"]:
        others = np.delete(row["norms"], row["connected"])
        if len(others):
            ratios.append(min(row["norms"][seen] for seen in row["connected"]) / others.max())
    words = f"least connected over largest other: {min(ratios):.1f} or more in {len(ratios)} maps"
    return Finding(f"{words} (n = 1 net)", stands(min(ratios) > 1))


# --- Subsampling ----------------------------------------------------------------------------------


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
        "likeness of C3's maps (mean size of their correlations) with the table and without",
        symmetry,
        ABLATIONS,
    ),
)
