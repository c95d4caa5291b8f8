"""What replicated nets read: the five strings of Figs. 25 and 26, and strings of test digits.

Takes the weights that the study of strings left beside its records, and those of ``original`` that
come with the package. Writes ``read_strings.json``. The paper gives no rate of errors on strings;
docs/strings.md says how these are drawn and measured.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from lenet1998 import paper
from lenet1998.cli import Parser, entry, path, writable
from lenet1998.counts import replication
from lenet1998.data import Dataset, load, prepare
from lenet1998.data.patterns import normalise, scaled
from lenet1998.data.strings import string
from lenet1998.errors import BadInput
from lenet1998.inspection.loading import TrainedNet, load_net
from lenet1998.models import STEP
from lenet1998.reading import penalties, read
from lenet1998.recipes import load_pretrained, recipe_named
from lenet1998.records import has_record, write_json
from lenet1998.restoration.printing import Scale
from lenet1998.statistics import edit_distance
from lenet1998.streams import stream, struck, uniform
from lenet1998.training.environment import describe
from lenet1998.training.flags import RESULTS
from lenet1998.training.threads import one_thread

OUTCOME = "read_strings.json"
STRINGS, LENGTHS = 200, (2, 6)
USUAL = {"gap": 2, "noise": 0.0, "shift": 0, "scale": 1.0}
AXES = {
    "gap": (-4, -2, 0, 2, 4, 6, 8),  # pixels between bounding boxes
    "noise": (0.0, 0.05, 0.1, 0.15, 0.2),  # share of pixels inverted
    "shift": (-6, -4, -2, 0, 2, 4, 6),  # pixels downwards
    "scale": (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3),
}
FIG25_FIRST = 6  # the first column that Figs. 25 and 26 show of the field
ROUNDS, STRIP = 20, 320

Reader = Callable[[np.ndarray], str]


def draw(data: Dataset) -> list[np.ndarray]:
    """Which test digits make each string, always the same."""
    bits = stream(0, "test strings")
    shortest, longest = LENGTHS
    lengths = shortest + (uniform(bits, (STRINGS,)) * (longest - shortest + 1)).astype(int)
    digits = (uniform(bits, (lengths.sum(),)) * len(data.test_labels)).astype(int)
    return np.split(digits, lengths.cumsum()[:-1])


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


@torch.no_grad()
def replicated(net: TrainedNet, field: np.ndarray, repeats: bool) -> str:
    """What a net reads when it is replicated over a field."""
    outputs = net.model(scaled(field, net.recipe.scaling)[None, None])[0].flatten(1)
    return read(penalties(net.recipe, outputs), repeats=repeats).text


def segmented(net: TrainedNet, field: np.ndarray) -> str:
    """What a net reads of each piece of ink by itself, scaled and centred as MNIST's digits are."""
    pieces, found = ndimage.label(field > 127, np.ones((3, 3)))
    ink = ndimage.sum_labels(field, pieces, np.arange(1, found + 1)) if found else np.empty(0)
    kept = [piece for piece in range(found) if ink[piece] > ink.max() / 10]
    boxes = [ndimage.find_objects(pieces)[piece][1] for piece in kept]
    digits = [normalise(np.where(pieces == piece + 1, field, 0)) for piece in kept]
    order = np.argsort([box.start + box.stop for box in boxes], kind="stable")
    if not kept:
        return ""
    patterns = np.rint(np.stack(digits)[order]).astype(np.uint8)
    labels = net.model.predict(prepare(patterns, net.recipe.input_size, net.recipe.scaling))
    return "".join(map(str, labels.tolist()))


def measure(reader: Reader, data: Dataset, drawn: list[np.ndarray]) -> dict:
    """The share of strings read right and of digits in error, along each axis."""
    result: dict[str, dict[str, list[float]]] = {}
    for axis, values in AXES.items():
        right, errors = [], []
        for value in values:
            answers = [
                (
                    "".join(map(str, data.test_labels[which])),
                    reader(field_of(data.test_images[which], n, **{**USUAL, axis: value})),
                )
                for n, which in enumerate(drawn)
            ]
            digits = sum(len(truth) for truth, _ in answers)
            wrong = sum(edit_distance(truth, answer) for truth, answer in answers)
            right.append(100 * sum(truth == answer for truth, answer in answers) / len(answers))
            errors.append(100 * wrong / digits)
        result[axis] = {"right_percent": right, "digit_error_percent": errors}
    return result


