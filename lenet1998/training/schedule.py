"""Patterns of a run in the order it learns them, and those that feed its curvature."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from lenet1998 import paper
from lenet1998.data import SCALINGS, Dataset, constant_order, flanks, prepare
from lenet1998.data.distortions import Pool
from lenet1998.data.streams import order_of, shuffled, stream, struck
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe


@lru_cache(maxsize=2)
def _test_images(dataset: Dataset, size: int, scaling: str) -> Tensor:
    """A data set's test images prepared, once for all runs of a study that prepare them alike."""
    return prepare(dataset.test_images, size, scaling)


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


def check_patterns(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse patterns that the network of a recipe cannot learn or be tested on.

    Raises:
        ValueError: no test patterns, or classes or images that are not the paper's where the recipe
            takes them for granted.
    """
    if not (len(dataset.test_images) or recipe.held_out):
        raise ValueError(f"{dataset.name} has no test patterns")
    bitmaps = recipe.output == "rbf" and recipe.codes == "bitmaps"
    if (bitmaps or recipe.blank != "none") and dataset.classes > paper.CLASSES:
        raise ValueError(
            f"labels must be 0 to {paper.CLASSES - 1}, as {recipe.name} has digits' codes or a"
            f" blank; {dataset.name} has {dataset.classes - 1}: codes=random has any number"
        )
    field, size = (paper.FIELD_SIZE, paper.FIELD_SIZE), dataset.train_images.shape[1:]
    if (recipe.distortions or recipe.flanks) and size != field:
        raise ValueError(
            f"images must be {field}, of which {recipe.name} makes more patterns, got {size}"
        )


class Schedule:
    """Order of the patterns that a run learns, each draw from a stream of its own.

    Source: Appendix C (a constant random order; 500 patterns for the curvature) and section III-B
    (with distortions, each pass takes the next 60,000 of the 600,000). What a run is tested on is
    the same whatever it learns from: plain patterns, without distortions, noise or flanks.

    Attributes:
        test_images: (N, 1, H, W), prepared: the test set, or what the recipe holds out.
        test_labels: (N,) int64.
        per_pass: patterns learnt in a pass.
        pool: with distortions, what is learnt, instead of the plain training patterns.
    """

    def __init__(self, recipe: Recipe, seed: int, dataset: Dataset):
        self.recipe = recipe
        self.seed = seed
        self.dataset = dataset
        check_size(recipe, dataset)
        check_patterns(recipe, dataset)
        originals = len(dataset.train_images)
        self.per_pass = recipe.train_size or originals - recipe.held_out
        order = constant_order(originals, seed)
        self.order = order[: self.per_pass]
        if recipe.held_out:
            held_out = order[originals - recipe.held_out :]
            self.test_images = self._prepared(dataset.train_images[held_out])
            self.test_labels = dataset.train_labels[held_out]
        else:
            self.test_images = _test_images(dataset, recipe.input_size, recipe.scaling)
            self.test_labels = dataset.test_labels
        self.pool = None
        if recipe.distortions:
            self.pool = Pool(dataset, seed, recipe.input_size)
            versions = self.pool.versions_of(self.order)
            self.order = versions[order_of(stream(seed, "distorted order"), len(versions))]

    def indices(self, pass_number: int) -> np.ndarray:
        """The patterns of a pass, in the order they are learnt."""
        order = self.order
        if self.recipe.order == "renewed":
            bits = stream(self.seed, "renewed order", pass_number)
            order = order[shuffled(bits, len(order))]
        first = (pass_number - 1) * self.per_pass % len(order)
        return np.roll(order, -first)[: self.per_pass]

    def curvature_indices(self, pass_number: int) -> np.ndarray:
        """The patterns that the curvature is estimated on before a pass."""
        here = self.indices(pass_number)
        wanted = self.recipe.curvature_patterns
        if self.recipe.curvature_draw == "first":
            return here[:wanted]
        turn = pass_number if self.recipe.curvature_draw == "fresh" else 0
        draw = shuffled(stream(self.seed, "curvature", turn), len(here))
        return np.sort(here)[draw[:wanted]]

    def take(
        self, indices: np.ndarray, pass_number: int, first: int = 0, curvature: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Prepared patterns, with the flanks and the noise that they have in a pass.

        Args:
            indices: (N,) what to take.
            pass_number: the pass, counted from 1.
            first: the place in the pass, from 0, of the first of them. A pattern's flanks and noise
                depend on its place and not on how many are taken at once.
            curvature: whether the curvature is estimated on them, for which there are other flanks
                and other noise.

        Returns:
            Images (N, 1, H, W) and labels (N,).
        """
        purpose = "curvature " if curvature else ""
        stored, labels = self._stored(indices)
        if self.recipe.flanks:
            bits = stream(self.seed, f"{purpose}flanks", pass_number)
            stored, labels = self._flanked(stored, labels, bits, first)
        images = self._prepared(stored)
        if self.recipe.noise:
            bits = stream(self.seed, f"{purpose}noise", pass_number)
            before = first * images[0].numel()
            where = struck(bits, self.recipe.noise, tuple(images.shape), before)
            images = invert_pixels(images, torch.from_numpy(where), self.recipe.scaling)
        return images, torch.from_numpy(labels)

    def _prepared(self, images: np.ndarray) -> Tensor:
        return prepare(images, self.recipe.input_size, self.recipe.scaling)

    def _stored(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Patterns as bytes and their labels; with distortions, in the network's field."""
        if self.pool is not None:
            return self.pool.take(indices)
        return self.dataset.train_images[indices], self.dataset.train_labels[indices]

    def _flanked(
        self, images: np.ndarray, labels: np.ndarray, bits: np.random.PCG64, first: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Digits between others of what the run learns, each flank as likely as any other."""
        recipe = self.recipe
        drawn = flanks.draw(len(images), len(self.order), recipe.blank_share, bits, first)
        beside = (self._stored(self.order[which])[0] for which in (drawn.left, drawn.right))
        images = flanks.flank(images, *beside, drawn, recipe.input_size)
        return images, np.where(drawn.blank, paper.CLASSES, labels)


def invert_pixels(images: Tensor, where: Tensor, scaling: str) -> Tensor:
    """Let background and ink trade places in some pixels, as for the noisy net of section III-E.

    Args:
        images: (N, 1, H, W), prepared with ``scaling``; left as they are.
        where: bool, of the same shape.
        scaling: on whose scale background and ink trade places.
    """
    offset, gain = SCALINGS[scaling]
    # A tensor, so that it is rounded before the subtraction, whatever torch does with numbers.
    both = torch.tensor(2 * offset + gain, dtype=images.dtype)
    return torch.where(where, both - images, images)
