"""A recipe is everything that decides what is learnt, except the seed and the data set.

A variant is a named recipe; an ablation is ``replace(original, one_thing=...)``.
"""

import dataclasses
import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib.resources import as_file, files

import torch
from torch import nn

from lenet1998 import paper
from lenet1998.criteria import DiscriminativeLoss, DistanceLoss
from lenet1998.data import SCALINGS
from lenet1998.errors import BadInput
from lenet1998.models import NETWORK_SWITCHES, LeNet5, load_weights
from lenet1998.modules import Start
from lenet1998.optim import SDLM
from lenet1998.streams import initial_weights


def _choice(*values):
    """A switch with a closed list of values, the first its default."""
    return field(default=values[0], metadata={"values": values})


def _network(key: str):
    return _choice(*NETWORK_SWITCHES[key])


def _number(default, at_least=None, above=None, at_most=None, also=()):
    """A numeric switch of the default's type with its limits; ``also`` names values beside them."""
    limits = {"at_least": at_least, "above": above, "at_most": at_most, "also": also}
    kind = int if isinstance(default, int) or None in also else float
    return field(default=default, metadata={"number": kind, **limits})


@dataclass(frozen=True)
class Recipe:
    """One way to build and train the network; the defaults are the 1998 recipe.

    Where the paper leaves a choice, they are what docs/open-questions.md settles on.

    Raises:
        BadInput: a value that a switch does not have, or switches that contradict each other.
    """

    name: str = "original"
    # The network (section II-B); see LeNet5.
    c3: str = _network("c3")
    pooling: str = _network("pooling")
    squash: str = _network("squash")
    subsampling_squash: str = _network("subsampling_squash")
    output: str = _network("output")
    input_size: int = _network("input_size")
    # The loss (section II-C): eq. 9, eq. 8, or softmax with cross-entropy for linear outputs. Its
    # defaults are open questions Q6 to Q8: what fits the published curves, and what the authors'
    # library has.
    loss: str = _choice("discriminative", "distance", "cross_entropy")
    rubbish_j: float = _number(1.0, above=0)
    half_distance: bool = _choice(True, False)
    f6_curvature: str = _choice("constant", "gauss_newton")
    # The initial parameters (Appendix A); see Start.
    initialisation: str = _choice("sqrt_fan_in", "fan_in")
    initial_gain: float = _number(paper.INITIAL_WEIGHT_RANGE, above=0)
    initial_biases: str = _choice("zero", "uniform")
    fan_in_counts_bias: bool = _choice(False, True)
    initial_coefficient: float = _number(0.25)
    initial_coefficients: str = _choice("constant", "uniform")
    # The optimizer (Appendix C). eta "paper" is the printed schedule; a number is constant.
    optimizer: str = _choice("sdlm", "sgd", "adam")
    eta: float | str = _number("paper", above=0, also=("paper",))
    mu: float = _number(paper.MU, above=0)
    momentum: float = _number(0.0, at_least=0, at_most=0.999)
    curvature_patterns: int = _number(paper.CURVATURE_PATTERNS, at_least=1)
    curvature_draw: str = _choice("first", "fixed", "fresh")
    # The training run (sections III-A, III-B and III-E).
    batch_size: int = _number(1, at_least=1)
    passes: int = _number(paper.PASSES, at_least=1)
    order: str = _choice("constant", "renewed")
    train_size: int | None = _number(None, at_least=1, at_most=paper.TRAIN_SIZE, also=(None,))
    held_out: int = _number(0, at_least=0, at_most=paper.TRAIN_SIZE - 1)
    distortions: bool = _choice(False, True)
    noise: float = _number(0.0, at_least=0, at_most=1)
    scaling: str = _choice(*SCALINGS)

    def __post_init__(self):
        for switch in dataclasses.fields(self):
            if switch.name != "name":
                _check(switch, getattr(self, switch.name))
        if (self.loss == "cross_entropy") != (self.output == "linear"):
            raise BadInput(
                f"loss={self.loss} does not fit output={self.output}: output=linear goes with"
                " loss=cross_entropy, output=rbf with loss=distance or loss=discriminative"
            )
        if self.optimizer != "sdlm" and self.eta == "paper":
            raise BadInput(
                f"optimizer={self.optimizer} needs eta=NUMBER: the paper's schedule is SDLM's"
            )
        if self.optimizer != "sgd" and self.momentum:
            raise BadInput(f"momentum={self.momentum} needs optimizer=sgd, not {self.optimizer}")
        if self.held_out and self.distortions:
            raise BadInput(
                f"held_out={self.held_out} does not go with distortions: what is held out would be"
                " learnt distorted"
            )

    def learning_rate(self, pass_number: int) -> float:
        """eta in a pass, counted from 1."""
        return paper.eta(pass_number) if self.eta == "paper" else self.eta

    def start(self) -> Start:
        """How the parameters start."""
        return Start(
            gain=self.initial_gain,
            power=0.5 if self.initialisation == "sqrt_fan_in" else 1.0,
            count_bias=self.fan_in_counts_bias,
            draw_bias=self.initial_biases == "uniform",
            coefficient=self.initial_coefficient,
            draw_coefficient=self.initial_coefficients == "uniform",
        )

    def build_model(self, seed: int = 0) -> LeNet5:
        """The network on the CPU in float32, drawn from a private generator for this seed."""
        # Building draws default weights; the global generator's state must not notice.
        with torch.random.fork_rng(devices=()):
            model = LeNet5(**{key: getattr(self, key) for key in NETWORK_SWITCHES})
        model.reset_parameters(initial_weights(seed), self.start())
        return model

    def build_criterion(self) -> nn.Module:
        """The loss as a module of (outputs, labels)."""
        if self.loss == "cross_entropy":
            return nn.CrossEntropyLoss()
        shared = {"half_distance": self.half_distance, "curvature": self.f6_curvature}
        if self.loss == "distance":
            return DistanceLoss(**shared)
        return DiscriminativeLoss(self.rubbish_j, **shared)

    def build_optimizer(self, model: LeNet5) -> torch.optim.Optimizer:
        """The optimizer at pass 1's rate."""
        eta = self.learning_rate(1)
        if self.optimizer == "sdlm":
            return SDLM(model.parameters(), lr=eta, mu=self.mu)
        if self.optimizer == "sgd":
            return torch.optim.SGD(model.parameters(), lr=eta, momentum=self.momentum)
        return torch.optim.Adam(model.parameters(), lr=eta)

    def override(self, assignments: list[str]) -> "Recipe":
        """This recipe with switches set from ``KEY=VALUE`` strings.

        Raises:
            BadInput: an unknown key or value; the message lists the valid ones.
        """
        switches = {s.name: s for s in dataclasses.fields(self) if s.name != "name"}
        changes = {}
        for assignment in assignments:
            key, equals, text = assignment.partition("=")
            if not equals:
                raise BadInput(f"--set {assignment}: write KEY=VALUE")
            if key not in switches:
                raise BadInput(f"--set {key}: no such switch; valid are {', '.join(switches)}")
            changes[key] = _parse(switches[key], text)
        return replace(self, **changes)

    def as_dict(self) -> dict:
        """Every switch with its value, for the run record."""
        return dataclasses.asdict(self)


