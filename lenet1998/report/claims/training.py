"""What the paper says of training: the method (App. A to C), and how it goes (III-B)."""

from functools import partial

import numpy as np

from lenet1998 import paper
from lenet1998.records import RunRecord
from lenet1998.report.claims.ledger import (
    HEADLINE,
    MEASURES,
    ORIGINAL,
    READINGS,
    REPRODUCE,
    TEST,
    TRAIN,
    Claim,
    Evidence,
    Finding,
    not_measured,
)
from lenet1998.report.claims.verdicts import (
    CANNOT_TELL,
    HOLDS,
    all_of,
    below,
    lower,
    most,
    one_more,
    stands,
)
from lenet1998.report.results import FIGURE_RESOLUTION
from lenet1998.report.sources import CLAIMS as MEASURED
from lenet1998.report.tables import brief, spread
from lenet1998.statistics import prediction_interval

LITERAL = "readings/original-literal"
EQUATION_8 = "readings/original,loss=distance,half_distance=false,f6_curvature=gauss_newton"
OTHER_MU = tuple(f"claims/original,mu={mu:g},passes=10" for mu in (paper.MU / 10, paper.MU * 10))
AS_PRINTED = (  # runs with the printed schedule and mu, but other data, readings or networks
    ORIGINAL,
    "headline/original-logistic",
    "published",
    "readings",
)
TRAINED_WELL = 2.0  # percent test error
SQRT_2 = 2**0.5
TWO_DRAWS, SUBSET = "500 and 500", "500 and 5,000"


def schedule(_: Evidence) -> Finding:
    passes = sum(passes for passes, _ in paper.ETA_SCHEDULE)
    points = len(paper.fig5_curve().passes)
    return Finding(f"the rates are for {passes}; Fig. 5 has {points}", stands(points == passes))


def curve(key: str, evidence: Evidence) -> Finding:
    """How many points of one of Fig. 5's curves one more run of ours could have."""
    published = paper.fig5_curve()
    theirs = published.train_error if key == TRAIN else published.test_error
    runs = evidence.runs(ORIGINAL)
    outside = 0
    for place in range(paper.PASSES):
        low, high = prediction_interval([run.per_pass[place][key] for run in runs])
        outside += not low - FIGURE_RESOLUTION <= theirs[place] <= high + FIGURE_RESOLUTION
    words = f"{outside} of {paper.PASSES} points outside (n = {len(runs)})"
    return Finding(words, stands(outside <= 3))


def first_rates(key: str, published: float, evidence: Evidence) -> Finding:
    rates = evidence.after(ORIGINAL, 1, key)
    logs, half = np.log10(rates), {"rate_min": 0.5 / 7, "rate_max": 0.5 / 16}[key]
    words = f"{np.exp(np.mean(np.log(rates))):.2g}, {min(rates):.2g} to {max(rates):.2g}"
    verdict = one_more(np.log10(published), logs, np.log10(1 + half))
    return Finding(f"{words} (n = {len(rates)})", verdict)


# --- The curvature --------------------------------------------------------------------------------


def draws(nets: str, pair: str, evidence: Evidence) -> Finding:
    """The factor within which 95 % of the rates from two draws of patterns lie, by net."""
    of_nets = _curvatures(evidence, nets)
    found = [net[pair] for net in of_nets]
    factors = [one["factor_of_95_percent"] for one in found]
    correlation = np.mean([one["correlation"] for one in found])
    median = np.mean([one["median_factor"] for one in found])
    words = f"within a factor of {spread(factors)}, half of them of {median:.2f}"
    words += f"; logarithms correlate by {correlation:.3f}"
    if pair == SUBSET:
        fewer = np.mean([net["50 and 5,000"]["factor_of_95_percent"] for net in of_nets])
        words += f"; with 50 patterns, a factor of {fewer:.2f}"
    return Finding(words, below(factors, SQRT_2))


def drawn_otherwise(evidence: Evidence) -> Finding:
    """Test errors of three readings of which patterns: no pair of them far apart."""
    first, fixed, fresh = (
        evidence.last(f"readings/original{how}")
        for how in ("", ",curvature_draw=fixed", ",curvature_draw=fresh")
    )
    margin = paper.ERROR_UNCERTAINTY
    apart = [
        lower(one, [error + margin for error in other])
        for one, other in ((first, fixed), (fixed, first), (first, fresh), (fresh, first))
    ]
    words = f"first 500 {spread(first)}; drawn once {spread(fixed)}; each pass {spread(fresh)}"
    return Finding(words, all_of(*apart))


def cost(evidence: Evidence) -> Finding:
    seconds = evidence.json(MEASURED)["curvature"]["cpu_seconds"]
    shares = {name: seconds["estimate"] / seconds[name] for name in ("compiled", "eager")}
    words = f"{seconds['estimate']:.2f} s, of a pass {100 * shares['compiled']:.1f} % (compiled)"
    words += f" or {100 * shares['eager']:.2f} % (eager); n = 1 machine, medians of 7 rounds"
    return Finding(words, stands(max(shares.values()) < 0.1))


