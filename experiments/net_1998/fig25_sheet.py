"""The five strings of Figs. 25 and 26 with F6 as printed and as ours has it: ``fig25.png`` in docs.

Of the net ``strings`` that comes with the package; ``python -m lenet1998.report`` does not remake
it.
"""

import sys
from pathlib import Path

import numpy as np
import torch

# Before matplotlib, which it can import whatever $MPLBACKEND names.
from lenet1998.report.style import PICTURES, head, save

# isort: split
from matplotlib import rc_context
from matplotlib.figure import Figure

from experiments.strings.read import published_fields

# isort: split
from lenet1998 import paper
from lenet1998.cli import Parser, entry, path, writable
from lenet1998.engines.exactly import one_thread
from lenet1998.models import STEP
from lenet1998.pretrained import load_pretrained
from lenet1998.recipes import recipe_named
from lenet1998.report.inside_figures import GREY
from lenet1998.restore.printing import FIG25_FIRST, MIDDLE
from lenet1998.strings import penalties, read


def in_a_row(states: np.ndarray) -> np.ndarray:
    """F6 at T positions (T, 84) as bitmaps side by side, (12, 7 T)."""
    return np.concatenate(states.reshape(-1, *paper.CODE_SHAPE), 1)


@rc_context(PICTURES)
def draw() -> Figure:
    """A column for each string: what the net saw, F6 of 1998, F6 of ours, and both answers."""
    shown, fields = paper.printed_strings(), published_fields()
    recipe, model = recipe_named("strings"), load_pretrained("strings")
    with torch.no_grad():
        ours = model.features(fields)[:, :, 0].movedim(1, 2).numpy()
        outputs = model(fields)[:, :, 0]
    answers = [read(penalties(recipe, of_one), repeats=True).text for of_one in outputs]
    then = 1 - shown.f6.reshape(len(fields), -1, paper.CODE_LENGTH) / MIDDLE
    width = fields.shape[-1]
    first = (paper.INPUT_SIZE - STEP) / 2
    across = (first, first + STEP * ours.shape[1])
    figure = Figure(figsize=(7.4, 3.9), layout="constrained")
    grid = figure.subplots(3, len(fields), height_ratios=(32, 12, 12))
    for (top, middle, bottom), *string in zip(
        grid.T, fields[:, 0].numpy(), then, ours, shown.answer, answers, strict=True
    ):
        field, printed, made, answer, answered = string
        top.imshow(field, cmap=GREY, extent=(0, width, len(field), 0), aspect="auto")
        top.set_title(f"1998: {answer}\nours: {answered}")
        for axes, states in ((middle, printed), (bottom, made)):
            sheet = in_a_row(states)
            axes.imshow(sheet, cmap=GREY, vmin=-1, vmax=1, extent=(*across, 12, 0), aspect="auto")
        for axes in (top, middle, bottom):
            axes.set(xlim=(FIG25_FIRST, width - FIG25_FIRST), xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
    look = {"rotation": 0, "ha": "right", "va": "center"}
    for axes, words in zip(grid[:, 0], ("input", "F6 of 1998", "F6 of ours"), strict=True):
        axes.set_ylabel(words, **look)
    same = sum(map(str.__eq__, shown.answer, answers))
    told = f"Our net reads {same} of the {len(answers)} strings as LeNet-5 did"
    head(figure, f"{told} (F6: black is +1, white is -1)")
    return figure


@entry
def main(arguments: list[str] | None = None) -> int:
    """Draw the sheet and print where it is."""
    parser = Parser(prog="experiments.net_1998.fig25_sheet", description=__doc__)
    root = Path(__file__).resolve().parents[1]
    add = parser.add_argument
    add("--root", type=path, metavar="DIR", default=root, help="the project's folder")
    flags = parser.parse_args(arguments)
    file = writable(flags.root / "docs" / "figures") / "fig25.png"
    with one_thread():
        save(draw(), file)
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