def _valid(switch: dataclasses.Field) -> str:
    """The values a switch takes, for an error message."""
    about = switch.metadata
    if "values" in about:
        return ", ".join(str(value).lower() for value in about["values"])
    kind = "a whole number" if about["number"] is int else "a number"
    signs = {"at_least": ">=", "above": ">", "at_most": "<="}
    limits = [f"{sign} {about[key]:,}" for key, sign in signs.items() if about[key] is not None]
    return ", or ".join([" ".join([kind, " and ".join(limits)]).strip(), *map(str, about["also"])])


def _check(switch: dataclasses.Field, value) -> None:
    about = switch.metadata
    if "values" in about:
        good = value in about["values"] and type(value) is type(about["values"][0])
    elif value in about["also"]:
        good = True
    else:
        kinds = int if about["number"] is int else (int, float)
        good = (
            isinstance(value, kinds)
            and not isinstance(value, bool)
            and abs(value) < math.inf
            and (about["at_least"] is None or value >= about["at_least"])
            and (about["above"] is None or value > about["above"])
            and (about["at_most"] is None or value <= about["at_most"])
        )
    if not good:
        raise BadInput(f"{switch.name}={value}: {switch.name} must be {_valid(switch)}")


def _parse(switch: dataclasses.Field, text: str):
    """The value that a text stands for; the text itself, which no switch has, if for none."""
    about = switch.metadata
    known = {str(value).lower(): value for value in about.get("values", about.get("also"))}
    if text.lower() in known:
        return known[text.lower()]
    if "values" not in about:
        with suppress(ValueError):
            return about["number"](text)
    return text


