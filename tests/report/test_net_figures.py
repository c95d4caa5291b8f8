"""Figures of one net: what is drawn where, and right told from wrong without colour."""

import os

import numpy as np
import pytest
from factory import make_record
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lenet1998 import build_model, paper
from lenet1998.models import kernels, layer_states
from lenet1998.report import answer_figures as run_figures
from lenet1998.report import inside_figures as net_figures
from lenet1998.report import style
from lenet1998.report.inside_figures import Shown
from lenet1998.report.net_tables import by_class, confusion

ARROW = "\N{RIGHTWARDS ARROW}"
LOSS = {"output": "linear", "loss": "cross_entropy"}


def drawn(function, *content) -> list:
    """The axes of a figure, as they stand when it is saved."""
    figure = function(*content)
    FigureCanvasAgg(figure).draw()  # what cannot be drawn warns here
    return figure.axes


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def frames(axes) -> list[Rectangle]:
    return [patch for patch in axes.patches if not patch.get_fill()]


def image_of(axes) -> np.ma.MaskedArray:
    return axes.images[0].get_array()


# --- Sheets ---------------------------------------------------------------------------------------


def test_pictures_are_laid_out_row_by_row():
    sheet, corners = style.tile(np.arange(3.0)[:, None, None] + np.zeros((3, 1, 2)), 2, (1, 3))
    nan = np.nan
    expected = [[0, 0, nan, nan, nan, 1, 1], [nan] * 7, [2, 2, *[nan] * 5]]
    np.testing.assert_array_equal(sheet, expected)
    assert corners.tolist() == [[0, 0], [0, 5], [2, 0]]


# --- Curves ---------------------------------------------------------------------------------------


def test_curves_are_the_records():
    loss, error = drawn(run_figures.curves, make_record((8, 4, 2), recipe=LOSS))
    np.testing.assert_allclose(loss.lines[0].get_xydata(), [[1, 1], [2, 1 / 2], [3, 1 / 3]])
    assert loss.get_ylabel() == "mean loss of the pass (cross entropy)"
    test, training = error.lines
    assert test.get_label() == "test, after the pass"
    assert test.get_ydata().tolist() == [4, 2, 1]
    assert training.get_ydata().tolist() == [8, 4, 2]
    assert test.get_linestyle() != training.get_linestyle()
    assert error.get_ylim()[0] == 0
    accuracy = error.child_axes[0]
    assert accuracy.get_ylabel() == "accuracy, %"
    heights = [axes.transData.transform((0, y))[1] for axes, y in ((error, 3), (accuracy, 97))]
    assert heights[0] == pytest.approx(heights[1])
    assert "1.00 % after pass 3" in error.figure.get_suptitle()


def test_curves_of_one_perfect_pass_and_of_a_run_that_diverged():
    loss, error = drawn(run_figures.curves, make_record((0,), recipe=LOSS))
    assert error.get_ylim() == (0, 1)
    assert loss.lines[0].get_marker() not in ("", "None", None)
    _, error = drawn(run_figures.curves, make_record((3,), status="diverged", recipe=LOSS))
    assert error.figure.get_suptitle().endswith("after pass 1, diverged in the next pass")


# --- Classes --------------------------------------------------------------------------------------

TRUTH = np.repeat(np.arange(10), 20)
ANSWERS = TRUTH.copy()
ANSWERS[[0, 1, 25, 199]] = [6, 6, 7, 4]


def test_accuracy_by_class():
    classes = by_class(TRUTH, ANSWERS)
    axes = drawn(run_figures.accuracy_by_class, classes, "title")[0]
    everything, digits = axes.lines
    assert everything.get_xdata()[0] == 98
    assert digits.get_xdata().tolist() == classes["accuracy_percent"][:10].tolist()
    bars = [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()]
    assert bars == classes[["low", "high"]][:10].to_numpy().tolist()
    words = [label.get_text() for label in axes.child_axes[0].get_yticklabels()]
    assert words[:3] == ["2 of 20", "1 of 20", "0 of 20"]


def test_digits_that_were_not_asked_have_no_dot():
    axes = drawn(run_figures.accuracy_by_class, by_class(TRUTH[:40], ANSWERS[:40]), "title")[0]
    assert np.isfinite(axes.lines[1].get_xdata()).tolist() == [True] * 2 + [False] * 8


