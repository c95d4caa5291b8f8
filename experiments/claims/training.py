"""Statements on the start, the course and the end of training (III-B, VI-A, App. A)."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from experiments.claims.curvature import TRAINED_WELL, trained_well
from experiments.claims.ledger import (
    HEADLINE,
    MEASURES,
    ORIGINAL,
    READINGS,
    TEST,
    TRAIN,
    Claim,
    Evidence,
    Finding,
    of_one_run,
)
from experiments.claims.verdicts import CANNOT_TELL, HOLDS, above, below, lower, most, stands
from experiments.published.figures import FIGURE_RESOLUTION
from experiments.results import CLAIMS as MEASURED
from lenet1998 import paper
from lenet1998.report.statistics import CONSISTENT, INCONSISTENT, TOO_WIDE, verdict
from lenet1998.report.tables import brief, spread
from lenet1998.training.records import RunRecord

POINTS_ALLOWED = 3  # outside, of a curve
LITERAL = "headline/original-literal"
SMALL_RATES = "claims/original,eta=1e-05,passes=60"
EQUATION_8 = "readings/original,loss=distance,half_distance=false,f6_curvature=gauss_newton"


def schedule(_: Evidence) -> Finding:
    passes = sum(passes for passes, _ in paper.ETA_SCHEDULE)
    points = len(paper.fig5_curve().passes)
    return Finding(f"the rates are for {passes}; Fig. 5 has {points}", stands(points == passes))


def curve(key: str, evidence: Evidence) -> Finding:
    """Number of points of one of Fig. 5's curves outside the prediction intervals of ours."""
    published = paper.fig5_curve()
    theirs = published.train_error if key == TRAIN else published.test_error

    def points(runs: Sequence[RunRecord]) -> list[str]:
        curves = zip(*([entry[key] for entry in run.per_pass] for run in runs), strict=False)
        return [
            verdict(point, ours, FIGURE_RESOLUTION)
            for point, ours in zip(theirs[: paper.PASSES], curves, strict=False)
        ]

    def judge(runs: Sequence[RunRecord]) -> str:
        of = points(runs)
        if of.count(INCONSISTENT) > POINTS_ALLOWED:
            return INCONSISTENT
        enough = of.count(CONSISTENT) >= paper.PASSES - POINTS_ALLOWED
        return CONSISTENT if enough else CANNOT_TELL

    runs = evidence.runs(ORIGINAL)
    of = points(runs)
    words = f"{of.count(INCONSISTENT)} of {paper.PASSES} points outside"
    if TOO_WIDE in of:
        words += f", {of.count(TOO_WIDE)} too wide to tell"
    return of_one_run(f"{words} (n = {len(runs)})", judge, runs, evidence)


# --- The start ------------------------------------------------------------------------------------


def literal_start(evidence: Evidence) -> Finding:
    runs = evidence.started(LITERAL)
    good = sum(trained_well(run) for run in runs)
    words = f"{good} of {len(runs)} runs end below {TRAINED_WELL:g} % test error"
    return Finding(words, most(good, len(runs), 0.9))


def slow_when_small(evidence: Evidence) -> Finding:
    small, larger = (evidence.after(folder, 1) for folder in (LITERAL, EQUATION_8))
    words = f"from 2.4 / F {spread(small, 1)}; from 2.4 / sqrt F {spread(larger)}"
    return Finding(words, lower(larger, small))


def flat_spot(evidence: Evidence) -> Finding:
    runs = evidence.runs(LITERAL)
    shares = [np.bincount(run.predictions).max() / len(run.predictions) for run in runs]
    stalled = sum(share > 0.9 for share in shares)
    words = f"{stalled} of {len(runs)} runs give one answer to over 90 % after 20 passes"
    return Finding(words, HOLDS if stalled else CANNOT_TELL)


def shrinking(evidence: Evidence) -> Finding:
    nets = evidence.json(MEASURED)["norms"]
    ratios = np.array([[one["all"] / net[0]["all"] for one in net[1:]] for net in nets])
    after = ", ".join(f"{mean:.3f}" for mean in ratios.mean(0))
    layers = ", ".join(
        f"{name.upper()} {np.mean([net[1][name] / net[0][name] for net in nets]):.2f}"
        for name in ("c1", "s2", "c3", "s4", "c5", "f6")
    )
    words = f"after passes 1, 2, 3: {after} times (n = {len(nets)}); after pass 1 by layer {layers}"
    return Finding(words, below(ratios.min(1), 1))