def published_fields() -> Tensor:
    """The five fields of 1998 as the net saw them, (5, 1, 32, 64); what is not shown is paper."""
    shown = paper.printed_strings()
    pixels = Scale.of(shown.input).inputs(shown.input).value
    fields = torch.full((len(pixels), 1, *paper.FIG25_FIELD), paper.BACKGROUND)
    fields[:, 0, :, FIG25_FIRST : FIG25_FIRST + pixels.shape[2]] = torch.from_numpy(pixels)
    return fields


def published(nets: list[TrainedNet]) -> list[dict]:
    """The five strings of 1998, position by position."""
    return [
        {"answer": answer, "nets": [_positions(net, field[None]) for net in nets]}
        for answer, field in zip(paper.printed_strings().answer, published_fields(), strict=True)
    ]


@torch.no_grad()
def _positions(net: TrainedNet, image: Tensor) -> dict:
    """The class at each position of a field, and what is read; the blank class is 10."""
    outputs = net.model(image)
    penalty = penalties(net.recipe, outputs[0].flatten(1))
    return {
        "net": net.recipe.name,
        "seed": net.record.seed if net.record else 0,
        "classes": net.model.decide(outputs).flatten().tolist(),
        "contiguous": read(penalty).text,
        "repeats": read(penalty, repeats=True).text,
    }


@torch.no_grad()
def speed(net: TrainedNet) -> dict:
    """Median milliseconds of a core for a strip, replicated and swept, measured in turn."""
    size = net.recipe.input_size
    strip = torch.full((1, 1, size, STRIP), paper.BACKGROUND)
    windows = strip.unfold(3, size, STEP)[0, 0].movedim(1, 0)[:, None].contiguous()
    outputs = net.model(strip)[0].flatten(1)
    ways = {
        "replicated_ms": lambda: net.model(strip),
        "swept_together_ms": lambda: net.model(windows),
        "swept_one_by_one_ms": lambda: [net.model(window[None]) for window in windows],
        "decoding_ms": lambda: read(penalties(net.recipe, outputs), repeats=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begun = time.process_time()
            way()
            seconds[name].append(time.process_time() - begun)
    work = replication(net.model, size, STRIP)
    return {
        "width": STRIP,
        "rounds": ROUNDS,
        "positions": len(windows),
        "replicated_multiply_accumulates": work.multiply_accumulates,
        "swept_multiply_accumulates": work.swept,
        **{name: 1000 * median(spent) for name, spent in seconds.items()},
    }


def trained(results: Path) -> list[TrainedNet]:
    """The nets that read strings.

    Raises:
        BadInput: none, or one without its weights.
    """
    folder = results / "strings"
    runs = [run for run in sorted(folder.glob("*/seed-*")) if has_record(run)]
    if not runs:
        raise BadInput(f"{folder}: no runs; run experiments/strings.py")
    return [load_net(str(run)) for run in runs]


@entry
def main(arguments: list[str] | None = None) -> int:
    """Measure all nets and write the outcome."""
    parser = Parser(prog="read_strings.py", description=__doc__)
    parser.add_argument("--data", type=path, metavar="DIR", help="where MNIST is")
    parser.add_argument(
        "--results", type=path, metavar="DIR", default=RESULTS, help="default experiments/results"
    )
    flags = parser.parse_args(arguments)
    writable(flags.results)
    data = load("mnist", flags.data)
    nets = trained(flags.results)
    original = TrainedNet(recipe_named("original"), load_pretrained("original"), "original")
    drawn = draw(data)
    ways: list[tuple[str, str, TrainedNet, Reader]] = [
        ("original", "segmented", original, partial(segmented, original)),
        ("original", "repeats", original, partial(replicated, original, repeats=True)),
    ]
    for net in nets:
        ways += [
            (net.recipe.name, kind, net, partial(replicated, net, repeats=kind == "repeats"))
            for kind in ("contiguous", "repeats")
        ]
    with one_thread():
        outcome = {
            "strings": STRINGS,
            "lengths": list(LENGTHS),
            "usual": USUAL,
            "axes": {axis: list(values) for axis, values in AXES.items()},
            "measured": [
                {
                    "net": name,
                    "way": kind,
                    "seed": net.record.seed if net.record else 0,
                    **measure(reader, data, drawn),
                }
                for name, kind, net, reader in ways
            ],
            "published": published(nets),
            "speed": speed(nets[0]),
            "processor": describe("eager", torch.device("cpu"))["processor"],
        }
    write_json(flags.results / OUTCOME, outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())
