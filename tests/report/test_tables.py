"""Tables and figures of made-up records: the words, the numbers, the same bytes each time."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
from factory import make_record

from experiments.readings.tables import finalists, readings, score
from lenet1998 import paper
from lenet1998.recipes import ORIGINAL, RECIPES
from lenet1998.report import figures, style
from lenet1998.report.statistics import welch
from lenet1998.report.tables import (
    beside_the_paper,
    by_recipe,
    curve,
    markdown,
    published,
    spread,
    summary_of,
)


def test_a_name_ends_no_cell_and_begins_no_tag():
    table = markdown(pd.DataFrame({"a|b": ["<script>", "x\ny"]}))
    assert table.splitlines()[0] == r"| a\|b |"
    assert table.splitlines()[2:] == ["| &lt;script> |", "| x y |"]


def test_markdown():
    frame = pd.DataFrame({"layer": ["c1", "s2"], "parameters": [156, 12], "share": [0.5, None]})
    assert markdown(frame) == (
        "| layer | parameters | share |\n"
        "| --- | ---: | ---: |\n"
        "| c1 | 156 | 0.5 |\n"
        "| s2 | 12 | nan |\n"
    )


def test_markdown_leaves_formatted_numbers_as_they_are():
    assert markdown(pd.DataFrame({"n": ["60,000"]})) == "| n |\n| --- |\n| 60,000 |\n"


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "none finished (n = 0)"),
        ([0.954], "0.95 (n = 1)"),
        # t = 12.706 for one degree of freedom: 1 +- 12.706 * 0.1414 / sqrt 2
        ([0.9, 1.1], "1.00 \N{PLUS-MINUS SIGN} 0.14 (n = 2; 95 % of the mean -0.27 to 2.27)"),
    ],
)
def test_spread_always_tells_n(values, says):
    assert spread(values) == says


def test_spread_in_other_digits():
    assert spread([0.954], digits=1) == "1.0 (n = 1)"


FIG5_TEST = {1: 2.653, 2: 2.236, 10: 0.960, 19: 0.960}
FIG5_TRAIN = {1: 4.891, 2: 3.045, 10: 0.492, 19: 0.360}


@pytest.mark.parametrize(
    ("changes", "source", "test", "train"),
    [
        ({}, "section III-B", 0.95, 0.35),
        ({"train_size": 60_000}, "section III-B", 0.95, 0.35),
        *[
            ({"passes": n}, f"Fig. 5 after pass {n}", FIG5_TEST[n], FIG5_TRAIN[n])
            for n in FIG5_TEST
        ],
        ({"train_size": 15_000}, "Fig. 6 at 15,000 patterns", 1.68, 0.05),
        ({"train_size": 30_000}, "Fig. 6 at 30,000 patterns", 1.14, 0.31),
        ({"distortions": True}, "section III-B, with distortions", 0.8, None),
    ],
)
def test_published_values_for_a_recipe(changes, source, test, train):
    found = published(ORIGINAL.changed(**changes).as_dict(), "mnist")
    assert found["source"] == source
    assert found["test_error_percent"] == test
    assert found["train_error_percent"] == train
    assert (found["parameters"], found["connections"]) == (60_000, 340_908)
    assert (found["rate_min"], found["rate_max"]) == (7e-5, 0.016)
    json.dumps(found)


@pytest.mark.parametrize("name", ["original-logistic", "original-literal"])
def test_a_reading_of_the_open_points_is_of_the_same_run(name):
    for changes in ({}, {"passes": 3}, {"train_size": 15_000}):
        reading, original = RECIPES[name].changed(**changes), ORIGINAL.changed(**changes)
        assert published(reading.as_dict(), "mnist") == published(original.as_dict(), "mnist")


@pytest.mark.parametrize(
    ("changes", "dataset"),
    [
        ({}, "digits"),
        ({"distortions": True}, "digits"),
        ({"train_size": 15_000}, "digits"),
        ({"passes": 21}, "mnist"),
        ({"train_size": 1000}, "mnist"),
        ({"train_size": 15_000, "passes": 19}, "mnist"),
        ({"distortions": True, "passes": 19}, "mnist"),
        ({"distortions": True, "passes": 21}, "mnist"),
        ({"distortions": True, "train_size": 15_000}, "mnist"),
        ({"distortions": True, "subsampling_squash": "logistic"}, "mnist"),
        ({"pooling": "max"}, "mnist"),
        ({"pooling": "max", "passes": 3}, "mnist"),
        ({"noise": 0.1}, "mnist"),
        ({"held_out": 10_000}, "mnist"),
    ],
)
def test_the_paper_has_nothing_to_compare(changes, dataset):
    assert published(ORIGINAL.changed(**changes).as_dict(), dataset) is None


def test_only_what_is_lenet_5_stands_beside_it():
    beside = {name for name, recipe in RECIPES.items() if published(recipe.as_dict(), "mnist")}
    readings = {"original", "original-logistic", "printed", "original-literal", "fitted"}
    assert beside == readings | {"distortions"}


def test_summary_is_by_seed_and_of_the_last_pass():
    records = [make_record((5, 2, 4), seed=7), make_record((6, 1), seed=3, status="diverged")]
    summary = summary_of(records)
    assert summary["variant"] == "original"
    assert (summary["dataset"], summary["engine"], summary["device"]) == ("mnist", "eager", "cpu")
    assert summary["seeds"] == [7, 3]
    assert summary["passes"] == 20
    assert summary["status"] == ["finished", "diverged"]
    assert summary["test_errors"] == [4, None]
    assert summary["test_error_percent"] == [2.0, None]
    assert summary["train_error_percent"] == [4.0, None]
    assert (summary["rate_min"], summary["rate_max"]) == ([1e-4, 1e-4], [0.01, 0.01])
    assert summary["seconds"] == [6.0, 3.0]
    assert (summary["parameters"], summary["connections"]) == (60_000, 340_908)
    assert summary["paper"]["test_error_percent"] == 0.95
    assert json.loads(json.dumps(summary)) == summary


def rows(frame: pd.DataFrame, column: int = 1) -> dict[str, str]:
    return dict(zip(frame.iloc[:, 0], frame.iloc[:, column], strict=True))


def test_beside_the_paper():
    records = [make_record((9, 2), seed=0), make_record((9, 1), seed=1)]
    frame = beside_the_paper(summary_of(records))
    assert list(frame.columns) == ["", "original on mnist", "the paper (section III-B)"]
    # Test errors 1.0 and 0.5 %: mean 0.75, sd 0.3536; 12.706 sd / sqrt 2 = 3.18 and
    # 12.706 sd sqrt(3/2) = 5.50.
    assert rows(frame) == {
        "test error, %": "0.75 \N{PLUS-MINUS SIGN} 0.35 (n = 2; 95 % of the mean -2.43 to 3.93)",
        "training error on the fly, %": (
            "1.50 \N{PLUS-MINUS SIGN} 0.71 (n = 2; 95 % of the mean -4.85 to 7.85)"
        ),
        "misclassified test patterns": "2, 1",
        "parameters": "60,000",
        "connections": "340,908",
        "effective rates, pass 1": "1.0e-04 to 1.0e-02",
        "one more run, 95 %": "-4.75 to 6.25",
        "runs at the paper's test error or less": "1 of 2",
    }
    assert rows(frame, 2) == {
        "test error, %": "0.95",
        "training error on the fly, %": "0.35",
        "misclassified test patterns": "",
        "parameters": "60,000",
        "connections": "340,908",
        "effective rates, pass 1": "7.0e-05 to 1.6e-02",
        "one more run, 95 %": "",
        "runs at the paper's test error or less": "",
    }


def test_one_run_foretells_no_other():
    assert "one more run, 95 %" not in rows(beside_the_paper(summary_of([make_record()])))


def test_no_column_for_the_paper_where_it_has_nothing():
    frame = beside_the_paper(summary_of([make_record(dataset="digits")]))
    assert list(frame.columns) == ["", "original on digits"]


def test_unknown_published_value_is_left_empty():
    frame = beside_the_paper(summary_of([make_record(recipe={"distortions": True})]))
    theirs = rows(frame, 2)
    assert theirs["test error, %"] == "0.8"
    assert theirs["training error on the fly, %"] == ""


def test_diverged_runs_are_told_and_not_averaged():
    records = [make_record((4,), seed=0), make_record((9,), seed=1, status="diverged")]
    table = rows(beside_the_paper(summary_of(records)))
    assert table["test error, %"] == "2.00 (n = 1)"
    assert table["misclassified test patterns"] == "4, diverged"


def test_when_all_diverged_at_once():
    summary = summary_of([make_record((), status="diverged")])
    assert (summary["rate_min"], summary["seconds"]) == ([None], [0])
    table = rows(beside_the_paper(summary))
    assert table["test error, %"] == "none finished (n = 0)"
    assert table["misclassified test patterns"] == "diverged"
    assert "effective rates, pass 1" not in table


def test_curve_keeps_a_diverged_runs_good_passes():
    records = [make_record((4, 2)), make_record((6,), status="diverged")]
    assert curve(records, "test_errors") == [[4, 2], [6]]


# --- Readings against Fig. 5 ----------------------------------------------------------------------


def reading(name, training=1.0, test=1.0, passes=20, **changes):
    """A run whose errors are Fig. 5's, times a factor each."""
    record = make_record((0,) * passes, recipe={"name": name}, **changes)
    published = paper.fig5_curve()
    for number, entry in enumerate(record.per_pass):
        entry["train_error_percent"] = training * published.train_error[number]
        entry["test_error_percent"] = test * published.test_error[number]
    return record


