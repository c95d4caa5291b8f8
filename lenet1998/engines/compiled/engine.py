"""Pattern by pattern at the speed of the machine: the whole pass as compiled loops (Numba)."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from lenet1998 import paper
from lenet1998.engines.compiled import network
from lenet1998.engines.compiled.network import Network
from lenet1998.engines.eager import in_order
from lenet1998.engines.protocol import Curvature, check_tensor
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5, sgd_rates
from lenet1998.recipes import NETWORK_SWITCHES, Recipe


class CompiledEngine:
    """Trains a model as its recipe says, like the eager engine, in compiled loops.

    Its methods are described in :class:`~lenet1998.engines.protocol.Engine`.

    What it learns is the same bytes on every processor and with every version of torch, NumPy and
    Numba. The loops release the interpreter lock: engines in several threads run side by side.

    Args:
        recipe: what to train, and how.
        model: the recipe's network, in float32 on the CPU; read and updated in place by every call.

    Attributes:
        moments: what the update remembers, by name: ``velocity`` of SGD with momentum, ``exp_avg``
            and ``exp_avg_sq`` of Adam.
        steps: how many updates have been made.

    Raises:
        ValueError: a model of another network, device or dtype.
        CompilerUnavailable: Numba is missing or cannot compile here.
    """

    name = "compiled"
    arithmetic = network.ARITHMETIC

    def __init__(self, recipe: Recipe, model: LeNet5):
        if any(model.switches[key] != getattr(recipe, key) for key in NETWORK_SWITCHES):
            raise ValueError(f"the model, {model.extra_repr()}, is not this recipe's")
        self.recipe = recipe
        self.models = [model]
        self.network = Network(model, recipe)
        names = ("exp_avg", "exp_avg_sq") if recipe.optimizer == "adam" else ()
        names = ("velocity",) if recipe.momentum else names
        self.moments = {name: self.network.flat({}) for name in names}
        self.steps = 0
        self._rates, self._gradient = self.network.flat({}), self.network.flat({})
        # So that training never pauses to compile.
        self._train(np.empty((0, paper.INPUT_SIZE**2), np.float32), np.empty(0, np.int64))

    def curvature(self, model: LeNet5, images: Tensor, labels: Tensor) -> Curvature:
        return Network(model, self.recipe).curvature(images, labels)

    def begin_pass(self, eta: float, curvatures: Sequence[Curvature] | None) -> None:
        (curvature,) = curvatures or [None]
        (model,) = self.models
        parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        if self.recipe.optimizer != "sdlm":
            one = sgd_rates(self.recipe, eta, model)
            rates = {name: torch.full_like(p, one[name]) for name, p in parameters.items()}
        elif curvature is None or not parameters.keys() <= curvature.keys():
            raise ValueError("SDLM needs a curvature for each parameter that learns")
        else:
            # In float64, where an elementwise quotient leaves nothing to a processor's choice.
            exact = {name: curvature[name].detach().cpu().double() for name in parameters}
            rates = self.recipe.sdlm_rates(eta, exact)
        self._rates = self.network.flat({name: rates[name].float() for name in parameters})
        self.network.states.fill(0)  # NaN, once in the padding, would stay there

    def train(
        self, images: Tensor, labels: Tensor, order: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Learn patterns.

        Raises:
            ValueError: images or labels of another shape, dtype or range.
        """
        images, labels = in_order(images, labels, order)
        rows = self.network.rows(images)
        targets = self.network.targets(labels, len(rows))
        self.network.load()
        loss, errors = self._train(rows, targets)
        self.network.store()
        self.steps += -(-len(rows) // self.recipe.batch_size)
        return np.array([loss]), np.array([errors])

    def _train(self, rows: np.ndarray, targets: np.ndarray) -> tuple[float, int]:
        """The loops' sum of losses and number misclassified."""
        first, second, *_ = [*self.moments.values(), self._gradient, self._gradient]
        of = self.network
        # fmt: off
        return network.call(
            "train", rows, targets, *of.pairs, of.switches, of.numbers, of.values, self._rates,
            self._gradient, first, second, self.steps, of.states,
        )
        # fmt: on

    def end_pass(self) -> None:
        """The model is always up to date."""

    def state_dicts(self) -> list[dict]:
        kept = {name: self.network.of_each(moment) for name, moment in self.moments.items()}
        return [{"steps": self.steps, **kept}]

    def load_state_dicts(self, states: Sequence[dict]) -> None:
        (state,) = states
        if state.keys() != {"steps", *self.moments}:
            raise BadInput("it keeps the state of another optimizer")
        if type(state["steps"]) is not int or state["steps"] < 0:
            raise BadInput("its steps are no number of them")
        for name, moment in self.moments.items():
            ours, theirs = self.network.of_each(moment), state[name]
            if not isinstance(theirs, Mapping) or theirs.keys() != ours.keys():
                raise BadInput(f"it keeps the {name} of another recipe")
            for parameter, values in ours.items():
                check_tensor(
                    f"{name} of {parameter}", theirs[parameter], values.shape, values.dtype
                )
                if name == "exp_avg_sq" and bool((theirs[parameter] < 0).any()):
                    raise BadInput(f"its {name} is below 0")
        for name, moment in self.moments.items():
            self.network.layout.fill(moment, state[name])
        self.steps = state["steps"]
