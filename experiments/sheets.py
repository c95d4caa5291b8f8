"""Contact sheets that need MNIST's pictures: our distortions, and the 82 digits of Fig. 8.

Writes ``docs/figures/fig7.png`` and, from the records of the nets trained with distortions,
``docs/figures/fig8.png``. Both are committed; ``python -m lenet1998.report`` does not remake them.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lenet1998 import paper
from lenet1998.command import Parser, entry, writable
from lenet1998.data import Dataset, load
from lenet1998.distortions import distort, measure
from lenet1998.errors import BadInput
from lenet1998.launch import RESULTS
from lenet1998.records import RunRecord, read_records
from lenet1998.report.documents import DISTORTIONS, digest
from lenet1998.report.figures import BLUE, STYLE, VERMILION, plt, save

SIZE = paper.FIELD_SIZE
GREY = "#8a8a8a"
FRAME = {"color": "#c8c8c8", "lw": 0.6}

# --- Fig. 7 -------------------------------------------------------------------------------------

VARIANTS = 10  # of each digit on the sheet, as in Fig. 7
MEASURED = 200  # of each digit in the histograms
MAPS = {
    "dx": "shift right, pixels",
    "dy": "shift down, pixels",
    "scale_x": "scale across, factor",
    "scale_y": "scale down, factor",
    "shear": "shear, pixels right per pixel down",
}


def distortions_sheet(dataset: Dataset, file: Path) -> None:
    """Fig. 7's ten digits, our distortions of each, and the spread of both."""
    figure7 = paper.fig7_patterns()
    originals = dataset.train_images[figure7.train_index]
    edge = (paper.INPUT_SIZE - SIZE) // 2
    before = np.pad(originals, ((0, 0), (edge, edge), (edge, edge)))
    before = np.repeat(before, figure7.patterns.shape[1], axis=0)
    # Greys as they are printed: that they are not quite linear in the ink moves the moments little.
    after = 255 - figure7.patterns.reshape(before.shape)
    published = dict(zip(MAPS, measure(before, after), strict=True))
    generator = np.random.default_rng(0)
    many = np.repeat(originals, MEASURED, axis=0)
    distorted = distort(many, generator)
    ours = dict(zip(MAPS, measure(many, distorted), strict=True))
    shown = distorted.reshape(len(originals), MEASURED, SIZE, SIZE)[:, :VARIANTS]
    with plt.rc_context(STYLE):
        figure = plt.figure(figsize=(9.6, 6.35), layout="constrained")
        grid = figure.add_gridspec(len(MAPS), 2, width_ratios=(2.5, 1))
        _pictures(figure.add_subplot(grid[:, 0]), originals, shown)
        for row, (name, label) in enumerate(MAPS.items()):
            axes = figure.add_subplot(grid[row, 1])
            theirs = published[name]
            bins = np.histogram_bin_edges(np.concatenate([theirs, ours[name]]), 16)
            axes.hist(theirs, bins, density=True, color=VERMILION, alpha=0.35, label="Fig. 7")
            look = {"color": BLUE, "histtype": "step", "lw": 1.5}
            axes.hist(ours[name], bins, density=True, label="ours", **look)
            axes.set_xlabel(label, labelpad=1)
            axes.set_yticks([])
            axes.grid(visible=False)
            axes.spines["left"].set_visible(False)
        first = figure.axes[1]
        first.set_title("how far they go", loc="left")
        names = [f"Fig. 7 (1998), n = {len(theirs)}", f"ours, n = {len(many):,}"]
        handles, _ = first.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower right", ncols=2)
        save(figure, file)


def _pictures(axes, originals: np.ndarray, shown: np.ndarray) -> None:
    """Originals in the first column, and after a gap the variants of each in its row."""
    gap = SIZE // 2
    for row, (original, variants) in enumerate(zip(originals, shown, strict=True)):
        for column, image in enumerate([original, *variants]):
            _picture(axes, image, column * SIZE + (gap if column else 0), row * SIZE)
    width, height = (1 + shown.shape[1]) * SIZE + gap, len(originals) * SIZE
    axes.set(xlim=(-1, width + 1), ylim=(height + 1, -1), aspect="equal", anchor="NW")
    axes.axis("off")
    axes.set_title("original  ten distortions of ours", loc="left")


def _picture(axes, image: np.ndarray, left: float, top: float) -> None:
    extent = (left, left + SIZE, top + SIZE, top)
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255, extent=extent, interpolation="nearest")
    axes.add_patch(plt.Rectangle((left, top), SIZE, SIZE, fill=False, **FRAME))


# --- Fig. 8 -------------------------------------------------------------------------------------

COLUMNS = 12
ARROW = "\N{RIGHTWARDS ARROW}"
STEP = SIZE + 8, SIZE + 28  # from tile to tile, pixels across and down


