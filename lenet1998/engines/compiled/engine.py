"""Pattern by pattern at the speed of the machine: the whole pass as compiled loops (Numba).

One pattern at a time, all is loops from end to end. For a mini-batch the same loops sum up the
gradients and a torch optimizer takes the step.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from lenet1998 import paper
from lenet1998.engines.compiled import network
from lenet1998.engines.eager import begin_pass, in_order
from lenet1998.engines.kept import check_tensor, load_optimizer
from lenet1998.engines.protocol import Curvature
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5
from lenet1998.recipes import Recipe
from lenet1998.switches import NETWORK_SWITCHES

kernels, loops = network.kernels, network.loops


def _switches(recipe: Recipe) -> "loops.Switches":
    losses = {
        "distance": loops.DISTANCE,
        "discriminative": loops.DISCRIMINATIVE,
        "cross_entropy": loops.CROSS_ENTROPY,
    }
    return loops.Switches(
        **network.switches(vars(recipe)),
        loss=losses[recipe.loss],
        factor=0.5 if recipe.half_distance else 1.0,
        rubbish_j=float(recipe.rubbish_j),
        # SGD without a rate and with a momentum of 1 is the sum of the gradients, with one of 0
        # the last of them.
        sgd=recipe.optimizer != "sdlm" or not _updated_in_loops(recipe),
        momentum=np.float32(recipe.momentum if _updated_in_loops(recipe) else 1),
        features=recipe.features == "trained",
    )


def _updated_in_loops(recipe: Recipe) -> bool:
    """Whether the loops make every update themselves, or leave it to a torch optimizer."""
    return recipe.batch_size == 1


class CompiledEngine:
    """Trains a model as its recipe says, like the eager engine, in compiled loops.

    The loops work on the model's own memory, so the model is up to date after every call. They
    release the interpreter lock: engines in several threads run side by side.

    Args:
        recipe: what to train, and how.
        model: the recipe's network, in float32 on the CPU; updated in place.
        compiled: the pass to train with; default: that of the vector code.

    Attributes:
        velocity: for SGD, each parameter's velocity by name; without momentum that is the last
            pattern's gradient.
        optimizer: what takes the steps of mini-batches, on ``velocity`` as their gradient; what
            holds Adam's moments; else None.

    Raises:
        ValueError: a model of another network, device or dtype.
        CompilerUnavailable: Numba is missing or cannot compile here.
    """

    name = "compiled"

    def __init__(self, recipe: Recipe, model: LeNet5, compiled: "kernels.Pass | None" = None):
        network.check_available()
        self._compiled = compiled or kernels.PASS
        if model.switches != {key: getattr(recipe, key) for key in NETWORK_SWITCHES}:
            raise ValueError(f"the model, {model.extra_repr()}, is not this recipe's")
        self.recipe = recipe
        self.model = model
        self.models = [model]
        self.switches = _switches(recipe)
        sizes = {name: p.numel() for name, p in model.named_parameters() if self.switches.sgd}
        self._velocities = torch.zeros(sum(sizes.values()), dtype=torch.float32)
        parts = self._velocities.split(list(sizes.values()))
        self.velocity = {
            name: part.view_as(model.get_parameter(name))
            for name, part in zip(sizes, parts, strict=True)
        }
        self.optimizer = None
        if recipe.optimizer == "adam" or not _updated_in_loops(recipe):
            self.optimizer = recipe.build_optimizer(model)
            for name, gradient in self.velocity.items():
                if (p := model.get_parameter(name)).requires_grad:
                    p.grad = gradient
        self._seen, self._made = network.pairs(recipe.c3)
        self._net = network.values(model)
        self._rates = self._flat({})
        self._velocity = self._flat(self.velocity)
        self._gradient = kernels.Parameters(*(kernels.aligned_zeros(w.size) for w in self._net))
        self._work = kernels.workspace(self._net.c5_weight.size // 120, model.classes)
        self._compile()

    def _compile(self) -> None:
        """Compile the loops or read them from disk, so that training never pauses for it."""
        images, labels = np.empty((0, paper.INPUT_SIZE**2), np.float32), np.empty(0, np.int64)
        adam = self.optimizer and _updated_in_loops(self.recipe)
        run = self._run_adam if adam else self._run
        network.compile_now(self._compiled, lambda: run(images, labels))

    def _flat(self, tensors: Mapping[str, Tensor]) -> "kernels.Parameters":
        return network.flat(tensors, self.model.classes)

    def begin_pass(self, eta: float, curvatures: Sequence[Curvature] | None) -> None:
        """See :class:`~lenet1998.engines.protocol.Engine`."""
        (curvature,) = curvatures or [None]
        parameters = dict(self.model.named_parameters())
        if self.optimizer:
            begin_pass(self.optimizer, eta, curvatures)
            rates = {name: torch.zeros_like(p) for name, p in parameters.items()}
        elif self.recipe.optimizer == "sgd":
            one = self.recipe.sgd_rates(eta, self.model)
            rates = {name: torch.full_like(p, one[name]) for name, p in parameters.items()}
        elif curvature is None or set(curvature) != set(parameters):
            raise ValueError("SDLM needs a curvature for each of the model's parameters")
        else:
            kept = {name: curvature[name].to(p).contiguous() for name, p in parameters.items()}
            rates = self.recipe.sdlm_rates(eta, kept)
        for name, p in parameters.items():
            if not p.requires_grad:
                rates[name] = torch.zeros_like(p)
        self._net = network.values(self.model)
        self._rates = self._flat(rates)
        for array in self._work:  # NaN, once in the padding, would stay there
            array.fill(0)

    def train(
        self, images: Tensor, labels: Tensor, order: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`~lenet1998.engines.protocol.Engine`.

        Raises:
            ValueError: images or labels of another shape, dtype or range.
        """
        images, labels = in_order(images, labels, order)
        self._check(images, labels)
        rows = network.rows(images)
        targets = labels.contiguous().numpy()
        if not _updated_in_loops(self.recipe):
            loss, errors = self._run_batches(rows, targets)
        elif self.optimizer:
            loss, errors = self._run_adam(rows, targets)
        else:
            loss, errors = self._run(rows, targets)
        return np.array([loss]), np.array([errors])

    def _run_adam(self, rows: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """The loops take Adam's steps, on the moments that the torch optimizer holds."""
        (group,) = self.optimizer.param_groups
        learnt = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        etas = {name: torch.full_like(p, group["lr"]) for name, p in learnt.items()}
        state = {name: self.optimizer.state[p] for name, p in learnt.items()}
        for name, of in state.items():
            if not of:
                moments = (torch.zeros_like(learnt[name]) for _ in range(2))
                of |= zip(("exp_avg", "exp_avg_sq"), moments, strict=True)
                of["step"] = torch.tensor(0.0)
        first, second = (
            self._flat({name: of[moment] for name, of in state.items()})
            for moment in ("exp_avg", "exp_avg_sq")
        )
        before = int(next(iter(state.values()))["step"])
        result = self._compiled.train_adam(
            *self._arguments(rows, labels), self._flat(etas), first, second, before
        )
        for of in state.values():
            of["step"] += len(labels)
        return result

    def _run_batches(self, rows: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """The loops sum up each batch's gradients, and the optimizer takes the step."""
        loss, errors, size = 0.0, 0, self.recipe.batch_size
        for first in range(0, len(labels), size):
            batch = slice(first, first + size)
            self._velocities.zero_()
            batch_loss, batch_errors = self._run(rows[batch], labels[batch])
            self._velocities /= len(labels[batch])
            self.optimizer.step()
            loss, errors = loss + batch_loss, errors + batch_errors
        return loss, errors

    def end_pass(self) -> None:
        """The model is always up to date."""

    def _check(self, images: Tensor, labels: Tensor) -> None:
        """ValueError unless images and labels are what :meth:`train` says."""
        size = self.recipe.input_size
        # The loops check no bounds.
        if images.shape != (len(labels), 1, size, size) or labels.ndim != 1:
            raise ValueError(
                f"expected images (N, 1, {size}, {size}) and labels (N,), got"
                f" {tuple(images.shape)} and {tuple(labels.shape)}"
            )
        if (images.dtype, labels.dtype) != (torch.float32, torch.int64):
            raise ValueError(
                f"expected float32 images and int64 labels, got {images.dtype} and {labels.dtype}"
            )
        classes = self.model.classes
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            raise ValueError(f"labels must be 0 to {classes - 1}")

    def _run(self, rows: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """The loops over images as rows, (N, 1024)."""
        return self._compiled.train(*self._arguments(rows, labels))

    def _arguments(self, rows: np.ndarray, labels: np.ndarray) -> tuple:
        """What the loops over patterns take."""
        return (
            rows,
            labels,
            self._seen,
            self._made,
            self.switches,
            self._net,
            self._rates,
            self._velocity,
            self._gradient,
            self._work,
        )

    def state_dicts(self) -> list[dict]:
        """See :class:`~lenet1998.engines.protocol.Engine`."""
        return [self.optimizer.state_dict() if self.optimizer else {"velocity": self.velocity}]

    def load_state_dicts(self, states: Sequence[dict]) -> None:
        """See :class:`~lenet1998.engines.protocol.Engine`."""
        (state,) = states
        if self.optimizer:
            load_optimizer(self.optimizer, state)
            return
        velocity = state.get("velocity")
        if not isinstance(velocity, Mapping) or velocity.keys() != self.velocity.keys():
            raise BadInput("it keeps the velocities of another recipe")
        for name, ours in self.velocity.items():
            check_tensor(f"velocity of {name}", velocity[name], ours.shape, ours.dtype)
        for name, ours in self.velocity.items():
            ours.copy_(velocity[name])
