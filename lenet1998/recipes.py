"""A recipe is everything that decides what is learnt, except the seed and the data set.

A variant is a named recipe; an ablation is ``original.changed(one_thing=...)``, named so: a variant
and, after commas, every switch in which it differs. ``original,passes=3,noise=0.2`` is what a
folder, a run and a row of a table are called, and :meth:`Recipe.changed` alone makes such names up.

:mod:`lenet1998.models` builds the network and the optimizer of a recipe; it needs torch.
"""

import dataclasses
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from lenet1998 import paper
from lenet1998.errors import BadInput, in_short

__all__ = [
    "DATASETS",
    "DESCRIPTIONS",
    "ENGINES",
    "LARGEST",
    "NETWORK_SWITCHES",
    "OF_ORIGINAL",
    "ORIGINAL",
    "RECIPES",
    "RETIRED",
    "SAFE",
    "SCALINGS",
    "SWITCHES",
    "VARIANTS",
    "Recipe",
    "check_name",
    "join_name",
    "layers_of",
    "multiply_accumulates",
    "present_name",
    "recipe_named",
    "recorded",
    "spaced_name",
    "split_name",
]


if TYPE_CHECKING:
    from torch import Tensor, nn

logger = logging.getLogger(__name__)

DATASETS = ("auto", "mnist", "digits")
ENGINES = ("auto", "eager", "compiled", "cuda")
"""Names that flags list beside a recipe's switches."""

# --- Names ----------------------------------------------------------------------------------------

SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.,=+-]*")


def check_name(name: str) -> None:
    """Refuse what is no safe name of a folder: a name may have been read from a file.

    Raises:
        BadInput: another character than those, or none at all.
    """
    if not isinstance(name, str) or not SAFE.fullmatch(name):
        raise BadInput(
            f"name={name!r}: a recipe's name must be of letters, digits and -_.,=+ and start with"
            " a letter or a digit"
        )


def join_name(variant: str, switches: dict) -> str:
    """The name of a variant with other values of some switches, written as ``--set`` takes them."""
    return ",".join([variant, *(f"{key}={_written(value)}" for key, value in switches.items())])


def split_name(name: str) -> tuple[str, dict[str, str]]:
    """The variant that a name starts with, and the switches it lists with their values."""
    variant, *changes = name.split(",")
    return variant, dict(change.partition("=")[::2] for change in changes)


def spaced_name(name: str) -> str:
    """A name that can be broken into lines, for a table."""
    return name.replace(",", ", ")


def _written(value) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


# --- Switches -------------------------------------------------------------------------------------

C3 = Literal["table", "dense"]
Pooling = Literal["trainable", "trainable_average", "average", "max"]
Squash = Literal["scaled_tanh", "tanh", "relu", "logistic"]
SubsamplingSquash = Literal["scaled_tanh", "logistic", "none"]
Output = Literal["rbf", "linear"]
InputSize = Literal[32, 28]
Blank = Literal["none", "space"]
Codes = Literal["bitmaps", "random", "one_hot"]

NETWORK_SWITCHES: dict[str, tuple] = {
    "c3": get_args(C3),
    "pooling": get_args(Pooling),
    "squash": get_args(Squash),
    "subsampling_squash": get_args(SubsamplingSquash),
    "output": get_args(Output),
    "input_size": get_args(InputSize),
    "blank": get_args(Blank),
    "codes": get_args(Codes),
}
"""Every switch of the network with its values, the 1998 design's first."""

Loss = Literal["discriminative", "distance", "cross_entropy"]
F6Curvature = Literal["constant", "gauss_newton"]
SubsamplingCurvature = Literal["sum", "connections"]
Initialisation = Literal["sqrt_fan_in", "fan_in"]
InitialBiases = Literal["zero", "uniform"]
InitialCoefficients = Literal["constant", "uniform"]
Features = Literal["trained", "1998"]
Optimizer = Literal["sdlm", "sgd", "adam"]
Schedule = Literal["constant", "printed"]
Rates = Literal["parameter", "layer", "fan_in"]
CurvatureDraw = Literal["first", "fixed", "fresh"]
CurvaturePasses = Literal["every", "first"]
Order = Literal["constant", "renewed"]

Scaling = Literal["paper", "unit", "half", "standard"]

