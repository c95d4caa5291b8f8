"""Intervals and tests: arrays in, numbers out. The rules they serve are in docs/protocol.md."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from scipy.special import ndtri, stdtrit

CONFIDENCE = 0.95
ENOUGH = 6
"""Runs that an interval needs before it decides anything."""
WIDEST = 2
"""Ratio of the ends of an interval, at most, if a value in it is to agree."""
CONSISTENT, INCONSISTENT, CANNOT_TELL, TOO_WIDE = (
    "consistent",
    "inconsistent",
    "cannot tell",
    "cannot tell: too wide",
)


def _scipy_stats() -> ModuleType:
    """scipy's tests, which take a second to import; a run's own table needs none of them."""
    from scipy import stats

    return stats


def _student(degrees: float) -> float:
    """Two-sided 95 % point of Student's t."""
    return float(stdtrit(degrees, (1 + CONFIDENCE) / 2))


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation and the mean's 95 % interval of n values; nan where n < 2."""

    n: int
    mean: float
    sd: float
    low: float
    high: float


def summarise(values: Sequence[float]) -> Summary:
    """Student's interval for the mean of independent runs."""
    runs = np.asarray(values, float)
    n = len(runs)
    if n < 2:
        return Summary(n, float(runs.mean()) if n else math.nan, math.nan, math.nan, math.nan)
    mean, sd = float(runs.mean()), float(runs.std(ddof=1))
    half = _student(n - 1) * sd / math.sqrt(n)
    return Summary(n, mean, sd, mean - half, mean + half)


def prediction_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % prediction interval of one further run: mean +- t s sqrt(1 + 1/n)."""
    summary = summarise(values)
    if summary.n < 2:
        return math.nan, math.nan
    t = _student(summary.n - 1)
    half = t * summary.sd * math.sqrt(1 + 1 / summary.n)
    return summary.mean - half, summary.mean + half


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share of n independent patterns; nan where there are none."""
    if not n:
        return math.nan, math.nan
    # In the order that scipy.stats has it, so that the last digits are those it gives.
    z, share = float(ndtri(0.5 + 0.5 * CONFIDENCE)), successes / n
    whole = 2 * (n + z**2)
    centre = (2 * n * share + z**2) / whole
    half = z / whole * math.sqrt(4 * n * share * (1 - share) + z**2)
    return centre - half if successes else 0.0, centre + half if successes < n else 1.0


def verdict(
    published: float, values: Sequence[float], uncertainty: float = 0.0, logarithms: bool = False
) -> str:
    """Judge a published value, taken for a single run's, as one more of ours.

    Args:
        published: the published value, positive, as an error or a count is.
        values: ours, one per seed.
        uncertainty: half the range that the published value itself is known to.
        logarithms: whether all of these are natural logarithms.

    Returns:
        ``consistent``, ``inconsistent``, or ``cannot tell`` with fewer than six runs, and where the
        value is in an interval that is too wide to tell anything.
    """
    if len(values) < ENOUGH:
        return CANNOT_TELL
    low, high = prediction_interval(values)
    if not low - uncertainty <= published <= high + uncertainty:
        return INCONSISTENT
    wide = high - low > math.log(WIDEST) if logarithms else high > WIDEST * low
    return TOO_WIDE if wide else CONSISTENT


def difference_verdict(
    published: float, ours: Sequence[float], theirs: Sequence[float], uncertainty: float = 0.0
) -> str:
    """Judge a published difference by that of our means (ours - theirs).

    Args:
        published: the published difference, not 0.
        ours, theirs: one value per seed.
        uncertainty: half the range that the published difference itself is known to.

    Returns:
        ``consistent`` where Welch's interval holds the difference and leaves zero out,
        ``inconsistent`` where it does not hold it, or ``cannot tell``, also with fewer than six
        runs of either.
    """
    low, high = welch_interval(ours, theirs)
    if min(len(ours), len(theirs)) < ENOUGH or math.isnan(low):
        return CANNOT_TELL
    if not low - uncertainty <= published <= high + uncertainty:
        return INCONSISTENT
    return CONSISTENT if min(low * published, high * published) > 0 else CANNOT_TELL