# --- The end --------------------------------------------------------------------------------------


def over_training(evidence: Evidence) -> Finding:
    runs = evidence.runs(ORIGINAL)
    rises = [run.last[TEST] - run.per_pass[11][TEST] for run in runs]
    above_best = [run.last[TEST] - min(entry[TEST] for entry in run.per_pass) for run in runs]
    words = f"{spread(rises, 3)} points; last above best"
    return Finding(f"{words} {brief(above_best, digits=3)}", below(rises, 0.05))


def over_training_at_small_rates(evidence: Evidence) -> Finding:
    runs = evidence.runs(SMALL_RATES)
    rises = [run.last[TEST] - run.per_pass[35][TEST] for run in runs]
    last = spread([run.last[TEST] for run in runs])
    return Finding(f"{spread(rises, 3)} points; last {last} %", above(rises, 0.05))


def converged(run: RunRecord) -> int:
    """The first pass from which on every test error is within 0.1 points of the last one."""
    settled = run.last["pass"]
    for entry in reversed(run.per_pass):
        if abs(entry[TEST] - run.last[TEST]) > paper.ERROR_UNCERTAINTY + 1e-9:
            break
        settled = entry["pass"]
    return settled


def convergence(evidence: Evidence) -> Finding:
    low, high = paper.CONVERGENCE_PASSES

    def judge(runs: Sequence[RunRecord]) -> str:
        return verdict((low + high) / 2, list(map(converged, runs)), (high - low) / 2)

    runs = evidence.runs(ORIGINAL)
    return of_one_run(f"pass {spread(list(map(converged, runs)), 1)}", judge, runs, evidence)


CLAIMS = (
    Claim(
        "10",
        "III-B",
        "LeNet-5 was trained for 20 passes, which Fig. 5 shows",
        "counted in the schedule and in the figure",
        schedule,
    ),
    Claim(
        "10",
        "Fig. 5",
        "The curve of training errors (fitted)",
        "its points beside where one more run would fall, on the fly, passes 1 to 20",
        partial(curve, TRAIN),
        HEADLINE,
    ),
    Claim(
        "10",
        "Fig. 5",
        "The curve of test errors (fitted)",
        "its points beside where one more run would fall, passes 1 to 20",
        partial(curve, TEST),
        HEADLINE,
    ),
    Claim(
        "10",
        "III-B",
        "No over-training is seen in 20 passes",
        "test error, %, after pass 20 less that after pass 12, by seed",
        over_training,
        HEADLINE,
    ),
    Claim(
        "10",
        "III-B",
        "That may be because rates stay large, so that weights oscillate and favour broad minima",
        "test error, %, after pass 60 less that after pass 36 with a rate of 0.00001",
        over_training_at_small_rates,
        MEASURES,
    ),
    Claim(
        "10-11",
        "Fig. 5",
        "Training converges after 10 to 12 passes",
        "first pass from which the test error stays within 0.1 points of the last, one more run",
        convergence,
        HEADLINE,
    ),
    Claim(
        "13",
        "III-C.5",
        "Weights shrink in the first passes (said where fully connected nets are discussed)",
        "norm of all weights over that at the start",
        shrinking,
        MEASURES,
    ),
    Claim(
        "22",
        "VI-A",
        "With fixed RBFs there is a flat spot where the output is constant, hard to leave",
        "answers of nets that start from U(-2.4/F, 2.4/F) with eq. 8",
        flat_spot,
        READINGS,
    ),
    Claim(
        "40-41",
        "App. A",
        "From weights that are too small, nets learn extremely slowly",
        "test error, %, after pass 1, by the size of the initial weights",
        slow_when_small,
        READINGS,
    ),
    Claim(
        "41",
        "App. A",
        "Weights start from U(-2.4/F, 2.4/F), and nets that do learn",
        "runs so started, with eq. 8 as printed",
        literal_start,
        READINGS,
    ),
)