ORIGINAL = Recipe()
_AS_PRINTED = {
    "loss": "distance",
    "half_distance": False,
    "f6_curvature": "gauss_newton",
    "initialisation": "fan_in",
}
_SIMPLIFIED = {
    "c3": "dense",
    "pooling": "average",
    "squash": "tanh",
    "subsampling_squash": "none",
    "output": "linear",
    "loss": "cross_entropy",
    "initial_gain": 1.0,
    "initial_biases": "uniform",
    "order": "renewed",
}
"""The tutorials' network; its start is torch's default, U(-1/sqrt F, 1/sqrt F), biases too."""
_TUTORIAL = {"momentum": 0.0, "batch_size": 64, "scaling": "unit"}
"""What is taken where a coursework report is silent: docs/coursework.md says whose defaults."""
_FUNCTIONAL = {"squash": "relu", "pooling": "max"}
"""The hidden layers of PyTorch's own tutorial network."""

DESCRIPTIONS = {
    "original": "the 1998 design and recipe: Table I, trainable subsampling, RBF codes, SDLM",
    "original-logistic": "original with a logistic sigmoid in S2 and S4, as many readers take it",
    "original-literal": "eq. 8, no factor 1/2, weights from U(-2.4/F, 2.4/F): hardly ever trains",
    "modern": "the simplified LeNet of today: dense C3, average pooling, softmax, SGD in batches",
    "coursework-24-epochs": "24 epochs on 48,000 patterns, tested on the 12,000 held out",
    "coursework-adam": "Adam 0.001, 15 epochs",
    "coursework-tanh-28": "28x28 unpadded, tanh, average pooling, SGD 0.01, momentum 0.9",
    "coursework-padded": "padded to 32x32, average pooling, SGD 0.01",
    "coursework-sweep": "the end of a sweep over SGD's settings: 0.02, momentum 0.9, 20 epochs",
}
"""One line for each named variant."""

_MODERN = Recipe(
    name="modern", optimizer="sgd", eta=0.01, momentum=0.9, batch_size=128, **_SIMPLIFIED
)
_COURSEWORK = replace(_MODERN, **_TUTORIAL)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        ORIGINAL,
        replace(ORIGINAL, name="original-logistic", subsampling_squash="logistic"),
        Recipe(name="original-literal", **_AS_PRINTED),
        _MODERN,
        replace(
            _COURSEWORK,
            name="coursework-24-epochs",
            eta=0.001,
            momentum=0.9,
            batch_size=4,
            passes=24,
            held_out=12_000,
            **_FUNCTIONAL,
        ),
        replace(
            _COURSEWORK,
            name="coursework-adam",
            optimizer="adam",
            eta=0.001,
            passes=15,
            **_FUNCTIONAL,
        ),
        replace(_MODERN, name="coursework-tanh-28", input_size=28, scaling="half", passes=16),
        replace(_COURSEWORK, name="coursework-padded"),
        replace(_COURSEWORK, name="coursework-sweep", eta=0.02, momentum=0.9),
    )
}
"""The named variants."""


def recipe_named(name: str) -> Recipe:
    """The named variant.

    Raises:
        BadInput: no such variant; the message lists them.
    """
    if name not in RECIPES:
        raise BadInput(f"--variant {name}: no such variant; valid are {', '.join(RECIPES)}")
    return RECIPES[name]


def build_model(variant: str | Recipe = "original", seed: int = 0) -> LeNet5:
    """The network of a variant (or of any recipe), drawn for a seed.

    Example::

        >>> lenet1998.build_model("original")(torch.zeros(1, 1, 32, 32)).shape
        torch.Size([1, 10])
    """
    recipe = variant if isinstance(variant, Recipe) else recipe_named(variant)
    return recipe.build_model(seed)


def load_pretrained(variant: str = "original") -> LeNet5:
    """The network of a named variant as it was trained on MNIST with seed 0.

    The weights are those of the committed run in ``experiments/results/headline``.

    Raises:
        BadInput: no such variant, or one whose weights do not come with the package.
    """
    recipe = recipe_named(variant)
    weights = files("lenet1998") / "weights" / f"{variant}.safetensors"
    if not weights.is_file():
        raise BadInput(
            f"{variant}: its weights do not come with lenet1998; train it with"
            f" python -m lenet1998.reproduce --variant {variant}"
        )
    with as_file(weights) as file:
        return load_weights(recipe.build_model(), file)
