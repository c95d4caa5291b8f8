"""The 82 digits of Fig. 8 with what they were taken for in 1998 and now: ``docs/figures/fig8.png``.

It needs MNIST's pictures and the records of the nets trained with distortions; ``python -m
lenet1998.report`` does not remake it.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Before matplotlib, which it can import whatever $MPLBACKEND names.
from lenet1998.report.style import BLUE, STYLE, VERMILION, save

# isort: split
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

# isort: split
from experiments.results import DISTORTIONS, digest, parser_of, runs_in
from lenet1998 import paper
from lenet1998.cli import entry, path, writable
from lenet1998.data import Dataset, load
from lenet1998.errors import BadInput
from lenet1998.training.records import RunRecord

SIZE = paper.FIELD_SIZE
GREY = "#8a8a8a"
FRAME = {"color": "#c8c8c8", "lw": 0.6}
COLUMNS = 10
ARROW = "\N{RIGHTWARDS ARROW}"
STEP = SIZE + 12, SIZE + 24  # from tile to tile, pixels across and down


@dataclass(frozen=True)
class Tile:
    """One of the 82: what it is, what LeNet-5 took it for, and our nets' answers."""

    label: int
    then: int
    answers: tuple[int, ...]

    @property
    def misclassified(self) -> int:
        return sum(answer != self.label for answer in self.answers)

    @property
    def same(self) -> int:
        """Nets that gave 1998's answer."""
        return self.answers.count(self.then)

    @property
    def commonest(self) -> int | None:
        """The commonest wrong answer, 1998's if several are; None if all read it right."""
        wrong = [answer for answer in self.answers if answer != self.label]
        return max(sorted(set(wrong)), key=lambda a: (wrong.count(a), a == self.then), default=None)

    @property
    def kind(self) -> str:
        if self.commonest is None:
            return "right"
        return "same" if self.commonest == self.then else "other"


KINDS = {  # colour, marker and words
    "same": (VERMILION, "o", "mostly as in 1998"),
    "other": (BLUE, "^", "mostly with another answer"),
    "right": (GREY, "_", "right in all nets"),
}


def tiles(records: Sequence[RunRecord]) -> list[Tile]:
    """The 82 digits in the order of Fig. 8, with the answers of the runs that finished."""
    then = paper.fig8_errors()
    answers = np.stack([run.predictions[then.index] for run in records if not run.diverged])
    rows = zip(then.label.tolist(), then.answer.tolist(), answers.T.tolist(), strict=True)
    return [Tile(label, answer, tuple(ours)) for label, answer, ours in rows]


@rc_context(STYLE)
def errors_sheet(dataset: Dataset, records: Sequence[RunRecord]) -> Figure:
    """The 82 digits of Fig. 8, with what they were taken for in 1998 and now."""
    sheet = tiles(records)
    images = dataset.test_images[paper.fig8_errors().index]
    across, down = STEP
    rows = -(-len(sheet) // COLUMNS)
    width, height = COLUMNS * across, rows * down
    figure = Figure(figsize=(7.4, 7.4 * height / width))
    axes = figure.add_axes((0, 0, 1, 1))
    for place, (tile, image) in enumerate(zip(sheet, images, strict=True)):
        row, column = divmod(place, COLUMNS)
        _tile(axes, tile, image, column * across, row * down)
    axes.set(xlim=(-2, width - 6), ylim=(height - 12, -12), aspect="equal")
    axes.axis("off")
    nets = len(sheet[0].answers)
    wrong = sum(tile.misclassified for tile in sheet) / nets
    axes.set_title(
        f"Our {nets} nets misclassify {wrong:.0f} of the 82 digits on average. Above a digit: label"
        f" {ARROW} LeNet-5's answer in 1998.\nBelow: how many of our nets misclassify it {ARROW}"
        " their commonest wrong answer.",
        size=10,
        linespacing=1.5,
    )
    for kind, (colour, marker, words) in KINDS.items():
        count = sum(tile.kind == kind for tile in sheet)
        look = {"color": colour, "marker": marker, "ls": "none", "ms": 6, "mew": 1.5}
        axes.plot([], [], label=f"{words}: {count} of {len(sheet)}", **look)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(KINDS))
    return figure


def _tile(axes, tile: Tile, image: np.ndarray, left: float, top: float) -> None:
    colour, marker, _ = KINDS[tile.kind]
    axes.text(left + SIZE / 2, top - 2, f"{tile.label}{ARROW}{tile.then}", ha="center", size=8.5)
    _picture(axes, image, left, top)
    words = f"{tile.misclassified}/{len(tile.answers)}"
    words += f"{ARROW}{tile.commonest}" if tile.misclassified else ""
    foot = top + SIZE + 6
    axes.plot(left + 2, foot, marker=marker, color=colour, ms=4.5, mew=1.2)
    axes.text(left + 6, foot, words, va="center_baseline", size=8.5, color=colour)


def _picture(axes, image: np.ndarray, left: float, top: float) -> None:
    extent = (left, left + SIZE, top + SIZE, top)
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, extent=extent, interpolation="nearest")
    axes.add_patch(Rectangle((left, top), SIZE, SIZE, fill=False, **FRAME))


@entry
def main(arguments=None):
    parser = parser_of("experiments.published.fig8_sheet", __doc__)
    parser.add_argument("--root", default=Path(), type=path, metavar="DIR", help="a checkout")
    flags = parser.parse_args(arguments)
    records = runs_in(flags.results, DISTORTIONS)
    if all(record.diverged for record in records):
        raise BadInput(f"{DISTORTIONS}: no finished run to draw Fig. 8 of")
    if any(record.dataset["test_patterns"] != paper.TEST_SIZE for record in records):
        raise BadInput(
            f"{DISTORTIONS}: a run was not tested on MNIST's {paper.TEST_SIZE:,} patterns"
        )
    dataset = load("mnist", flags.data)
    file = writable(flags.root / "docs" / "figures", "--root") / "fig8.png"
    save(errors_sheet(dataset, records), file, digest(records))
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
