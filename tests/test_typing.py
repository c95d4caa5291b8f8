"""A user's script passes the strictest type checkers, and a typo does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow

SCRIPT = """
import torch
from torch import nn

import lenet1998
from lenet1998 import paper
from lenet1998.counts import count
from lenet1998.criteria import DiscriminativeLoss
from lenet1998.curvature import diagonal_curvature
from lenet1998.exporting import to_onnx, to_program
from lenet1998.models import LeNet5, Reading, build_model
from lenet1998.modules import MappedConv2d, RBFOutput, ScaledTanh, Start, Subsampling2d
from lenet1998.modules import draw_parameters
from lenet1998.optim import SDLM
from lenet1998.pretrained import Weights, load_pretrained, save_weights
from lenet1998.recipes import RECIPES, Recipe


def main(images: torch.Tensor, labels: torch.Tensor) -> int:
    net: LeNet5 = load_pretrained(Weights.ORIGINAL)
    letters = LeNet5(codes=torch.from_numpy(paper.ascii_codes("ABC")), in_channels=3)
    letters.reset_parameters(torch.Generator().manual_seed(0), Start(power=1.0))
    scores: torch.Tensor = net.scores(images) + net.posteriors(images)[:, :-1]
    reading: Reading = net.read("seven.png")
    rubbish: float | None = reading.rubbish
    recipe: Recipe = RECIPES["original"].changed(pooling="max")
    other: LeNet5 = build_model(recipe, seed=1)
    own = nn.Sequential(
        MappedConv2d([(0,), (0, 1)], 2, 3, stride=2, padding=(1, 1), bias=False),
        Subsampling2d(2, ScaledTanh(), window=3),
        RBFOutput(),
    )
    draw_parameters(own)
    criterion: nn.Module = DiscriminativeLoss()
    optimizer = SDLM(other.parameters(), lr=5e-4, mu=0.02)
    optimizer.set_curvature(diagonal_curvature(other, criterion, images, labels))
    to_program(net)
    save_weights(net, "mine.safetensors")
    print(Weights.MODERN.meta["accuracy"], scores, rubbish, lenet1998.count(net).connections)
    return count(net).parameters + int(net.predict(images)[0]) + reading.digit
"""
TYPOS = {
    'LeNet5(squash="scaledtanh")': "scaledtanh",
    'LeNet5(pooling="mean")': "mean",
    "LeNet5(input_size=30)": "30",
    'LeNet5(codes="ascii")': "ascii",
    'Recipe(optimizer="sdml")': "sdml",
    'Recipe(rates="layers")': "layers",
    'LeNet5().read("a.png").digits': "digits",
    "count(LeNet5()).weights": "weights",
    "lenet1998.load_pretraind()": "load_pretraind",
}
HEAD = """
import lenet1998
from lenet1998.counts import count
from lenet1998.models import LeNet5
from lenet1998.recipes import Recipe
"""


def checked(text: str, folder: Path) -> list[str]:
    """The complaints of ``mypy --strict`` of a script that imports this checkout's package."""
    script = folder / "script.py"
    script.write_text(text)
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={folder / 'cache'}", script],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not found.stderr
    return [line for line in found.stdout.splitlines() if ": error: " in line]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("mypy")
    return tmp_path_factory.mktemp("typing")


def test_a_script_passes(folder):
    assert checked(SCRIPT, folder) == []


def test_every_typo_is_an_error(folder):
    complaints = checked(HEAD + "\n".join(TYPOS), folder)
    assert len(complaints) == len(TYPOS)
    for complaint, word in zip(complaints, TYPOS.values(), strict=True):
        assert word in complaint
