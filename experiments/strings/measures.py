"""Strings of digits that nets are asked, and what they make of them: docs/strings.md.

The paper gives no rate of errors on strings. How these are drawn, changed and judged is ours, and
stands in docs/protocol.md, "Strings".
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from lenet1998 import paper
from lenet1998.data import prepare
from lenet1998.data.flanks import string
from lenet1998.data.patterns import normalise, scaled
from lenet1998.data.streams import stream, struck, uniform
from lenet1998.engines.evaluation import predict
from lenet1998.engines.exactly import one_thread
from lenet1998.models import STEP
from lenet1998.pretrained import TrainedNet
from lenet1998.report.statistics import edit_distance
from lenet1998.strings import penalties, read

STRINGS, LENGTHS = 200, (2, 6)
USUAL = {"gap": 2, "noise": 0.0, "shift": 0, "scale": 1.0}
AXES = {
    "gap": (-4, -2, 0, 2, 4, 6, 8),  # pixels between bounding boxes
    "noise": (0.0, 0.05, 0.1, 0.15, 0.2),  # share of pixels inverted
    "shift": (-6, -4, -2, 0, 2, 4, 6),  # pixels downwards
    "scale": (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3),
}
RUBBISH_J = range(-30, 31)
"""What the rubbish class's constant is chosen from."""
TOGETHER = 20  # fields that go through a net at once, of about one width


class Strings(NamedTuple):
    """Strings of digits.

    Attributes:
        truths: what each is.
        fields: each as a field, (32, W) uint8.
    """

    truths: list[str]
    fields: list[np.ndarray]


class Score(NamedTuple):
    """Scores of the reading of strings.

    Attributes:
        right_percent: of the strings, those of which every digit is right.
        digit_error_percent: edit distances over the number of digits.
    """

    right_percent: float
    digit_error_percent: float


# --- Strings ------------------------------------------------------------------------------------


def draw(
    digits: int, strings: int = STRINGS, purpose: str = "test strings", seed: int = 0
) -> list[np.ndarray]:
    """Draw the digits of each string, always the same."""
    bits = stream(seed, purpose)
    shortest, longest = LENGTHS
    lengths = shortest + (uniform(bits, (strings,)) * (longest - shortest + 1)).astype(int)
    which = (uniform(bits, (lengths.sum(),)) * digits).astype(int)
    return np.split(which, lengths.cumsum()[:-1])


def strings_of(
    images: np.ndarray, labels: np.ndarray, drawn: Sequence[np.ndarray], **change
) -> Strings:
    """The strings that were drawn of digits (N, 28, 28), the usual ones but for a change."""
    truths = ["".join(map(str, labels[which])) for which in drawn]
    how = {**USUAL, **change}
    return Strings(truths, [field_of(images[which], n, **how) for n, which in enumerate(drawn)])


def field_of(digits: np.ndarray, number: int, gap, noise, shift, scale) -> np.ndarray:
    """A string of digits (K, 28, 28) changed so; (32, W) uint8."""
    field = string(digits, gap)
    if scale != 1:
        size = tuple(round(side * scale) for side in field.shape[::-1])
        field = np.asarray(Image.fromarray(field).resize(size, Image.Resampling.BILINEAR))
    # The middle row stays the middle row.
    top = paper.INPUT_SIZE // 2 - round(scale * (paper.INPUT_SIZE // 2)) + shift
    rows = np.arange(field.shape[0]) + top
    kept = (rows >= 0) & (rows < paper.INPUT_SIZE)
    whole = np.zeros((paper.INPUT_SIZE, max(paper.INPUT_SIZE + STEP, field.shape[1])), np.uint8)
    whole[rows[kept], : field.shape[1]] = field[kept]
    inverted = struck(stream(0, "test strings", 1 + number), noise, whole.shape)
    return np.where(inverted, 255 - whole, whole)


def score(truths: Sequence[str], answers: Sequence[str]) -> Score:
    """Score the reading of strings."""
    pairs = list(zip(truths, answers, strict=True))
    wrong = sum(edit_distance(truth, answer) for truth, answer in pairs)
    return Score(
        100 * sum(truth == answer for truth, answer in pairs) / len(pairs),
        100 * wrong / sum(map(len, truths)),
    )


# --- Replicated nets ----------------------------------------------------------------------------


@one_thread()
@torch.no_grad()
def outputs_along(net: TrainedNet, fields: Sequence[np.ndarray]) -> list[Tensor]:
    """A net's outputs along each field, (classes, T).

    Fields of about one width go through it together, filled up with background on the right: no
    output's window reaches so far.
    """
    widths = np.array([field.shape[1] for field in fields])
    order = np.argsort(widths, kind="stable")
    found: dict[int, Tensor] = {}
    for part in np.split(order, range(TOGETHER, len(order), TOGETHER)):
        together = np.zeros((len(part), net.recipe.input_size, widths[part].max()), np.uint8)
        for row, which in zip(together, part, strict=True):
            row[:, : widths[which]] = fields[which]
        outputs = net.model(scaled(together, net.recipe.scaling)[:, None])
        for row, which in zip(outputs.flatten(2), part, strict=True):
            found[which] = row[:, : (widths[which] - net.recipe.input_size) // STEP + 1]
    return [found[which] for which in range(len(fields))]


def texts(
    net: TrainedNet,
    outputs: Sequence[Tensor],
    repeats: bool = True,
    rubbish_j: float | None = None,
) -> list[str]:
    """Decode outputs along fields; see :func:`lenet1998.strings.penalties`."""
    return [
        read(penalties(net.recipe, of_one, rubbish_j), repeats=repeats).text for of_one in outputs
    ]


def chosen_j(net: TrainedNet, strings: Strings) -> int:
    """The constant of a rubbish class with which a net without a blank class reads strings best.

    The most strings read right; of equals the fewest digits in error; of equals the smallest.
    """
    outputs = outputs_along(net, strings.fields)

    def merit(j: int) -> tuple[float, float, int]:
        found = score(strings.truths, texts(net, outputs, rubbish_j=j))
        return -found.right_percent, found.digit_error_percent, j

    return min(RUBBISH_J, key=merit)


# --- Connected components -----------------------------------------------------------------------


def segments(field: np.ndarray) -> np.ndarray:
    """The pieces of ink from left to right, each as MNIST's digits are, (K, 28, 28) uint8."""
    pieces, found = ndimage.label(field > 127, np.ones((3, 3)))
    ink = ndimage.sum_labels(field, pieces, np.arange(1, found + 1)) if found else np.empty(0)
    kept = [piece for piece in range(found) if ink[piece] > ink.max() / 10]
    boxes = [ndimage.find_objects(pieces)[piece][1] for piece in kept]
    digits = [normalise(np.where(pieces == piece + 1, field, 0)) for piece in kept]
    order = np.argsort([box.start + box.stop for box in boxes], kind="stable")
    patterns = np.zeros((len(kept), paper.FIELD_SIZE, paper.FIELD_SIZE), np.uint8)
    for row, piece in zip(patterns, order, strict=True):
        row[:] = np.rint(digits[piece])
    return patterns


def texts_of_segments(net: TrainedNet, pieces: Sequence[np.ndarray]) -> list[str]:
    """Read each piece by itself; a string for each field's pieces."""
    patterns = prepare(np.concatenate(pieces), net.recipe.input_size, net.recipe.scaling)
    labels = np.split(predict(net.model, patterns), np.cumsum([len(of_one) for of_one in pieces]))
    return ["".join(map(str, of_one)) for of_one in labels[:-1]]
