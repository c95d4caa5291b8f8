"""LeNet-5 with switches: historic and modern differ only where a switch says so."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import as_file, files
from itertools import groupby
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL.Image import Image
from torch import Generator, Tensor, nn

from lenet1998 import paper
from lenet1998.curvature import inner
from lenet1998.data import prepare
from lenet1998.data.pictures import Picture, read_picture
from lenet1998.data.streams import initial_weights
from lenet1998.errors import as_int
from lenet1998.modules import (
    DEFAULT_START,
    SQUASHINGS,
    MappedConv2d,
    RBFOutput,
    Start,
    Subsampling2d,
    draw_parameters,
    recorded,
)
from lenet1998.optim import SDLM
from lenet1998.recipes import (
    C3,
    NETWORK_SWITCHES,
    SCALINGS,
    Blank,
    Codes,
    InputSize,
    Output,
    Pooling,
    Recipe,
    Squash,
    SubsamplingSquash,
    recipe_named,
)
from lenet1998.weights import other_switches, read_weights

__all__ = [
    "LARGEST_FIELD",
    "STEP",
    "LeNet5",
    "Reading",
    "build_model",
    "build_optimizer",
    "initial_parameters",
    "kernels",
    "layer_states",
    "pooled_curvature",
    "sgd_rates",
]

STEP = 4
"""Pixels from one output vector of the replicated network to the next: S2's and S4's windows."""

LARGEST_FIELD = 1024 * 1024
"""Pixels of a field that are seen at once where nothing is learnt: half a gigabyte of states."""

JUDGED = 100
"""Images of a batch that are looked at for whether they are prepared."""


class Reading(NamedTuple):
    """Answer to a picture of one digit.

    Attributes:
        digit: the class that wins; a blank is none.
        distances: (classes,), squared; None of a network with linear outputs.
        rubbish: the posterior of no class at all; None of a network with linear outputs.
        scores, posteriors: as :class:`LeNet5` has them, of this picture.
    """

    digit: int
    distances: Tensor | None
    rubbish: float | None
    scores: Tensor
    posteriors: Tensor


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
            weights) or ``one_hot`` (one unit of the 84 is +1); or codes of one's own, (classes,
            84), such as rows of :func:`lenet1998.paper.ascii_codes`.
        classes: kinds of characters, the blank not counted; default 10, or as many as the codes.
        in_channels: of the images: 1 (grey), 3 (colour) or any other number.

    Shape:
        - images: (N, in_channels, input_size, input_size), or a larger field.
        - Output: (N, classes), squared distances (rbf: the smallest wins) or logits (linear); one
          more with a blank class.

    Attributes:
        switches: the arguments, but for ``classes`` and ``in_channels`` where they are the paper's;
            state dicts carry them, and those of other switches are refused.
        classes: number of outputs, the blank's too.
        smallest_wins: True where outputs are distances (argmin), False for logits (argmax).
        scaling: a key of :data:`~lenet1998.recipes.SCALINGS`, that of images; other images are
            warned of. None if they may be anything.
        rubbish_j, half_distance: those of eq. 9 in :meth:`posteriors`. :func:`build_model` sets
            them, and ``scaling``, to the recipe's.

    C5 is a convolution, so that the network can be replicated over a larger field (section VII-A,
    p.27): from (N, 1, H, W) it makes (N, classes, h, w), a vector at every :data:`STEP`-th pixel,
    that of the window of input_size x input_size pixels whose upper left corner is there. What no
    whole window reaches, up to 3 pixels on the right and below, is not seen. Where no gradients are
    asked for, the states of no more than :data:`LARGEST_FIELD` pixels are held at a time.

    Raises:
        TypeError: images that are no tensor of floating-point numbers.
        ValueError: a switch, images of another shape, or images smaller than input_size.
    """

    scaling: str | None = "paper"
    rubbish_j: float = 1.0
    half_distance: bool = True
    _told: frozenset = frozenset()

    def __init__(
        self,
        c3: C3 = "table",
        pooling: Pooling = "trainable",
        squash: Squash = "scaled_tanh",
        subsampling_squash: SubsamplingSquash = "scaled_tanh",
        output: Output = "rbf",
        input_size: InputSize = 32,
        blank: Blank = "none",
        codes: Codes | Tensor | np.ndarray | Sequence[Sequence[float]] = "bitmaps",
        classes: int | None = None,
        in_channels: int = 1,
    ):
        super().__init__()
        if codes is not None and not isinstance(codes, str):
            own = torch.as_tensor(codes, device="cpu")
            if own.ndim != 2 or own.shape[1] != paper.CODE_LENGTH or output != "rbf":
                raise ValueError(
                    f"codes must be (classes, {paper.CODE_LENGTH}), of output=rbf, got"
                    f" {tuple(own.shape)} and output={output}"
                )
            codes, classes = tuple(map(tuple, own.tolist())), classes or len(own)
        classes = as_int("classes", paper.CLASSES if classes is None else classes)
        in_channels = as_int("in_channels", in_channels)
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
            if not isinstance(value, tuple) and value not in NETWORK_SWITCHES[key]:
                valid = ", ".join(map(str, NETWORK_SWITCHES[key]))
                raise ValueError(f"{key} must be one of {valid}; got {value!r}")
        self.switches["input_size"] = int(input_size)  # NumPy's would not go into a file
        own_sizes = {"classes": classes, "in_channels": in_channels}
        if own_sizes != {"classes": paper.CLASSES, "in_channels": 1}:
            self.switches |= own_sizes
        kernel = 5
        last_map = ((input_size - kernel + 1) // 2 - kernel + 1) // 2

        def subsampling(channels: int) -> nn.Module:
            after = SQUASHINGS[subsampling_squash]()
            if pooling.startswith("trainable"):
                return Subsampling2d(channels, after, average=pooling == "trainable_average")
            pool = nn.AvgPool2d(2) if pooling == "average" else nn.MaxPool2d(2)
            return pool if subsampling_squash == "none" else nn.Sequential(pool, after)

        self.squash = SQUASHINGS[squash]()
        # Torch's layers draw when they are made; only what is drawn below moves the generator on.
        with torch.random.fork_rng(devices=()):
            self.c1 = nn.Conv2d(in_channels, 6, kernel)
            self.s2 = subsampling(6)
            self.c3: nn.Module = (
                MappedConv2d(paper.C3_TABLE, 6, kernel)
                if c3 == "table"
                else nn.Conv2d(6, 16, kernel)
            )
            self.s4 = subsampling(16)
            self.c5 = nn.Conv2d(16, 120, last_map)
            self.f6 = nn.Linear(120, paper.CODE_LENGTH)
            self.classes = classes + (blank != "none")
            self.output: nn.Module = (
                RBFOutput(_codes(codes, classes, blank), drawn=codes == "random")
                if output == "rbf"
                else nn.Linear(paper.CODE_LENGTH, self.classes)
            )
        self.reset_parameters()

    def reset_parameters(
        self, generator: Generator | None = None, start: Start = DEFAULT_START
    ) -> None:
        """Draw every layer's parameters, first layer first, from one generator."""
        draw_parameters(self, generator, start)

    def fan_in(self, layer: str) -> float:
        """Inputs of a unit of a layer, without its bias; in C3, whose units differ, their mean."""
        module = within(getattr(self, layer))
        if isinstance(module, Subsampling2d):
            return float(module.window**2)
        return module.weight.numel() / len(module.bias)

    def features(self, images: Tensor) -> Tensor:
        """F6's output, (N, 84): what the codes of Fig. 3 are compared with.

        (N, 84, h, w) for a field larger than the network's own.
        """
        alone = recorded(images)  # as its shape is not known, an image is taken for a pattern
        if not alone:
            images = self._whole_windows(images)
        maps = self.s2(self.squash(self.c1(images)))
        maps = self.s4(self.squash(self.c3(maps)))
        column = self.squash(self.c5(maps))
        if alone:
            return self.squash(self.f6(column.flatten(1)))
        if column.shape[2:] == (1, 1):
            column = column.flatten(1)
        return self.squash(_everywhere(self.f6, column))

    def _whole_windows(self, images: Tensor) -> Tensor:
        """The part of images that is covered by windows of input_size at every STEP-th pixel."""
        size, channels = self.switches["input_size"], self.switches.get("in_channels", 1)
        remedy = f"; {self._preparing} makes them of pictures"
        if not isinstance(images, Tensor) or not images.is_floating_point():
            kind = getattr(images, "dtype", type(images).__name__)
            raise TypeError(f"images must be a tensor of floating point, got {kind}{remedy}")
        shape = tuple(images.shape)
        if len(shape) != 4 or shape[1] != channels or min(shape[2:]) < size:
            raise ValueError(
                f"images must be (N, {channels}, {size}, {size}), prepared, or a larger field, got"
                f" {shape}{remedy}"
            )
        height, width = (side - side % STEP for side in shape[2:])
        return images if shape[2:] == (height, width) else images[..., :height, :width]

    def forward(self, images: Tensor) -> Tensor:
        if recorded(images):
            return self.output(self.features(images))
        if not torch.compiler.is_compiling():
            whole = self._whole_windows(images)
            if images.is_cpu and not torch.is_grad_enabled():  # elsewhere it waits for the device
                self._judge(images)
            if images.shape[-2:].numel() > LARGEST_FIELD:
                learning = any(tensor.requires_grad for tensor in (images, *self.parameters()))
                if not (learning and torch.is_grad_enabled()):
                    return self._in_parts(whole)
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
        return self.switches["output"] == "rbf"

    def decide(self, outputs: Tensor) -> Tensor:
        """The label that outputs (N, classes) stand for, (N,) of int64; (N, h, w) of a field."""
        return outputs.argmin(1) if self.smallest_wins else outputs.argmax(1)

    def shares(self, outputs: Tensor) -> Tensor:
        """The posteriors that outputs (N, classes) stand for: see :meth:`posteriors`."""
        if not self.smallest_wins:
            return outputs.softmax(1)
        scores = -(0.5 if self.half_distance else 1.0) * outputs
        rubbish = torch.full_like(scores[:, :1], -self.rubbish_j)
        return torch.cat([scores, rubbish], 1).softmax(1)

    @torch.no_grad()
    def predict(self, images: Tensor, batch: int = 500) -> Tensor:
        """Labels of images (N, 1, H, W), (N,) of int64, whatever the kind of output.

        (N, h, w) for a field larger than the network's own.
        """
        return self._of_each(self.decide, images, batch)

    def scores(self, images: Tensor, batch: int = 500) -> Tensor:
        """Scores of images, (N, classes), of which the largest wins: logits, or distances negated.

        (N, classes, h, w) for a field larger than the network's own.
        """
        return self._of_each(lambda y: -y if self.smallest_wins else y, images, batch)

    def posteriors(self, images: Tensor, batch: int = 500) -> Tensor:
        r"""Posterior of each class, and last of rubbish, (N, classes + 1); each row adds up to 1.

        For distances y this is the posterior that eq. 9 makes grow,
        :math:`e^{-y_i} / (e^{-j} + \sum_i e^{-y_i})`, with half the distance if the network learnt
        so. The rubbish class is always in it: at a code itself the share is
        :math:`1 / (1 + e^{-j})`. Of logits it is the softmax, (N, classes), which knows no rubbish.
        (N, ..., h, w) for a field larger than the network's own.
        """
        return self._of_each(self.shares, images, batch)

    def _of_each(self, made: Callable[[Tensor], Tensor], images: Tensor, batch: int) -> Tensor:
        self._whole_windows(images)
        self._judge(images)
        parts = images.split(as_int("batch", batch))
        return torch.cat([made(self(part)) for part in parts])

    @torch.no_grad()
    def read(self, picture: "str | PathLike | Image | np.ndarray | Picture") -> Reading:
        """Read the digit on any picture: a file, a Pillow image or an array of grey levels.

        Example::

            >>> picture = lenet1998.data.load("digits").test_images[9]
            >>> lenet1998.load_pretrained().read(picture).digit
            7

        Raises:
            BadInput: no picture, or one with nothing on it.
            ValueError: a network that does not see one grey channel as MNIST has it.
        """
        if self.scaling is None or self.switches.get("in_channels", 1) != 1:
            raise ValueError("read prepares grey pictures: it needs in_channels=1, and a scaling")
        if not isinstance(picture, Picture):
            picture = read_picture(picture)
        images = prepare(picture.pattern[None], self.switches["input_size"], self.scaling)
        outputs = self(images.to(next(self.parameters())))
        digits = outputs[:, : self.switches.get("classes", paper.CLASSES)]
        share, digit = self.shares(outputs)[0], int(self.decide(digits))
        if not self.smallest_wins:
            return Reading(digit, None, None, outputs[0], share)
        return Reading(digit, outputs[0], float(share[-1]), -outputs[0], share)

    @property
    def _preparing(self) -> str:
        size, scaling = self.switches["input_size"], self.scaling or "paper"
        return f"lenet1998.transforms.Prepare(size={size}, scaling={scaling!r})"

    @torch.no_grad()
    def _judge(self, images: Tensor) -> None:
        """Warn, once of each kind, of images that are not prepared as ``scaling`` has them.

        What most of their border shows is their background, if there is such a level. Nothing is
        said of even images, nor of noise that has no background and keeps to the range.
        """
        if self.scaling is None or images.shape[1] != 1 or not images.numel():
            return
        offset, gain = SCALINGS[self.scaling]
        some = images[:JUDGED]
        ends = [some[..., :: some.shape[2] - 1, :], some[..., :: some.shape[3] - 1]]
        border = torch.cat([end.flatten() for end in ends])
        median = border.median()
        around = ((border - median).abs() < 0.05 * gain).to(border).mean()
        try:
            numbers = torch.stack([*some.aminmax(), median, around]).tolist()
            low, high, level, share = map(float, numbers)
        except RuntimeError:  # they have no values here, as under vmap
            return
        far = low < offset - 4 * gain or high > offset + 4 * gain
        if low == high or not (far or (share > 0.5 and abs(level - offset) > 0.04 * gain)):
            return
        kind = f"{level:.1f}", far
        if kind in self._told:
            return
        self._told = self._told | {kind}
        inverted = ", dark on light" if level - low > high - level else ""
        warnings.warn(
            "the images do not look prepared: they go from"
            f" {low:.3g} to {high:.3g} on a background of {level:.3g}{inverted}; this network"
            f" takes {offset:.4g} for background and {offset + gain:.4g} for ink, and"
            f" {self._preparing} makes such images of pictures (if it learnt others, set its"
            " scaling to None)",
            stacklevel=4,
        )

    def _save_to_state_dict(self, destination, prefix, keep_vars) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]]["switches"] = dict(self.switches)

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *others) -> None:
        if odd := other_switches(self.switches, local_metadata.get("switches", {})):
            raise RuntimeError(
                f"the state dict is of a network with other switches: {odd};"
                " dict(state_dict) has its tensors alone"
            )
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *others)

    def extra_repr(self) -> str:
        shown = {**self.switches}
        if not isinstance(shown["codes"], str):
            shown["codes"] = f"({len(shown['codes'])}, {paper.CODE_LENGTH})"
        return ", ".join(f"{key}={value}" for key, value in shown.items())


