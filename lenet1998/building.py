"""Build a recipe's network, loss, optimizer and rates.

:class:`~lenet1998.recipes.Recipe` has a method for each; there they are for everybody to use. Here
is what needs torch, so that a recipe and its name need none.
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
from lenet1998.models import LeNet5, load_weights, read_weights
from lenet1998.modules import Start
from lenet1998.optim import SDLM
from lenet1998.recipes import Recipe
from lenet1998.switches import NETWORK_SWITCHES

FEATURES = "1998-c1-s4.safetensors"
"""C1 to S4 of 1998, as ``python -m lenet1998.restore`` writes them."""


def start(recipe: Recipe) -> Start:
    """See :meth:`lenet1998.recipes.Recipe.start`."""
    return Start(
        gain=recipe.initial_gain,
        power=0.5 if recipe.initialisation == "sqrt_fan_in" else 1.0,
        count_bias=recipe.fan_in_counts_bias,
        draw_bias=recipe.initial_biases == "uniform",
        coefficient=recipe.initial_coefficient,
        draw_coefficient=recipe.initial_coefficients == "uniform",
    )


def model(recipe: Recipe, seed: int) -> LeNet5:
    """See :meth:`lenet1998.recipes.Recipe.build_model`."""
    generator = initial_weights(seed)
    # Building draws default weights; the global generator's state must not notice. And the
    # caller's default device and dtype must not be noticed here.
    with torch.random.fork_rng(devices=()), torch.device("cpu"):
        built = LeNet5(**{key: getattr(recipe, key) for key in NETWORK_SWITCHES}).float()
    built.reset_parameters(generator, start(recipe))
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
        return load_weights(model(recipe, 0), file)


def criterion(recipe: Recipe) -> nn.Module:
    """See :meth:`lenet1998.recipes.Recipe.build_criterion`."""
    if recipe.loss == "cross_entropy":
        return nn.CrossEntropyLoss()
    shared: dict[str, Any] = {
        "half_distance": recipe.half_distance,
        "curvature": recipe.f6_curvature,
    }
    if recipe.loss == "distance":
        return DistanceLoss(**shared)
    return DiscriminativeLoss(recipe.rubbish_j, **shared)


def optimizer(recipe: Recipe, model: LeNet5) -> torch.optim.Optimizer:
    """See :meth:`lenet1998.recipes.Recipe.build_optimizer`."""
    eta = recipe.learning_rate(1)
    if recipe.optimizer == "sdlm":
        # Groups of neighbours, so that the parameters keep their order.
        named = groupby(model.named_parameters(), key=lambda item: recipe.mu_of(item[0]))
        groups = [{"params": [p for _, p in alike], "mu": mu} for mu, alike in named]
        return SDLM(groups, lr=eta, mu=recipe.mu)
    if recipe.optimizer == "sgd":
        shares = recipe.sgd_rates(1.0, model)
        named = groupby(model.named_parameters(), key=lambda item: shares[item[0]])
        groups = [{"params": [p for _, p in alike], "share": part} for part, alike in named]
        return torch.optim.SGD(groups, lr=eta, momentum=recipe.momentum)
    return torch.optim.Adam(model.parameters(), lr=eta)


def means_by_layer(curvature: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The mean curvature of each parameter's layer, in the parameter's shape, by its name."""
    layers = {name: name.partition(".")[0] for name in curvature}
    means = {}
    for layer in layers.values():
        all_of_it = [h.flatten() for name, h in curvature.items() if layers[name] == layer]
        values = torch.cat(all_of_it).tolist()
        # Torch would sum in an order of the processor's; a NaN or an infinity stays one here, too.
        means[layer] = math.fsum(values) / len(values)
    return {name: torch.full_like(h, means[layers[name]]) for name, h in curvature.items()}
