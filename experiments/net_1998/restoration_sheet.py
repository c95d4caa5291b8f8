"""The figure of Fig. 13's nine patterns with the states of C1 to S4, printed and recomputed.

Recovers the layers anew; needs no MNIST.
"""

import sys

import numpy as np

# Before matplotlib, which it can import whatever $MPLBACKEND names.
from lenet1998.report.style import PICTURES, head, save

# isort: split
from matplotlib import rc_context
from matplotlib.figure import Figure

# isort: split
from experiments.net_1998.evidence import drawn_as, states_of
from lenet1998 import paper
from lenet1998.cli import Parser, entry, path, writable
from lenet1998.report import style
from lenet1998.report.inside_figures import GREY
from lenet1998.restore.layers import LAYERS
from lenet1998.restore.refine import read_fig13, restore

SPACE = 4  # pixels between layers


def strip(shares: dict[str, np.ndarray], pattern: int) -> np.ndarray:
    """One pattern's maps in a row, layer beside layer; nan between and below them."""
    parts = []
    for layer in LAYERS:
        sheet, _ = style.tile(shares[layer][pattern], len(shares[layer][pattern]))
        parts.append(sheet)
    height = max(len(part) for part in parts)
    padded = [
        np.pad(part, ((0, height - len(part)), (0, SPACE)), constant_values=np.nan)
        for part in parts
    ]
    return np.concatenate(padded, 1)


@rc_context(PICTURES)
def sheet(printed: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> Figure:
    """Each pattern twice: as Fig. 13 prints its states, and as the recovered layers compute them.

    Args:
        printed, ours: by layer (9, maps, side, side), as shares of the display's limit, and
            ``input`` (9, 32, 32), 1 for ink.
    """
    rows = []
    for pattern in range(len(printed["input"])):
        for states in (printed, ours):
            maps = strip(states, pattern)
            image = np.full((len(maps) + 2 * SPACE, 32 + SPACE), np.nan)
            if states is printed:
                image[:32, :32] = printed["input"][pattern]
            rows.append(
                np.concatenate(
                    [image, np.pad(maps, ((0, 2 * SPACE), (0, 0)), constant_values=np.nan)], 1
                )
            )
    pictures = np.concatenate(rows)
    figure = Figure(figsize=(12, 12 * len(pictures) / pictures.shape[1]))
    axes = figure.add_axes((0, 0, 1, 1))
    style.show(axes, pictures, GREY, -1, 1)
    start = 32 + SPACE
    for layer in LAYERS:
        count, side = printed[layer].shape[1:3]
        axes.text(start, -3, f"{layer.upper()}: {count} maps")
        start += count * (side + 1) - 1 + SPACE
    axes.text(0, -3, "input")
    axes.set_title("above: printed in 1998; below: computed by the recovered layers", pad=18)
    return figure


LARGE = (0, 6)
"""Patterns that are drawn large, by their numbers in Fig. 13."""


@rc_context(PICTURES)
def large(printed: dict[str, np.ndarray], ours: dict[str, np.ndarray]) -> Figure:
    """Two patterns, each layer's maps as wide as the figure's half, printed above computed."""
    figure = Figure(figsize=(7.4, 4.4), layout="constrained")
    shapes = [printed[layer].shape[1:3] for layer in LAYERS]
    heights = [side / (count * (side + 1)) for count, side in shapes for _ in (printed, ours)]
    grid = figure.subplots(len(heights), len(LARGE), height_ratios=heights)
    for column, pattern in zip(grid.T, LARGE, strict=True):
        for place, axes in enumerate(column):
            layer, states = LAYERS[place // 2], (printed, ours)[place % 2]
            maps = states[layer][pattern]
            style.show(axes, style.tile(maps, len(maps))[0], GREY, -1, 1)
            if place % 2 == 0:
                axes.set_title(f"{layer.upper()}: {len(maps)} maps", pad=2)
    title = "The recovered layers compute the states that Fig. 13 prints (printed above computed)"
    head(figure, title)
    return figure


@entry
def main(arguments=None):
    parser = Parser(prog="experiments.net_1998.restoration_sheet", description=__doc__)
    parser.add_argument("--root", default=".", type=path, metavar="DIR", help="a checkout")
    flags = parser.parse_args(arguments)
    file = writable(flags.root / "docs" / "figures", "--root") / "1998-states.png"
    _, pixels, states = read_fig13()
    restored = restore(pixels, states)
    image = 2 * (pixels.value - paper.BACKGROUND) / (paper.INK - paper.BACKGROUND) - 1
    computed = states_of(restored, restored.pixels)
    ours = {layer: drawn_as(computed[layer], restored.limit) for layer in LAYERS}
    printed = {layer: states[layer].value for layer in LAYERS}
    save(sheet({"input": image, **printed}, ours), file)
    save(large(printed, ours), file.with_stem("1998-states-large"))
    print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
