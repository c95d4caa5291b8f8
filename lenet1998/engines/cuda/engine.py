"""Many runs at once on one GPU: every thread block trains a network of its own, pattern by pattern.

Equality with the eager engine is tested in Numba's simulator, and on a GPU where there is one.
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from lenet1998.curvature import diagonal_curvature
from lenet1998.engines.protocol import Curvature, check_tensor
from lenet1998.models import LeNet5, sgd_rates
from lenet1998.recipes import NETWORK_SWITCHES, Recipe

try:
    from numba import config, cuda

    from lenet1998.engines.cuda import kernel as cuda_kernel
except ImportError:
    cuda = None


def available() -> bool:
    """Test whether the engine can run on this machine."""
    return unavailable() is None


def unavailable() -> str | None:
    """Reason why the engine cannot run on this machine, as a phrase; None if it can."""
    if cuda is None:
        return "numba-cuda is not installed"
    if not cuda.is_available():
        return "no CUDA GPU that Numba can use was found"
    return None


def unsupported(recipe: Recipe) -> str | None:
    """Switch of a recipe that this engine cannot train, as a phrase; None if it has none."""
    if recipe.batch_size != 1:
        return f"batch_size={recipe.batch_size}: the CUDA engine learns one pattern at a time"
    if recipe.optimizer == "adam":
        return "optimizer=adam: the CUDA engine has sdlm and sgd"
    if recipe.features == "1998":
        return "features=1998: the CUDA engine trains all layers"
    if recipe.blank != "none":
        return f"blank={recipe.blank}: the CUDA engine knows the ten digits only"
    return None


def _stream():
    """torch's stream on this thread, as Numba's; 0 is the default stream of both."""
    number = 0 if config.ENABLE_CUDASIM else torch.cuda.current_stream().cuda_stream
    return cuda.external_stream(number) if number else 0


def _array(tensor: Tensor):
    """A tensor as Numba takes it; in the simulator, NumPy's view of it."""
    return tensor.numpy() if config.ENABLE_CUDASIM else cuda.as_cuda_array(tensor)


