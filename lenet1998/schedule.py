"""Which patterns a run learns, in which order, and which feed its curvature."""

import threading
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from lenet1998.data import SCALINGS, Dataset, constant_order, prepare
from lenet1998.distortions import distorted_training_set
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe


@dataclass(frozen=True)
class Patterns:
    """Prepared patterns and labels of one run: what is learnt, and what is asked afterwards."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


@lru_cache(maxsize=2)
def _plain_patterns(dataset: Dataset, size: int, scaling: str) -> Patterns:
    """Shared by all runs of a study that prepare a data set alike."""
    return Patterns(
        prepare(dataset.train_images, size, scaling),
        torch.from_numpy(dataset.train_labels),
        prepare(dataset.test_images, size, scaling),
        torch.from_numpy(dataset.test_labels),
    )


# Two runs that start together must not both prepare the same patterns.
_preparing = threading.Lock()


def check_size(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse a recipe that wants more patterns than there are.

    Raises:
        BadInput: with how many there are.
    """
    have, wanted = len(dataset.train_images), recipe.train_size or 1
    if wanted + recipe.held_out > have:
        held_out = f" with held_out={recipe.held_out:,}" if recipe.held_out else ""
        raise BadInput(
            f"train_size={wanted:,}{held_out}: {dataset.name} has {have:,} training patterns"
        )


class Schedule:
    """Which patterns a run learns in which order, from generators of its own.

    Source: Appendix C (a constant random order; 500 patterns for the curvature) and section III-B
    (with distortions, each pass takes the next 60,000 of the 600,000).

    Attributes:
        patterns: the plain patterns; what is tested on are those the recipe holds out, if any.
        per_pass: patterns learnt in a pass.
    """

    def __init__(self, recipe: Recipe, seed: int, dataset: Dataset):
        self.recipe = recipe
        self.seed = seed
        check_size(recipe, dataset)
        originals = len(dataset.train_images)
        wanted = recipe.train_size or originals - recipe.held_out
        with _preparing:
            self.patterns = _plain_patterns(dataset, recipe.input_size, recipe.scaling)
        self.per_pass = wanted
        order = constant_order(originals, seed)
        self.order = order[:wanted]
        if recipe.held_out:
            asked = torch.from_numpy(order[-recipe.held_out :])
            self.patterns = replace(
                self.patterns,
                test_images=self.patterns.train_images[asked],
                test_labels=self.patterns.train_labels[asked],
            )
        self.pool = None
        if recipe.distortions:
            distorted = distorted_training_set(dataset, seed)
            self.pool, self.labels = distorted.train_images, distorted.train_labels
            self.order = constant_order(len(self.pool), seed)

    def indices(self, pass_number: int) -> np.ndarray:
        """The patterns of a pass, in the order they are learnt."""
        order = self.order
        if self.recipe.order == "renewed":
            order = order[_generator(self.seed, "order", pass_number).permutation(len(order))]
        first = (pass_number - 1) * self.per_pass % len(order)
        return np.roll(order, -first)[: self.per_pass]

    def curvature_indices(self, pass_number: int) -> np.ndarray:
        """The patterns that the curvature is estimated on before a pass."""
        here = self.indices(pass_number)
        wanted = self.recipe.curvature_patterns
        if self.recipe.curvature_draw == "first":
            return here[:wanted]
        turn = pass_number if self.recipe.curvature_draw == "fresh" else 0
        draw = _generator(self.seed, "curvature", turn).permutation(len(here))
        return np.sort(here)[draw[:wanted]]

    def take(self, indices: np.ndarray, turn: int = 0) -> tuple[Tensor, Tensor]:
        """Prepared images (N, 1, H, W) and labels (N,); ``turn`` tells draws of noise apart."""
        if self.pool is None:
            chosen = torch.from_numpy(indices)
            images, labels = self.patterns.train_images[chosen], self.patterns.train_labels[chosen]
        else:
            images = prepare(self.pool[indices], self.recipe.input_size, self.recipe.scaling)
            labels = torch.from_numpy(self.labels[indices])
        if self.recipe.noise:
            images = invert_pixels(
                images, self.recipe.noise, _generator(self.seed, "noise", turn), self.recipe.scaling
            )
        return images, labels


def invert_pixels(
    images: Tensor, probability: float, generator: np.random.Generator, scaling: str
) -> Tensor:
    """Invert each pixel with a probability, as for the noisy net of section III-D and Fig. 13.

    Args:
        images: (N, 1, H, W), prepared with ``scaling``; left as they are.
        probability: of each pixel, 0.1 in the paper.
        generator: the noise's own.
        scaling: background and ink trade places on its scale.
    """
    offset, gain = SCALINGS[scaling]
    struck = torch.from_numpy(generator.random(images.shape, np.float32) < probability)
    return torch.where(struck, 2 * offset + gain - images, images)


def _generator(seed: int, purpose: str, turn: int) -> np.random.Generator:
    """A private generator, so that drawing more for one purpose changes nothing for another."""
    return np.random.default_rng([seed, turn, *purpose.encode()])
