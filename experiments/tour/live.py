"""The script files of the live page (docs/live) that hold data: the paper's, digits, trained nets.

A page opened from disk may read no other file than scripts, so numbers travel in them, in base64:
bytes as they are, weights as little-endian float32. Written like the docs' tables, by ``python -m
lenet1998.report``, and without torch.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from safetensors import safe_open

from lenet1998 import paper
from lenet1998.data.streams import order_of, stream
from lenet1998.restore.printing import FIG25_FIRST, MIDDLE, PAPER
from lenet1998.training.records import RunRecord

PAGE = Path("docs", "live")
WEIGHTS = files("lenet1998") / "weights"
SPLIT_SEED, TEST_DIGITS = 1998, 500  # as lenet1998.data.load parts them, which imports torch

NETS = {
    "original": "the 1998 design and recipe",
    "distortions": "original, trained with distorted digits too",
    "noise": "original, trained with inverted pixels",
    "1998-features": "C1 to S4 of the 1998 net, recovered from Fig. 13; the rest trained",
    "strings": "original, trained to read strings",
    "modern": "LeNet as it is mostly taught today: average pooling, softmax",
}
"""The nets that the page offers, in its order, each with a line; those without weights are left
out, and come by themselves once their file is there."""

_LATER = {"mu_subsampling": "mu", "mu_f6": "mu", "initial_coefficients": "constant"}
"""Switches that older weights' recipes lack, with what they were trained by."""


def stale(root: Path, distorted: Sequence[RunRecord]) -> dict[Path, str]:
    """The scripts that are missing or say something else than they should, with what that is.

    Args:
        root: the project's folder; without the page in it nothing is stale.
        distorted: the runs with distortions, which Fig. 8's net most likely was trained with, too.
    """
    if not (root / PAGE).is_dir():
        return {}
    return {
        file: text
        for file, text in scripts(root, distorted).items()
        if not file.is_file() or file.read_text("utf-8") != text
    }


def scripts(root: Path, distorted: Sequence[RunRecord]) -> dict[Path, str]:
    """Every generated script of the page with its text, the same on every machine."""
    found = [name for name in NETS if (WEIGHTS / f"{name}.safetensors").is_file()]
    nets = {name: _net(name) for name in found}
    listed = [
        {"name": name, "title": NETS[name], "recipe": recipe} for name, (recipe, _) in nets.items()
    ]
    folder = root / PAGE
    return {
        folder / "data.js": "".join(
            [
                _script("PAPER", _paper()),
                _script("OUR_FIG8", _our_answers(distorted)),
                _script("DIGITS", _digits()),
            ]
        ),
        folder / "nets" / "list.js": _script("NET_LIST", listed),
        **{
            folder / "nets" / f"{name}.js": f"Nets.add({_json(weights)});\n"
            for name, (_, weights) in nets.items()
        },
    }


def _script(name: str, value) -> str:
    return f"const {name} = {_json(value)};\n"


def _json(value) -> str:
    return json.dumps(value, separators=(",", ":"))


def _packed(array: np.ndarray) -> str:
    return b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _net(name: str) -> tuple[dict, dict]:
    """A trained net's recipe, and its parameters one after the other."""
    with (
        as_file(WEIGHTS / f"{name}.safetensors") as file,
        safe_open(file, framework="np") as opened,
    ):
        recipe = _LATER | json.loads(opened.metadata()["recipe"])
        arrays = {key: opened.get_tensor(key).astype("<f4") for key in sorted(opened.keys())}
    return recipe, {
        "name": name,
        "shapes": {key: array.shape for key, array in arrays.items()},
        "values": _packed(np.concatenate([array.ravel() for array in arrays.values()])),
    }


def _paper() -> dict:
    """The page's facts of the paper; each value's place in it is in ``lenet1998.paper``."""
    printed, strings, misclassified = (
        paper.fig13_states(),
        paper.printed_strings(),
        paper.fig8_errors(),
    )
    return {
        "inputSize": paper.INPUT_SIZE,
        "fieldSize": paper.FIELD_SIZE,
        "digitSize": paper.DIGIT_SIZE,
        "background": paper.BACKGROUND,
        "ink": paper.INK,
        "amplitude": paper.TANH_AMPLITUDE,
        "slope": paper.TANH_SLOPE,
        "table": paper.C3_TABLE,
        "codes": _packed(paper.digit_codes()),
        "passes": paper.PASSES,
        "etas": [paper.eta(number) for number in range(1, paper.PASSES + 1)],
        "patterns": paper.CURVATURE_PATTERNS,
        # Greys of the prints: an input's background, and the zero of a state.
        "greyOfBackground": PAPER,
        "greyOfZero": MIDDLE,
        "fig8": [
            column.tolist()
            for column in (misclassified.index, misclassified.label, misclassified.answer)
        ],
        "fig13": {
            "inputs": _packed(printed.input),
            "f6": _packed(printed.f6),
            "answers": printed.labels.tolist(),
        },
        "strings": {
            "inputs": _packed(strings.input),
            "f6": _packed(strings.f6),
            "answers": strings.answer,
            "width": strings.input.shape[-1],
            "firstColumn": FIG25_FIRST,
            "fieldWidth": paper.FIG25_FIELD[1],
        },
    }


def _our_answers(distorted: Sequence[RunRecord]) -> list[str]:
    """Predictions of the finished runs for Fig. 8's digits: for each a figure for every run."""
    index = paper.fig8_errors().index
    answers = [run.predictions[index] for run in distorted if not run.diverged]
    return ["".join(map(str, row)) for row in np.stack(answers, 1).tolist()] if answers else []


@cache
def _digits() -> dict:
    """scikit-learn's digits, 8x8 of 0 to 16, those that are tested on first."""
    from sklearn.datasets import load_digits  # slow to import

    source = load_digits()
    order = order_of(stream(SPLIT_SEED, "order"), len(source.target))
    return {
        "side": source.images.shape[-1],
        "levels": 16,
        "tested": TEST_DIGITS,
        "images": _packed(source.images[order].astype(np.uint8)),
        "labels": _packed(source.target[order].astype(np.uint8)),
    }
