"""The tour's diagrams and its table of switches show the network's own numbers."""

from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

import lenet1998
from experiments.results import MODERN, runs_in
from experiments.tour import diagram
from experiments.tour.layers import PATTERN
from experiments.tour.switches import MEANINGS, switches
from lenet1998 import paper
from lenet1998.recipes import ORIGINAL, SWITCHES
from lenet1998.restore.printing import PAPER

ROOT = Path(__file__).parents[2]
LAYERS = [asdict(of) for of in lenet1998.count(lenet1998.build_model("original")).layers]


def drawn(name: str, ground: str = "light"):
    return getattr(diagram, name).made(ROOT / "experiments" / "results", ground)


def texts(figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_text().strip()]


def words(figure) -> str:
    return "\n".join(text.get_text() for text in texts(figure))


@pytest.mark.parametrize("ground", ["light", "dark"])
@pytest.mark.parametrize("name", ["network", "convolution"])
def test_letters_can_be_read(name, ground):
    """They are inside the figure, and none is over another."""
    figure = drawn(name, ground)
    renderer = FigureCanvasAgg(figure).get_renderer()
    boxes = {text: text.get_window_extent(renderer) for text in texts(figure)}
    for box in boxes.values():
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
    over = [
        (one.get_text(), other.get_text())
        for one, other in combinations(boxes, 2)
        if boxes[one].overlaps(boxes[other])
    ]
    assert over == []


def test_the_network_has_the_numbers_of_the_model():
    shown = words(drawn("network")).split("\n")
    for of in LAYERS:
        assert f"{of['parameters']:,}" in shown
        assert f"{of['connections']:,}" in shown
        if of["size"] > 1:
            assert f"{of['maps']} of {of['size']}×{of['size']}" in shown
    total = f"{paper.TOTAL_PARAMETERS:,} trainable parameters and {paper.TOTAL_CONNECTIONS:,}"
    assert any(total in line for line in shown)
    assert any("60 kernels" in line for line in shown)


def test_the_rule_of_sizes_gives_the_sides_of_the_model():
    shown = words(drawn("network"))
    ends = [line.rpartition(" = ")[2] for line in shown.split("\n") if ")/" in line and "=" in line]
    assert ends == [str(of["size"]) for of in LAYERS[:5]]


def test_another_model_has_other_numbers():
    others = runs_in(ROOT / "experiments" / "results", MODERN)
    assert "61,706" in words(diagram.network(others))


@torch.no_grad()
def test_the_unit_is_that_of_1998():
    net = lenet1998.load_pretrained("1998-features")
    greys = torch.from_numpy(paper.fig13_states().input[PATTERN].astype("float32"))
    image = paper.BACKGROUND + (paper.INK - paper.BACKGROUND) * (PAPER - greys) / PAPER
    total = net.c1(image[None, None])[0][(diagram.MAP, *diagram.PLACE)].item()
    state = net.squash(torch.tensor(total)).item()
    shown = words(drawn("convolution"))
    assert f"a = {total:+.2f}" in shown
    assert f"= {state:+.2f}" in shown
    # Fig. 13 prints the same state, as far as its greys tell.
    grey = float(paper.fig13_states().c1[(PATTERN, diagram.MAP, *diagram.PLACE)])
    assert paper.TANH_AMPLITUDE * (1 - grey / 127.5) == pytest.approx(state, abs=0.05)


@pytest.mark.parametrize("name", ["network", "network-dark", "convolution"])
def test_the_files_are_small(name):
    assert (ROOT / "docs" / "figures" / f"{name}.svg").stat().st_size < 150_000


def test_every_switch_has_a_meaning(tmp_path):
    tables = [switches.made(tmp_path, part) for part in MEANINGS]
    names = [name.strip("`") for table in tables for name in table["switch"]]
    assert names == list(SWITCHES)
    defaults = [value for table in tables for value in table["default"]]
    assert defaults == [str(getattr(ORIGINAL, name)).lower() for name in names]
    assert not any("e+37" in value for table in tables for value in table["values"])