class CudaEngine:
    """Trains any number of networks at once as one recipe says, each in a block of its own.

    Its methods are described in :class:`~lenet1998.engines.protocol.Engine`.

    Between passes the models are the truth: their parameters are read when a pass begins and
    written back when it ends.

    Args:
        recipe: network, loss and optimizer are taken from it.
        models: one network per run, all of the recipe, in float32, on any device.
        threads: per block. The arithmetic does not depend on it.

    Raises:
        ValueError: a recipe that :func:`unsupported` names, or models of another network.
        RuntimeError: where :func:`unavailable` says why CUDA cannot be used.
    """

    name = "cuda"
    arithmetic = None

    def __init__(self, recipe: Recipe, models: Sequence[LeNet5], threads: int = 512):
        if reason := unsupported(recipe):
            raise ValueError(reason)
        if reason := unavailable():
            raise RuntimeError(reason)
        if not models or not 1 <= threads <= 1024:
            raise ValueError(f"need models and 1 to 1024 threads, got {len(models)} and {threads}")
        network = {key: getattr(recipe, key) for key in NETWORK_SWITCHES}
        for model in models:
            dtypes = {p.dtype for p in model.parameters()}
            if model.switches != network or dtypes != {torch.float32}:
                raise ValueError("every model must be the recipe's network, in float32")
        self.recipe = recipe
        self.models = list(models)
        self.threads = threads
        # torch's memory: to free Numba's would wait for whatever runs on the device.
        self._device = torch.device("cpu" if config.ENABLE_CUDASIM else "cuda")
        self._layout = tuple((name, p.numel()) for name, p in models[0].named_parameters())
        self._switches = tuple((key, getattr(recipe, key)) for key in cuda_kernel.SWITCHES)
        runs, parameters = len(models), sum(count for _, count in self._layout)
        keeps = recipe.optimizer == "sdlm" or recipe.momentum > 0
        self._side = torch.zeros(runs, parameters if keeps else 1, device=self._device)
        codes = [getattr(model.output, "codes", torch.zeros(1)).flatten() for model in models]
        self._codes = torch.stack(codes).to(self._device)
        self._weights: Tensor | None = None

    def _packed(self, tensors: Sequence[Mapping[str, Tensor]]) -> Tensor:
        """One row per run, the parameters end to end as the first model names them."""
        rows = [
            torch.cat([of_run[name].detach().flatten() for name, _ in self._layout])
            for of_run in tensors
        ]
        return torch.stack(rows).to(self._device)

    def curvature(self, model: LeNet5, images: Tensor, labels: Tensor) -> Curvature:
        over = self.recipe.subsampling_curvature
        criterion = self.recipe.build_criterion()
        return diagonal_curvature(model, criterion, images, labels, subsampling=over)

    def begin_pass(self, eta: float, curvatures: Sequence[Curvature] | None) -> None:
        global_rates = sgd_rates(self.recipe, eta, self.models[0])
        of_layer = {name.partition(".")[0]: rate for name, rate in global_rates.items()}
        self._etas = tuple(np.float32(of_layer.get(layer, eta)) for layer in cuda_kernel.LAYERS)
        if self.recipe.optimizer == "sdlm":
            if curvatures is None or len(curvatures) != len(self.models):
                raise ValueError("SDLM needs one curvature for each run")
            rates = [self.recipe.sdlm_rates(eta, curvature) for curvature in curvatures]
            self._side = self._packed(rates)
        self._weights = self._packed([dict(model.named_parameters()) for model in self.models])

    def train(
        self, images: Tensor, labels: Tensor, order: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Learn patterns, all in one launch.

        A pool that many calls learn from should be on the GPU, or each would copy it there.
        """
        if self._weights is None:
            raise RuntimeError("no pass has begun: call begin_pass(eta, curvatures) first")
        size, runs = self.recipe.input_size, len(self.models)
        if order is None:
            order = np.tile(np.arange(len(labels)), (runs, 1))
        order = np.ascontiguousarray(order, dtype=np.int64)
        if tuple(images.shape) != (len(labels), 1, size, size):
            raise ValueError(f"images must be ({len(labels)}, 1, {size}, {size}): {images.shape}")
        if order.ndim != 2 or len(order) != runs:
            raise ValueError(f"order must be ({runs}, N), got {order.shape}")
        if order.size and not 0 <= order.min() <= order.max() < len(labels):
            raise ValueError(f"order must index the pool of {len(labels)} patterns")
        losses = torch.zeros(runs, dtype=torch.float64, device=self._device)
        errors = torch.zeros(runs, dtype=torch.int64, device=self._device)
        kernel = cuda_kernel.build(self._switches, self._layout, self.threads)
        with warnings.catch_warnings():  # that fewer than 128 runs leave multiprocessors idle
            warnings.filterwarnings("ignore", message=".*low occupancy")
            kernel = kernel[runs, self.threads, _stream()]
        kernel(
            _array(images.to(self._device).reshape(len(labels), size * size)),
            _array(labels.to(self._device)),
            _array(torch.from_numpy(order).to(self._device)),
            _array(self._weights),
            _array(self._side),
            self._etas,
            _array(self._codes),
            _array(losses),
            _array(errors),
        )
        return losses.cpu().numpy(), errors.cpu().numpy()

    @torch.no_grad()
    def end_pass(self) -> None:
        """Copy the parameters from the GPU into the models."""
        counts = [count for _, count in self._layout]
        for model, row in zip(self.models, self._weights, strict=True):
            for p, values in zip(model.parameters(), row.split(counts), strict=True):
                p.copy_(values.view_as(p))

    def state_dicts(self) -> list[dict]:
        """For each run its velocity, if there is momentum."""
        if not self.recipe.momentum:
            return [{} for _ in self.models]
        return [{"velocity": velocity.clone()} for velocity in self._side.cpu()]

    def load_state_dicts(self, states: Sequence[dict]) -> None:
        if self.recipe.momentum:
            shape = self._side.shape[1:]
            for state in states:
                check_tensor("velocity", state.get("velocity"), shape, torch.float32)
            velocities = torch.stack([state["velocity"] for state in states])
            self._side = velocities.to(self._device)