def _codes(codes: str | tuple, classes: int, blank: str) -> Tensor:
    """The codes of an RBF output, (classes, 84), and of a blank class, if there is one.

    Raises:
        ValueError: none for so many classes.
    """
    n = classes + (blank != "none")
    if codes == "one_hot" and n <= paper.CODE_LENGTH:
        return 2 * torch.eye(n, paper.CODE_LENGTH, device="cpu") - 1
    if codes == "random":  # which are then drawn
        return torch.zeros(n, paper.CODE_LENGTH, device="cpu")
    own = paper.digit_codes() if isinstance(codes, str) else np.array(codes, np.float64)
    if codes == "one_hot" or len(own) != classes:
        raise ValueError(
            f"{n} classes need codes=a tensor of ({classes}, {paper.CODE_LENGTH}), or codes=random;"
            f" codes=one_hot has at most {paper.CODE_LENGTH}"
        )
    blanks = [] if blank == "none" else [paper.blank_code()[None]]
    return torch.from_numpy(np.concatenate([own, *blanks]))


def _everywhere(layer: nn.Module, states: Tensor) -> Tensor:
    """A fully connected layer of states (N, C), or at every position of states (N, C, h, w)."""
    return layer(states) if states.ndim == 2 else layer(states.movedim(1, -1)).movedim(-1, 1)


