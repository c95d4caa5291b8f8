"""Readings of replicated nets: the five strings of Figs. 25 and 26, and strings of test digits.

Takes nets of ten seeds from runs that left their weights, wherever they are below the results or
the folders of ``--runs``. Writes ``read_strings.json``. docs/protocol.md says how strings are drawn
and judged, and how each net is read.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from experiments.net_1998.printed_strings import fields
from experiments.results import READ_STRINGS, parser_of
from experiments.strings.measures import (
    AXES,
    LENGTHS,
    STRINGS,
    USUAL,
    Score,
    Strings,
    chosen_j,
    draw,
    outputs_along,
    score,
    segments,
    strings_of,
    texts,
    texts_of_segments,
)
from lenet1998 import paper
from lenet1998.cli import entry, path, writable
from lenet1998.counts import replication
from lenet1998.data import Dataset, load
from lenet1998.engines.exactly import one_thread
from lenet1998.errors import BadInput
from lenet1998.models import STEP
from lenet1998.pretrained import TrainedNet, load_net
from lenet1998.strings import penalties, read
from lenet1998.training.environment import describe
from lenet1998.training.records import RECORD, WEIGHTS, write_json

SEEDS = range(10)
FEW = "strings,distortions=true"
"""Of which there may be fewer seeds than of the others, or none."""
NETS = ("original", "noise", "modern", "strings", FEW)
ROUNDS, STRIP = 20, 320


def trained(name: str, folders: Sequence[Path]) -> list[TrainedNet]:
    """The nets of a recipe that runs below some folders left, by seed; of equal runs the first's.

    Raises:
        BadInput: a seed is missing whose net has to be there, or a run that cannot be read.
    """
    runs: dict[int, Path] = {}
    for seed in SEEDS:
        for run in (run for folder in folders for run in folder.rglob(f"{name}/seed-{seed}")):
            if (run / RECORD).is_file() and (run / WEIGHTS).is_file():
                runs.setdefault(seed, run)
    missing = ",".join(str(seed) for seed in SEEDS if seed not in runs)
    if missing and name != FEW:
        raise BadInput(
            f"{', '.join(map(str, folders))}: no weights of {name}, seeds {missing}; make them with"
            f" lenet1998.reproduce --variant {name} --seeds {missing} --out DIR/{name}, then add"
            " --runs DIR"
        )
    return [load_net(str(run)) for run in runs.values()]


# --- Strings of test digits ---------------------------------------------------------------------


def how(axis: str, value: float) -> tuple[tuple[str, float], ...]:
    """Everything that a change makes of strings; that of two axes may be the same."""
    return tuple({**USUAL, axis: value}.items())


def asked(data: Dataset) -> dict[tuple, tuple[Strings, list[np.ndarray]]]:
    """The strings of test digits changed in every way, and of each the pieces of ink."""
    drawn, made = draw(len(data.test_labels)), {}
    for change in {how(axis, value) for axis, values in AXES.items() for value in values}:
        strings = strings_of(data.test_images, data.test_labels, drawn, **dict(change))
        made[change] = strings, [segments(field) for field in strings.fields]
    return made


def answers(
    net: TrainedNet, strings: Strings, pieces: Sequence[np.ndarray], rubbish_j: int | None
) -> dict[str, list[str]]:
    """Texts that a net reads in strings by each way of reading that it has."""
    outputs, blank = outputs_along(net, strings.fields), net.recipe.blank != "none"
    found = {}
    if net.recipe.name == "original":
        found["segmented"] = texts_of_segments(net, pieces)
    if blank:
        found["contiguous"] = texts(net, outputs, repeats=False)
    if blank or net.recipe.output == "rbf":
        found["repeats"] = texts(net, outputs)
    if rubbish_j is not None:
        found["chosen"] = texts(net, outputs, rubbish_j=rubbish_j)
    return found


def measure(
    net: TrainedNet, asked: dict[tuple, tuple[Strings, list[np.ndarray]]], practice: Strings
) -> list[dict]:
    """The share of strings read right and of digits in error along each axis, a row for each way.

    Args:
        net: whichever.
        asked: the strings.
        practice: strings of training digits, to choose the rubbish class's constant by.
    """
    blank = net.recipe.blank != "none"
    j = None if blank else chosen_j(net, practice)
    scores = {
        change: {
            way: score(strings.truths, read_so)
            for way, read_so in answers(net, strings, pieces, j).items()
        }
        for change, (strings, pieces) in asked.items()
    }
    constants = {} if blank else {"chosen": j, "repeats": net.recipe.rubbish_j}

    def along(axis: str, way: str) -> dict[str, list[float]]:
        found = [scores[how(axis, value)][way] for value in AXES[axis]]
        return {field: [getattr(one, field) for one in found] for field in Score._fields}

    return [
        {
            "net": net.recipe.name,
            "way": way,
            "seed": net.record.seed,
            **({"rubbish_j": constants[way]} if way in constants else {}),
            **{axis: along(axis, way) for axis in AXES},
        }
        for way in next(iter(scores.values()))
    ]


# --- The strings of 1998, and the time that replication takes -----------------------------------


def published_fields() -> Tensor:
    """The five fields of 1998 as the net saw them, (5, 1, 32, 64); what is not shown is paper."""
    return torch.from_numpy(fields()).float()[:, None]


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
        "seed": net.record.seed,
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


@entry
@one_thread()
def main(arguments: list[str] | None = None) -> int:
    """Measure all nets and write the outcome."""
    parser = parser_of("experiments.strings.read", __doc__)
    add = parser.add_argument
    words = "where runs with weights are to be looked for first; may be repeated"
    add("--runs", type=path, metavar="DIR", action="append", default=[], help=words)
    flags = parser.parse_args(arguments)
    writable(flags.results)
    data = load("mnist", flags.data)
    nets = {name: trained(name, [*flags.runs, flags.results]) for name in NETS}
    print(*(f"{name}: {len(of_one)} nets" for name, of_one in nets.items()), sep="\n")
    of_strings = [*nets["strings"], *nets[FEW]]
    strings = asked(data)
    drawn = draw(len(data.train_labels), purpose="training strings")
    practice = strings_of(data.train_images, data.train_labels, drawn)
    everyone = [net for of_one in nets.values() for net in of_one]
    outcome = {
        "strings": STRINGS,
        "lengths": list(LENGTHS),
        "usual": USUAL,
        "axes": {axis: list(values) for axis, values in AXES.items()},
        "measured": [
            row
            for net in tqdm(everyone, unit=" nets", disable=not sys.stderr.isatty())
            for row in measure(net, strings, practice)
        ],
        "published": published(of_strings),
        "speed": speed(nets["strings"][0]),
        "processor": describe("eager", torch.device("cpu"))["processor"],
    }
    write_json(flags.results / READ_STRINGS, outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())