def test_score_is_the_distance_to_fig_5():
    assert score([reading("exact")]).rank == 0
    found = score([reading("off", training=1.1, test=0.8)])
    assert found.training == pytest.approx(math.log(1.1))
    assert found.test == pytest.approx(-math.log(0.8))
    assert found.rank == pytest.approx(
        math.sqrt((math.log(1.1) ** 2 + math.log(0.8) ** 2) / 2), rel=1e-12
    )


def test_score_is_of_the_mean_curve():
    assert score([reading("a", 0.5, 0.7), reading("a", 1.5, 1.3)]).rank == pytest.approx(0)


def test_score_is_of_the_first_twenty_passes():
    longer = reading("a", passes=21)
    longer.per_pass[20].update(train_error_percent=90.0, test_error_percent=90.0)
    assert score([longer]).rank == 0


def test_no_score_where_one_diverged():
    assert score([reading("a"), reading("a", passes=4, status="diverged")]) is None


def test_readings_come_best_first_and_the_diverged_last():
    diverged = reading("c3=dense,mu=1", passes=3, status="diverged")
    frame = readings([diverged, reading("far", test=2), reading("near"), reading("near", seed=1)])
    library = frame["reading"].str.contains("authors' library")
    assert frame[library]["test error, %"].tolist() == ["1.20"]
    frame = frame[~library]
    assert frame["reading"].tolist() == ["near", "far", "c3=dense, mu=1"]
    assert frame["n"].tolist() == [2, 1, 1]
    assert frame["score, both"].tolist() == ["0.000", f"{math.log(2) / 2**0.5:.3f}", "diverged"]
    assert frame["training"].tolist() == ["0.000", "0.000", "diverged"]
    assert frame["test"].tolist() == ["0.000", f"{math.log(2):.3f}", "diverged"]
    assert set(frame["first-pass rates"]) == {"1.0e-04 to 1.0e-02"}
    assert frame["test error, %"].tolist() == [
        "0.96 \N{PLUS-MINUS SIGN} 0.00",
        "1.92",
        "diverged",
    ]


