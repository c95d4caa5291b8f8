"""Statements on the second derivatives and the rates they give (III-B, App. C)."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from experiments.ablations.measures_tables import passes_to_2_percent
from experiments.claims.ledger import (
    ABLATIONS,
    HEADLINE,
    MEASURES,
    ORIGINAL,
    READINGS,
    TEST,
    Claim,
    Evidence,
    Finding,
    of_one_run,
)
from experiments.claims.verdicts import all_of, below, lower, most, stands
from experiments.results import CLAIMS as MEASURED
from lenet1998 import paper
from lenet1998.ablate.tuning import TUNINGS
from lenet1998.report.statistics import verdict
from lenet1998.report.tables import spread
from lenet1998.training.records import RunRecord

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


def first_rates(key: str, published: float, evidence: Evidence) -> Finding:
    half = {"rate_min": 0.5 / 7, "rate_max": 0.5 / 16}[key]

    def judge(runs: Sequence[RunRecord]) -> str:
        logs = np.log([run.per_pass[0][key] for run in runs])
        return verdict(np.log(published), logs, np.log(1 + half), logarithms=True)

    rates = evidence.after(ORIGINAL, 1, key)
    words = f"{np.exp(np.mean(np.log(rates))):.2g}, {min(rates):.2g} to {max(rates):.2g}"
    runs = evidence.runs(ORIGINAL)
    return of_one_run(f"{words} (n = {len(rates)})", judge, runs, evidence)


def _curvatures(evidence: Evidence, kind: str) -> list[dict]:
    return evidence.json(MEASURED)["curvature"][kind]


def never_negative(evidence: Evidence) -> Finding:
    nets = [net for kind in ("untrained", "trained") for net in _curvatures(evidence, kind)]
    least = min(net["least_h"] for net in nets)
    return Finding(f"the least is {least:.2g} (n = {len(nets)} nets)", stands(least >= 0))


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
    shares = {name: took["estimate"] / took["pass"] for name, took in seconds.items()}
    words = " or ".join(
        f"{seconds[name]['estimate']:.2g} s, {100 * share:.2g} % of a pass ({name})"
        for name, share in shares.items()
    )
    words += "; n = 1 machine, medians of 7 rounds"
    return Finding(words, stands(max(shares.values()) < 0.1))


# --- Without adjustment ---------------------------------------------------------------------------


def another_mu(evidence: Evidence) -> Finding:
    printed = evidence.after(ORIGINAL, 10)
    others = [evidence.last(folder) for folder in OTHER_MU]
    words = f"mu / 10 {spread(others[0])}; mu {spread(printed)}; 10 mu {spread(others[1])}"
    allowed = [error + paper.ERROR_UNCERTAINTY for error in printed]
    return Finding(words, all_of(*(lower(errors, allowed) for errors in others)))


def trained_well(run: RunRecord) -> bool:
    return not run.diverged and run.last[TEST] < TRAINED_WELL


def many_recipes(evidence: Evidence) -> Finding:
    by_recipe_and_seed = {  # some studies share runs
        (run.recipe["name"], run.seed): run
        for folder in AS_PRINTED
        for run in evidence.started(folder)
        if run.recipe["initialisation"] != "fan_in"
    }
    runs = by_recipe_and_seed.values()
    good = sum(trained_well(run) for run in runs)
    kinds = len({run.recipe["name"] for run in runs})
    return Finding(f"{good} of {len(runs)} runs of {kinds} recipes", most(good, len(runs), 0.9))


def speed_up(evidence: Evidence) -> Finding:
    sdlm, sgd = (
        [passes_to_2_percent(run) for run in evidence.ablated(**TUNINGS[key].settled)]
        for key in ("sdlm", "sgd")
    )
    words = f"SDLM {spread(sdlm, 1)}; one rate {spread(sgd, 1)}"
    return Finding(words, lower(sgd, [2 * passes for passes in sdlm]))


CLAIMS = (
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
        "passes until less than 2 % of the test set are misclassified; SDLM, one rate, both tuned",
        speed_up,
        ABLATIONS,
    ),
)
