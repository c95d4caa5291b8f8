"""The readable reference: torch modules, autograd and a torch optimizer, pattern by pattern."""

import torch
from torch import Tensor

from lenet1998.models import LeNet5
from lenet1998.optim import SDLM
from lenet1998.recipes import Recipe


def begin_pass(
    optimizer: torch.optim.Optimizer, eta: float, curvature: dict[str, Tensor] | None
) -> None:
    """Set a torch optimizer's rate, and for SDLM the curvature."""
    for group in optimizer.param_groups:
        group["lr"] = eta
    if isinstance(optimizer, SDLM):
        optimizer.set_curvature(curvature)


class EagerEngine:
    """Trains a model as its recipe says, one optimizer step per pattern or mini-batch.

    Args:
        recipe: loss, optimizer and batch size are taken from it.
        model: the network, on the device and in the dtype to train in; updated in place.
    """

    name = "eager"

    def __init__(self, recipe: Recipe, model: LeNet5):
        self.recipe = recipe
        self.model = model
        self.criterion = recipe.build_criterion()
        self.optimizer = recipe.build_optimizer(model)

    def begin_pass(self, eta: float, curvature: dict[str, Tensor] | None) -> None:
        """Set the pass's rate, and for SDLM the curvature that stays frozen until the next."""
        begin_pass(self.optimizer, eta, curvature)

    def train(self, images: Tensor, labels: Tensor) -> tuple[float, int]:
        """Learn the patterns in the order given.

        Args:
            images: (N, 1, H, W), prepared, of the model's dtype and device.
            labels: (N,) of int64.

        Returns:
            The sum of the patterns' losses and the number misread, each measured on the fly:
            before the update that the pattern itself causes.
        """
        loss_sum = torch.zeros((), dtype=torch.float64, device=images.device)
        errors = torch.zeros((), dtype=torch.int64, device=images.device)
        size = self.recipe.batch_size
        for batch, target in zip(images.split(size), labels.split(size), strict=True):
            outputs = self.model(batch)
            loss = self.criterion(outputs, target)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.detach() * len(target)
            errors += (self.model.decide(outputs.detach()) != target).sum()
        return loss_sum.item(), int(errors.item())

    def state_dict(self) -> dict:
        """What must be kept beside the weights to go on after a pass."""
        return self.optimizer.state_dict()

    def load_state_dict(self, state: dict) -> None:
        """Go on from where :meth:`state_dict` was taken."""
        self.optimizer.load_state_dict(state)