SCALINGS: dict[str, tuple[float, float]] = {
    "paper": (paper.BACKGROUND, paper.INK - paper.BACKGROUND),
    "unit": (0.0, 1.0),
    "half": (-1.0, 2.0),
    "standard": (-0.1307 / 0.3081, 1 / 0.3081),  # mean and deviation of MNIST's training pixels
}
"""Named ranges of grey levels: (offset, gain) in value = offset + gain * pixel / 255."""

LARGEST = 1e37
"""The limit of every number that has no nearer one: ten times as much, which Adam's first step
takes, and twice as much, which is a range's width, are still float32."""


def _choice(kind):
    """A switch of a ``Literal``'s values, the first its default."""
    return field(default=get_args(kind)[0], metadata={"values": get_args(kind)})


def _flag(default: bool):
    """A switch that is on or off."""
    return field(default=default, metadata={"values": (default, not default)})


def _number(default, at_least=None, above=None, at_most=None, also=()):
    """A numeric switch of the default's type with its limits; ``also`` names values beside them."""
    kind = int if isinstance(default, int) or None in also else float
    if kind is float and at_most is None:
        at_most = LARGEST
    limits = {"at_least": at_least, "above": above, "at_most": at_most, "also": also}
    return field(default=default, metadata={"number": kind, **limits})


def valid_values(switch: dataclasses.Field) -> str:
    """The values that a switch takes, in words for a message or a table."""
    facts = switch.metadata
    if "values" in facts:
        return ", ".join(str(value).lower() for value in facts["values"])
    kind = "a whole number" if facts["number"] is int else "a number"
    signs = {"at_least": ">=", "above": ">", "at_most": "<="}
    limits = [f"{sign} {facts[key]:,}" for key, sign in signs.items() if facts[key] is not None]
    return ", or ".join([" ".join([kind, " and ".join(limits)]).strip(), *map(str, facts["also"])])


def _one_of(value, values) -> bool:
    """Test for a value among others, in its type too: 1 is not True."""
    return any(type(value) is type(known) and value == known for known in values)


def _check(switch: dataclasses.Field, value) -> None:
    """Check the value of a switch.

    Raises:
        BadInput: it has not; the message lists those it has.
    """
    facts = switch.metadata
    if "values" in facts:
        good = _one_of(value, facts["values"])
    elif _one_of(value, facts["also"]):
        good = True
    else:
        kinds = int if facts["number"] is int else (int, float)
        good = (
            isinstance(value, kinds)
            and not isinstance(value, bool)
            and (facts["at_least"] is None or value >= facts["at_least"])
            and (facts["above"] is None or value > facts["above"])
            and (facts["at_most"] is None or value <= facts["at_most"])
        )
    if not good:
        raise BadInput(f"{switch.name}={value}: {switch.name} must be {valid_values(switch)}")


NUMBER = re.compile(r"-?[0-9]*\.?[0-9]*(e[-+]?[0-9]+)?", re.IGNORECASE)
"""A number as it is written; Python's own readers know other scripts' digits, signs and spaces."""


def _parse(switch: dataclasses.Field, text: str):
    """The value that a text stands for; the text itself, which no switch has, if for none."""
    facts = switch.metadata
    known = {str(value).lower(): value for value in facts.get("values", facts.get("also"))}
    if text.lower() in known:
        return known[text.lower()]
    if "values" not in facts and NUMBER.fullmatch(text):
        with suppress(ValueError):
            return facts["number"](text)
    return text


_SEEN_BY_1998 = {
    "c3": ("table",),
    "pooling": ("trainable", "trainable_average"),
    "squash": ("scaled_tanh",),
    "subsampling_squash": ("scaled_tanh",),
    "scaling": ("paper",),
}
"""Switches that the recovered layers take for granted."""

RECIPES: dict[str, "Recipe"] = {}
"""The named variants. They are filled in below, and no recipe that is made later
can take the name of one without being it.

:meta hide-value:
"""