@dataclass(frozen=True)
class Tile:
    """One of the 82: what it is, what LeNet-5 took it for, and our nets' answers."""

    label: int
    then: int
    answers: tuple[int, ...]

    @property
    def misread(self) -> int:
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
    "same": (VERMILION, "o", "misread, most often with 1998's answer"),
    "other": (BLUE, "^", "misread, most often with another answer"),
    "right": (GREY, "_", "read by all"),
}


def tiles(records: Sequence[RunRecord]) -> list[Tile]:
    """The 82 digits in the order of Fig. 8, with the answers of the runs that finished."""
    then = paper.fig8_errors()
    answers = np.stack([run.predictions[then.index] for run in records if not run.diverged])
    rows = zip(then.label.tolist(), then.answer.tolist(), answers.T.tolist(), strict=True)
    return [Tile(label, answer, tuple(ours)) for label, answer, ours in rows]


def errors_sheet(dataset: Dataset, records: Sequence[RunRecord], file: Path, source: str) -> None:
    """The 82 digits of Fig. 8, with what they were taken for in 1998 and now."""
    sheet = tiles(records)
    images = dataset.test_images[paper.fig8_errors().index]
    across, down = STEP
    rows = -(-len(sheet) // COLUMNS)
    with plt.rc_context(STYLE):
        width, height = COLUMNS * across, rows * down
        figure = plt.figure(figsize=(9.6, 9.6 * height / width))
        axes = figure.add_axes((0, 0, 1, 1))
        for place, (tile, image) in enumerate(zip(sheet, images, strict=True)):
            row, column = divmod(place, COLUMNS)
            _tile(axes, tile, image, column * across, row * down)
        axes.set(xlim=(-2, width - 6), ylim=(height - 12, -12), aspect="equal")
        axes.axis("off")
        nets = len(sheet[0].answers)
        axes.set_title(
            f"Above each digit: its label {ARROW} LeNet-5's answer in 1998. Below: how many of our"
            f" {nets} nets misread it {ARROW} their commonest\nwrong answer. A cell per net: high"
            " with 1998's answer, half as high with another wrong one, flat if it read it right.",
            loc="left",
            size=9,
            linespacing=1.5,
        )
        for kind, (colour, marker, words) in KINDS.items():
            count = sum(tile.kind == kind for tile in sheet)
            look = {"color": colour, "marker": marker, "ls": "none", "ms": 6, "mew": 1.5}
            axes.plot([], [], label=f"{words}: {count} of {len(sheet)}", **look)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=len(KINDS))
        save(figure, file, source)


def _tile(axes, tile: Tile, image: np.ndarray, left: float, top: float) -> None:
    colour, marker, _ = KINDS[tile.kind]
    axes.text(left + SIZE / 2, top - 2, f"{tile.label}{ARROW}{tile.then}", ha="center", size=8.5)
    _picture(axes, image, left, top)
    # A cell per net: high for 1998's answer, half as high for another, a line for the right one.
    heights = [5] * tile.same + [2.5] * (tile.misread - tile.same)
    heights += [0.5] * (len(tile.answers) - tile.misread)
    colours = {5: VERMILION, 2.5: BLUE, 0.5: GREY}
    width = SIZE / len(heights)
    for cell, height in enumerate(heights):
        corner = (left + cell * width, top + SIZE + 6.5 - height)
        look = {"color": colours[height], "lw": 0}
        axes.add_patch(plt.Rectangle(corner, 0.8 * width, height, **look))
    words = f"{tile.misread}/{len(tile.answers)}"
    words += f"{ARROW}{tile.commonest}" if tile.misread else ""
    foot = top + SIZE + 11.5
    axes.plot(left + 2, foot, marker=marker, color=colour, ms=4.5, mew=1.2)
    axes.text(left + 6, foot, words, va="center_baseline", size=8.5, color=colour)


@entry
def main(arguments=None):
    parser = Parser(prog="sheets.py", description=__doc__)
    parser.add_argument("--data", metavar="DIR", help="where MNIST is")
    parser.add_argument("--results", default=RESULTS, type=Path, metavar="DIR")
    parser.add_argument("--root", default=".", type=Path, metavar="DIR", help="a checkout")
    flags = parser.parse_args(arguments)
    figures = writable(flags.root / "docs" / "figures", "--root")
    dataset = load("mnist", flags.data)
    distortions_sheet(dataset, figures / "fig7.png")
    print(figures / "fig7.png")
    folder = flags.results / DISTORTIONS
    records = read_records(folder)
    if all(record.diverged for record in records):
        raise BadInput(f"{folder}: no finished run to draw Fig. 8 of: run experiments/published.py")
    errors_sheet(dataset, records, figures / "fig8.png", digest(folder))
    print(figures / "fig8.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