def welch(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Difference of means (ours - theirs) and Welch's two-sided p of there being none.

    p is nan where neither side has any spread.
    """
    if not np.ptp(ours) and not np.ptp(theirs):
        return float(np.mean(ours) - np.mean(theirs)), math.nan
    test = _scipy_stats().ttest_ind(ours, theirs, equal_var=False)
    return float(np.mean(ours) - np.mean(theirs)), float(test.pvalue)


def welch_interval(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Welch's 95 % interval for the difference of means (ours - theirs); nan as in welch."""
    if not np.ptp(ours) and not np.ptp(theirs):
        return math.nan, math.nan
    interval = (
        _scipy_stats().ttest_ind(ours, theirs, equal_var=False).confidence_interval(CONFIDENCE)
    )
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Paired:
    """Mean difference of n pairs, its 95 % interval, and the two-sided p of there being none."""

    n: int
    difference: float
    low: float
    high: float
    p: float


def paired(ours: Sequence[float], theirs: Sequence[float]) -> Paired:
    """Student's paired test of runs with the same seeds (ours - theirs).

    p is nan, and the interval a point, where all pairs differ by the same.
    """
    difference = np.subtract(ours, theirs)
    summary = summarise(difference.tolist())
    if not np.ptp(difference):
        return Paired(summary.n, summary.mean, summary.mean, summary.mean, math.nan)
    p = float(_scipy_stats().ttest_rel(ours, theirs).pvalue)
    return Paired(summary.n, summary.mean, summary.low, summary.high, p)


def equivalence(ours: Sequence[float], theirs: Sequence[float], margin: float) -> float:
    """The p of pairs differing by the margin or more, either way: two one-sided tests.

    Small where runs with the same seeds are equivalent, their mean difference surely less than the
    margin. Where all pairs differ by the same it is 0 or 1.

    Source: D. J. Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15 (1987), for pairs.
    """
    difference = np.subtract(ours, theirs)
    if not np.ptp(difference):
        return float(abs(difference[0]) >= margin)
    above = _scipy_stats().ttest_1samp(difference, -margin, alternative="greater").pvalue
    below = _scipy_stats().ttest_1samp(difference, margin, alternative="less").pvalue
    return float(max(above, below))


def one_more_difference(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """95 % prediction interval of the difference of one further run of each.

    The difference of means +- t sqrt(s1^2 (1 + 1/n1) + s2^2 (1 + 1/n2)), with Welch's degrees of
    freedom; nan where neither side has any spread.
    """
    if not np.ptp(ours) and not np.ptp(theirs):
        return math.nan, math.nan
    one, other = summarise(ours), summarise(theirs)
    test = _scipy_stats().ttest_ind(ours, theirs, equal_var=False)
    t = _student(test.df)
    half = t * math.sqrt(one.sd**2 * (1 + 1 / one.n) + other.sd**2 * (1 + 1 / other.n))
    middle = one.mean - other.mean
    return middle - half, middle + half


def holm(p_values: Sequence[float], family: int | None = None) -> list[float]:
    """p values adjusted for being of a family (Holm's step-down), in the order given.

    Args:
        p_values: those that are known.
        family: how many tests it has; of those that are not known p counts as 1.
    """
    p = np.asarray(p_values, float)
    order = np.argsort(p)
    left = (family or len(p)) - np.arange(len(p))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * left), 1)
    return adjusted.tolist()


def mcnemar(ours: np.ndarray, theirs: np.ndarray, truth: np.ndarray) -> tuple[int, int, float]:
    """Two nets on the same patterns: how many only ours misclassifies, only theirs, and exact p."""
    wrong, other = ours != truth, theirs != truth
    only_ours, only_theirs = int((wrong & ~other).sum()), int((other & ~wrong).sum())
    disagreements = only_ours + only_theirs
    if not disagreements:
        return 0, 0, 1.0
    return only_ours, only_theirs, float(_scipy_stats().binomtest(only_ours, disagreements).pvalue)


def dice(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Dice coefficient of two sets: twice their intersection over the sum of their sizes.

    Args:
        ours, theirs: whether each thing is in the set.
    """
    return float(2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()))


def uniform_ends(
    candidates: np.ndarray, generator: np.random.Generator, samples: int = 100_000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intervals of a uniform distribution's ends, given n values drawn from it.

    Beforehand the ends' density is 1 / width. The values may depend on an unknown choice, every one
    as likely beforehand; with a single choice the intervals are those of the order statistics,
    which hold exactly.

    Args:
        candidates: (choices, n), the values that each choice gives.
        generator: draws the result.
        samples: how many.

    Returns:
        The choice, the lower and the upper end, (samples,) each, drawn from what is known of them.
    """
    n = candidates.shape[1]
    seen = np.ptp(candidates, axis=1)
    chance = (seen / seen.min()) ** (1.0 - n)
    choice = generator.choice(len(seen), samples, p=chance / chance.sum())
    width = seen[choice] / generator.beta(n - 1, 2, samples)
    low = candidates.min(axis=1)[choice] - generator.random(samples) * (width - seen[choice])
    return choice, low, low + width


def uniform_p(values: np.ndarray) -> float:
    """Kolmogorov and Smirnov's p that the values are uniform between ends that nobody knows.

    Given the outermost two, the others are uniform between them.
    """
    low, *inner, high = np.sort(values)
    return float(_scipy_stats().kstest(inner, "uniform", args=(low, high - low)).pvalue)


def log_ratio_rms(ours: Sequence[float], published: Sequence[float]) -> float:
    """Root mean square over passes of log(ours / published): 0.1 is about 10 % apart."""
    ratio = np.log(np.asarray(ours, float) / np.asarray(published, float))
    return float(np.sqrt(np.mean(ratio**2)))


def rejected_for(margins: np.ndarray, wrong: np.ndarray, allowed: float) -> float:
    """The least share of patterns to reject so that no more than ``allowed`` of the rest are wrong.

    Args:
        margins: per pattern, how sure the answer is; the least sure are rejected first.
        wrong: per pattern, whether the answer is wrong.
        allowed: share of errors among the patterns kept.

    Source: section III-D, p.14, which ranks patterns by the difference of the two best classes. It
    does not say whether its 0.5 % of errors is of all patterns or, as here, of those kept.
    """
    order = np.argsort(-np.asarray(margins), kind="stable")
    kept = np.arange(1, len(order) + 1)
    good = np.flatnonzero(np.cumsum(np.asarray(wrong)[order]) <= allowed * kept)
    return 1 - (good[-1] + 1 if len(good) else 0) / len(order)


def edit_distance(one: str, other: str) -> int:
    """The fewest characters to put in, take out or change that make one string of another."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b)))
    return row[-1]
