"""Statements on the data, on errors and distortions, and on the cost (III)."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from experiments.claims.ledger import (
    DISTORTIONS,
    FIG7,
    HEADLINE,
    MEASURES,
    ORIGINAL,
    PUBLISHED,
    Claim,
    Evidence,
    Finding,
    not_testable,
    of_one_run,
)
from experiments.claims.verdicts import NOT_TESTABLE, about, agrees, all_of, lower, most, stands
from experiments.distortions.tables import Gain
from experiments.published import tables as results
from experiments.results import CLAIMS as MEASURED
from experiments.results import FIG7 as DRAWN
from lenet1998 import paper
from lenet1998.report.statistics import verdict
from lenet1998.report.tables import spread
from lenet1998.training.records import RunRecord

FOLDERS = {
    "original": ORIGINAL,
    "distortions": DISTORTIONS,
    **{
        name: f"published/{name}"
        for name in ("original,train_size=15000", "original,train_size=30000")
    },
}


# --- The data -------------------------------------------------------------------------------------


def _data(evidence: Evidence) -> dict:
    return evidence.json(MEASURED)["data"]


def mean_about_zero(evidence: Evidence) -> Finding:
    data = _data(evidence)
    deviation = data["variance"] ** 0.5
    words = f"{data['mean']:.3f}, standard deviation {deviation:.3f}"
    return Finding(
        f"{words} (n = {data['patterns']:,})", stands(abs(data["mean"]) < deviation / 10)
    )


def variance_about_one(evidence: Evidence) -> Finding:
    data = _data(evidence)
    return Finding(f"{data['variance']:.3f} (n = {data['patterns']:,})", about(data["variance"], 1))


def of_patterns(key: str, evidence: Evidence) -> Finding:
    """Share of the training digits with a property."""
    data = _data(evidence)
    return Finding(
        f"{data[key]:,} of {data['patterns']:,}", most(data[key], data["patterns"], 0.99)
    )


# --- Errors ---------------------------------------------------------------------------------------


def error(claim: results.Claim, evidence: Evidence) -> Finding:
    """A published error beside our runs."""
    runs = evidence.runs(FOLDERS[claim.recipe])
    words = spread([run.last[claim.key] for run in runs])
    return of_one_run(words, claim.verdict, runs, evidence, claim.patterns)


def _error_claim(claim: results.Claim) -> Claim:
    fitted = " (fitted)" if claim.recipe == "original" else ""
    return Claim(
        "11" if claim.source == "Fig. 6" else "10-11" if claim.recipe == "distortions" else "10",
        "Fig. 6" if claim.source == "Fig. 6" else "III-B",
        f"{claim.what[0].upper()}{claim.what[1:]}: {claim.value:g} %{fitted}",
        "one more run",
        partial(error, claim),
        HEADLINE if claim.recipe == "original" else PUBLISHED,
    )


def more_patterns(evidence: Evidence) -> Finding:
    sizes = {
        size: evidence.last(folder)
        for size, folder in (
            ("60,000", ORIGINAL),
            ("30,000", FOLDERS["original,train_size=30000"]),
            ("15,000", FOLDERS["original,train_size=15000"]),
        )
    }
    words = "; ".join(f"{size} {spread(errors)}" for size, errors in sizes.items())
    most_, middle, fewest = sizes.values()
    return Finding(words, all_of(lower(most_, middle), lower(middle, fewest)))


def distortions_help(evidence: Evidence) -> Finding:
    with_them, without = evidence.last(DISTORTIONS), evidence.last(ORIGINAL)
    words = f"with {spread(with_them)}; without {spread(without)}"
    return Finding(words, lower(with_them, without))


def gain(evidence: Evidence) -> Finding:
    ours = Gain(evidence.last(ORIGINAL), evidence.last(DISTORTIONS))
    n = f"n = {len(ours.plain)} and {len(ours.distorted)}"
    words = f"{ours.of_means}; one run over another {ours.of_one_run} ({n})"
    return Finding(words, agrees(ours.verdict))


def twice_each(evidence: Evidence) -> Finding:
    run = evidence.runs(DISTORTIONS)[0]
    seen = run.recipe["passes"] * run.dataset["train_patterns"]
    pool = paper.TRAIN_SIZE + paper.DISTORTED_PATTERNS
    return Finding(f"{seen:,} draws of {pool:,}: {seen / pool:g} times", stands(seen == 2 * pool))


def families(evidence: Evidence) -> Finding:
    """The named families are drawn, and of vertical shear there is no more than the fit's error."""
    result = evidence.json(DRAWN)
    drawn = [one["name"] for one in result["parameters"] if abs(np.ptp(one["range"])) > 0]
    slant = result["simulation"]["vertical_shear"]
    words = f"{', '.join(drawn).replace('_', ' ')} are drawn; no other, p = {slant['p']:.2f}"
    return Finding(f"{words} (n = {len(result['digits'])} digits)", stands(slant["p"] > 0.05))


