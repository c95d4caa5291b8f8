"""docs/results.md: each published LeNet-5 result beside our runs, with a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from experiments.distortions.tables import PUBLISHED_GAIN, Gain
from experiments.published.figures import BY_SIZE, FIGURE_RESOLUTION
from experiments.results import (
    ANSWERS,
    DISTORTIONS,
    FIG6,
    MODERN,
    ORIGINAL,
    REJECTION_INVARIANCE,
    everything,
    shows,
)
from lenet1998 import paper
from lenet1998.errors import BadInput
from lenet1998.recipes import spaced_name
from lenet1998.report.statistics import holm, prediction_interval, verdict, welch
from lenet1998.report.tables import beside_the_paper, brief, by_recipe, passing, spread, summary_of
from lenet1998.training.records import RunRecord

FEWER = (
    BY_SIZE[0],
    "published/original,eta=stretched,passes=80,train_size=15000",
    "published/original,passes=80,train_size=15000",
)


@shows(ORIGINAL, DISTORTIONS)
def headline(runs: Sequence[RunRecord], distorted: Sequence[RunRecord]) -> pd.DataFrame:
    """The 1998 recipe's runs beside the paper, and the test error of those with distortions."""
    frame = beside_the_paper(summary_of(runs))
    test = spread([run.last["test_error_percent"] for run in distorted])
    published = str(paper.DISTORTED_TEST_ERROR_PERCENT)
    frame.loc[1.5] = ["test error with distortions, %", test, published]
    return frame.sort_index()


@dataclass(frozen=True)
class Claim:
    """One published value, how well it is known, and where ours is found."""

    what: str
    source: str
    value: float
    known_to: float
    recipe: str
    key: str
    patterns: int = paper.TRAIN_SIZE

    def verdict(self, runs: Sequence[RunRecord]) -> str:
        """Verdict on the claim as one more run."""
        return verdict(self.value, [run.last[self.key] for run in runs], self.known_to)

    def passing(self, records: Sequence[RunRecord]) -> str:
        """Of how many of all recipes it could be one more run."""
        return passing(records, self.verdict, self.patterns)


def claims() -> list[Claim]:
    """The errors that the paper reports of LeNet-5 on MNIST."""
    points = paper.fig6_points()
    test, train = "test_error_percent", "train_error_percent"
    rows = [
        Claim("test error", "section III-B", paper.TEST_ERROR_PERCENT, 0.005, "original", test),
        Claim(
            "training error on the fly",
            "section III-B, after 19 passes; on the fly by inference from Fig. 5's caption",
            paper.TRAIN_ERROR_PERCENT,
            0.005,
            "original",
            train,
        ),
    ]
    for size in (15_000, 30_000):
        place = points.train_size.tolist().index(size)
        name = f"original,train_size={size}"
        for what, errors, key in (
            ("test error", points.test_error, test),
            ("training error", points.train_error, train),
        ):
            rows.append(
                Claim(
                    f"{what}, {size:,} patterns",
                    "Fig. 6",
                    float(errors[place]),
                    FIGURE_RESOLUTION,
                    name,
                    key,
                    size,
                )
            )
    rows.append(
        Claim(
            "test error, with distortions",
            "section III-B; 0.82 in Fig. 6",
            paper.DISTORTED_TEST_ERROR_PERCENT,
            0.05,
            "distortions",
            test,
        )
    )
    return rows


@shows(FEWER, FIG6)
def fewer_patterns(records: Sequence[RunRecord], again: dict) -> pd.DataFrame:
    """Explanations tried for Fig. 6's errors with 15,000 patterns, beside one more run of ours.

    Args:
        records: runs with 15,000 patterns, by how long and at which rates.
        again: ``fig6.json``: what the same nets misclassify of their own patterns after the last
            pass.
    """
    points = paper.fig6_points()
    place = points.train_size.tolist().index(15_000)
    counted = {(run["recipe"], run["seed"]): run["percent"] for run in again["runs"]}
    rows = []
    for name, runs in by_recipe(records).items():
        row: dict[str, object] = {"trained": spaced_name(name), "n": len(runs)}
        for what, values, published in (
            (
                "training error on the fly, %",
                [run.last["train_error_percent"] for run in runs],
                points.train_error[place],
            ),
            (
                "training error counted again, %",
                [counted[name, run.seed] for run in runs],
                points.train_error[place],
            ),
            (
                "test error, %",
                [run.last["test_error_percent"] for run in runs],
                points.test_error[place],
            ),
        ):
            judged = verdict(float(published), values, FIGURE_RESOLUTION)
            row[what] = f"{brief(values, digits=2)}; {published:.2f}: {judged}"
        rows.append(row)
    return pd.DataFrame(rows)


@shows(BY_SIZE, everything)
def errors(records: Sequence[RunRecord], every: Sequence[RunRecord]) -> pd.DataFrame:
    """One row per published error: published | ours | where one more run would fall | verdict.

    Args:
        records: the runs of the paper's results.
        every: all committed runs, of which the last column says how many pass the same check.
    """
    groups = by_recipe(records)
    rows = []
    for claim in claims():
        runs = [run for run in groups.get(claim.recipe, []) if not run.diverged]
        values = [run.last[claim.key] for run in runs]
        low, high = prediction_interval(values)
        rows.append(
            {
                "result, %": claim.what,
                "published": f"{claim.value:g} ({claim.source})",
                "ours": spread(values),
                "one more run, 95 %": f"{low:.2f} to {high:.2f}" if len(values) > 1 else "",
                "verdict": claim.verdict(runs),
                "recipes consistent": claim.passing(every),
            }
        )
    return pd.DataFrame(rows)


