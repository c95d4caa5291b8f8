"""Effects of the changes of components on the test error: tests, verdicts, the forest."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lenet1998.ablate.components import Change, changes
from lenet1998.recipes import Recipe
from lenet1998.report.committed import committed, lacking
from lenet1998.report.statistics import Paired, equivalence, holm, paired
from lenet1998.report.style import BLACK, BLUE, GREEN, STYLE, VERMILION
from lenet1998.report.tables import brief, by_recipe
from lenet1998.training.records import RunRecord

MARGIN = 0.1
"""Points of test error: the paper's own uncertainty (Fig. 9, p.11)."""
LEVEL = 0.05
TITLES = {
    "out": "one out of original",
    "tuned": "one out of original, SDLM's rate tuned alike",
    "in": "one in modern",
    "ladder": "from original to modern, rung by rung",
}
"""Of the directions."""
MATTERS, NO_DIFFERENCE, CANNOT_TELL = (
    "matters",
    "no difference beyond 0.1",
    "cannot tell at this n",
)


@dataclass(frozen=True)
class Comparison:
    """One change beside its base, run by run with the same seed.

    Attributes:
        direction, component, title: which change it is.
        ours, base: the runs, in the order of their seeds.
    """

    direction: str
    component: str
    title: str
    ours: Sequence[RunRecord]
    base: Sequence[RunRecord]

    @property
    def key(self) -> tuple[str, str, str]:
        """Key of the change."""
        return self.direction, self.component, self.title

    @property
    def named(self) -> str:
        """Component and change, as a figure's row."""
        return f"{self.component}: {self.title}"

    def pairs(self, value: Callable[[RunRecord], float]) -> tuple[list[float], list[float]]:
        """A value of the runs whose seeds both sides have, and that ended."""
        theirs = {run.seed: run for run in self.base if run.last}
        both = [(run, theirs[run.seed]) for run in self.ours if run.last and run.seed in theirs]
        return [value(run) for run, _ in both], [value(run) for _, run in both]


Families = Mapping[str, Sequence[Comparison]]
"""Comparisons by direction."""


def families(runs: Sequence[RunRecord], train_size: int | None = None) -> Families:
    """All changes beside their bases, as far as there are runs of both.

    Args:
        runs: of the ablations.
        train_size: which of them: those that learnt from so many patterns, or from all.
    """
    of = by_recipe(sorted(runs, key=lambda run: run.seed))
    found: dict[str, list[Comparison]] = {direction: [] for direction in TITLES}
    for change in changes():
        ours, base = (
            of.get(recipe.changed(train_size=train_size).name)
            for recipe in (change.recipe, change.base)
        )
        if ours and base:
            one = Comparison(change.direction, change.component, change.title, ours, base)
            found[change.direction].append(one)
    return found


def test_error(run: RunRecord) -> float:
    """Percent, after the last pass."""
    return run.last["test_error_percent"]


@dataclass(frozen=True)
class Effect:
    """Effect of a change on one measure.

    Attributes:
        of: the change.
        pair: the difference.
        p: of there being no difference.
        equivalent: of there being one of the margin or more; either p is adjusted over the family.
    """

    of: Comparison
    pair: Paired
    p: float
    equivalent: float

    @property
    def verdict(self) -> str:
        """By docs/protocol.md's rules."""
        if self.p < LEVEL:
            return MATTERS
        return NO_DIFFERENCE if self.equivalent < LEVEL else CANNOT_TELL


def effects(
    comparisons: Sequence[Comparison],
    value: Callable[[RunRecord], float] = test_error,
    margin: float = MARGIN,
) -> list[Effect]:
    """The effects on one measure of changes of one direction.

    Changes with fewer than two pairs have none. Holm's adjustment is over all changes of the
    direction, so that no verdict depends on which of them are asked for or have runs.
    """
    found = [(one, one.pairs(value)) for one in comparisons]
    kept = [(one, pairs) for one, pairs in found if len(pairs[0]) > 1]
    family = family_size(comparisons[0].direction) if comparisons else 0
    tests = [paired(*pairs) for _, pairs in kept]
    # Where all pairs differ by the same, there is no test; then what is seen decides.
    raw = [test.p if test.p == test.p else float(test.difference == 0) for test in tests]
    equivalent = [equivalence(*pairs, margin) for _, pairs in kept]
    adjusted = holm(raw, family), holm(equivalent, family)
    return [
        Effect(one, test, *both)
        for (one, _), test, *both in zip(kept, tests, *adjusted, strict=True)
    ]


