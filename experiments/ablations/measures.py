"""Measures of a trained net for the purposes of its components: docs/ablations.md.

Rejecting what is no character (sections II-B and III-D), invariance and noise (III-E), and the
symmetry that Table I is to break (II-B, p.8).
"""

import math

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F

from experiments.ablations.rubbish import KINDS, rubbish
from lenet1998.data import Dataset, prepare
from lenet1998.data.streams import stream, struck
from lenet1998.engines.evaluation import outputs, predict
from lenet1998.models import LeNet5
from lenet1998.recipes import Recipe
from lenet1998.report.statistics import rejected_for
from lenet1998.training.schedule import invert_pixels

RUBBISH = 10_000  # patterns of each kind
ERROR_ALLOWED = 0.005  # section III-D, p.14
SHIFTS, SCALES, ROTATIONS = (2, 4), (0.8, 1.25), (15, 30)  # pixels, factors, degrees
NOISE = 0.1  # section III-E: a tenth of the pixels inverted
PART = 500  # patterns that are moved at once
FEW = 1000  # test patterns that C3's maps are compared on


def moved(images: Tensor, scale=1.0, down=0.0, right=0.0, degrees=0.0) -> Tensor:
    """Prepared images scaled, turned and shifted about their centre, filled with background."""
    c, s = math.cos(math.radians(degrees)) / scale, math.sin(math.radians(degrees)) / scale
    back = torch.tensor([[c, s, 0.0], [-s, c, 0.0]])
    side = images.shape[-1]
    back[:, 2] = back[:, :2] @ torch.tensor([-2 * right / side, -2 * down / side])
    grid = F.affine_grid(back.expand(len(images), 2, 3), images.shape, align_corners=False)
    background = images.min()
    return F.grid_sample(images - background, grid, align_corners=False) + background


def inverted(images: Tensor, share: float, scaling: str) -> Tensor:
    """Prepared images with a share of pixels inverted, always the same ones."""
    where = struck(stream(0, "test noise"), share, tuple(images.shape))
    return invert_pixels(images, torch.from_numpy(where), scaling)


def penalties(model: LeNet5, images: Tensor) -> np.ndarray:
    """Penalty of the best class: the smallest distance, or -log of the largest softmax output."""
    answers = outputs(model, images)
    if model.smallest_wins:
        return answers.min(-1).values.numpy()
    return -answers.log_softmax(-1).max(-1).values.numpy()


def margins(model: LeNet5, images: Tensor) -> np.ndarray:
    """Difference of the two best classes' outputs, whichever kind they are (section III-D)."""
    best = outputs(model, images).topk(2, largest=not model.smallest_wins).values
    return (best[:, 0] - best[:, 1]).abs().numpy()


def rejection(model: LeNet5, recipe: Recipe, data: Dataset) -> dict[str, float]:
    """By kind of rubbish, the area under the ROC curve of digits against it, by the penalty."""
    digits = penalties(model, _prepared(recipe, data.test_images))
    found = {}
    for kind in KINDS:
        made = rubbish(kind, data.test_images, data.test_labels, RUBBISH)
        others = penalties(model, _prepared(recipe, made))
        truth = np.repeat([0, 1], [len(digits), len(others)])
        found[kind] = float(roc_auc_score(truth, np.concatenate([digits, others])))
    return found


def invariance(model: LeNet5, recipe: Recipe, data: Dataset) -> dict[str, float]:
    """Test errors in percent on digits shifted in four directions, scaled, turned both ways."""
    images = _prepared(recipe, data.test_images)

    def error(*changes: dict) -> float:
        errors = []
        for change in changes:
            # Part by part: a map of where pixels come from is many times the size of an image.
            seen = torch.cat([moved(part, **change) for part in images.split(PART)])
            errors.append(_error(model, seen, data))
        return float(np.mean(errors))

    found = {
        f"shift {by}": error({"down": by}, {"down": -by}, {"right": by}, {"right": -by})
        for by in SHIFTS
    }
    found |= {f"scale {by}": error({"scale": by}) for by in SCALES}
    found |= {f"rotation {by}": error({"degrees": by}, {"degrees": -by}) for by in ROTATIONS}
    return found


def noise_error(model: LeNet5, recipe: Recipe, data: Dataset) -> float:
    """The test error in percent with a tenth of the pixels inverted."""
    images = _prepared(recipe, data.test_images)
    return _error(model, inverted(images, NOISE, recipe.scaling), data)


def alikeness(model: LeNet5, recipe: Recipe, data: Dataset) -> float:
    """The mean size of the correlation of two of C3's maps, over places and test patterns."""
    images = _prepared(recipe, data.test_images[:FEW])
    with torch.no_grad():
        maps = model.squash(model.c3(model.s2(model.squash(model.c1(images)))))
    states = maps.transpose(0, 1).flatten(1).double().numpy()
    alive = states[states.std(axis=1) > 0]
    if len(alive) < 2:
        return 1.0  # all maps say the same: nothing
    correlations = np.corrcoef(alive)
    return float(np.abs(correlations[np.triu_indices(len(alive), 1)]).mean())


def purposes(model: LeNet5, recipe: Recipe, data: Dataset) -> dict:
    """All of them, for one net.

    Returns:
        ``rejection`` and ``invariance`` by name, ``rejected`` (percent of the test patterns to
        reject for 0.5 % error), ``noise`` (percent), ``alikeness``.
    """
    images = _prepared(recipe, data.test_images)
    wrong = predict(model, images) != data.test_labels
    return {
        "rejection": rejection(model, recipe, data),
        "rejected": 100 * rejected_for(margins(model, images), wrong, ERROR_ALLOWED),
        "invariance": invariance(model, recipe, data),
        "noise": noise_error(model, recipe, data),
        "alikeness": alikeness(model, recipe, data),
    }


def _error(model: LeNet5, images: Tensor, data: Dataset) -> float:
    """Percent of the test patterns, as images show them, that are misclassified."""
    return 100 * float((predict(model, images) != data.test_labels).mean())


def _prepared(recipe: Recipe, images: np.ndarray) -> Tensor:
    return prepare(images, recipe.input_size, recipe.scaling)
