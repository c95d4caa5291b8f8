"""LeNet-5 with switches: historic and modern differ only where a switch says so."""

import math
from collections.abc import Mapping
from importlib.resources import as_file, files
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor, nn

from lenet1998 import paper
from lenet1998.criteria import DiscriminativeLoss, DistanceLoss
from lenet1998.data.streams import initial_weights
from lenet1998.errors import BadInput, in_short, read_bytes
from lenet1998.modules import (
    DEFAULT_START,
    SQUASHINGS,
    Conv2d,
    Linear,
    MappedConv2d,
    RBFOutput,
    Start,
    Subsampling2d,
)
from lenet1998.optim import SDLM
from lenet1998.recipes import NETWORK_SWITCHES, Recipe, recipe_named

STEP = 4
"""Pixels from one output vector of the replicated network to the next: S2's and S4's windows."""

LARGEST_FIELD = 1024 * 1024
"""Pixels of a field that are seen at once where nothing is learnt: half a gigabyte of states."""

WEIGHTS_BYTES = 4 * 2**20
"""What a file of weights may take: many times what the largest variant's do."""


class LeNet5(nn.Module):
    """LeNet-5 (LeCun et al. 1998, section II-B and Fig. 2), each historical component a switch.

    Args:
        c3: ``table`` (Table I, 60 kernels) or ``dense`` (all 96).
        pooling: ``trainable`` (coefficient times window sum, plus bias), ``trainable_average``
            (times window mean), or without parameters ``average`` or ``max``.
        squash: the hidden units' function: ``scaled_tanh`` (eq. 6), ``tanh``, ``relu``,
            ``logistic``.
        subsampling_squash: what follows the pooling: ``scaled_tanh``, ``logistic`` (what many
            readers take section II-B's "sigmoidal function" for) or ``none``.
        output: ``rbf`` (distances to the 7x12 codes) or ``linear`` (logits).
        input_size: 32 (the paper's) or 28 (MNIST unpadded: C5's kernels are then 4x4).
        blank: ``none``, or an eleventh class, label 10, for no character in the middle of the field
            (section VII-B, p.28-29): ``space``, whose code is Fig. 3's blank cell (open question
            Q12); with linear outputs one more logit.
        codes: of RBF outputs: ``bitmaps`` (Fig. 3), ``random`` (84 times +-1, drawn after the
            weights) or ``one_hot`` (one unit of the 84 is +1).

    Shape:
        - images: (N, 1, input_size, input_size), or a larger field.
        - Output: (N, 10), squared distances (rbf: the smallest wins) or logits (linear); (N, 11)
          with a blank class.

    C5 is a convolution, so that the network can be replicated over a larger field (section VII-A,
    p.27): from (N, 1, H, W) it makes (N, 10, h, w), a vector at every :data:`STEP`-th pixel, that
    of the window of input_size x input_size pixels whose upper left corner is there. What no whole
    window reaches, up to 3 pixels on the right and below, is not seen. Where no gradients are asked
    for, the states of no more than :data:`LARGEST_FIELD` pixels are held at a time.

    Raises:
        ValueError: a switch, images of another shape, or images smaller than input_size.
    """

    def __init__(
        self,
        c3: str = "table",
        pooling: str = "trainable",
        squash: str = "scaled_tanh",
        subsampling_squash: str = "scaled_tanh",
        output: str = "rbf",
        input_size: int = paper.INPUT_SIZE,
        blank: str = "none",
        codes: str = "bitmaps",
    ):
        super().__init__()
        self.switches: dict[str, Any] = {
            "c3": c3,
            "pooling": pooling,
            "squash": squash,
            "subsampling_squash": subsampling_squash,
            "output": output,
            "input_size": input_size,
            "blank": blank,
            "codes": codes,
        }
        for key, value in self.switches.items():
            if value not in NETWORK_SWITCHES[key]:
                valid = ", ".join(map(str, NETWORK_SWITCHES[key]))
                raise ValueError(f"{key} must be one of {valid}; got {value!r}")
        kernel = 5
        last_map = ((input_size - kernel + 1) // 2 - kernel + 1) // 2

        def subsampling(channels: int) -> nn.Module:
            after = SQUASHINGS[subsampling_squash]()
            if pooling.startswith("trainable"):
                return Subsampling2d(channels, after, average=pooling == "trainable_average")
            pool = nn.AvgPool2d(2) if pooling == "average" else nn.MaxPool2d(2)
            return pool if subsampling_squash == "none" else nn.Sequential(pool, after)

        self.squash = SQUASHINGS[squash]()
        self.c1 = Conv2d(1, 6, kernel)
        self.s2 = subsampling(6)
        self.c3 = (
            MappedConv2d(paper.C3_TABLE, 6, kernel) if c3 == "table" else Conv2d(6, 16, kernel)
        )
        self.s4 = subsampling(16)
        self.c5 = Conv2d(16, 120, last_map)
        self.f6 = Linear(120, 84)
        if codes == "one_hot":
            shown = 2 * np.eye(paper.CLASSES + (blank != "none"), paper.CODE_LENGTH) - 1
        elif blank == "none":
            shown = paper.digit_codes()
        else:
            shown = np.concatenate([paper.digit_codes(), paper.blank_code()[None]])
        self.classes = len(shown)
        self.output = (
            RBFOutput(torch.from_numpy(shown), drawn=codes == "random")
            if output == "rbf"
            else Linear(84, self.classes)
        )

    def reset_parameters(
        self, generator: torch.Generator | None = None, start: Start = DEFAULT_START
    ) -> None:
        """Draw every layer's parameters, first layer first, from one generator."""
        for layer in self.children():
            reset = getattr(layer, "reset_parameters", None)
            if reset is not None:
                reset(generator, start)

    def fan_in(self, layer: str) -> float:
        """Inputs of a unit of a layer, without its bias; in C3, whose units differ, their mean."""
        module = getattr(self, layer)
        if isinstance(module, Subsampling2d):
            return float(module.window**2)
        return module.weight.numel() / len(module.bias)

    def features(self, images: Tensor) -> Tensor:
        """F6's output, (N, 84): what the codes of Fig. 3 are compared with.

        (N, 84, h, w) for a field larger than the network's own.
        """
        alone = torch.jit.is_tracing()  # where shapes are no numbers
        if not alone:
            images = self._whole_windows(images)
        maps = self.s2(self.squash(self.c1(images)))
        maps = self.s4(self.squash(self.c3(maps)))
        column = self.squash(self.c5(maps))
        if alone or column.shape[2:] == (1, 1):
            column = column.flatten(1)
        return self.squash(_everywhere(self.f6, column))

    def _whole_windows(self, images: Tensor) -> Tensor:
        """The part of images that is covered by windows of input_size at every STEP-th pixel."""
        size, shape = self.switches["input_size"], tuple(images.shape)
        if len(shape) != 4 or shape[1] != 1 or min(shape[2:]) < size:
            raise ValueError(
                f"images must be (N, 1, {size}, {size}), prepared, or a larger field, got {shape}"
            )
        height, width = (side - side % STEP for side in shape[2:])
        return images if shape[2:] == (height, width) else images[..., :height, :width]

    def forward(self, images: Tensor) -> Tensor:
        recorded = torch.jit.is_tracing() or torch.compiler.is_compiling()
        if not recorded and images.shape[-2:].numel() > LARGEST_FIELD:
            learning = any(tensor.requires_grad for tensor in (images, *self.parameters()))
            if not (learning and torch.is_grad_enabled()):
                return self._in_parts(self._whole_windows(images))
        return _everywhere(self.output, self.features(images))

    def _in_parts(self, fields: Tensor) -> Tensor:
        """Outputs of fields that are halved, along the longer side, while they are too large.

        Windows overlap: input_size + STEP * (k - 1) pixels give k outputs.
        """
        if fields.shape[-2:].numel() <= LARGEST_FIELD:
            return _everywhere(self.output, self.features(fields))
        if len(fields) > 1:
            return torch.cat([self._in_parts(field) for field in fields.split(1)])
        side, length = max(enumerate(fields.shape[2:], 2), key=lambda each: each[1])
        size = self.switches["input_size"]
        begin = STEP * (((length - size) // STEP + 1) // 2)
        halves = (
            fields.narrow(side, 0, begin + size - STEP),
            fields.narrow(side, begin, length - begin),
        )
        return torch.cat([self._in_parts(half) for half in halves], side)

    @property
    def smallest_wins(self) -> bool:
        """True where outputs are distances (argmin), False where they are scores (argmax)."""
        return isinstance(self.output, RBFOutput)

    def decide(self, outputs: Tensor) -> Tensor:
        """The label that outputs (N, 10) stand for, (N,) of int64; (N, h, w) of a larger field."""
        return outputs.argmin(1) if self.smallest_wins else outputs.argmax(1)

    @torch.no_grad()
    def predict(self, images: Tensor, batch: int = 500) -> Tensor:
        """Labels of images (N, 1, H, W), (N,) of int64, whatever the kind of output.

        (N, h, w) for a field larger than the network's own.
        """
        return torch.cat([self.decide(self(part)) for part in images.split(batch)])

    def extra_repr(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.switches.items())


def _everywhere(layer: nn.Module, states: Tensor) -> Tensor:
    """A fully connected layer of states (N, C), or at every position of states (N, C, h, w)."""
    return layer(states) if states.ndim == 2 else layer(states.movedim(1, -1)).movedim(-1, 1)


def load_weights(model: LeNet5, file: Path) -> LeNet5:
    """Fill ``model`` from a safetensors file of its state dict.

    Raises:
        BadInput: no such file, a corrupt one, the weights of a network with other switches, or
            weights that are no numbers.
    """
    state, _ = read_weights(file)
    check_state(state, model, file)
    model.load_state_dict(state)
    return model


def read_weights(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file by name, and the texts that travel with them.

    Raises:
        BadInput: no such file, a corrupt one, or one that is too large for this network's weights.
    """
    content = read_bytes(file, WEIGHTS_BYTES)
    try:
        with safe_open(file, framework="pt") as opened:
            return load(content), opened.metadata() or {}
    except (OSError, SafetensorError, KeyError) as error:  # KeyError: numbers that torch lacks
        raise BadInput(f"{file}: no readable safetensors file ({in_short(error)})") from None


def outline(tensor: Tensor) -> tuple:
    """Shape, type and layout, and whether there is nothing in it: what a file may get wrong."""
    return tuple(tensor.shape), tensor.dtype, tensor.layout, tensor.is_meta


def check_state(state: dict[str, Tensor], model: LeNet5, source: Path) -> None:
    """Refuse a state dict that is not of this network.

    Raises:
        BadInput: other names, shapes or kinds of numbers, or some that are not finite; the message
            begins with the source.
    """
    expected, found = (
        {name: outline(tensor) for name, tensor in tensors.items()}
        for tensors in (model.state_dict(), state)
    )
    if expected != found:
        odd = sorted(name for name in expected | found if expected.get(name) != found.get(name))
        names = in_short(", ".join(odd))
        raise BadInput(f"{source}: the weights of another network (they differ in {names})")
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise BadInput(f"{source}: {name} holds values that are no numbers")


@torch.no_grad()
def layer_states(model: LeNet5, image: Tensor) -> dict[str, np.ndarray]:
    """The outputs of all layers, squashed, from the image to the output.

    Args:
        model: any variant, on the image's device.
        image: (1, H, W), prepared.

    Returns:
        ``image`` (H, W); ``c1``, ``s2``, ``c3`` and ``s4``, each (maps, side, side); ``c5`` (120,),
        ``f6`` (84,) and ``output`` (classes,). Of a wider field, which has T outputs, the maps are
        wider and the last three (units, T).
    """
    seen: list[Tensor] = []
    # One squashing module serves C1, C3, C5 and F6, so it is met four times on the way.
    modules = (model.squash, model.s2, model.s4, model.output)
    handles = [
        module.register_forward_hook(lambda _module, _inputs, state: seen.append(state))
        for module in modules
    ]
    try:
        model(image[None])
    finally:
        for handle in handles:
            handle.remove()
    names = ("c1", "s2", "c3", "s4", "c5", "f6", "output")
    seen[-1] = seen[-1].movedim(-1, 1)  # at more than one position the output is asked for rows
    found = {"image": image, **dict(zip(names, seen, strict=True))}
    return {name: state.squeeze().cpu().numpy() for name, state in found.items()}


@torch.no_grad()
def kernels(model: LeNet5) -> tuple[np.ndarray, np.ndarray]:
    """C1's kernels (6, 5, 5), and C3's (16, 6, 5, 5) by its maps and the S2 maps they see.

    nan fills the places of pairs that Table I leaves unconnected.
    """
    c3 = model.c3.weight
    if isinstance(model.c3, MappedConv2d):
        connected = model.c3.dense(torch.ones_like(c3)).bool()
        c3 = torch.where(connected, model.c3.dense(c3), torch.nan)
    return model.c1.weight[:, 0].cpu().numpy(), c3.cpu().numpy()


FEATURES = "1998-c1-s4.safetensors"
"""C1 to S4 of 1998, as ``python -m lenet1998.restore`` writes them."""


def initial_parameters(recipe: Recipe) -> Start:
    """The distribution of a recipe's initial parameters (Appendix A)."""
    return Start(
        gain=recipe.initial_gain,
        power=0.5 if recipe.initialisation == "sqrt_fan_in" else 1.0,
        count_bias=recipe.fan_in_counts_bias,
        draw_bias=recipe.initial_biases == "uniform",
        coefficient=recipe.initial_coefficient,
        draw_coefficient=recipe.initial_coefficients == "uniform",
    )


def build_model(variant: str | Recipe = "original", seed: int = 0) -> LeNet5:
    """Build the network of a variant, or of any recipe, drawn for a seed.

    It is on the CPU in float32, drawn from a private generator. Layers that the recipe does not
    train have ``requires_grad`` False.

    Example::

        >>> lenet1998.build_model("original")(torch.zeros(1, 1, 32, 32)).shape
        torch.Size([1, 10])

    Raises:
        BadInput: no such variant.
        TypeError, ValueError: a seed that is no whole number, or not from 0 to 2^32 - 1.
    """
    recipe = variant if isinstance(variant, Recipe) else recipe_named(variant)
    generator = initial_weights(seed)
    # Building draws default weights; the global generator's state must not notice. And the
    # caller's default device and dtype must not be noticed here.
    with torch.random.fork_rng(devices=()), torch.device("cpu"):
        built = LeNet5(**{key: getattr(recipe, key) for key in NETWORK_SWITCHES}).float()
    built.reset_parameters(generator, initial_parameters(recipe))
    if recipe.features == "1998":
        _freeze(built, FEATURES)
    return built


def _freeze(model: LeNet5, weights: str) -> None:
    """Give a network the layers of a file of the package, and have them stay as they are."""
    with as_file(files("lenet1998") / "weights" / weights) as file:
        layers, _ = read_weights(file)
    parameters = dict(model.named_parameters())
    for name, values in layers.items():
        layer, _, kind = name.partition(".")
        averages = kind == "weight" and getattr(getattr(model, layer), "average", False)
        # The recovered coefficients multiply sums of four.
        parameters[name].requires_grad_(False).copy_(4 * values if averages else values)


def build_criterion(recipe: Recipe) -> nn.Module:
    """Build the loss, a module of (outputs, labels)."""
    if recipe.loss == "cross_entropy":
        return nn.CrossEntropyLoss()
    shared: dict[str, Any] = {
        "half_distance": recipe.half_distance,
        "curvature": recipe.f6_curvature,
    }
    if recipe.loss == "distance":
        return DistanceLoss(**shared)
    return DiscriminativeLoss(recipe.rubbish_j, **shared)


def build_optimizer(recipe: Recipe, model: LeNet5) -> torch.optim.Optimizer:
    """Build the optimizer at pass 1's rate."""
    eta = recipe.learning_rate(1)
    if recipe.optimizer == "sdlm":
        # Groups of neighbours, so that the parameters keep their order.
        named = groupby(model.named_parameters(), key=lambda item: recipe.mu_of(item[0]))
        groups = [{"params": [p for _, p in alike], "mu": mu} for mu, alike in named]
        return SDLM(groups, lr=eta, mu=recipe.mu)
    if recipe.optimizer == "sgd":
        shares = sgd_rates(recipe, 1.0, model)
        named = groupby(model.named_parameters(), key=lambda item: shares[item[0]])
        groups = [{"params": [p for _, p in alike], "share": part} for part, alike in named]
        return torch.optim.SGD(groups, lr=eta, momentum=recipe.momentum)
    return torch.optim.Adam(model.parameters(), lr=eta)


def sgd_rates(recipe: Recipe, eta: float, model: LeNet5) -> dict[str, float]:
    """SGD's rates by parameter name: eta, or eta over the fan-in of the parameter's layer."""
    names = [name for name, _ in model.named_parameters()]
    if recipe.rates != "fan_in":
        return dict.fromkeys(names, eta)
    return {name: eta / model.fan_in(name.partition(".")[0]) for name in names}


def pooled_curvature(recipe: Recipe, curvature: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The curvature that rates are made of: each parameter's own, or its layer's mean."""
    return _means_by_layer(curvature) if recipe.rates == "layer" else dict(curvature)


def _means_by_layer(curvature: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The mean curvature of each parameter's layer, in the parameter's shape, by its name."""
    layers = {name: name.partition(".")[0] for name in curvature}
    means = {}
    for layer in layers.values():
        all_of_it = [h.flatten() for name, h in curvature.items() if layers[name] == layer]
        values = torch.cat(all_of_it).tolist()
        # Torch would sum in an order of the processor's; a NaN or an infinity stays one here, too.
        means[layer] = math.fsum(values) / len(values)
    return {name: torch.full_like(h, means[layers[name]]) for name, h in curvature.items()}
