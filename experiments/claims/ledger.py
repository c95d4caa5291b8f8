"""The rows of docs/claims.md: a statement, how it is tested, and what the results say of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from experiments.claims.verdicts import NOT_TESTABLE, NOT_YET, agrees
from experiments.results import ABLATIONS as ABLATED
from experiments.results import everything, made_by, read_json, read_lines
from lenet1998 import paper
from lenet1998.recipes import RECIPES
from lenet1998.report.statistics import TOO_WIDE
from lenet1998.report.tables import passing
from lenet1998.training.lines import SUFFIX
from lenet1998.training.records import RunRecord

REPORT = "python -m lenet1998.report"
(
    HEADLINE,
    PUBLISHED,
    READINGS,
    INVARIANCE,
    RESTORATION,
    FIG7,
    MEASURES,
    FEATURES,
    STRINGS,
    ABLATIONS,
) = (
    made_by(name)
    for name in (
        "headline",
        "published",
        "readings",
        "rejection_invariance",
        "restoration",
        "fig7",
        "claims",
        "features",
        "read_strings",
        "ablations",
    )
)
"""What makes the results that a statement is judged by; the report alone, where there are none."""

ORIGINAL, DISTORTIONS = "headline/original", "published/distortions"
EVERY = "*"
"""All studies' runs."""
TEST, TRAIN = "test_error_percent", "train_error_percent"


def _changed(switches: Mapping) -> str:
    """The name of ``original`` with switches changed."""
    return RECIPES["original"].changed(**switches).name


class NotMeasuredError(Exception):
    """Nothing in the results decides the statement so far."""


class Evidence:
    """The results, each read once, when first asked for."""

    def __init__(self, results: Path):
        self._results = results
        self.started = cache(self._started)
        self.json = cache(self._json)

    def _started(self, folder: str) -> list[RunRecord]:
        """A folder's runs by recipe and seed, the diverged too.

        Raises:
            NotMeasuredError: there are none.
            BadInput: one cannot be read.
        """
        if folder == EVERY:
            return everything(self._results)
        study, _, recipe = folder.partition("/")
        runs = read_lines(self._results / f"{study}{SUFFIX}")
        if found := [run for run in runs if not recipe or run.recipe["name"] == recipe]:
            return found
        raise NotMeasuredError

    def runs(self, folder: str) -> list[RunRecord]:
        """Finished runs of a folder; raises as :meth:`started`."""
        if finished := [run for run in self.started(folder) if not run.diverged]:
            return finished
        raise NotMeasuredError

    def _json(self, name: str) -> dict:
        """The checked content of a JSON file of results.

        Raises:
            NotMeasuredError: there is none.
            BadInput: it is not what that file holds.
        """
        if not (self._results / name).exists():
            raise NotMeasuredError
        return read_json(self._results / name)

    def last(self, folder: str, key: str = TEST) -> list[float]:
        """A folder's runs' errors after their last pass."""
        return [run.last[key] for run in self.runs(folder)]

    def ablated(self, **switches) -> list[RunRecord]:
        """The ablations' runs of ``original`` with switches changed."""
        return self.runs(f"ablations/{_changed(switches)}")

    def purposes(self, find: Callable[[Mapping], float], **switches) -> list[float]:
        """Measures of their nets by :mod:`experiments.ablations.measures`."""
        name = _changed(switches)
        nets = self.json(ABLATED)["nets"]
        if found := [find(net) for net in nets if net["recipe"] == name]:
            return found
        raise NotMeasuredError

    def after(self, folder: str, passes: int, key: str = TEST) -> list[float]:
        """A folder's runs' values of an earlier pass."""
        return [run.per_pass[passes - 1][key] for run in self.runs(folder)]


class Finding(NamedTuple):
    """Our number, in words, and what follows from it."""

    ours: str
    verdict: str


def of_one_run(
    words: str,
    judge: Callable[[Sequence[RunRecord]], str],
    runs: Sequence[RunRecord],
    evidence: Evidence,
    patterns: int = paper.TRAIN_SIZE,
) -> Finding:
    """Finding on a published number that is taken for one more run's.

    Args:
        words: ours.
        judge: says of a recipe's runs whether the number is consistent with them.
        runs: ours.
        evidence: has the other recipes, of which is told how many pass the same check.
        patterns: that these learn from.
    """
    judged = judge(runs)
    wide = "; one more run: too wide" if judged == TOO_WIDE else ""
    others = passing(evidence.started(EVERY), judge, patterns)
    return Finding(f"{words}{wide}; passed by {others} recipes", agrees(judged))


@dataclass(frozen=True)
class Claim:
    """A statement of the paper.

    Attributes:
        page, section: where it stands.
        words: what it says, in ours.
        test: how it is tested.
        judge: finds number and verdict in the results.
        command: makes the results.
    """

    page: str
    section: str
    words: str
    test: str
    judge: Callable[[Evidence], Finding]
    command: str = REPORT

    def found(self, evidence: Evidence) -> Finding:
        """Finding of the results."""
        try:
            return self.judge(evidence)
        except NotMeasuredError:
            return Finding("", NOT_YET)


def not_testable(_: Evidence) -> Finding:
    """Of a statement about what nobody but the authors had."""
    return Finding("", NOT_TESTABLE)


def by_page(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """In the order of the paper's pages; where those are the same, as they come."""
    return tuple(sorted(claims, key=lambda claim: [*map(int, claim.page.split("-"))]))