def family_size(direction: str) -> int:
    """Number of changes of a direction, with runs or without."""
    return sum(change.direction == direction for change in changes())


def adjusted_over(direction: str, found: Sequence[Effect]) -> str:
    """Family that p values of a direction are adjusted over, in a line."""
    family = family_size(direction)
    words = f"p adjusted over all {family} changes of this kind"
    lacking = family - len(found)
    return f"{words}; the {lacking} without runs here count as p = 1" if lacking else words


def as_json(found: Sequence[Effect]) -> list[dict]:
    """All numbers of effects on the test error, for ``ablations.json``."""
    return [
        {
            "direction": effect.of.direction,
            "component": effect.of.component,
            "title": effect.of.title,
            "recipe": effect.of.ours[0].recipe["name"],
            "base": effect.of.base[0].recipe["name"],
            "n": effect.pair.n,
            "difference": effect.pair.difference,
            "low": effect.pair.low,
            "high": effect.pair.high,
            "p": effect.p,
            "p_equivalence": effect.equivalent,
            "family": family_size(effect.of.direction),
            "verdict": effect.verdict,
        }
        for effect in found
    ]


def effects_table(found: Sequence[Effect]) -> pd.DataFrame:
    """One row a change: its test error, the difference from its base, and the verdict."""
    return pd.DataFrame([_row(effect) for effect in found])


def _row(effect: Effect) -> dict:
    ours, base = effect.of.pairs(test_error)
    return {
        "component": effect.of.component,
        "becomes": effect.of.title,
        "n": effect.pair.n,
        "test error, %": brief(ours, digits=2),
        "base, %": brief(base, digits=2),
        "difference, points": f"{effect.pair.difference:+.3f}",
        "95 %": f"{effect.pair.low:+.3f} to {effect.pair.high:+.3f}",
        "p (Holm)": f"{effect.p:.2g}",
        "p of 0.1 or more (Holm)": f"{effect.equivalent:.2g}",
        "verdict": effect.verdict,
    }


def in_one_table(groups: Mapping[str, Sequence[Effect]]) -> pd.DataFrame:
    """The rows of several directions, each with its direction's title as ``direction``."""
    return pd.concat([effects_table(found).assign(direction=key) for key, found in groups.items()])


def brief_table(groups: Families, words: Mapping[str, str]) -> pd.DataFrame:
    """One row a component of ``original``: of its changes the one that moves the error most.

    Args:
        groups: the directions. What is tuned is taken from ``tuned``, beside SDLM tuned alike.
        words: what each component is.
    """
    found = _out_of_original(groups)
    rows = []
    for component in words:
        of = [effect for effect in found if effect.of.component == component]
        if of:
            effect = max(of, key=lambda effect: abs(effect.pair.difference))
            rows.append({"historical": words[component], **_brief_row(effect)})
    return pd.DataFrame(rows)


def worth_table(groups: Families, component: str) -> pd.DataFrame:
    """One row a change of a component: those of ``original``, then those of ``modern``."""
    found = [*_out_of_original(groups), *effects(groups["in"])]
    return pd.DataFrame(_brief_row(effect) for effect in found if effect.of.component == component)


def _out_of_original(groups: Families) -> list[Effect]:
    """One out; what is tuned stands beside SDLM tuned alike."""
    tuned = effects(groups["tuned"])
    alike = {effect.of.ours[0].recipe["name"] for effect in tuned}
    out = effects(groups["out"])
    return [one for one in out if one.of.ours[0].recipe["name"] not in alike] + tuned


def _brief_row(effect: Effect) -> dict:
    pair, tuned = effect.pair, effect.of.direction == "tuned"
    return {
        "becomes": effect.of.title,
        "beside": "SDLM tuned alike" if tuned else effect.of.base[0].recipe["name"],
        "test error, points": f"{pair.difference:+.2f}",
        "95 %": f"{pair.low:+.2f} to {pair.high:+.2f} (n = {pair.n})",
        "verdict": effect.verdict,
    }


