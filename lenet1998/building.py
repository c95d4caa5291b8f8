"""Build a recipe's network, loss and optimizer.

A recipe and its name take no torch, so that commands list and refuse recipes at once; this does.
"""

import math
from collections.abc import Mapping
from importlib.resources import as_file, files
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from lenet1998.criteria import DiscriminativeLoss, DistanceLoss
from lenet1998.data.streams import initial_weights
from lenet1998.errors import BadInput
from lenet1998.models import LeNet5, load_weights, read_weights
from lenet1998.modules import Start
from lenet1998.optim import SDLM
from lenet1998.recipes import NETWORK_SWITCHES, Recipe, recipe_named

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


def trained(recipe: Recipe, weights: str) -> LeNet5:
    """A recipe's network with the weights of a file of the package."""
    with as_file(files("lenet1998") / "weights" / weights) as file:
        return load_weights(build_model(recipe), file)


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


def load_pretrained(variant: str = "original") -> LeNet5:
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
    return trained(recipe, weights)
