"""Numbers in, a verdict out: docs/protocol.md, "Statements of the paper"."""

from collections.abc import Sequence

from lenet1998.report import statistics
from lenet1998.report.statistics import ENOUGH, summarise, welch_interval, wilson

HOLDS, DOES_NOT, CANNOT_TELL = "holds", "does not hold", statistics.CANNOT_TELL
NOT_TESTABLE, NOT_YET = "not testable here", "not measured yet"
VERDICTS = (HOLDS, DOES_NOT, CANNOT_TELL, NOT_TESTABLE, NOT_YET)


def stands(true: bool) -> str:
    """Of what a count or a definition decides."""
    return HOLDS if true else DOES_NOT


def about(ours: float, printed: float) -> str:
    """Of a number that the paper gives roughly: half to twice as much."""
    return stands(printed / 2 <= ours <= 2 * printed)


def agrees(words: str) -> str:
    """Of a published number that is consistent with ours, or is not."""
    return {statistics.CONSISTENT: HOLDS, statistics.INCONSISTENT: DOES_NOT}.get(words, CANNOT_TELL)


def one_more(published: float, values: Sequence[float], known_to: float) -> str:
    """Judge a published number as one more run of ours."""
    return agrees(statistics.verdict(published, values, known_to))


def _by_interval(interval: tuple[float, float], bound: float, n: int) -> str:
    """Of an interval that is to lie below a bound."""
    low, high = interval
    if n < ENOUGH or not (high < bound or low > bound):  # not a number, too, tells nothing
        return CANNOT_TELL
    return stands(high < bound)


def below(values: Sequence[float], bound: float) -> str:
    """Judge that the mean lies below a bound."""
    mean = summarise(values)
    return _by_interval((mean.low, mean.high), bound, mean.n)


def above(values: Sequence[float], bound: float) -> str:
    """Judge that the mean lies above a bound."""
    return below([-value for value in values], -bound)


def lower(ours: Sequence[float], theirs: Sequence[float], by_more_than: float = 0.0) -> str:
    """Judge that one kind of run has a lower mean than another, by more than a margin."""
    fewest = min(len(ours), len(theirs))
    if fewest < ENOUGH:
        return CANNOT_TELL
    return _by_interval(welch_interval(ours, theirs), -by_more_than, fewest)


def most(successes: int, n: int, least: float) -> str:
    """Judge that at least a share of independent things are so."""
    low, high = wilson(successes, n)
    return _by_interval((-high, -low), -least, n)


def graded(values: Sequence[float], good: float, bad: float) -> str:
    """Of a mean that is fine below one bound, and not above another: between them, who knows."""
    if below(values, good) == HOLDS:
        return HOLDS
    return DOES_NOT if above(values, bad) == HOLDS else CANNOT_TELL


def all_of(*verdicts: str) -> str:
    """Of a statement with several parts: it fails with any, and holds with all."""
    if DOES_NOT in verdicts:
        return DOES_NOT
    return HOLDS if set(verdicts) == {HOLDS} else CANNOT_TELL