def never_negative(evidence: Evidence) -> Finding:
    nets = [net for kind in ("untrained", "trained") for net in _curvatures(evidence, kind)]
    least = min(net["least_h"] for net in nets)
    return Finding(f"the least is {least:.2g} (n = {len(nets)} nets)", stands(least >= 0))


def _curvatures(evidence: Evidence, kind: str) -> list[dict]:
    return evidence.json(MEASURED)["curvature"][kind]


# --- Rates ----------------------------------------------------------------------------------------


def another_mu(evidence: Evidence) -> Finding:
    printed = evidence.after(ORIGINAL, 10)
    others = [evidence.last(folder) for folder in OTHER_MU]
    words = f"mu / 10 {spread(others[0])}; mu {spread(printed)}; 10 mu {spread(others[1])}"
    allowed = [error + paper.ERROR_UNCERTAINTY for error in printed]
    return Finding(words, all_of(*(lower(errors, allowed) for errors in others)))


def trained_well(run: RunRecord) -> bool:
    return not run.diverged and run.last[TEST] < TRAINED_WELL


def many_recipes(evidence: Evidence) -> Finding:
    runs = [
        run
        for folder in AS_PRINTED
        for run in evidence.started(folder)
        if run.recipe["initialisation"] != "fan_in"
    ]
    good = sum(trained_well(run) for run in runs)
    kinds = len({run.recipe["name"] for run in runs})
    return Finding(f"{good} of {len(runs)} runs of {kinds} recipes", most(good, len(runs), 0.9))


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


# --- The end of training --------------------------------------------------------------------------


def over_training(evidence: Evidence) -> Finding:
    runs = evidence.runs(ORIGINAL)
    rises = [run.last[TEST] - run.per_pass[11][TEST] for run in runs]
    above_best = [run.last[TEST] - min(entry[TEST] for entry in run.per_pass) for run in runs]
    words = f"{spread(rises, 3)} points; last above best"
    return Finding(f"{words} {brief(above_best, digits=3)}", below(rises, 0.05))


def converged(run: RunRecord) -> int:
    """The first pass from which on every test error is within 0.1 points of the last one."""
    settled = run.last["pass"]
    for entry in reversed(run.per_pass):
        if abs(entry[TEST] - run.last[TEST]) > paper.ERROR_UNCERTAINTY + 1e-9:
            break
        settled = entry["pass"]
    return settled


def convergence(evidence: Evidence) -> Finding:
    passes = [converged(run) for run in evidence.runs(ORIGINAL)]
    low, high = paper.CONVERGENCE_PASSES
    return Finding(
        f"pass {spread(passes, 1)}", one_more((low + high) / 2, passes, (high - low) / 2)
    )


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
        "The smallest effective rate of the first pass is about 7e-5",
        "one more run, as logarithm",
        partial(first_rates, "rate_min", paper.RATE_RANGE[0]),
        HEADLINE,
    ),
    Claim(
        "10",
        "III-B",
        "The largest effective rate of the first pass is about 0.016",
        "one more run, as logarithm",
        partial(first_rates, "rate_max", paper.RATE_RANGE[1]),
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
        "the same with rates that become small (ablations)",
        not_measured,
        f"{REPRODUCE} --set eta=0.00001 --passes 60",
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
    Claim(
        "41-42",
        "App. C",
        "All second derivatives of the approximation are positive or zero",
        "the least of all parameters and draws",
        never_negative,
        MEASURES,
    ),
    *(
        Claim(
            "41-42",
            "App. C",
            f"{words}: {nets} nets",
            f"95 % of the rates from {pair} patterns, drawn apart",
            partial(draws, nets, pair),
            MEASURES,
        )
        for pair, words in (
            (
                TWO_DRAWS,
                "The second derivatives hardly depend on the patterns they are estimated on",
            ),
            (SUBSET, "A small subset of the patterns will do for them"),
        )
        for nets in ("untrained", "trained")
    ),
    Claim(
        "41-42",
        "App. C",
        "It makes no difference to learning which patterns those are",
        "test error, %: no mean more than 0.1 points above another",
        drawn_otherwise,
        READINGS,
    ),
    Claim(
        "41-42",
        "App. C",
        "Estimating the second derivatives costs almost nothing",
        "CPU seconds of the estimate on 500 patterns and of a pass, side by side",
        cost,
        MEASURES,
    ),
    Claim(
        "41-42",
        "App. C",
        "The rates stay useful without extensive adjustment: another mu",
        "test error, %, after 10 passes with a tenth and ten times the printed mu",
        another_mu,
        MEASURES,
    ),
    Claim(
        "41-42",
        "App. C",
        "The same: other data, losses, functions and initial weights",
        "runs with the printed schedule and mu below 2 % test error, the literal start apart",
        many_recipes,
        READINGS,
    ),
    Claim(
        "41-42",
        "App. C",
        "It gives no tremendous speed-up over plain gradient descent",
        "passes to 2 % with a tuned single rate (ablations)",
        not_measured,
        f"{REPRODUCE} --set optimizer=sgd --set eta=0.001",
    ),
)