LAYERS = (
    nn.Conv2d,
    nn.Linear,
    MappedConv2d,
    Subsampling2d,
    RBFOutput,
    nn.AvgPool2d,
    nn.MaxPool2d,
)
"""The types that a layer of the network may be of."""


def within(layer: nn.Module) -> Any:
    """The module that computes in a layer, whatever it was wrapped in."""
    return next((module for module in layer.modules() if isinstance(module, LAYERS)), layer)


def lenet5(model: object) -> LeNet5:
    """The network itself, whatever torch.compile or a data-parallel wrapper made of it.

    Raises:
        TypeError: another network.
    """
    network = inner(model)
    if not isinstance(network, LeNet5):
        raise TypeError(f"model must be a LeNet5, got {type(network).__name__}")
    return network


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
    layer = within(model.c3)
    c3 = layer.weight
    if model.switches["c3"] == "table":
        connected = layer.dense(torch.ones_like(c3)).bool()
        c3 = torch.where(connected, layer.dense(c3), torch.nan)
    return within(model.c1).weight[:, 0].cpu().numpy(), c3.cpu().numpy()


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


def build_model(
    variant: str | Recipe = "original", seed: int = 0, classes: int = paper.CLASSES
) -> LeNet5:
    """Build the network of a variant, or of any recipe, drawn for a seed.

    It is on the CPU in float32, drawn from a private generator. Layers that the recipe does not
    train have ``requires_grad`` False. For another number of ``classes`` than the ten digits, RBF
    outputs need ``codes=random`` or ``codes=one_hot``.

    Example::

        >>> lenet1998.build_model("original")(torch.zeros(1, 1, 32, 32)).shape
        torch.Size([1, 10])

    Raises:
        BadInput: no such variant.
        TypeError, ValueError: classes for which there are no codes, or a seed that is no whole
            number, or not from 0 to 2^32 - 1.
    """
    recipe = variant if isinstance(variant, Recipe) else recipe_named(variant)
    generator = initial_weights(seed)
    # Building draws default weights; the global generator's state must not notice. And the
    # caller's default device and dtype must not be noticed here.
    with torch.random.fork_rng(devices=()), torch.device("cpu"):
        switches = {key: getattr(recipe, key) for key in NETWORK_SWITCHES}
        built = LeNet5(**switches, classes=classes).float()
    built.scaling, built.rubbish_j = recipe.scaling, recipe.rubbish_j
    built.half_distance = recipe.half_distance
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