def test_confusion_writes_every_count_that_is_not_zero():
    (axes,) = drawn(run_figures.confusion, confusion(TRUTH, ANSWERS), "title")
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written[0, 0] == "18"
    assert written[6, 0] == "2"  # label 0, answer 6: to the right
    assert len(written) == 10 + 3
    shade = axes.images[0].norm
    assert shade(1) == 0
    assert 0.2 < shade(2) < 0.3  # one error can be told from two beside 20 right ones
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("answer", "label")


def test_confusion_of_hardly_anything():
    (axes,) = drawn(run_figures.confusion, confusion(np.array([3]), np.array([3])), "title")
    assert texts(axes) == ["1"]


# --- Pictures -------------------------------------------------------------------------------------


def picture(number: int) -> np.ndarray:
    return np.full((4, 4), float(number))


def test_right_and_wrong_are_told_apart_without_colour():
    images = np.stack([picture(number) for number in range(200)])
    right, wrong = drawn(run_figures.predictions, images, TRUTH, ANSWERS, "title")
    assert texts(right) == list("0123456789")
    assert texts(wrong) == [f"{a} {ARROW} {b}" for a, b in ((0, 6), (0, 6), (1, 7), (9, 4))]
    assert right.get_title("left") == "the first of each digit that is classified correctly"
    assert wrong.get_title("left") == f"the 4 misclassified: label {ARROW} answer"
    styles = [{frame.get_linestyle() for frame in frames(axes)} for axes in (right, wrong)]
    widths = [{frame.get_linewidth() for frame in frames(axes)} for axes in (right, wrong)]
    colours = [{frame.get_edgecolor() for frame in frames(axes)} for axes in (right, wrong)]
    for looks in (styles, widths, colours):
        assert len(looks[0]) == len(looks[1]) == 1
        assert looks[0].isdisjoint(looks[1])


def test_each_picture_stands_under_its_own_words():
    images = np.stack([picture(number) for number in range(200)])
    right, wrong = drawn(run_figures.predictions, images, TRUTH, ANSWERS, "title")
    first_right = [2, 20, *range(40, 200, 20)]
    for axes, numbers in ((right, first_right), (wrong, [0, 1, 25, 199])):
        for text, frame, number in zip(axes.texts, frames(axes), numbers, strict=True):
            left, top = frame.get_xy()
            assert image_of(axes)[round(top + 0.5), round(left + 0.5)] == number
            assert text.get_position()[0] == pytest.approx(left + 2.5)
            assert text.get_position()[1] < top


def test_no_more_than_forty_misclassified_are_shown():
    images = np.zeros((200, 4, 4))
    images[:, 0] = 1
    (wrong,) = drawn(run_figures.predictions, images, TRUTH, (TRUTH + 1) % 10, "title")
    assert len(wrong.texts) == 40
    assert wrong.get_title("left").startswith("the first 40 of the 200 misclassified")
    (right,) = drawn(run_figures.predictions, images, TRUTH, TRUTH, "title")
    assert len(right.texts) == 10


# --- Inside the net -------------------------------------------------------------------------------


def shown(variant: str, label: int, answer: int) -> tuple[Shown, np.ndarray | None]:
    model = build_model(variant, seed=2)
    image = np.linspace(-0.1, 1.175, 32 * 32, dtype=np.float32).reshape(1, 32, 32)
    states = layer_states(model, model.c1.weight.new_tensor(image))
    codes = model.output.codes.numpy() if model.smallest_wins else None
    return Shown(states, label, answer, "title"), codes


@pytest.mark.parametrize(("variant", "count"), [("original", 60), ("modern", 96)])
def test_kernels_stand_where_table_i_puts_them(variant, count):
    c1, c3 = kernels(build_model(variant))
    left, right, _ = drawn(net_figures.kernels, [(c1, c3, "title")])
    first, sheet = (image_of(axes).filled(np.nan) for axes in (left, right))
    np.testing.assert_allclose(first[6:11, :5] * np.abs(c1).max(), c1[1])
    assert np.isfinite(sheet).sum() == count * 25
    for output, source in ((0, 0), (3, 0), (6, 3), (15, 5)):
        there = sheet[6 * source :, 6 * output :][:5, :5]
        np.testing.assert_allclose(there * np.nanmax(np.abs(c3)), c3[output, source])
    blank = "; blank: not connected" if variant == "original" else ""
    assert right.get_title("left") == f"C3: {count} kernels{blank}"
    rows, columns = right.get_yticklabels(), right.get_xticklabels()
    assert [label.get_text() for label in rows] == [*map(str, range(6))]
    assert [label.get_text() for label in columns] == [*map(str, range(16))]
    assert [round(at) for at in right.get_xticks()][:3] == [2, 8, 14]


