"""Pictures as people take them, drawn from MNIST's test digits: what is around a digit, and lines.

Strengths, places, colours and sizes are drawn for each picture from a stream of its own, so that
picture n of a kind is always the same.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from lenet1998.data.streams import stream, uniform

INVERTED = 0.25  # of all pictures: light ink on dark


class Drawn(NamedTuple):
    """A picture of digits.

    Attributes:
        levels: (H, W) uint8.
        digits: which test patterns are on it, in the order of reading.
        degrees: by how much a line is turned, against the clock.
    """

    levels: np.ndarray
    digits: list[int]
    degrees: float = 0.0


class Pen:
    """The digits, and the chances, of one picture.

    Args:
        images: (N, 28, 28) uint8, the digits to choose from.
        chances: the stream.
    """

    def __init__(self, images: np.ndarray, chances: np.random.PCG64):
        self._images, self._chances = images, chances
        self.used: list[int] = []
        self.paper, self.ink = self.between(190, 250), self.between(15, 80)

    def between(self, low: float, high: float) -> float:
        return low + (high - low) * float(uniform(self._chances, (1,))[0])

    def whole(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both among them."""
        return int(self.between(low, high + 1))

    def digit(self, side: int) -> np.ndarray:
        """Smooth strokes of a digit drawn by chance, (side, side), from 0 to 1."""
        self.used.append(self.whole(0, len(self._images) - 1))
        image = Image.fromarray(self._images[self.used[-1]])
        large = np.asarray(image.resize((side, side), Image.Resampling.BICUBIC), dtype=float)
        return np.clip((large - 110) / 60, 0, 1)

    def page(self, side: int | None = None, roomy: float = 2.5) -> tuple[np.ndarray, int]:
        """Ink of one digit somewhere on a page, from 0 to 1, and the side of its 28 pixels."""
        side = side or self.whole(90, 280)
        height, width = (round(side * self.between(1.3, roomy)) for _ in range(2))
        top = round((height - side) * self.between(0.3, 0.7))
        left = round((width - side) * self.between(0.3, 0.7))
        ink = np.zeros((height, width))
        ink[top : top + side, left : left + side] = self.digit(side)
        return ink, side

    def line(self, digits: int, side: int, marks: Sequence[np.ndarray] = ()) -> np.ndarray:
        """Ink of digits in a row, with marks between some of them, each (side, W)."""
        after = {self.whole(0, digits - 2): mark for mark in marks}
        parts = []
        for place in range(digits):
            ink = self.digit(side)
            parts += [ink[:, ink.any(axis=0)], self.gap(side)]
            parts += [after[place], self.gap(side)] if place in after else []
        ends = np.zeros((side, side))
        return np.pad(
            np.concatenate([ends, *parts, ends], axis=1), ((side // 2, side // 2), (0, 0))
        )

    def gap(self, side: int) -> np.ndarray:
        return np.zeros((side, round(side * self.between(0.06, 0.25))))

    def coloured(self, ink: np.ndarray) -> np.ndarray:
        return self.paper * (1 - ink) + self.ink * ink

    def finish(self, levels: np.ndarray, degrees: float = 0.0) -> Drawn:
        """A little noise, dark and light exchanged in some pictures, and bytes."""
        bits = uniform(self._chances, levels.shape)
        levels = levels + self.between(0, 8) * (bits - 0.5)
        if self.between(0, 1) < INVERTED:
            levels = 255 - levels
        return Drawn(np.clip(np.rint(levels), 0, 255).astype(np.uint8), self.used, degrees)


# --- One digit ----------------------------------------------------------------------------------


def plain(pen: Pen) -> Drawn:
    return pen.finish(pen.coloured(pen.page()[0]))


def shadow(pen: Pen) -> Drawn:
    """A shadow's edge across the page, soft or sharp, in any direction."""
    levels = pen.coloured(pen.page()[0])
    y, x = (axis / max(levels.shape) for axis in np.mgrid[: levels.shape[0], : levels.shape[1]])
    turn = pen.between(0, 2 * np.pi)
    across = np.cos(turn) * (x - x.mean()) + np.sin(turn) * (y - y.mean()) - pen.between(-0.3, 0.3)
    steep, depth = pen.between(20, 150), pen.between(0.25, 0.65)
    return pen.finish(levels * (1 - depth / (1 + np.exp(-steep * across))))


def box(pen: Pen) -> Drawn:
    """The box of a form around the digit, at the picture's edge or within it."""
    ink, side = pen.page(roomy=1.8)
    levels = pen.coloured(ink)
    thick, inset = max(1, round(side * pen.between(0.01, 0.05))), 0
    if pen.between(0, 1) < 0.5:
        inset = round(side * pen.between(0.03, 0.2))
        levels = np.pad(levels, inset, constant_values=pen.paper)
    rows, columns = (np.arange(length) - inset for length in levels.shape)
    inner = [
        (at >= thick) & (at < length - 2 * inset - thick)
        for at, length in zip((rows, columns), levels.shape, strict=True)
    ]
    outer = [
        (at >= 0) & (at < length - 2 * inset)
        for at, length in zip((rows, columns), levels.shape, strict=True)
    ]
    levels[np.outer(*outer) & ~np.outer(*inner)] = _colour(pen)
    return pen.finish(levels)


def side(pen: Pen) -> Drawn:
    """One side of a table's cell beside the digit, at the picture's edge or a little off."""
    ink, size = pen.page()
    levels = pen.coloured(ink)
    thick, off = max(1, round(size * pen.between(0.01, 0.06))), 0
    if pen.between(0, 1) < 0.5:
        off = round(size * pen.between(0.01, 0.08))
    turned = np.rot90(levels, pen.whole(0, 3))  # a view
    turned[:, off : off + thick] = _colour(pen)
    return pen.finish(levels)


def ruled(pen: Pen) -> Drawn:
    """Ruled paper, its lines dark and through the digit too."""
    ink, size = pen.page()
    levels, colour = pen.coloured(ink), _colour(pen)
    apart, thick = (
        round(size * pen.between(0.2, 0.6)),
        max(1, round(size * pen.between(0.007, 0.03))),
    )
    lines = np.zeros(levels.shape, bool)
    for top in range(pen.whole(0, apart), len(levels), apart):
        lines[top : top + thick] = True
    levels[lines] = np.minimum(levels, colour)[lines]
    return pen.finish(_turned(levels, pen.between(-2, 2), pen.paper))


def margin(pen: Pen) -> Drawn:
    """A margin's line down the page, left or right of the digit."""
    ink, size = pen.page()
    levels = pen.coloured(np.pad(ink, ((0, 0), (size // 2, size // 2))))
    thick, off = (
        max(1, round(size * pen.between(0.007, 0.04))),
        round(size * pen.between(0.1, 0.45)),
    )
    turned = np.rot90(levels, 2 * pen.whole(0, 1))
    turned[:, off : off + thick] = _colour(pen)
    return pen.finish(levels)


def desk(pen: Pen) -> Drawn:
    """A sheet on a darker or lighter desk, turned a little."""
    ink, size = pen.page()
    around = [round(size * pen.between(0.1, 0.6)) for _ in range(4)]
    colour = pen.between(30, 130)
    levels = np.pad(pen.coloured(ink), (around[:2], around[2:]), constant_values=colour)
    return pen.finish(_turned(levels, pen.between(-6, 6), colour))


def small(pen: Pen) -> Drawn:
    """A digit of 30 to 60 pixels on a photograph of 12 million."""
    size = pen.whole(42, 84)
    ink = np.zeros((3000, 4000))
    top, left = pen.whole(200, 2700), pen.whole(200, 3700)
    ink[top : top + size, left : left + size] = pen.digit(size)
    return pen.finish(pen.coloured(ink))


def _colour(pen: Pen) -> float:
    """Of a printed line: as dark as ink, or up to half way to paper."""
    return pen.ink + pen.between(0, 0.5) * (pen.paper - pen.ink)


def _turned(levels: np.ndarray, degrees: float, around: float) -> np.ndarray:
    return ndimage.rotate(levels, degrees, order=1, reshape=False, cval=around, mode="nearest")


# --- Lines --------------------------------------------------------------------------------------


def line(pen: Pen) -> Drawn:
    return pen.finish(pen.coloured(pen.line(pen.whole(3, 8), pen.whole(60, 160))))


def turned_line(pen: Pen) -> Drawn:
    """Turned by up to 45 degrees either way."""
    ink = pen.line(pen.whole(4, 9), pen.whole(60, 160))
    degrees = pen.between(-45, 45)
    turned = ndimage.rotate(pen.coloured(ink), degrees, order=1, cval=pen.paper)
    return pen.finish(turned, degrees)


def dash(pen: Pen) -> Drawn:
    """A dash between two digits."""
    size = pen.whole(60, 160)
    mark = np.zeros((size, round(size * pen.between(0.2, 0.5))))
    middle, half = size // 2, max(1, round(size * pen.between(0.02, 0.06)))
    mark[middle - half : middle + half] = 1
    return pen.finish(pen.coloured(pen.line(pen.whole(4, 8), size, [mark])))


def slash(pen: Pen) -> Drawn:
    """A slash between two digits, as high as a line or a little higher than its digits."""
    size = pen.whole(60, 160)
    height = round(size * pen.between(0.8, 1))
    lean, thick = pen.between(0.25, 0.6), size * pen.between(0.03, 0.08)
    y, x = np.mgrid[:size, : round(lean * height + thick) + 1]
    up = (y - (size - height) / 2) / height
    mark = (
        (abs(x - thick / 2 - (1 - up) * lean * height) <= thick / 2) & (up >= 0) & (up < 1)
    ) * 1.0
    return pen.finish(pen.coloured(pen.line(pen.whole(4, 8), size, [mark])))


def two_lines(pen: Pen) -> Drawn:
    """A second line above or below, as large or down to a third as large."""
    size = pen.whole(60, 160)
    first = pen.line(pen.whole(3, 7), size)
    second = pen.line(pen.whole(3, 12), round(size * pen.between(0.33, 1)))
    both = [first, second] if pen.between(0, 1) < 0.7 else [second, first]
    width = max(part.shape[1] for part in both)
    lefts = [round((width - part.shape[1]) * pen.between(0, 1)) for part in both]
    padded = [
        np.pad(part, ((0, 0), (left, width - left - part.shape[1])))
        for part, left in zip(both, lefts, strict=True)
    ]
    near = round(size * pen.between(-0.2, 1))  # both have half a digit's height of paper around
    page = np.concatenate([padded[0], np.zeros((max(0, near), width)), padded[1]])
    return pen.finish(pen.coloured(page))


DIGITS: dict[str, Callable[[Pen], Drawn]] = {
    "plain": plain,
    "shadow with an edge": shadow,
    "box around it": box,
    "one side of a cell": side,
    "dark ruled lines": ruled,
    "margin line": margin,
    "sheet on a desk": desk,
    "small on 12 megapixels": small,
}
LINES: dict[str, Callable[[Pen], Drawn]] = {
    "plain line": line,
    "line turned by up to 45 degrees": turned_line,
    "dash in a line": dash,
    "slash in a line": slash,
    "second line": two_lines,
}
KINDS = DIGITS | LINES


def draw(kind: str, images: np.ndarray, number: int) -> Drawn:
    """Picture ``number`` of a kind, of (N, 28, 28) uint8 digits."""
    turn = list(KINDS).index(kind)
    return KINDS[kind](Pen(images, stream(number, "test pictures", turn)))
