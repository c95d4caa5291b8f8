"""The historical components, each replaced by its modern counterpart, and the other way round.

A change is a component with another value: of ``original`` (one out), of ``modern`` (one in), or
one more on the way from the first to the second (the ladder). What is tuned stands beside SDLM
tuned alike, too (tuned). docs/ablations.md shows what each is
worth, docs/protocol.md says how that is measured.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from lenet1998.errors import BadInput
from lenet1998.recipes import RECIPES, Recipe

DIRECTIONS = ("out", "tuned", "in", "ladder")


@dataclass(frozen=True)
class Change:
    """One component with another value.

    Attributes:
        component: its key, as ``--only`` takes it.
        title: what becomes of it, in a few words.
        recipe: the whole recipe with this change.
        direction: one of :data:`DIRECTIONS`.
        base: what it is compared with: ``original``, that with SDLM's rate tuned, ``modern``,
            ``modern-tuned``, or the rung before.
    """

    component: str
    title: str
    recipe: Recipe
    direction: str
    base: Recipe

    @property
    def key(self) -> tuple[str, str, str]:
        """Direction, component and title, unique to the change."""
        return self.direction, self.component, self.title


SOFTMAX = {"output": "linear", "loss": "cross_entropy"}
COMPONENTS: dict[str, str] = {
    "c3": "C3's table of connections (Table I)",
    "subsampling": "trainable subsampling",
    "squash": "the scaled tanh",
    "subsampling-squash": "the squashing after subsampling",
    "output": "RBF outputs",
    "codes": "the bitmaps as codes",
    "loss": "the discriminative loss (eq. 9)",
    "optimizer": "SDLM",
    "curvature": "the curvature, estimated before each pass on 500 patterns",
    "start": "the initial weights",
    "scaling": "the range of pixels",
    "order": "the constant order",
    "batch": "pattern by pattern",
}
"""Components that are switched, by key."""

_SGD = {"optimizer": "sgd"}
TUNED: dict[str, dict[str, Any]] = {
    "sdlm": {"eta": 3e-4, "schedule": "printed"},
    "layer": {"rates": "layer", "eta": 1e-4, "schedule": "printed"},
    "sgd": _SGD | {"eta": 1e-3, "schedule": "printed"},
    "fan_in": _SGD | {"rates": "fan_in", "eta": 3e-2, "schedule": "constant"},
    "momentum": _SGD | {"momentum": 0.9, "eta": 3e-4, "schedule": "printed"},
    "adam": {"optimizer": "adam", "eta": 3e-4, "schedule": "printed"},
    "16": {"batch_size": 16, "eta": 1e-2, "schedule": "printed"},
    "128": {"batch_size": 128, "eta": 1e-2, "schedule": "constant"},
    "modern": {"eta": 1e-1, "schedule": "constant"},
}
"""Replacements of SDLM and of single patterns, with the rates and schedules that were best on
patterns held out of training: ``experiments/ablations/tuning.py`` runs the trials."""

ORIGINAL, MODERN, MODERN_TUNED = (RECIPES[name] for name in ("original", "modern", "modern-tuned"))
SDLM_TUNED = ORIGINAL.changed(**TUNED["sdlm"])


def _as_original(*switches: str) -> dict:
    return {switch: getattr(ORIGINAL, switch) for switch in switches}


_OUT: tuple[tuple[str, str, dict], ...] = (
    ("c3", "every map sees all six", {"c3": "dense"}),
    ("subsampling", "averages", {"pooling": "average"}),
    ("subsampling", "maxima", {"pooling": "max"}),
    ("squash", "tanh", {"squash": "tanh"}),
    ("squash", "ReLU", {"squash": "relu"}),
    ("subsampling-squash", "logistic", {"subsampling_squash": "logistic"}),
    ("subsampling-squash", "none", {"subsampling_squash": "none"}),
    ("output", "softmax", SOFTMAX),
    ("codes", "random codes", {"codes": "random"}),
    ("codes", "one-hot codes", {"codes": "one_hot"}),
    ("loss", "eq. 8", {"loss": "distance"}),
    ("optimizer", "one rate a layer", {"rates": "layer"}),
    ("optimizer", "SDLM, its rate tuned", TUNED["sdlm"]),
    ("optimizer", "one rate a layer, tuned", TUNED["layer"]),
    ("optimizer", "SGD, one tuned rate", TUNED["sgd"]),
    ("optimizer", "SGD, rates by fan-in, tuned", TUNED["fan_in"]),
    ("optimizer", "SGD with momentum 0.9, tuned", TUNED["momentum"]),
    ("optimizer", "Adam, tuned", TUNED["adam"]),
    ("curvature", "once", {"curvature_passes": "first"}),
    ("curvature", "on 50 patterns", {"curvature_patterns": 50}),
    ("curvature", "on 5,000 patterns", {"curvature_patterns": 5000}),
    ("curvature", "by connections in S2 and S4", {"subsampling_curvature": "connections"}),
    ("start", "U(-1/sqrt F, 1/sqrt F)", {"initial_gain": 1.0, "initial_biases": "uniform"}),
    ("scaling", "0 to 1", {"scaling": "unit"}),
    ("scaling", "standardised", {"scaling": "standard"}),
    ("order", "a new one each pass", {"order": "renewed"}),
    ("batch", "batches of 16, rate tuned", TUNED["16"]),
    ("batch", "batches of 128, rate tuned", TUNED["128"]),
)
_TUNED: tuple[tuple[str, str, dict], ...] = tuple(
    (component, title, switches)
    for component, title, switches in _OUT
    if any(switches == tuned for key, tuned in TUNED.items() if key != "sdlm")
)
"""Those whose rates are tuned, to stand beside SDLM tuned by the same budget."""
_SDLM = _as_original("optimizer", "eta", "mu_subsampling", "momentum", "batch_size")
_RBF = _as_original("output", "loss", "rubbish_j")
_POOLING = _as_original("pooling", "initial_coefficient")
_IN: tuple[tuple[str, str, dict], ...] = (
    ("c3", "Table I", _as_original("c3")),
    ("subsampling", "trainable", _POOLING),
    ("squash", "scaled tanh", _as_original("squash")),
    ("subsampling-squash", "scaled tanh", _as_original("subsampling_squash")),
    ("output", "RBF units with the bitmaps", _RBF),
    ("optimizer", "SDLM, pattern by pattern", _SDLM),
    ("start", "the weights of original, biases 0", _as_original("initial_gain", "initial_biases")),
    ("order", "constant", _as_original("order")),
    ("batch", "pattern by pattern", {"batch_size": 1, "eta": 0.001}),
    ("optimizer", "SGD with momentum in batches as it was, tuned", TUNED["modern"]),
)
_IN_TUNED: tuple[tuple[str, str, Recipe], ...] = (
    ("output", "RBF units with the bitmaps, in modern-tuned", MODERN_TUNED.changed(**_RBF)),
    # Which replaces all that modern-tuned changes of modern.
    ("optimizer", "SDLM, pattern by pattern, beside modern-tuned", MODERN.changed(**_SDLM)),
)
_LADDER: tuple[tuple[str, str, dict], ...] = (
    ("output", "softmax and cross-entropy", SOFTMAX),
    (
        "optimizer",
        "stochastic gradient with momentum, in batches",
        {
            "optimizer": "sgd",
            "eta": 0.01,
            "momentum": 0.9,
            "batch_size": 128,
        },
    ),
    ("order", "a new one each pass", {"order": "renewed"}),
    ("subsampling", "averages", {"pooling": "average"}),
    ("subsampling-squash", "none", {"subsampling_squash": "none"}),
    ("c3", "every map sees all six", {"c3": "dense"}),
    ("squash", "tanh", {"squash": "tanh"}),
    (
        "start",
        "U(-1/sqrt F, 1/sqrt F), biases too",
        {
            "initial_gain": 1.0,
            "initial_biases": "uniform",
        },
    ),
)
"""From ``original`` to ``modern``, one component after the other. The order is ours: first what
became of the loss and the optimizer, then of the layers; no source says in which it was done."""


def _as_variant(recipe: Recipe) -> Recipe:
    """The named variant that has its switches, if there is one."""

    def switches(of: Recipe) -> dict:
        return {**of.as_dict(), "name": ""}

    alike = (one for one in RECIPES.values() if switches(one) == switches(recipe))
    return next(alike, recipe)


def _beside(base: Recipe, direction: str, entries: Iterable[tuple[str, str, dict]]) -> list[Change]:
    return [
        Change(component, title, _as_variant(base.changed(**switches)), direction, base)
        for component, title, switches in entries
    ]


def _rungs() -> list[Change]:
    found, here = [], ORIGINAL
    for component, title, switches in _LADDER:
        above = here.changed(**switches)
        found.append(Change(component, title, above, "ladder", here))
        here = above
    # It differs in switches that by then act on nothing: the runs are the same.
    return [*found[:-1], replace(found[-1], recipe=MODERN)]


@cache  # each is compared with every named variant, and pages ask for all again and again
def changes() -> tuple[Change, ...]:
    """All of them, one out, beside SDLM tuned, one in, then the ladder."""
    tuned = [
        replace(change, direction="tuned", base=SDLM_TUNED)
        for change in _beside(ORIGINAL, "out", _TUNED)
    ]
    in_tuned = [
        Change(component, title, recipe, "in", MODERN_TUNED)
        for component, title, recipe in _IN_TUNED
    ]
    one_in = _beside(MODERN, "in", _IN)
    return (*_beside(ORIGINAL, "out", _OUT), *tuned, *one_in, *in_tuned, *_rungs())


def chosen(only: Sequence[str] | None, direction: str | None) -> list[Change]:
    """The changes of some components and of one direction.

    Args:
        only: keys of :data:`COMPONENTS`; None: all.
        direction: one of :data:`DIRECTIONS`; None: all.

    Raises:
        BadInput: no such component, one named twice, or none of them in that direction.
    """
    for key in only or ():
        if key not in COMPONENTS:
            raise BadInput(f"{key}: no such component; there are {', '.join(COMPONENTS)}", "only")
    if only and len(set(only)) != len(only):
        raise BadInput(f"{','.join(only)}: a component is named twice", "only")
    found = [
        change
        for change in changes()
        if (not only or change.component in only) and direction in (None, change.direction)
    ]
    for key in only or ():
        if key not in {change.component for change in found}:
            others = {change.direction for change in changes() if change.component == key}
            told = " and ".join(sorted(others, key=DIRECTIONS.index))
            raise BadInput(f"{key}: has no change of direction {direction}, only of {told}", "only")
    return found
