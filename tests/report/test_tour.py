"""The tour's sums are the network's counts, and its figures show what their captions say."""

from pathlib import Path

import numpy as np
import pytest
from factory import LAYERS, make_record

from experiments.results import Shown
from experiments.tour import functions as tour_functions
from experiments.tour import layers as tour
from lenet1998 import paper

RECORD = make_record()

RESULTS = Path(__file__).parents[2] / "experiments" / "results"


@pytest.mark.parametrize("number", range(len(LAYERS)), ids=lambda n: LAYERS[n]["name"])
def test_how_a_layer_adds_up_is_what_it_counts(number):
    before = LAYERS[number - 1] if number else {"maps": 1, "size": paper.INPUT_SIZE}
    layer = LAYERS[number]
    parameters, connections = (eval(how.replace("×", "*")) for how in tour.sums(before, layer))
    assert (parameters, connections) == (layer["parameters"], layer["connections"])


def test_each_layer_has_its_row():
    table = tour.layers([RECORD])
    assert len(table) == len(paper.PARAMETERS)
    (row,) = tour.layer([RECORD], "c3").to_dict("records")
    assert row == table.iloc[2].to_dict()
    assert row["parameters"] == "60×25 + 16 = 1,516"


def test_only_layers_with_other_parameters_are_told_apart():
    more = [
        {**layer, "parameters": 900 + layer["parameters"]} if layer["name"] == "c3" else layer
        for layer in LAYERS
    ]
    table = tour.parameters_apart([RECORD], [make_record(layers=more)])
    assert table.to_numpy().tolist() == [
        ["C3", "1,516", "2,416", "+900"],
        ["all layers", "60,000", "60,900", "+900"],
    ]


def test_the_table_is_drawn_in_the_papers_groups():
    (axes,) = tour.c3().axes
    marks = [len(group.get_offsets()) for group in axes.collections]
    assert sum(marks) == sum(map(len, paper.C3_TABLE))
    assert marks == [6 * 3, 6 * 4, 3 * 4, 6]  # section II-B, p.8
    pairs = {tuple(map(int, place)) for group in axes.collections for place in group.get_offsets()}
    assert pairs == {(n, seen) for n, row in enumerate(paper.C3_TABLE) for seen in row}


def test_the_nearest_code_of_fig13_stands_out_and_is_the_label():
    table = tour.distances().axes[0]
    bold = [text for text in table.texts if text.get_weight() == "bold"]
    found = {int(text.get_position()[1]): int(text.get_position()[0]) for text in bold}
    assert found == dict(enumerate(paper.fig13_states().labels))


def test_a_code_is_marked_where_all_ten_are_alike():
    codes = paper.digit_codes()
    alike = int((codes == codes[0]).all(0).sum())
    assert [len(axes.lines) for axes in tour.codes().axes] == 10 * [alike]


def test_the_steepest_bend_of_the_scaled_tanh_is_told():
    assert "bends most at ±0.988" in tour_functions.scaled_tanh().get_suptitle()


def test_a_small_coefficient_is_a_line_and_large_ones_are_gates():
    curve = tour_functions.subsampling().axes[0]
    blur, either, both = (line.get_ydata() for line in curve.lines[:3])
    steps = np.diff(blur)
    assert steps.min() > 0.9 * steps.max()
    one, three = len(blur) // 4, 3 * len(blur) // 4  # of four inputs at A, the others at -A
    assert min(either[one], either[three]) > 0.97 * paper.TANH_AMPLITUDE
    assert max(both[one], both[three]) < -0.97 * paper.TANH_AMPLITUDE


def test_the_push_ends_where_the_rubbish_class_is_nearer():
    (axes,) = tour_functions.push().axes
    for line, j in zip(axes.lines, tour_functions.CONSTANTS, strict=False):
        at = np.interp(min(j, tour_functions.RIGHT_CODE), line.get_xdata(), line.get_ydata())
        assert at == pytest.approx(0.5, abs=0.01)


def test_no_rate_is_above_the_ceiling():
    (axes,) = tour_functions.rates().axes
    for line, (_, eta) in zip(axes.lines, paper.ETA_SCHEDULE, strict=False):
        assert line.get_ydata().max() < eta / paper.MU


@pytest.mark.parametrize("function", [tour.centring, tour.s4, tour.c5])
def test_pictures_of_fig13_and_fig25_are_drawn(function):
    figure = function()
    assert all(axes.images for axes in figure.axes)


def test_another_fact_makes_the_figures_of_it_stale(monkeypatch):
    figures = [shown for page in (tour, tour_functions) for shown in vars(page).values()]
    figures = [shown for shown in figures if isinstance(shown, Shown) and shown.facts]
    before = {shown: shown.digest(RESULTS) for shown in figures}
    monkeypatch.setattr(paper, "MU", 0.03)
    changed = [shown for shown in before if shown.digest(RESULTS) != before[shown]]
    assert len(before) > 5
    assert changed == [tour_functions.rates]
