"""The hundred digits of Fig. 7 beside a hundred of ours, and the draws: ``docs/figures/fig7.png``.

It needs MNIST's pictures and ``fig7.json``; ``python -m lenet1998.report`` does not remake it.
"""

import sys
from pathlib import Path

import numpy as np

# Before matplotlib, which it can import whatever $MPLBACKEND names.
from lenet1998.report.style import BLUE, PICTURES, VERMILION, head, save, show, tile

# isort: split
from matplotlib import colormaps, rc_context
from matplotlib.figure import Figure

# isort: split
from experiments.results import digest, parser_of, read_json
from lenet1998 import paper
from lenet1998.cli import entry, path, writable
from lenet1998.data import Dataset, distortions, load
from lenet1998.data.distortions import draw, warp
from lenet1998.data.streams import stream

DRAWS = {  # what is drawn, in words, and the range that ours are drawn from
    "shift_x": ("shift right,\npixels", distortions.SHIFT),
    "shift_y": ("shift down,\npixels", distortions.SHIFT),
    "shrink": ("1 / scale", distortions.SHRINK),
    "squeeze": ("squeeze,\ndown / across", distortions.SQUEEZE),
    "shear": ("shear, pixels\nacross / down", distortions.SHEAR),
}


@rc_context(PICTURES)
def sheet(dataset: Dataset, fits: dict) -> Figure:
    """The hundred digits of 1998, a hundred of ours from the same originals, and the draws.

    Args:
        dataset: MNIST.
        fits: the content of ``fig7.json``.
        file: the PNG.
        source: digest of ``fig7.json``.
    """
    then = paper.fig7_patterns()
    variants = then.patterns.shape[1]
    originals = np.repeat(dataset.train_images[then.train_index], variants, axis=0)
    # Turn 0: no run draws from it.
    ours = warp(originals, draw(len(originals), stream(0, "distortions")))
    pictures = {"Fig. 7 (1998)": 255 - then.patterns.reshape(ours.shape), "ours": ours}
    figure = Figure(figsize=(7.4, 6.4), layout="constrained")
    grid = figure.add_gridspec(2, 10, height_ratios=(2.6, 1))
    for half, (title, hundred) in enumerate(pictures.items()):
        axes = figure.add_subplot(grid[0, 5 * half : 5 * half + 5])
        show(axes, tile(hundred, variants)[0], colormaps["gray_r"], 0, 255)
        axes.set_title(title, color=(VERMILION, BLUE)[half])
    for place, (name, (label, (low, high))) in enumerate(DRAWS.items()):
        axes = figure.add_subplot(grid[1, 2 * place : 2 * place + 2])
        axes.sharey(figure.axes[2])
        drawn = [digit["drawn"][name] for digit in fits["digits"]]
        width = (high - low) / 8
        bins = np.arange(low - width, high + 1.5 * width, width)
        axes.hist(drawn, bins, color=VERMILION, alpha=0.4, label=f"Fig. 7, n = {len(drawn)}")
        expected = len(drawn) * width / (high - low)
        axes.plot([low, low, high, high], [0, expected, expected, 0], color=BLUE, label="ours")
        axes.set(xlabel=label, ylim=(0, 1.5 * expected))
        axes.tick_params(labelleft=not place)
    figure.axes[2].set_ylabel("digits")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    title = "Fig. 7's distortions are uniform draws, and ours have the same ranges"
    head(figure, title)
    return figure


@entry
def main(arguments=None):
    parser = parser_of("experiments.distortions.fig7_sheet", __doc__)
    parser.add_argument("--root", default=Path(), type=path, metavar="DIR", help="a checkout")
    flags = parser.parse_args(arguments)
    content, data = read_json(flags.results / "fig7.json"), load("mnist", flags.data)
    file = writable(flags.root / "docs" / "figures", "--root") / "fig7.png"
    save(sheet(data, content), file, digest(content))
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
