"""Letters of a figure, as large as a page of the site shows them."""

import re
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

PAGE = 736
"""Pixels that a page of the site has across; what is wider is shown smaller."""
RAISED = re.compile(r"\$[^$]*[\^_][^$]*\$")


def letters(figure: Figure, file: Path) -> list[tuple[float, str]]:
    """Every text of a figure that was saved as a file, behind its size on the page in points."""
    if file.suffix == ".svg":
        wide, natural = float(re.search(r'width="([\d.]+)pt"', file.read_text())[1]) * 96 / 72, 1
    else:
        with Image.open(file) as image:
            wide, natural = image.width, figure.get_dpi() / 96
    scale = natural * min(1, PAGE / wide)
    found = []
    for text in figure.findobj(lambda one: isinstance(one, Text) and one.get_visible()):
        if words := text.get_text().strip():
            # matplotlib draws a formula's exponents and indices in 0.7 of its size.
            found.append(
                (scale * text.get_fontsize() * (0.7 if RAISED.search(words) else 1), words)
            )
    return found
