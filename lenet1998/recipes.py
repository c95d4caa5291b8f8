"""A recipe is everything that decides what is learnt, except the seed and the data set.

A variant is a named recipe; an ablation is ``original.changed(one_thing=...)``, named so. What is
built of a recipe, and needs torch, is in ``lenet1998.building``.
"""

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from lenet1998 import names, paper
from lenet1998.errors import BadInput
from lenet1998.schema import in_short
from lenet1998.switches import (
    LARGEST,
    NETWORK_SWITCHES,
    SCALINGS,
    check,
    choice,
    number,
    parse,
)
from lenet1998.variants import OF_ORIGINAL, RETIRED, VARIANTS

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from lenet1998.models import LeNet5
    from lenet1998.modules import Start


logger = logging.getLogger(__name__)


def _network(key: str):
    """A switch of the network, whose default is its first value."""
    return choice(*NETWORK_SWITCHES[key])


_SEEN_BY_1998 = {
    "c3": ("table",),
    "pooling": ("trainable", "trainable_average"),
    "squash": ("scaled_tanh",),
    "subsampling_squash": ("scaled_tanh",),
    "scaling": ("paper",),
}
"""What the recovered layers take for granted."""

RECIPES: dict[str, "Recipe"] = {}
"""The named variants. They are filled in below, from variants.py, and no recipe that is made later
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
    c3: str = _network("c3")
    pooling: str = _network("pooling")
    squash: str = _network("squash")
    subsampling_squash: str = _network("subsampling_squash")
    output: str = _network("output")
    input_size: int = _network("input_size")
    blank: str = _network("blank")
    codes: str = _network("codes")
    # The loss (section II-C): eq. 9, eq. 8, or softmax with cross-entropy for linear outputs. Its
    # defaults are open questions Q6 to Q8: what print licenses, and what the authors' library has.
    loss: str = choice("discriminative", "distance", "cross_entropy")
    rubbish_j: float = number(1.0, above=0)
    half_distance: bool = choice(True, False)
    f6_curvature: str = choice("constant", "gauss_newton")
    # Whether a coefficient's second derivative is that of the window's sum, or eq. 23's, which adds
    # up those of its connections (Q16).
    subsampling_curvature: str = choice("sum", "connections")
    # The initial parameters (Appendix A); see Start.
    initialisation: str = choice("sqrt_fan_in", "fan_in")
    initial_gain: float = number(paper.INITIAL_WEIGHT_RANGE, above=0)
    initial_biases: str = choice("zero", "uniform")
    fan_in_counts_bias: bool = choice(False, True)
    initial_coefficient: float = number(0.25, at_least=-LARGEST)
    initial_coefficients: str = choice("constant", "uniform")
    # C1 to S4: trained, or 1998's own, recovered from Fig. 13 and never changed.
    features: str = choice("trained", "1998")
    # The optimizer (Appendix C). eta "paper" is the printed schedule, "stretched" the same over the
    # recipe's passes instead of 20; a number is constant, or falls as the printed schedule does. mu
    # is one for all layers in the paper; S2 and S4, and F6, may have their own (Q11). SDLM's rates
    # may be one for each layer, by its mean curvature, SGD's divided by each layer's fan-in.
    optimizer: str = choice("sdlm", "sgd", "adam")
    eta: float | str = number("paper", above=0, also=("paper", "stretched"))
    schedule: str = choice("constant", "printed")
    rates: str = choice("parameter", "layer", "fan_in")
    mu: float = number(paper.MU, above=0)
    mu_subsampling: float | str = number("mu", above=0, also=("mu",))
    mu_f6: float | str = number("mu", above=0, also=("mu",))
    momentum: float = number(0.0, at_least=0, at_most=0.999)
    curvature_patterns: int = number(paper.CURVATURE_PATTERNS, at_least=1)
    curvature_draw: str = choice("first", "fixed", "fresh")
    curvature_passes: str = choice("every", "first")
    # The training run (sections III-A, III-B, III-E and VII-B).
    batch_size: int = number(1, at_least=1, at_most=paper.TRAIN_SIZE)
    passes: int = number(paper.PASSES, at_least=1)
    order: str = choice("constant", "renewed")
    train_size: int | None = number(None, at_least=1, at_most=paper.TRAIN_SIZE, also=(None,))
    held_out: int = number(0, at_least=0, at_most=paper.TRAIN_SIZE - 1)
    distortions: bool = choice(False, True)
    noise: float = number(0.0, at_least=0, at_most=1)
    scaling: str = choice(*SCALINGS)
    flanks: bool = choice(False, True)
    blank_share: float = number(0.0, at_least=0, at_most=1)

    def __post_init__(self):
        for switch in SWITCHES.values():
            value = getattr(self, switch.name)
            if isinstance(value, np.generic):  # which is no JSON
                value = value.item()
            check(switch, value)
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
        names.check(self.name)
        variant = RECIPES.get(names.split(self.name)[0])
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
        root = RECIPES.get(names.split(self.name)[0], self)
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

    def sdlm_rates(self, eta: float, curvature: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
        """SDLM's effective rates eta / (mu + h), by parameter name."""
        return {name: eta / (self.mu_of(name) + h) for name, h in curvature.items()}

    def pooled(self, curvature: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
        """The curvature that rates are made of: each parameter's own, or its layer's mean."""
        return _building().means_by_layer(curvature) if self.rates == "layer" else dict(curvature)

    def sgd_rates(self, eta: float, model: "LeNet5") -> dict[str, float]:
        """SGD's rates by parameter name: eta, or eta over the fan-in of the parameter's layer."""
        if self.rates != "fan_in":
            return dict.fromkeys((name for name, _ in model.named_parameters()), eta)
        return {
            name: eta / model.fan_in(name.partition(".")[0]) for name, _ in model.named_parameters()
        }

    @property
    def makes_patterns(self) -> bool:
        """True where each run learns patterns of its own making, and not those of the data set."""
        return self.distortions or self.noise > 0 or self.flanks

    def start(self) -> "Start":
        """Initial parameters."""
        return _building().start(self)

    def build_model(self, seed: int = 0) -> "LeNet5":
        """The network on the CPU in float32, drawn from a private generator for this seed.

        Layers that the recipe does not train have ``requires_grad`` False.

        Raises:
            TypeError, ValueError: a seed that is no whole number, or not from 0 to 2^32 - 1.
        """
        return _building().model(self, seed)

    def build_criterion(self) -> "nn.Module":
        """The loss as a module of (outputs, labels)."""
        return _building().criterion(self)

    def build_optimizer(self, model: "LeNet5") -> "torch.optim.Optimizer":
        """The optimizer at pass 1's rate."""
        return _building().optimizer(self, model)

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
            changes[key] = parse(SWITCHES[key], text)
        return self.changed(**changes)

    def as_dict(self) -> dict:
        """Every switch with its value, for the run record."""
        return dataclasses.asdict(self)


SWITCHES = {switch.name: switch for switch in dataclasses.fields(Recipe) if switch.name != "name"}


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
    return names.join(root.name, differ)


def _building():
    """Import :mod:`lenet1998.building`, which needs torch and takes seconds."""
    from lenet1998 import building

    return building


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


def present_name(recipe: Mapping) -> str:
    """The name that a recorded recipe has now: version 1.0 gave names otherwise.

    Args:
        recipe: as :meth:`Recipe.as_dict` gave it, valid or not.

    Raises:
        BadInput, TypeError: switches of a record of 1.0 that no recipe has.
    """
    name = recipe["name"]
    variant, _ = names.split(name)
    of_version_1 = "subsampling_curvature" not in recipe
    if not of_version_1 or variant not in {*OF_ORIGINAL, *RETIRED}:
        return name
    present = Recipe(**{**recipe, "name": ""}).name
    if present != name:
        _tell_present_name(name, present)
    return present


_told: set[str] = set()


def _tell_present_name(name: str, present: str) -> None:
    """One line for each variant of 1.0, however many of its changes there are."""
    variant, _ = names.split(name)
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
    if unknown := sorted(recipe.keys() - {"name", *SWITCHES}):
        raise BadInput(
            f"{source}: has switches that this version of lenet1998 does not know:"
            f" {in_short(', '.join(unknown))}"
        )
    try:
        return Recipe(**{**recipe, "name": present_name(recipe)})
    except BadInput as error:
        raise BadInput(f"{source}: {error}") from None


def build_model(variant: str | Recipe = "original", seed: int = 0) -> "LeNet5":
    """The network of a variant (or of any recipe), drawn for a seed.

    Example::

        >>> lenet1998.build_model("original")(torch.zeros(1, 1, 32, 32)).shape
        torch.Size([1, 10])

    Raises:
        BadInput: no such variant.
        TypeError, ValueError: a seed that is no whole number, or not from 0 to 2^32 - 1.
    """
    recipe = variant if isinstance(variant, Recipe) else recipe_named(variant)
    return recipe.build_model(seed)


def load_pretrained(variant: str = "original") -> "LeNet5":
    """The network of a named variant as it was trained on MNIST with seed 0.

    The weights are those of a committed run: which, and what it misreads, the file says in its
    metadata. docs/pretrained.md has a card of each.

    Raises:
        BadInput: no such variant, or one whose weights do not come with the package.
    """
    recipe = recipe_named(variant)
    weights = f"{variant}.safetensors"
    if not (files("lenet1998") / "weights" / weights).is_file():
        raise BadInput(
            f"{variant}: its weights do not come with lenet1998; train it with"
            f" python -m lenet1998.reproduce --variant {variant}"
        )
    return _building().trained(recipe, weights)
