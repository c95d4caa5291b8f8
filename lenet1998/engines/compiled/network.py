"""A network as the compiled loops see it: numbers for its switches, one array of parameters."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from lenet1998 import paper
from lenet1998.models import LeNet5
from lenet1998.recipes import NETWORK_SWITCHES, Recipe

try:
    from lenet1998.engines.compiled import memory
    from lenet1998.engines.compiled import switches as loops
    from lenet1998.engines.compiled import whole_pass as kernels
except (ImportError, OSError) as error:  # Numba is missing or broken, or too old for this NumPy
    loops = kernels = memory = None
    _import_error = str(error)

ARITHMETIC = 2
"""Which bytes the loops give: another number wherever a change of the code changes a single one.

1 was that of versions up to 1.0, whose sums LLVM ordered as suited the processor.
"""

# tanh x = x P(x^2) / Q(x^2) for |x| <= 8.1, beyond which it is 1 in float32; minimax, 7e-9.
TANH_LIMIT = 8.1
TANH_P = (0.99999999272, 0.13438331201, 0.00356416153119, 2.1765977339e-05, 1.50345674454e-08)
TANH_Q = (1.0, 0.467716577751, 0.0261364588323, 0.000339888648815, 8.44637016209e-07)


class CompilerUnavailable(RuntimeError):  # noqa: N818
    """Numba cannot be imported or cannot compile here; the eager engine can do the same work."""


@lru_cache(maxsize=1)
def unavailable() -> str | None:
    """Reason why the compiled loops cannot run here, as one phrase; None if they can."""
    if kernels is None:
        return f"Numba cannot be imported ({_import_error})"
    # A library function in its place gives the same bytes, but hundreds of times as slowly.
    return None if kernels.fuses() else "this processor has no fused multiply-add"


def check_available() -> None:
    """Refuse to go on without Numba.

    Raises:
        CompilerUnavailable: it is missing or broken.
    """
    if reason := unavailable():
        raise CompilerUnavailable(reason)


def call(function: str, *arguments):
    """Call one of the loops over patterns; the first call compiles it or reads it from disk.

    Raises:
        CompilerUnavailable: Numba cannot compile here.
    """
    try:
        return getattr(kernels.PASS, function)(*arguments)
    except Exception as failure:  # a cache that is full or corrupt, or no working compiler
        kernels.PASS.forget_disk(failure)
        try:
            return getattr(kernels.PASS, function)(*arguments)
        except Exception as error:
            reason = str(error).strip().partition("\n")[0]
            raise CompilerUnavailable(f"Numba cannot compile here ({reason})") from error


_SQUASHINGS = {
    # kind, amplitude, slope, offset, and f' = constant + linear y + square y^2 where y > floor
    "scaled_tanh": lambda a, s: ("SIGMOID", a, s, 0, a * s, 0, -s / a, -np.inf),
    "tanh": lambda a, s: ("SIGMOID", 1, 1, 0, 1, 0, -1, -np.inf),
    "logistic": lambda a, s: ("SIGMOID", 0.5, 0.5, 0.5, 0, 1, -1, -np.inf),
    "relu": lambda a, s: ("RECTIFIER", 0, 1, 0, 1, 0, 0, 0),
    "none": lambda a, s: ("IDENTITY", 0, 1, 0, 1, 0, 0, -np.inf),
}


def squashing(name: str) -> tuple[int, np.ndarray]:
    """A function of :data:`lenet1998.modules.SQUASHINGS`: its kind and its 16 numbers.

    f(x) = offset + amplitude tanh(slope x); see :mod:`~lenet1998.engines.compiled.blocks`.
    """
    make = _SQUASHINGS[name]
    kind, amplitude, slope, offset, *derivative = make(paper.TANH_AMPLITUDE, paper.TANH_SLOPE)
    p = [amplitude * slope ** (2 * k + 1) * number for k, number in enumerate(TANH_P)]
    q = [slope ** (2 * k) * number for k, number in enumerate(TANH_Q)]
    numbers = [TANH_LIMIT / slope, *p, *q[1:], offset, *derivative, 0]
    return getattr(loops, kind), np.array(numbers, np.float32)


class Network:
    """A network in the loops' memory, to be read, and its curvature to be found.

    Args:
        model: in float32 on the CPU.
        recipe: whose loss and update it is trained with; default: a loss that suits its outputs.

    Attributes:
        values: the parameters, as :meth:`load` found them and the loops left them.

    Raises:
        ValueError: a model of another device or dtype.
        CompilerUnavailable: Numba is missing or broken, or the model has classes, channels or
            modules of its own.
    """

    def __init__(self, model: LeNet5, recipe: Recipe | None = None):
        check_available()
        if model.switches.keys() != NETWORK_SWITCHES.keys():
            raise CompilerUnavailable("the loops have ten classes and one channel")
        self.model = model
        self.recipe = recipe
        self.layout = memory.Layout(model.switches, model.classes)
        self.pairs = memory.pairs(model.switches["c3"])
        self.states = memory.aligned_zeros(memory.STATES)
        self.values = memory.aligned_zeros(memory.PARAMETERS)
        self._numbers()
        self.load()

    def _numbers(self) -> None:
        """Set ``switches`` and ``numbers``, which are what the loops know of model and recipe."""
        model, recipe = self.model, self.recipe
        squash, first = squashing(model.switches["squash"])
        subsampling_squash, second = squashing(model.switches["subsampling_squash"])
        pooling = model.switches["pooling"]
        second[-1] = 0.25 if pooling in ("average", "trainable_average") else 1
        self.numbers = np.concatenate([first, second])
        by_connections = recipe and recipe.subsampling_curvature == "connections"
        kind = loops.CONNECTIONS if by_connections else loops.SUMS
        kind = loops.MAXIMA if pooling == "max" else kind
        losses = {"distance": loops.DISTANCE, "discriminative": loops.DISCRIMINATIVE}
        updates = {"sdlm": loops.DESCENT, "adam": loops.ADAM}
        loss = loops.DISTANCE if model.smallest_wins else loops.CROSS_ENTROPY
        sgd = loops.MOMENTUM if recipe and recipe.momentum else loops.DESCENT
        self.switches = loops.Switches(
            squash=squash,
            subsampling_squash=subsampling_squash,
            pooling=kind,
            classes=model.classes,
            loss=losses.get(recipe.loss, loss) if recipe else loss,
            factor=0.5 if recipe and recipe.half_distance else 1.0,
            rubbish_j=float(recipe.rubbish_j) if recipe else 1.0,
            constant_curvature=bool(recipe and recipe.f6_curvature == "constant"),
            update=updates.get(recipe.optimizer, sgd) if recipe else sgd,
            momentum=np.float32(recipe.momentum if recipe else 0),
            batch_size=recipe.batch_size if recipe else 1,
            features=not recipe or recipe.features == "trained",
        )

    def _parameters(self) -> dict[str, Tensor]:
        return dict(self.model.named_parameters())

    def load(self) -> None:
        """Take up the model's parameters.

        Raises:
            ValueError: one that is not float32, or not on the CPU.
        """
        state = self.model.state_dict()
        if odd := state.keys() - self.layout.places.keys():
            raise CompilerUnavailable(f"the loops have no {', '.join(sorted(odd))}")
        for name, tensor in state.items():
            if tensor.dtype != torch.float32 or tensor.device.type != "cpu":
                raise ValueError(
                    f"{name} must be float32 on the cpu, is {tensor.dtype} on {tensor.device}"
                )
        # A pooling without parameters is one with coefficient 1 and bias 0, at rate 0.
        self.layout.fill(self.values, state, lacking=1.0)

    def store(self) -> None:
        """Give the model the parameters as they are now."""
        self.layout.read(self.values, self._parameters())

    def flat(self, tensors: Mapping[str, Tensor]) -> np.ndarray:
        """Numbers for each parameter named, in its place; 0 elsewhere."""
        array = memory.aligned_zeros(memory.PARAMETERS)
        self.layout.fill(array, tensors)
        return array

    def of_each(self, array: np.ndarray) -> dict[str, Tensor]:
        """Copies of an array's values by parameter name, each in its shape."""
        found = {name: torch.empty_like(p) for name, p in self._parameters().items()}
        self.layout.read(array, found)
        return found

    def rows(self, images: Tensor) -> np.ndarray:
        """Images (N, 1, size, size) as the loops read them, (N, 1024).

        Raises:
            ValueError: images of another shape or dtype; the loops check no bounds.
        """
        size = self.model.switches["input_size"]
        if images.shape != (len(images), 1, size, size) or images.dtype != torch.float32:
            raise ValueError(
                f"expected float32 images (N, 1, {size}, {size}), got {images.dtype} and"
                f" {tuple(images.shape)}"
            )
        # A 28x28 network is a 32x32 one whose last rows and columns get no delta.
        margin = paper.INPUT_SIZE - size
        padded = nn.functional.pad(images.detach(), (0, margin, 0, margin)) if margin else images
        return padded.detach().reshape(len(images), paper.INPUT_SIZE**2).contiguous().numpy()

    def targets(self, labels: Tensor, patterns: int) -> np.ndarray:
        """Labels as the loops read them, (N,) of int64.

        Raises:
            ValueError: not one for each pattern, another dtype, or out of range.
        """
        if labels.shape != (patterns,) or labels.dtype != torch.int64:
            raise ValueError(
                f"expected int64 labels ({patterns},), got {labels.dtype} and {tuple(labels.shape)}"
            )
        classes = self.model.classes
        if patterns and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
            raise ValueError(f"labels must be 0 to {classes - 1}")
        return labels.contiguous().numpy()

    def outputs(self, images: Tensor) -> Tensor:
        """Distances or logits of images (N, 1, input_size, input_size), (N, classes).

        They are the network's own but for rounding, and several times as fast on one core.

        Raises:
            ValueError: images of another shape or dtype.
            CompilerUnavailable: Numba cannot compile here.
        """
        rows = self.rows(images)
        found = np.empty((len(rows), self.model.classes), np.float32)
        call("outputs", rows, self.switches, self.numbers, self.values, self.states, found)
        return torch.from_numpy(found)

    def curvature(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The curvature of every parameter: see :func:`~lenet1998.curvature.diagonal_curvature`.

        Raises:
            ValueError: images or labels of another shape, dtype or range.
            CompilerUnavailable: Numba cannot compile here.
        """
        rows = self.rows(images)
        targets = self.targets(labels, len(rows))
        inputs = memory.aligned_zeros(memory.STATES)
        squares, part, total = (memory.aligned_zeros(memory.PARAMETERS) for _ in range(3))
        with np.errstate(over="ignore"):  # the curvature then shows it
            np.multiply(self.values, self.values, out=squares)
        switches = self.switches._replace(features=True)
        # fmt: off
        call("curvature", rows, targets, *self.pairs, switches, self.numbers, self.values, squares,
             self.states, inputs, part, total)
        # fmt: on
        return self.of_each(total / np.float32(len(rows)))