def test_records_by_recipe_keep_their_order():
    records = [reading("b"), reading("a"), reading("b", seed=1)]
    groups = by_recipe(records)
    assert list(groups) == ["b", "a"]
    assert [record.seed for record in groups["b"]] == [0, 1]


# --- Figures --------------------------------------------------------------------------------------


def drawn(records):
    """The axes of the learning curve."""
    (axes,) = figures.learning_curve(records).axes
    return axes


def lines(axes) -> dict[str, np.ndarray]:
    return {line.get_label(): np.array(line.get_data()) for line in axes.lines}


def test_learning_curve_is_the_mean_of_the_runs_over_fig_5():
    records = [
        make_record((4, 2, 2), recipe={"passes": 3}),
        make_record((8, 6), status="diverged", recipe={"passes": 3}),
    ]
    axes = drawn(records)
    found = lines(axes)
    np.testing.assert_allclose(found["test, 2 runs"], [[1, 2, 3], [3, 2, 1]])
    np.testing.assert_allclose(found["training on the fly, 2 runs"], [[1, 2, 3], [6, 4, 2]])
    published_test = [[1, 2, 3], [2.653, 2.236, 1.481]]
    np.testing.assert_allclose(found["test, Fig. 5 (1998)"], published_test)
    assert found["training on the fly, Fig. 5 (1998)"][1].tolist() == [4.891, 3.045, 1.767]
    assert axes.figure.get_suptitle().split("\n") == [
        "original, passes=3 on mnist, 60,000 training patterns: the test error ends",
        "at 1.00 %",
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("pass", "error, % (log scale)")
    assert axes.get_yscale() == "log"
    assert len(axes.get_legend().get_texts()) == 4


def test_a_long_name_is_a_title_of_several_lines():
    switches = {"pooling": "max", "squash": "relu", "passes": 2, "train_size": 1000}
    title = figures.learning_curve([make_record(recipe=switches)]).get_suptitle()
    assert title.splitlines() == [
        "original, pooling=max, squash=relu, passes=2, train_size=1000 on mnist,",
        "60,000 training patterns: the test error ends at 1.00 %",
    ]


def test_the_band_goes_from_the_least_to_the_greatest():
    axes = drawn([make_record((4, 2)), make_record((8, 6)), make_record((5,), status="diverged")])
    corners = axes.collections[0].get_paths()[0].vertices
    for number, (low, high) in {1: (2, 4), 2: (1, 3)}.items():
        heights = corners[corners[:, 0] == number, 1]
        assert (heights.min(), heights.max()) == (low, high)


def test_one_run_has_no_band():
    axes = drawn([make_record((4, 2))])
    assert not axes.collections
    assert "test, 1 run" in lines(axes)


def test_one_pass_can_be_seen():
    axes = drawn([make_record((4,), recipe={"passes": 1})])
    assert all(line.get_marker() not in ("", "None", None) for line in axes.lines)


@pytest.mark.parametrize(
    ("recipe", "dataset"),
    [
        ({}, "digits"),
        ({"pooling": "max"}, "mnist"),
        ({"distortions": True}, "mnist"),
        ({"train_size": 15_000}, "mnist"),
        (RECIPES["modern"].as_dict(), "mnist"),
    ],
)
def test_fig_5_is_drawn_with_no_other_run(recipe, dataset):
    assert list(lines(drawn([make_record(recipe=recipe, dataset=dataset)]))) == [
        "test, 1 run",
        "training on the fly, 1 run",
    ]


@pytest.mark.parametrize(("dataset", "shown"), [("mnist", 2), ("digits", 0)])
def test_a_run_that_diverged_at_once_draws_what_there_is(dataset, shown):
    axes = drawn([make_record((), status="diverged", dataset=dataset)])
    assert len(axes.lines) == shown


@pytest.mark.parametrize("source", [None, "digest"])
def test_a_picture_tells_its_source_and_is_the_same_bytes_each_time(source, tmp_path):
    files = [tmp_path / name / "curve.png" for name in ("a", "b")]
    for file in files:
        style.save(figures.learning_curve([make_record()]), file, source)
        assert style.source_of(file) == source
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].stat().st_size > 3000


