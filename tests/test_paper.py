"""The published numbers agree with each other, and the data files with their figures."""

import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from lenet1998 import paper


def test_layers_add_up_to_the_published_totals():
    assert sum(paper.PARAMETERS.values()) == paper.TOTAL_PARAMETERS
    assert sum(paper.CONNECTIONS.values()) == paper.TOTAL_CONNECTIONS
    assert list(paper.PARAMETERS) == list(paper.CONNECTIONS)


def test_c3_table():
    kernels = sum(map(len, paper.C3_TABLE))
    assert (len(paper.C3_TABLE), kernels) == (16, 60)
    assert len(set(paper.C3_TABLE)) == 16
    assert kernels * 25 + 16 == paper.PARAMETERS["c3"]
    assert paper.PARAMETERS["c3"] * 10 * 10 == paper.CONNECTIONS["c3"]
    # Each S2 map feeds ten C3 maps: Table I has ten crosses in every row.
    assert Counter(s2 for maps in paper.C3_TABLE for s2 in maps) == dict.fromkeys(range(6), 10)


def test_squashing_function_passes_through_plus_and_minus_one():
    assert paper.TANH_AMPLITUDE * np.tanh(paper.TANH_SLOPE) == pytest.approx(1, abs=1e-4)


def test_schedule_covers_the_twenty_passes():
    assert sum(passes for passes, _ in paper.ETA_SCHEDULE) == paper.PASSES
    etas = [paper.eta(number) for number in range(1, paper.PASSES + 1)]
    assert etas == [5e-4] * 2 + [2e-4] * 3 + [1e-4] * 3 + [5e-5] * 4 + [1e-5] * 8
    assert paper.eta(paper.PASSES + 1) == paper.eta(1000) == 1e-5


def test_passes_are_counted_from_one():
    with pytest.raises(ValueError, match="counted from 1, got 0"):
        paper.eta(0)


def test_first_pass_rates_stay_below_the_ceiling():
    assert paper.RATE_RANGE[1] < paper.eta(1) / paper.MU


def test_digit_codes_geometry():
    codes = paper.digit_codes()
    assert codes.shape == (paper.CLASSES, paper.CODE_LENGTH)
    assert np.prod(paper.CODE_SHAPE) == paper.CODE_LENGTH
    assert set(np.unique(codes)) == {-1, 1}
    same = (codes == codes[0]).all(axis=0)
    assert same.sum() == 14
    assert (codes[0, same] == 1).sum() == 4
    distances = (codes[:, None] != codes[None]).sum(axis=2)
    pairs = distances[np.triu_indices(10, 1)]
    assert sorted(pairs)[:2] == [12, 18]
    assert distances[6, 8] == 12
    assert pairs.max() == 50


def test_digit_codes_are_read_by_rows():
    rows = paper.digit_codes()[1].reshape(paper.CODE_SHAPE)
    assert rows[9].tolist() == [-1, 1, 1, 1, 1, 1, 1]  # the foot of the one


def test_every_character_of_fig3_has_its_code():
    codes = paper.ascii_codes()
    assert codes.shape == (96, paper.CODE_LENGTH)
    assert len(np.unique(codes, axis=0)) == 95  # the space's cell is empty, too
    np.testing.assert_array_equal(paper.ascii_codes("0123456789"), paper.digit_codes())
    np.testing.assert_array_equal(paper.ascii_codes(" \x7f"), [paper.blank_code()] * 2)
    foot = paper.ascii_codes("L").reshape(paper.CODE_SHAPE)[9]
    assert (foot == 1).sum() > 4
    with pytest.raises(ValueError, match=r"Fig\. 3 has no code for 'ä'"):
        paper.ascii_codes("aä")


def test_fig5_ends_at_the_published_errors():
    curve = paper.fig5_curve()
    assert curve.passes.tolist() == list(range(1, 22))
    assert curve.test_error[9:].mean() == pytest.approx(paper.TEST_ERROR_PERCENT, abs=0.03)
    assert curve.train_error[18] == pytest.approx(paper.TRAIN_ERROR_PERCENT, abs=0.015)


def test_fig6_points():
    points = paper.fig6_points()
    assert points.train_size.tolist() == [15_000, 30_000, 60_000, 60_000]
    assert points.distorted.tolist() == [0, 0, 0, paper.DISTORTED_PATTERNS]
    assert np.isnan(points.train_error).tolist() == [False, False, False, True]
    assert points.test_error[-1] == pytest.approx(paper.DISTORTED_TEST_ERROR_PERCENT, abs=0.03)


