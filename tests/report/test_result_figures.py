"""What the figures of published results draw, of made-up runs."""

import dataclasses

import numpy as np
import pytest
from made_up import rejection_invariance, sizes, some_measures
from matplotlib.colors import to_hex

from experiments.published import figures
from lenet1998.report import style


def heights(axes, colour, **look):
    """What stands in a colour, by marker and filling, from left to right."""
    found = [
        line
        for line in axes.lines
        if to_hex(line.get_color()) == to_hex(colour)
        and all(getattr(line, f"get_{key}")() == value for key, value in look.items())
    ]
    return [y for line in found for y in line.get_ydata()]


def test_errors_by_size_over_fig_6():
    (axes,) = figures.error_by_size(*sizes()).axes
    white = {"markerfacecolor": "white"}
    assert heights(axes, style.VERMILION, **white) == [1.68, 1.14, 0.94, 0.82]
    assert heights(axes, style.BLUE, **white) == [0.05, 0.31, 0.35]
    assert heights(axes, style.VERMILION, marker="s", **white) == [0.82]
    assert heights(axes, style.VERMILION, linewidth=2) == pytest.approx([1.1] * 8)
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[:2] == ["published, Fig. 6", "published, above 60,000 in Fig. 6"]
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names[0] == "15,000\nn = 3"
    assert names[3] == "60,000\n+ 540,000 distorted\nn = 3"
    # One more of three runs 0.1 apart: t = 4.303, 4.303 * 0.1 sqrt(4/3) = 0.497.
    ends = [c.get_segments()[0][:, 1] for c in axes.collections if len(c.get_segments())]
    assert ends[0] == pytest.approx([1.1 - 0.497, 1.1 + 0.497], abs=1e-3)


def test_diverged_runs_are_not_drawn_nor_counted():
    groups = sizes()
    groups[2] = [dataclasses.replace(record, status="diverged") for record in groups[2]]
    groups[3] = groups[3][:1]
    (axes,) = figures.error_by_size(*groups).axes
    names = [label.get_text().splitlines()[-1] for label in axes.get_xticklabels()]
    assert names == ["n = 3", "n = 3", "n = 0", "n = 1"]


def test_invariance_has_a_panel_for_each_transform():
    panels = figures.invariance(some_measures()).axes
    assert len(panels) == 4
    for axes, key in zip(panels, ("scale", "shift", "rotation", "inverted"), strict=True):
        lines = {line.get_label(): line for line in axes.lines}
        x = np.array(some_measures()["axes"][key]) * (100 if key == "inverted" else 1)
        for name in rejection_invariance.NETS:
            np.testing.assert_allclose(lines[f"{name} (n = 2)"].get_data(), [x, 0 * x + 2])
        band = axes.collections[0].get_paths()[0].vertices[:, 1]
        assert (band.min(), band.max()) == (1, 3)
    shaded = [
        [patch.get_x(), patch.get_x() + patch.get_width()] for a in panels for patch in a.patches
    ]
    assert shaded == [[0.5, 2.0], [-10, 10], [-30, 30]]


@pytest.mark.parametrize(
    ("draw_it", "sources"),
    [(figures.error_by_size, sizes()), (figures.invariance, [some_measures()])],
)
def test_a_picture_tells_its_source_and_is_the_same_bytes_each_time(draw_it, sources, tmp_path):
    files = [tmp_path / name / "figure.png" for name in ("a", "b")]
    for file in files:
        style.save(draw_it(*sources), file, "digest")
        assert style.source_of(file) == "digest"
    assert files[0].read_bytes() == files[1].read_bytes()
    assert 10_000 < files[0].stat().st_size < 300_000