def test_every_layers_maps_are_drawn_c1s_first_under_its_kernels():
    about, _ = shown("original", 4, 6)
    c1, _ = kernels(build_model("original", seed=2))
    axes = drawn(net_figures.feature_maps, about, c1)
    titles = [one.get_title("left").split(":")[0] for one in axes]
    layers = ["C1", "S2", "C3", "S4", "C5", "F6", "output"]
    assert titles == ["image", "C1's kernels", *layers]
    enlarged = image_of(axes[1])
    assert enlarged.shape == (25, 6 * 25 + 5)
    np.testing.assert_array_equal(enlarged[2::5, 26 + 2 : 26 + 25 : 5], c1[1])
    np.testing.assert_array_equal(image_of(axes[2])[:, 29:57], about.states["c1"][1])
    np.testing.assert_array_equal(image_of(axes[4])[:, 11:21], about.states["c3"][1])
    assert image_of(axes[5]).shape == (5, 16 * 5 + 15)
    np.testing.assert_array_equal(image_of(axes[6]).flatten(), about.states["c5"])
    np.testing.assert_array_equal(image_of(axes[7]).flatten(), about.states["f6"])
    assert [patch.get_width() for patch in axes[8].patches] == about.states["output"].tolist()
    assert sum("answer" in text for text in texts(axes[8])) == 1
    assert texts(axes[8])[4].endswith("label")
    assert texts(axes[8])[6].endswith("answer")


def test_a_layer_in_which_nothing_stirs_is_drawn():
    about, _ = shown("coursework-24-epochs", 0, 0)
    about.states["c3"][:] = 0
    axes = drawn(net_figures.feature_maps, about, kernels(build_model("modern"))[0])
    assert axes[4].get_title("left") == "C3: 0.00 to 0.00"


def test_f6_is_a_bitmap_beside_the_ten_codes_with_their_distances():
    about, codes = shown("original", 4, 6)
    _, bitmap, output = drawn(net_figures.f6, about, codes)
    rows, columns = paper.CODE_SHAPE
    assert (rows, columns) == (12, 7)
    np.testing.assert_array_equal(image_of(bitmap), about.states["f6"].reshape(12, 7))
    assert bitmap.images[0].get_clim() == (-1, 1) == output.images[0].get_clim()
    distances = ((about.states["f6"] - codes) ** 2).sum(1)
    for digit, frame in enumerate(frames(output)):
        left, top = (round(side + 1) for side in frame.get_xy())
        there = image_of(output)[top : top + rows, left : left + columns]
        np.testing.assert_array_equal(there, codes[digit].reshape(rows, columns))
        value, mark = texts(output)[digit].split("\n")
        assert float(value) == pytest.approx(distances[digit], rel=0.005)
        assert mark == {4: "label", 6: "answer"}.get(digit, "")
    styles = [frame.get_linestyle() for frame in frames(output)]
    assert styles[4] != styles[6]


def test_the_right_answer_has_one_frame():
    about, codes = shown("original", 3, 3)
    output = drawn(net_figures.f6, about, codes)[2]
    marks = [text.split("\n")[1] for text in texts(output)]
    assert marks == ["", "", "", "answer, label"] + [""] * 6
    colours = [frame.get_edgecolor() for frame in frames(output)]
    assert colours.count(colours[3]) == 1


def test_f6_without_codes_is_said_to_draw_nothing():
    about, codes = shown("modern", 1, 2)
    assert codes is None
    _, bitmap, output = drawn(net_figures.f6, about, codes)
    assert image_of(bitmap).shape == (12, 7)
    assert "without codes F6 draws no digit" in output.get_title("left")
    assert not output.images
    assert len(output.patches) == 10


def test_a_figure_that_the_disk_has_no_place_for_is_named_and_leaves_the_old_one(
    tmp_path, monkeypatch
):
    file = tmp_path / "figure.png"
    style.save(Figure(), file, "records")
    before = file.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{file}'"):
        style.save(Figure(), file)
    assert file.read_bytes() == before
    assert style.source_of(file) == "records"