def test_a_callers_backend_and_open_figures_stay(tmp_path):
    """In a process of its own, as a notebook is: drawn with pyplot and without."""
    code = """
        import sys
        from pathlib import Path
        from factory import make_record
        from lenet1998.report import figures, style

        def draw(name):
            style.save(figures.learning_curve([make_record()]), Path(name))

        draw("alone.png")
        assert "matplotlib.pyplot" not in sys.modules
        import matplotlib
        from matplotlib import pyplot as plt
        plt.switch_backend("svg")
        own = plt.figure(7)
        settings = dict(matplotlib.rcParams)
        draw("beside.png")
        assert matplotlib.get_backend() == "svg"
        assert plt.get_fignums() == [7] and plt.gcf() is own
        assert dict(matplotlib.rcParams) == settings
    """
    call = [sys.executable, "-c", dedent(code)]
    tests, root = Path(__file__).parents[1], Path(__file__).parents[2]
    place = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{root}"}}
    done = subprocess.run(call, capture_output=True, text=True, check=False, **place)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "alone.png").read_bytes() == (tmp_path / "beside.png").read_bytes()


def test_what_is_published_ends_with_the_text():
    # The two sources of the same number: Fig. 5's curve ends within its width of the text's.
    test_error = published(ORIGINAL.changed(passes=19).as_dict(), "mnist")["test_error_percent"]
    assert math.isclose(test_error, paper.TEST_ERROR_PERCENT, abs_tol=0.02)


def test_finalists_are_compared_with_the_best_by_their_single_runs():
    near = [reading("near", seed=seed, test=1 + 0.02 * seed) for seed in range(10)]
    far = [reading("far", seed=seed, test=2 + 0.02 * seed) for seed in range(10)]
    frame = finalists([*far, reading("few"), *near])
    assert frame["reading"].tolist() == ["near", "far"]
    factors = [1 + 0.02 * seed for seed in range(10)]
    alone = [[math.log(start + f) / 2**0.5 for f in factors] for start in (1, 0)]
    difference, p = welch(*alone)
    assert frame["against the first"].tolist() == ["", f"{difference:+.3f} (p = {p:.1g})"]