def test_fig7_has_ten_variants_of_ten_digits():
    fits = paper.fig7_affine()
    assert fits.digit.dtype == fits.train_index.dtype == np.int64
    assert Counter(fits.digit.tolist()) == dict.fromkeys(range(10), 10)
    assert len(set(fits.train_index.tolist())) == 10
    figure = paper.fig7_patterns()
    assert figure.patterns.shape == (10, 10, paper.INPUT_SIZE, paper.INPUT_SIZE)
    assert (figure.patterns.dtype, figure.patterns.max()) == (np.uint8, 255)
    np.testing.assert_array_equal(np.repeat(figure.train_index, 10), fits.train_index)


def test_fig7_s_larger_maps_make_larger_digits():
    """The centre of the ink goes where the map of the same row says, and its amount by the area."""
    fits, ink = paper.fig7_affine(), 255.0 - paper.fig7_patterns().patterns.reshape(100, 32, 32)
    down = (ink.sum(axis=2) @ np.arange(32)) / ink.sum(axis=(1, 2)) - 16
    assert np.corrcoef(down, fits.dy)[0, 1] > 0.97
    amount = np.log(ink.sum(axis=(1, 2))).reshape(10, 10)
    area = np.log(fits.scale_x * fits.scale_y).reshape(10, 10)
    within = [values - values.mean(axis=1, keepdims=True) for values in (amount, area)]
    assert np.corrcoef(within[0].ravel(), within[1].ravel())[0, 1] > 0.97
    assert np.abs(fits.vertical_shear).max() < 0.02


def test_fig8_is_the_published_error_with_distortions():
    errors = paper.fig8_errors()
    assert len(errors.index) == 82
    assert (np.diff(errors.index) > 0).all()
    assert (errors.label != errors.answer).all()
    assert Counter(zip(errors.label.tolist(), errors.answer.tolist(), strict=True))[9, 4] == 8
    rate = 100 * len(errors.index) / paper.TEST_SIZE
    assert rate == pytest.approx(paper.DISTORTED_TEST_ERROR_PERCENT, abs=0.05)


def test_lush_curve():
    curve = paper.lush_curve()
    assert curve.passes.tolist() == list(range(1, paper.PASSES + 1))
    ceilings = [paper.eta(number) / paper.MU for number in curve.passes]
    assert (curve.rate_max <= np.array(ceilings) * (1 + 1e-6)).all()


def test_comparison_tables_name_the_same_methods():
    assert set(paper.REJECTION) <= set(paper.FIG9_ERROR_PERCENT)
    assert set(paper.MULTIPLY_ACCUMULATES) <= set(paper.FIG9_ERROR_PERCENT)
    fig11 = [name.replace("V-SVM poly 9", "V-SVM poly 5") for name in paper.MULTIPLY_ACCUMULATES]
    assert list(paper.MEMORY) == fig11
    assert paper.FIG9_ERROR_PERCENT["LeNet-5"] == paper.TEST_ERROR_PERCENT
    assert paper.MEMORY["LeNet-5"] * 1000 == paper.TOTAL_PARAMETERS


def test_the_strings_and_their_answers():
    fig25, strings = paper.fig25_states(), paper.printed_strings()
    assert strings.answer == ("2345", "540", "1114", "678", "3514")
    assert (fig25.c5.shape, fig25.f6.shape) == ((9, 120), (9, *paper.CODE_SHAPE))
    np.testing.assert_array_equal(strings.input[0], fig25.input)
    np.testing.assert_array_equal(strings.f6[0], fig25.f6)
    assert strings.f6.shape == (5, *fig25.f6.shape)


def test_every_value_has_its_page_and_section():
    public = {
        name
        for name, value in vars(paper).items()
        if name.isupper() or getattr(value, "__module__", "") == paper.__name__
        if not (name.startswith("_") or isinstance(value, type))
    }
    assert set(paper.PLACES) == public - {"PLACES", "NOT_PRINTED"}
    for name, place in paper.PLACES.items():
        if not place.startswith(paper.NOT_PRINTED):
            assert re.search(r"\bp\.\d+", place), name
            assert re.search(r"sections? [IVX]|Appendix [A-C]", place), name
    others = [name for name, place in paper.PLACES.items() if place.startswith(paper.NOT_PRINTED)]
    assert others == ["lush_curve"]


def test_importing_the_facts_does_not_import_torch():
    code = "import sys, lenet1998.paper; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
