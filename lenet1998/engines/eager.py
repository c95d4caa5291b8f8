"""The readable reference: torch modules, autograd and a torch optimizer, pattern by pattern."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from lenet1998.curvature import diagonal_curvature
from lenet1998.engines.protocol import Curvature, check_tensor
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5, build_optimizer
from lenet1998.recipes import Recipe


def in_order(images: Tensor, labels: Tensor, order: np.ndarray | None) -> tuple[Tensor, Tensor]:
    """The patterns that one run learns, in its order: see ``Engine.train``."""
    if order is None:
        return images, labels
    (indices,) = torch.from_numpy(order).to(images.device)
    return images[indices], labels[indices]


class EagerEngine:
    """Trains a model as its recipe says, one optimizer step per pattern or mini-batch.

    Its methods are described in :class:`~lenet1998.engines.protocol.Engine`.

    Args:
        recipe: loss, optimizer and batch size are taken from it.
        model: the network, on the device and in the dtype to train in; updated in place.
    """

    name = "eager"
    arithmetic = None

    def __init__(self, recipe: Recipe, model: LeNet5):
        self.recipe = recipe
        self.model = model
        self.models = [model]
        self.criterion = recipe.build_criterion()
        self.optimizer = build_optimizer(recipe, model)

    def curvature(self, model: LeNet5, images: Tensor, labels: Tensor) -> Curvature:
        over = self.recipe.subsampling_curvature
        return diagonal_curvature(model, self.criterion, images, labels, subsampling=over)

    def begin_pass(self, eta: float, curvatures: Sequence[Curvature] | None) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = eta * group.get("share", 1.0)
        if self.recipe.optimizer == "sdlm":
            (curvature,) = curvatures or [None]
            learning = [name for name, p in self.model.named_parameters() if p.requires_grad]
            self.optimizer.set_curvature([curvature[name] for name in learning])

    def train(
        self, images: Tensor, labels: Tensor, order: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        images, labels = in_order(images, labels, order)
        loss_sum = torch.zeros(1, dtype=torch.float64, device=images.device)
        errors = torch.zeros(1, dtype=torch.int64, device=images.device)
        size = self.recipe.batch_size
        for batch, target in zip(images.split(size), labels.split(size), strict=True):
            outputs = self.model(batch)
            loss = self.criterion(outputs, target)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.detach() * len(target)
            errors += (self.model.decide(outputs.detach()) != target).sum()
        return loss_sum.cpu().numpy(), errors.cpu().numpy()

    def end_pass(self) -> None:
        """The model is always up to date."""

    def state_dicts(self) -> list[dict]:
        return [self.optimizer.state_dict()]

    def load_state_dicts(self, states: Sequence[dict]) -> None:
        (state,) = states
        load_optimizer(self.optimizer, state)


def load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping) -> None:
    """Give an optimizer back what it had learnt of its parameters.

    Its settings are the recipe's, and stay what they are whatever the state says.

    Args:
        optimizer: SDLM, SGD or Adam.
        state: as its ``state_dict`` gave it.

    Raises:
        BadInput: the state of another kind of optimizer or of other parameters, or no numbers.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    names = {
        "SDLM": {"curvature"},
        "SGD": {"momentum_buffer"} if optimizer.defaults.get("momentum") else set(),
        "Adam": {"step", "exp_avg", "exp_avg_sq"},
    }[type(optimizer).__name__]
    places = [place for place, p in enumerate(parameters) if names and p.requires_grad]
    kept = state.get("state")
    if not isinstance(kept, Mapping) or kept.keys() != set(places):
        raise BadInput("it keeps the state of another optimizer")
    for place, values in kept.items():
        if not isinstance(values, Mapping) or values.keys() != names:
            raise BadInput("it keeps the state of another optimizer")
        p = parameters[place]
        for name, value in values.items():
            check_tensor(name, value, () if name == "step" else p.shape, p.dtype)
            least = {"step": 1, "exp_avg_sq": 0, "curvature": 0}.get(name)
            if least is not None and bool((value < least).any()):
                raise BadInput(f"its {name} is below {least}")
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": dict(kept), "param_groups": groups})
