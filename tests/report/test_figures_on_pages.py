"""Every figure of the docs can be read where a page shows it, and is what its function draws."""

import re
from pathlib import Path

import numpy as np
import pytest
from letters import letters
from PIL import Image

from experiments.net_1998 import fig25_sheet, restoration_sheet
from lenet1998.pretrained import load_net
from lenet1998.report import net_tables, pages, style
from lenet1998.report.answers import ask, figures_of
from lenet1998.restore.refine import read_fig13

ROOT = Path(__file__).parents[2]
PAGES = [page for pattern in pages.DOCUMENTS for page in sorted(ROOT.glob(pattern))]
MARKS = {
    str(mark.picture.resolve().relative_to(ROOT)): mark
    for page in PAGES
    for _, mark in pages._marks(page, page.read_text())
    if mark.picture
}
SMALLEST = 8.0
"""Points."""


def smallest(figure, file: Path) -> tuple[float, str]:
    style.save(figure, file, "source")
    return min(letters(figure, file))


def test_every_figure_that_a_page_shows_is_looked_at_here():
    shown = {
        str((page.parent / file).resolve().relative_to(ROOT))
        for page in PAGES
        for file in re.findall(r"!\[[^]]*\]\(([^)]*figures/[^)]*)\)", page.read_text())
    }
    sheets = {f"docs/figures/{name}.png" for name in ("fig7", "fig8")}  # test_sheets.py
    sheets |= {f"docs/figures/{name}.png" for name in ("fig25", "1998-states-large")}
    of_a_net = {name for name in shown if name.startswith("docs/figures/original/")}
    assert shown - set(MARKS) == sheets | of_a_net


@pytest.mark.parametrize("name", MARKS)
def test_letters_can_be_read_and_the_file_is_what_is_drawn_now(name, tmp_path):
    drawn = tmp_path / Path(name).name
    assert smallest(MARKS[name].made(ROOT / "experiments" / "results"), drawn) >= (SMALLEST,)
    if drawn.suffix == ".png":
        with Image.open(drawn) as now, Image.open(ROOT / name) as then:
            if now.info["Software"] == then.info["Software"]:  # another matplotlib draws otherwise
                assert now.size == then.size
                apart = np.abs(np.asarray(now, int) - np.asarray(then, int)).max(-1)
                assert (apart > 32).mean() < 2e-4


@pytest.mark.parametrize("variant", ["original", "modern"])
def test_letters_of_a_nets_figures_can_be_read(variant, digits, tmp_path):
    answers = ask(load_net(variant), digits)
    confusion = net_tables.confusion(answers.truth, answers.answers)
    figures = figures_of(answers, confusion, 0)
    assert {*figures, "f6-misclassified.png"} == {
        file.name for file in (ROOT / "docs" / "figures" / "original").glob("*.png")
    }
    for name, figure in figures.items():
        assert smallest(figure, tmp_path / name) >= (SMALLEST,), name


def test_letters_of_the_sheets_of_1998_can_be_read(tmp_path):
    _, _, states = read_fig13()
    printed = {layer: of.value for layer, of in states.items()}
    for figure in (fig25_sheet.draw(), restoration_sheet.large(printed, printed)):
        assert smallest(figure, tmp_path / "sheet.png") >= (SMALLEST,)