def misread(evidence: Evidence) -> Finding:
    def errors(runs: Sequence[RunRecord]) -> list[int]:
        return [run.last["test_errors"] for run in runs]

    def judge(runs: Sequence[RunRecord]) -> str:
        return verdict(len(paper.fig8_errors().index), errors(runs))

    runs = evidence.runs(DISTORTIONS)
    return of_one_run(f"{spread(errors(runs), 1)} with distortions", judge, runs, evidence)


def uncertainty(_: Evidence) -> Finding:
    share = paper.TEST_ERROR_PERCENT / 100
    deviation = 100 * (share * (1 - share) / paper.TEST_SIZE) ** 0.5
    words = f"{deviation:.3f}: standard deviation of 95 errors of 10,000 patterns"
    return Finding(words, stands(round(deviation, 1) == paper.ERROR_UNCERTAINTY))


# --- Cost -----------------------------------------------------------------------------------------


def work(evidence: Evidence) -> Finding:
    ours = evidence.runs(ORIGINAL)[0].multiply_accumulates
    printed = paper.MULTIPLY_ACCUMULATES["LeNet-5"]
    connections = evidence.runs(ORIGINAL)[0].connections
    words = f"{ours:,}, and {connections:,} connections"
    return Finding(words, stands(printed in (round(ours / 1000), round(connections / 1000))))


def memory(evidence: Evidence) -> Finding:
    ours = evidence.runs(ORIGINAL)[0].parameters
    return Finding(f"{ours:,}", stands(round(ours / 1000) == paper.MEMORY["LeNet-5"]))


def dearer(_: Evidence) -> Finding:
    printed = paper.MULTIPLY_ACCUMULATES
    ratio = printed["RS-SVM poly 5"] / printed["LeNet-5"] - 1
    return Finding(f"{100 * ratio:.0f} % by Fig. 11", stands(round(ratio, 1) == 0.6))


def training_time(evidence: Evidence) -> Finding:
    seconds = [run.seconds for run in evidence.runs(ORIGINAL)]
    words = f"{min(seconds):.0f} s or more for 20 passes, a core of today (n = {len(seconds)})"
    return Finding(words, NOT_TESTABLE)


CLAIMS = (
    Claim(
        "7-9",
        "II-B",
        "The mean of the inputs is about 0",
        "all pixels of the padded training patterns",
        mean_about_zero,
        MEASURES,
    ),
    Claim(
        "7-9",
        "II-B",
        "Their variance is about 1",
        "all pixels of the padded training patterns",
        variance_about_one,
        MEASURES,
    ),
    Claim(
        "9-10",
        "III-A",
        "Digits are size-normalised to fit 20x20 pixels",
        "side of the smallest square around a training digit's ink",
        partial(of_patterns, "within_digit_size"),
        MEASURES,
    ),
    Claim(
        "9-10",
        "III-A",
        "They are centred in the field by their centre of mass",
        "to a pixel either way, training digits",
        partial(of_patterns, "centred_to_a_pixel"),
        MEASURES,
    ),
    Claim(
        "9-10",
        "III-A",
        "The test set is half of SD-3, half of SD-1, here of other writers than the training set's",
        "needs the raw forms, and which of them were taken",
        not_testable,
    ),
    *map(_error_claim, results.claims()),
    Claim(
        "11",
        "Fig. 6",
        "More training patterns, fewer test errors",
        "test error, %, with 15,000, 30,000 and 60,000 patterns",
        more_patterns,
        PUBLISHED,
    ),
    Claim(
        "10-11",
        "III-B",
        "Distorted patterns lower the test error",
        "test error, %, difference of means",
        distortions_help,
        PUBLISHED,
    ),
    Claim(
        "10-11",
        "III-B",
        "They lower it by 0.15 points",
        "difference of means, and that there is one; one more run of each beside it",
        gain,
        PUBLISHED,
    ),
    Claim(
        "10-11",
        "III-B",
        "Of the 600,000 patterns with distortions, each is seen about twice",
        "counted in the runs",
        twice_each,
        PUBLISHED,
    ),
    Claim(
        "10-11",
        "III-B",
        "Patterns are distorted by shifting, scaling, squeezing and horizontal shear",
        "Fig. 7's digits registered with their originals",
        families,
        FIG7,
    ),
    Claim("11", "Fig. 8", "82 test patterns are misclassified", "one more run", misread, PUBLISHED),
    Claim(
        "11-15",
        "Fig. 9",
        "Errors are known to about 0.1 %",
        "binomial standard deviation, to a digit",
        uncertainty,
    ),
    Claim(
        "14-15",
        "Fig. 11",
        "401,000 multiply-accumulates to recognise a digit",
        "counted, with biases; the paper does not say how it counts",
        work,
        HEADLINE,
    ),
    Claim("14-15", "Fig. 12", "60,000 variables to store", "counted", memory, HEADLINE),
    Claim(
        "14",
        "III-D",
        "The reduced-set SVM's 650,000 are about 60 % more than LeNet-5's",
        "from the figure",
        dearer,
    ),
    Claim(
        "15",
        "III-D",
        "10 to 20 passes took 2 to 3 days of a 200 MHz R10000",
        "needs such a machine",
        training_time,
        HEADLINE,
    ),
)