LOOKS = {MATTERS: (VERMILION, "o"), NO_DIFFERENCE: (GREEN, "s"), CANNOT_TELL: (BLACK, "D")}
"""Colour and marker of each verdict."""
FARTHEST = 0.75
"""Points that a forest shows; what lies beyond is written at its edge."""


@rc_context(STYLE)
def forest(groups: Mapping[str, Sequence[Effect]]) -> Figure:
    """Effects on the test error with their intervals, a panel a direction.

    Args:
        groups: the effects by the panel's title.
    """
    heights = [len(rows) + 1 for rows in groups.values()]
    figure = Figure(figsize=(7.7, 0.2 * sum(heights) + 1), layout="constrained")
    panels = np.atleast_1d(figure.subplots(len(groups), 1, sharex=True, height_ratios=heights))
    for axes, (title, rows) in zip(panels, groups.items(), strict=True):
        axes.set_yticks(range(len(rows)), [e.of.named for e in rows], fontsize=8)
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlim=(-FARTHEST, FARTHEST))
        axes.axvspan(-MARGIN, MARGIN, color=BLUE, alpha=0.1, lw=0)
        axes.axvline(0, color=BLUE, lw=0.8)
        for place, effect in enumerate(rows):
            _interval(axes, effect, place)
        axes.set_title(title, loc="left", fontsize="medium")
    panels[-1].xaxis.set_major_formatter(lambda value, _: f"{value:+.1f}" if value else "0")
    panels[-1].set_xlabel("change of the test error, percentage points (95 %)")
    handles = [
        Line2D([], [], color=colour, marker=marker, label=verdict)
        for verdict, (colour, marker) in LOOKS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _interval(axes: Axes, effect: Effect, place: float) -> None:
    """A difference and its interval, in the verdict's colour."""
    (colour, marker), pair = LOOKS[effect.verdict], effect.pair
    ends = np.clip([pair.low, pair.high], -FARTHEST, FARTHEST)
    axes.plot(ends, [place, place], color=colour, lw=1.6)
    if abs(pair.difference) < FARTHEST:
        axes.plot(pair.difference, place, marker, ms=5, color=colour)
    else:
        right = pair.difference > 0
        axes.text(
            ends[int(right)],
            place,
            f" {pair.difference:+.2f} ({pair.low:+.2f} to {pair.high:+.2f}) ",
            ha="right" if right else "left",
            va="center",
            color=colour,
            fontsize=8,
            backgroundcolor="white",
            bbox={"fc": "white", "ec": "none", "pad": 0},
        )


Pairs = dict[Change, tuple[Recipe, Recipe]]
"""Changes, each with its recipe and its base's, which flags may have changed."""


def recipes_of(pairs: Pairs) -> list[Recipe]:
    """Each recipe once, bases before what is compared with them."""
    return list(dict.fromkeys(recipe for pair in pairs.values() for recipe in reversed(pair)))


def of_committed(asked: Pairs, results: Path | None) -> dict[str, list[Comparison]]:
    """The committed runs of changes beside their bases', by direction.

    With those of the other changes of the same directions, as far as there are any: p values are
    adjusted over all of them.

    Raises:
        BadInput: no runs of any change asked for, or :func:`.committed`'s.
    """
    directions = {change.direction for change in asked}
    family = {
        change: (change.recipe, change.base)
        for change in changes()
        if change.direction in directions
    }
    groups = committed(results, recipes_of(family))
    missing = [recipe.name for recipe in recipes_of(asked) if not groups[recipe.name]]
    if all(recipe.name in missing or base.name in missing for recipe, base in asked.values()):
        raise lacking(results, f"{missing[0]} ({len(missing)} lacking)")
    with_runs = {
        change: pair
        for change, pair in family.items()
        if all(groups[recipe.name] for recipe in pair)
    }
    return beside(with_runs, groups)


def beside(pairs: Pairs, groups: dict[str, list[RunRecord]]) -> dict[str, list[Comparison]]:
    """The changes beside their bases, by direction."""
    found: dict[str, list[Comparison]] = {}
    for change, (recipe, base) in pairs.items():
        runs = groups[recipe.name], groups[base.name]
        one = Comparison(change.direction, change.component, change.title, *runs)
        found.setdefault(change.direction, []).append(one)
    return found