@dataclass(frozen=True)
class Recipe:
    """One way to build and train the network; the defaults are the 1998 recipe.

    Where the paper leaves a choice, they are what docs/open-questions.md settles on.

    A recipe's name is true. One that starts with a variant lists every switch in which the recipe
    differs from it, so change a recipe with :meth:`changed`, which names what it gives, and not
    with ``dataclasses.replace``. Without a name a recipe is named as a change of ``original``.

    Example::

        >>> Recipe(pooling="max").name
        'original,pooling=max'

    Raises:
        BadInput: a value that a switch does not have, switches that contradict each other, or a
            name that is not the recipe's or that no folder should have.
    """

    name: str = ""
    # The network (section II-B); see LeNet5.
    c3: C3 = _choice(C3)
    pooling: Pooling = _choice(Pooling)
    squash: Squash = _choice(Squash)
    subsampling_squash: SubsamplingSquash = _choice(SubsamplingSquash)
    output: Output = _choice(Output)
    input_size: InputSize = _choice(InputSize)
    blank: Blank = _choice(Blank)
    codes: Codes = _choice(Codes)
    # The loss (section II-C): eq. 9, eq. 8, or softmax with cross-entropy for linear outputs. Its
    # defaults are open questions Q6 to Q8: what print licenses, and what the authors' library has.
    loss: Loss = _choice(Loss)
    rubbish_j: float = _number(1.0, above=0)
    half_distance: bool = _flag(True)
    f6_curvature: F6Curvature = _choice(F6Curvature)
    # Whether a coefficient's second derivative is that of the window's sum, or eq. 23's, which adds
    # up those of its connections (Q16).
    subsampling_curvature: SubsamplingCurvature = _choice(SubsamplingCurvature)
    # The initial parameters (Appendix A); see Start.
    initialisation: Initialisation = _choice(Initialisation)
    initial_gain: float = _number(paper.INITIAL_WEIGHT_RANGE, above=0)
    initial_biases: InitialBiases = _choice(InitialBiases)
    fan_in_counts_bias: bool = _flag(False)
    initial_coefficient: float = _number(0.25, at_least=-LARGEST)
    initial_coefficients: InitialCoefficients = _choice(InitialCoefficients)
    # C1 to S4: trained, or 1998's own, recovered from Fig. 13 and never changed.
    features: Features = _choice(Features)
    # The optimizer (Appendix C). eta "paper" is the printed schedule, "stretched" the same over the
    # recipe's passes instead of 20; a number is constant, or falls as the printed schedule does. mu
    # is one for all layers in the paper; S2 and S4, and F6, may have their own (Q11). SDLM's rates
    # may be one for each layer, by its mean curvature, SGD's divided by each layer's fan-in.
    optimizer: Optimizer = _choice(Optimizer)
    eta: float | Literal["paper", "stretched"] = _number(
        "paper", above=0, also=("paper", "stretched")
    )
    schedule: Schedule = _choice(Schedule)
    rates: Rates = _choice(Rates)
    mu: float = _number(paper.MU, above=0)
    mu_subsampling: float | Literal["mu"] = _number("mu", above=0, also=("mu",))
    mu_f6: float | Literal["mu"] = _number("mu", above=0, also=("mu",))
    momentum: float = _number(0.0, at_least=0, at_most=0.999)
    curvature_patterns: int = _number(paper.CURVATURE_PATTERNS, at_least=1)
    curvature_draw: CurvatureDraw = _choice(CurvatureDraw)
    curvature_passes: CurvaturePasses = _choice(CurvaturePasses)
    # The training run (sections III-A, III-B, III-E and VII-B).
    batch_size: int = _number(1, at_least=1, at_most=paper.TRAIN_SIZE)
    passes: int = _number(paper.PASSES, at_least=1)
    order: Order = _choice(Order)
    train_size: int | None = _number(None, at_least=1, at_most=paper.TRAIN_SIZE, also=(None,))
    held_out: int = _number(0, at_least=0, at_most=paper.TRAIN_SIZE - 1)
    distortions: bool = _flag(False)
    noise: float = _number(0.0, at_least=0, at_most=1)
    scaling: Scaling = _choice(Scaling)
    flanks: bool = _flag(False)
    blank_share: float = _number(0.0, at_least=0, at_most=1)

    def __post_init__(self):
        for switch in SWITCHES.values():
            value = getattr(self, switch.name)
            if isinstance(value, np.generic):  # which is no JSON
                value = value.item()
            _check(switch, value)
            # So that 1 and 1.0 are one recipe with one name.
            if switch.metadata.get("number") is float and isinstance(value, int):
                value = float(value)
            object.__setattr__(self, switch.name, value)
        if (self.loss == "cross_entropy") != (self.output == "linear"):
            raise BadInput(
                f"loss={self.loss} does not fit output={self.output}: output=linear goes with"
                " loss=cross_entropy, output=rbf with loss=distance or loss=discriminative"
            )
        if self.codes != "bitmaps" and self.output == "linear":
            raise BadInput(f"codes={self.codes} needs output=rbf: linear outputs have no codes")
        if self.optimizer != "sdlm" and isinstance(self.eta, str):
            raise BadInput(
                f"optimizer={self.optimizer} needs eta=NUMBER: the paper's schedule is SDLM's"
            )
        if isinstance(self.eta, str) and self.schedule != "constant":
            raise BadInput(f"schedule={self.schedule} needs eta=NUMBER: eta={self.eta} is one")
        if self.rates == {"sdlm": "fan_in", "sgd": "layer"}.get(self.optimizer) or (
            self.optimizer == "adam" and self.rates != "parameter"
        ):
            raise BadInput(
                f"rates={self.rates} does not fit optimizer={self.optimizer}: rates=layer goes with"
                " sdlm, rates=fan_in with sgd"
            )
        if self.optimizer != "sgd" and self.momentum:
            raise BadInput(f"momentum={self.momentum} needs optimizer=sgd, not {self.optimizer}")
        if self.blank_share and (self.blank == "none" or not self.flanks):
            raise BadInput(
                f"blank_share={self.blank_share} needs flanks=true and blank=space: a pattern"
                " without a centre digit is two others, and its class the blank"
            )
        if self.initial_coefficients == "uniform" and self.initial_coefficient < 0:
            raise BadInput(
                f"initial_coefficient={self.initial_coefficient}: initial_coefficient must be >= 0"
                " with initial_coefficients=uniform, which draws from -v to v"
            )
        if self.features == "1998":
            for key, values in _SEEN_BY_1998.items():
                if (other := getattr(self, key)) not in values:
                    raise BadInput(
                        f"{key}={other} does not fit features=1998: it needs {key}="
                        + " or ".join(values)
                    )
        if not self.name:
            object.__setattr__(self, "name", _name(self, ORIGINAL))
        check_name(self.name)
        variant = RECIPES.get(split_name(self.name)[0])
        if variant and self.name != _name(self, variant):
            raise BadInput(
                f"name={self.name}: a recipe with these switches is {_name(self, variant)};"
                " Recipe.changed changes switches and names what it gives"
            )

    def changed(self, **switches) -> "Recipe":
        """This recipe with switches changed, under the name that says so.

        The name is that of the variant that this is a change of, and every switch that differs from
        it, in the order of the fields: ``original,pooling=max,passes=3``. What has all the switches
        of ``distortions``, say, is named after that and not after ``original``. The name does not
        depend on the order or the number of the changes that led there. A recipe with a name of its
        own, which starts with no variant, is named as a change of itself.

        Raises:
            BadInput: as for the class.
        """
        root = RECIPES.get(split_name(self.name)[0], self)
        other = replace(self, name="", **switches)
        return replace(other, name=_name(other, root))

    def learning_rate(self, pass_number: int) -> float:
        """eta in a pass, counted from 1."""
        if not isinstance(self.eta, str):
            share = paper.eta(pass_number) / paper.eta(1) if self.schedule == "printed" else 1.0
            return self.eta * share
        if self.eta == "stretched":
            pass_number = -(-pass_number * paper.PASSES // self.passes)
        return paper.eta(pass_number)

    def mu_of(self, parameter: str) -> float:
        """SDLM's mu for a parameter of this name, ``s2.weight`` say."""
        layer = parameter.partition(".")[0]
        own = {"s2": self.mu_subsampling, "s4": self.mu_subsampling, "f6": self.mu_f6}
        mu = own.get(layer, self.mu)
        return self.mu if isinstance(mu, str) else mu

    def build_criterion(self) -> "nn.Module":
        """Build the loss, a module of (outputs, labels)."""
        from torch import nn  # to name recipes takes no torch

        from lenet1998.criteria import DiscriminativeLoss, DistanceLoss

        if self.loss == "cross_entropy":
            return nn.CrossEntropyLoss()
        shared: dict[str, Any] = {
            "half_distance": self.half_distance,
            "curvature": self.f6_curvature,
        }
        if self.loss == "distance":
            return DistanceLoss(**shared)
        return DiscriminativeLoss(self.rubbish_j, **shared)

    def sdlm_rates(self, eta: float, curvature: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
        """SDLM's effective rates eta / (mu + h), by parameter name."""
        return {name: eta / (self.mu_of(name) + h) for name, h in curvature.items()}

    @property
    def makes_patterns(self) -> bool:
        """True where each run learns patterns of its own making, and not those of the data set."""
        return self.distortions or self.noise > 0 or self.flanks

    def override(self, assignments: list[str]) -> "Recipe":
        """This recipe with switches set from ``KEY=VALUE`` strings.

        Raises:
            BadInput: an unknown key or value; the message lists the valid ones.
        """
        changes = {}
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            if not equals:
                raise BadInput(f"{assignment}: write KEY=VALUE", "assignment")
            if key not in SWITCHES:
                valid = ", ".join(SWITCHES)
                raise BadInput(f"{key}: no such switch; valid are {valid}", "assignment")
            changes[key] = _parse(SWITCHES[key], text)
        return self.changed(**changes)

    def as_dict(self) -> dict:
        """Every switch with its value, for the run record."""
        return dataclasses.asdict(self)


SWITCHES = {switch.name: switch for switch in dataclasses.fields(Recipe) if switch.name != "name"}


# --- Variants -------------------------------------------------------------------------------------

_PRINTED = {
    "loss": "distance",
    "half_distance": False,
    "f6_curvature": "gauss_newton",
    "subsampling_curvature": "connections",
}
_STRINGS = {
    "blank": "space",
    "flanks": True,
    "blank_share": 0.3,
    "noise": paper.NOISE_PROBABILITY,
}
OF_ORIGINAL: dict[str, dict[str, Any]] = {
    "original": {},
    "original-logistic": {"subsampling_squash": "logistic"},
    "distortions": {"distortions": True},
    "noise": {"noise": paper.NOISE_PROBABILITY},
    "1998-features": {"features": "1998"},
    "strings": _STRINGS,
    "printed": _PRINTED,
    "original-literal": _PRINTED
    | {
        "initialisation": "fan_in",
        "initial_coefficient": paper.INITIAL_WEIGHT_RANGE / 4,
        "initial_coefficients": "uniform",
    },
    "fitted": {
        "pooling": "trainable_average",
        "rubbish_j": 0.44,
        "initial_gain": 1.4,
        "initial_coefficient": 1.36,
        "mu_subsampling": 0.13,
    },
}
"""The variants that are ``original`` but for a few switches, which changes lead to and from.

:meta hide-value:
"""
RETIRED = {"first-reading": "original"}
"""Names of version 1.0 that are no variants now, and what they are. They are still read, and so are
records of 1.0, whose ``original`` is ``fitted``."""
_MODERN = {
    "c3": "dense",
    "pooling": "average",
    "squash": "tanh",
    "subsampling_squash": "none",
    "output": "linear",
    "loss": "cross_entropy",
    "initial_gain": 1.0,
    "initial_biases": "uniform",
    "optimizer": "sgd",
    "eta": 0.01,
    "momentum": 0.9,
    "batch_size": 128,
    "order": "renewed",
}
"""The tutorials' network; its start is torch's default, U(-1/sqrt F, 1/sqrt F), biases too."""
_COURSEWORK = _MODERN | {"momentum": 0.0, "batch_size": 64, "scaling": "unit"}
"""Values where a coursework report is silent: docs/coursework.md says whose defaults."""
_FUNCTIONAL = {"squash": "relu", "pooling": "max"}
"""The hidden layers of PyTorch's own tutorial network."""
_24_EPOCHS = {"eta": 0.001, "momentum": 0.9, "batch_size": 4, "passes": 24, "held_out": 12_000}
VARIANTS = OF_ORIGINAL | {
    "modern": _MODERN,
    "modern-tuned": _MODERN | {"eta": 0.1},
    "coursework-24-epochs": _COURSEWORK | _FUNCTIONAL | _24_EPOCHS,
    "coursework-adam": _COURSEWORK
    | _FUNCTIONAL
    | {"optimizer": "adam", "eta": 0.001, "passes": 15},
    "coursework-tanh-28": _MODERN | {"input_size": 28, "scaling": "half", "passes": 16},
    "coursework-padded": _COURSEWORK,
    "coursework-sweep": _COURSEWORK | {"eta": 0.02, "momentum": 0.9},
}

DESCRIPTIONS = {
    "original": "the 1998 design and recipe: Table I, trainable subsampling, RBF codes, SDLM",
    "original-logistic": "original with a logistic sigmoid in S2 and S4, as many readers take it",
    "distortions": "original with the 540,000 distorted patterns of section III-B",
    "noise": "original with a tenth of the pixels inverted at random, as section III-E has it",
    "1998-features": "original on C1 to S4 of the 1998 net, recovered and frozen",
    "strings": "section VII-B's training to read strings: digits between others, blanks, noise",
    "printed": "nearest to the printed words that trains: eqs. 7 and 8, and sqrt F for F",
    "original-literal": "every printed word, weights from U(-2.4/F, 2.4/F) too: hardly ever trains",
    "fitted": "what was original in 1.0: six constants and readings fitted to 1998's figures",
    "modern": "the simplified LeNet of today: dense C3, average pooling, softmax, SGD in batches",
    "modern-tuned": "modern at the best of twelve rates and schedules on patterns held out",
    "coursework-24-epochs": "24 epochs on 48,000 patterns, tested on the 12,000 held out",
    "coursework-adam": "Adam 0.001, 15 epochs",
    "coursework-tanh-28": "28x28 unpadded, tanh, average pooling, SGD 0.01, momentum 0.9",
    "coursework-padded": "padded to 32x32, average pooling, SGD 0.01",
    "coursework-sweep": "the end of a sweep over SGD's settings: 0.02, momentum 0.9, 20 epochs",
}
"""One line for each named variant.

:meta hide-value:
"""

RECIPES.update({name: Recipe(name, **switches) for name, switches in VARIANTS.items()})
ORIGINAL = RECIPES["original"]


def _name(recipe: Recipe, root: Recipe) -> str:
    """The name of a recipe as a change of a variant, or of a recipe with a name of its own.

    A change of a variant of ``OF_ORIGINAL`` is named after that one of them whose switches it has
    all of, and of several after the one with the most. So the name is the same whatever path led
    there.
    """
    if root.name in OF_ORIGINAL:
        has = [
            name
            for name, switches in OF_ORIGINAL.items()
            if all(getattr(recipe, key) == value for key, value in switches.items())
        ]
        root = RECIPES[max(has, key=lambda name: len(OF_ORIGINAL[name]))]
    values = {key: getattr(recipe, key) for key in SWITCHES}
    differ = {key: value for key, value in values.items() if value != getattr(root, key)}
    return join_name(root.name, differ)


def recipe_named(name: str) -> Recipe:
    """The named variant.

    Raises:
        BadInput: no such variant; the message lists them.
        TypeError: no name at all.
    """
    if not isinstance(name, str):
        raise TypeError(f"variant must be the name of one, got {type(name).__name__}")
    if name in RETIRED:
        _tell_present_name(name, RETIRED[name])
        name = RETIRED[name]
    if name not in RECIPES:
        raise BadInput(f"{name}: no such variant; valid are {', '.join(RECIPES)}", "variant")
    return RECIPES[name]


def _refuse_unknown(recipe: Mapping) -> None:
    """Refuse switches that this version does not have.

    Raises:
        BadInput: with their names.
    """
    if unknown := sorted(recipe.keys() - {"name", *SWITCHES}):
        raise BadInput(
            "has switches that this version of lenet1998 does not know:"
            f" {in_short(', '.join(unknown))}"
        )


def present_name(recipe: Mapping) -> str:
    """The name that a recorded recipe has now: version 1.0 gave names otherwise.

    Args:
        recipe: as :meth:`Recipe.as_dict` gave it, valid or not.

    Raises:
        BadInput: switches or values of a record of 1.0 that no recipe has.
    """
    name = recipe["name"]
    variant, _ = split_name(name)
    of_version_1 = "subsampling_curvature" not in recipe
    if not of_version_1 or variant not in {*OF_ORIGINAL, *RETIRED}:
        return name
    _refuse_unknown(recipe)
    present = Recipe(**{**recipe, "name": ""}).name
    if present != name:
        _tell_present_name(name, present)
    return present


_told: set[str] = set()


def _tell_present_name(name: str, present: str) -> None:
    """One line for each variant of 1.0, however many of its changes there are."""
    variant, _ = split_name(name)
    if variant not in _told:
        _told.add(variant)
        logger.warning("what version 1.0 called %s is %s now", name, present)


def recorded(recipe: dict, source) -> Recipe:
    """The recipe that a run left in its record or beside its weights.

    Args:
        recipe: as :meth:`Recipe.as_dict` gives it; a switch added since has its first default.
        source: the folder or file, for the complaint.

    Raises:
        BadInput: switches or values that no recipe has, or a name that is not true or not safe.
    """
    try:
        _refuse_unknown(recipe)
        return Recipe(**{**recipe, "name": present_name(recipe)})
    except BadInput as error:
        raise BadInput(f"{source}: {error}") from None


# --- Counts ---------------------------------------------------------------------------------------

SUBSAMPLING = ("s2", "s4")
KERNEL, WINDOW = 5, 2


def multiply_accumulates(layer: Mapping, pooling: str) -> int:
    """Multiply-accumulates of a layer to read one pattern: the one definition.

    A multiply-accumulate is a connection, a bias's too; a subsampling unit, which adds its inputs
    up first, makes only one, and in max pooling none.

    Args:
        layer: its ``name``, ``maps``, ``size`` and ``connections``, as records hold them.
        pooling: the recipe's.
    """
    if layer["name"] not in SUBSAMPLING:
        return layer["connections"]
    return 0 if pooling == "max" else layer["maps"] * layer["size"] ** 2


def layers_of(recipe: Recipe) -> list[dict]:
    """Fields of each layer's :class:`~lenet1998.counts.LayerCount`, as records hold them.

    Tables take them of the switches, without torch; :func:`lenet1998.counts.count` counts the
    modules of a network, and a test holds the two together.
    """
    return _layers(*(getattr(recipe, switch) for switch in NETWORK_SWITCHES))


@cache  # of each network once: they are many runs
def _layers(*values) -> list[dict]:
    switches = dict(zip(NETWORK_SWITCHES, values, strict=True))
    trained = switches["pooling"].startswith("trainable")
    linear = switches["output"] == "linear"
    classes = paper.CLASSES + (switches["blank"] != "none")
    pairs = sum(map(len, paper.C3_TABLE)) if switches["c3"] == "table" else 6 * 16
    side_1 = switches["input_size"] - KERNEL + 1
    side_3 = side_1 // WINDOW - KERNEL + 1
    side_4 = side_3 // WINDOW
    # Parameters and connections of the units at one position: for kernels they are the same; the
    # RBF's connections go to fixed codes.
    c1, c3, c5 = 6 * (KERNEL**2 + 1), pairs * KERNEL**2 + 16, 120 * (16 * side_4**2 + 1)
    f6 = paper.CODE_LENGTH * (120 + 1)
    pooled = WINDOW**2 + trained
    logits = linear * classes * (paper.CODE_LENGTH + 1)
    rows = (
        ("c1", 6, side_1, c1, c1),
        ("s2", 6, side_1 // WINDOW, 6 * 2 * trained, 6 * pooled),
        ("c3", 16, side_3, c3, c3),
        ("s4", 16, side_4, 16 * 2 * trained, 16 * pooled),
        ("c5", 120, 1, c5, c5),
        ("f6", paper.CODE_LENGTH, 1, f6, f6),
        ("output", classes, 1, logits, classes * (paper.CODE_LENGTH + linear)),
    )
    keys = ("name", "maps", "size", "parameters", "connections")
    layers = [dict(zip(keys, (*row[:4], row[4] * row[2] ** 2), strict=True)) for row in rows]
    for layer in layers:
        layer["multiply_accumulates"] = multiply_accumulates(layer, switches["pooling"])
    return layers