@shows(ORIGINAL, DISTORTIONS)
def in_short(runs: Sequence[RunRecord], distorted: Sequence[RunRecord]) -> pd.DataFrame:
    """The errors of section III-B beside the paper, and the gain by distortions, which fails."""
    rows = []
    for claim in claims()[:2]:
        values = [run.last[claim.key] for run in runs if not run.diverged]
        ours = f"{brief(values, digits=2)} (n = {len(values)})"
        rows.append((f"{claim.what}, %", f"{claim.value:g}", ours, claim.verdict(runs)))
    gain = Gain(*([run.last["test_error_percent"] for run in of] for of in (runs, distorted)))
    what = "fall of the test error by distorted patterns, points"
    rows.append((what, f"{PUBLISHED_GAIN:.2f}", gain.of_means, gain.verdict))
    return pd.DataFrame(rows, columns=["result", "the paper", "`original`", "verdict"])


@dataclass(frozen=True)
class Shared:
    """Errors of one net among the 82 of Fig. 8."""

    errors: int
    misclassified: int
    same_answer: int

    @property
    def dice(self) -> float:
        """Dice coefficient of the net's errors and the 82."""
        return 2 * self.misclassified / (self.errors + len(paper.fig8_errors().index))


def shared_with_1998(record: RunRecord) -> Shared:
    """Compare a net's predictions on MNIST's test set with Fig. 8's.

    Raises:
        BadInput: a run that was tested on other patterns.
    """
    if len(record.predictions) != paper.TEST_SIZE:
        raise BadInput(
            f"{record.recipe['name']}, seed {record.seed}: was tested on"
            f" {len(record.predictions):,} patterns, and Fig. 8 is of MNIST's {paper.TEST_SIZE:,}"
        )
    then = paper.fig8_errors()
    answers = record.predictions[then.index]
    return Shared(
        errors=record.last["test_errors"],
        misclassified=int((answers != then.label).sum()),
        same_answer=int((answers == then.answer).sum()),
    )


@shows((DISTORTIONS, ORIGINAL, MODERN), ANSWERS)
def fingerprint(records: Sequence[RunRecord], measured: dict) -> pd.DataFrame:
    """Per kind of net: how much its errors overlap with Fig. 8's 82, and with one another.

    p is Welch's, adjusted by Holm, that the overlap with the 82 is the first kind's.

    Args:
        records: each kind's runs.
        measured: ``alike``, of each net the mean overlap with the others of its kind.
    """
    kinds = {
        name: [(run.seed, shared_with_1998(run)) for run in runs if not run.diverged]
        for name, runs in by_recipe(records).items()
    }
    alike = {(net["variant"], net["seed"]): net["dice"] for net in measured["alike"]}
    overlaps = {name: [shared.dice for _, shared in nets] for name, nets in kinds.items()}
    first, *others = overlaps.values()
    p_values = holm([welch(first, other)[1] for other in others])
    rows = []
    for (name, nets), p in zip(kinds.items(), [None, *p_values], strict=True):
        rows.append(
            {
                "nets": name,
                "n": len(nets),
                "errors of 10,000": brief([shared.errors for _, shared in nets]),
                "of the 82, misclassified": brief([shared.misclassified for _, shared in nets]),
                "with 1998's answer": brief([shared.same_answer for _, shared in nets]),
                "overlap with the 82": brief(overlaps[name], digits=3),
                "p": "" if p is None else f"{p:.1g}",
                "overlap with one another": brief(
                    [alike[name, seed] for seed, _ in nets], digits=3
                ),
            }
        )
    return pd.DataFrame(rows)


@shows(REJECTION_INVARIANCE)
def rejection(measures: dict) -> pd.DataFrame:
    """Test patterns to reject for 0.5 % error among the rest, beside Fig. 10's nets."""
    rows = [
        {"net": name, "rejected, %": f"{value:g}", "n": 1, "whose": "1998, Fig. 10"}
        for name, value in paper.REJECTION.items()
    ]
    for name, nets in measures["nets"].items():
        values = [net["rejected_percent"] for net in nets]
        share = brief(values, digits=2)
        rows.append({"net": name, "rejected, %": share, "n": len(values), "whose": "ours"})
    return pd.DataFrame(rows)


@shows(ORIGINAL)
def cost(records: Sequence[RunRecord]) -> pd.DataFrame:
    """Figs. 11 and 12 and the training time, which is 1998's for 10 to 20 passes."""
    record = records[0]
    seconds = [run.seconds for run in records if not run.diverged]
    passes, days = (
        f"{low} to {high}" for low, high in (paper.TRAINING_DAYS_PASSES, paper.TRAINING_DAYS)
    )
    return pd.DataFrame(
        {
            "what": [
                "multiply-accumulates to recognise a digit (Fig. 11)",
                "parameters stored (Fig. 12)",
                "training (section III-D)",
            ],
            "published": [
                f"{paper.MULTIPLY_ACCUMULATES['LeNet-5']:,},000",
                f"{paper.MEMORY['LeNet-5']},000",
                f"{passes} passes: {days} days of a 200 MHz R10000",
            ],
            "ours": [
                f"{record.multiply_accumulates:,}, of {record.connections:,} connections",
                f"{record.parameters:,}, and the 840 fixed code values",
                f"{record.recipe['passes']} passes: seconds of one core,"
                f" {record.environment['processor']}: {spread(seconds, 0)}",
            ],
        }
    )
