"""Tables of one net: layers as the paper has them, classes as scikit-learn counts them."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.metrics import classification_report, confusion_matrix

from lenet1998 import build_model, paper
from lenet1998.counts import count, forms
from lenet1998.report.net_tables import by_class, confusion, in_words, layers
from lenet1998.report.statistics import wilson
from lenet1998.report.tables import markdown

TRUTH = np.repeat(np.arange(10), 20)
ANSWERS = TRUTH.astype(np.uint8)
ANSWERS[[0, 1, 25, 199]] = [6, 6, 7, 4]


def layer_table(variant: str) -> pd.DataFrame:
    model = build_model(variant)
    pairs = zip(count(model).layers, forms(model), strict=True)
    return layers([asdict(counted) | asdict(form) for counted, form in pairs])


# --- Layers ---------------------------------------------------------------------------------------


def test_layers_of_the_original_are_the_papers():
    frame = layer_table("original").set_index("layer")
    names = {name.upper() if len(name) == 2 else name: name for name in paper.PARAMETERS}
    assert list(frame.index) == [*names, "total"]
    for row, name in names.items():
        assert frame.loc[row, "parameters"] == paper.PARAMETERS[name]
        assert frame.loc[row, "connections"] == paper.CONNECTIONS[name]
    total = frame.loc["total", ["parameters", "connections"]].tolist()
    assert total == [paper.TOTAL_PARAMETERS, paper.TOTAL_CONNECTIONS]
    told = frame[["maps", "kernel", "stride", "size", "activation"]]
    assert told.loc["C1"].tolist() == ["6", "5x5", "1", "28x28", "scaled tanh"]
    assert told.loc["S2"].tolist() == ["6", "2x2", "2", "14x14", "scaled tanh"]
    assert told.loc["C5"].tolist() == ["120", "5x5", "1", "1x1", "scaled tanh"]
    assert told.loc["F6"].tolist() == ["84", "", "", "", "scaled tanh"]
    assert told.loc["output"].tolist() == ["10", "", "", "", "squared distance"]
    assert told.loc["total"].tolist() == [""] * 5


def test_layers_of_other_variants():
    modern = layer_table("modern").set_index("layer")
    assert modern.loc["total", ["parameters", "connections"]].tolist() == [61_706, 429_342]
    assert modern.loc["S2", ["kind", "parameters"]].tolist() == ["average pooling", 0]
    unpadded = layer_table("coursework-tanh-28").set_index("layer")
    assert unpadded["size"].tolist() == ["24x24", "12x12", "8x8", "4x4", "1x1", "", "", ""]
    assert unpadded.loc["C5", ["kernel", "parameters"]].tolist() == ["4x4", 120 * (16 * 16 + 1)]


def test_layers_as_markdown_have_their_numbers_flush_right():
    lines = markdown(layer_table("original")).splitlines()
    assert lines[1].endswith("| ---: | ---: |")
    assert lines[-1].endswith("| 60000 | 340908 |")


# --- Classes --------------------------------------------------------------------------------------


def test_wilson_of_known_values():
    # z = 1.96, n = 10: (k + z^2/2 +- z sqrt(k (n - k) / n + z^2/4)) / (n + z^2)
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1), abs=1e-4)
    assert np.isnan(wilson(0, 0)).all()
    for right in (0, 1, 97, 500, 9_919, 10_000):
        known = binomtest(right, 10_000).proportion_ci(0.95, method="wilson")
        assert wilson(right, 10_000) == pytest.approx((known.low, known.high), rel=1e-14, abs=1e-16)


def test_a_digit_taken_for_a_blank_is_told_apart():
    answers = np.where(np.arange(len(TRUTH)) % 3, ANSWERS, 10)
    frame = confusion(TRUTH, answers)
    np.testing.assert_array_equal(frame, confusion_matrix(TRUTH, answers, labels=range(11))[:10])
    digits = by_class(TRUTH, answers).iloc[:10]
    assert digits["misclassified"].sum() == (answers != TRUTH).sum()


def test_confusion_is_labels_by_answers():
    frame = confusion(TRUTH, ANSWERS)
    np.testing.assert_array_equal(frame, confusion_matrix(TRUTH, ANSWERS))
    assert frame.loc[0, 6] == 2
    assert frame.loc[6, 0] == 0
    assert frame.to_csv().splitlines()[:2] == [
        "label,0,1,2,3,4,5,6,7,8,9",
        "0,18,0,0,0,0,0,2,0,0,0",
    ]


def test_classes_are_scikit_learns_report():
    frame = by_class(TRUTH, ANSWERS).set_index("class")
    report = classification_report(TRUTH, ANSWERS, output_dict=True)
    assert list(frame.index) == [*map(str, range(10)), "macro avg", "weighted avg"]
    for name, row in frame.iterrows():
        expected = report[name]
        assert row["precision"] == expected["precision"]
        assert row["recall"] == expected["recall"]
        assert row["f1"] == expected["f1-score"]
        assert row["patterns"] == expected["support"]
        assert row["accuracy_percent"] == 100 * expected["recall"]
    assert frame["misclassified"].tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 4, 4]
    assert frame.loc["weighted avg", "accuracy_percent"] == pytest.approx(100 * report["accuracy"])


def test_classes_have_wilsons_intervals():
    frame = by_class(TRUTH, ANSWERS).set_index("class")
    for name, right, n in (("0", 18, 20), ("2", 20, 20), ("weighted avg", 196, 200)):
        low, high = wilson(right, n)
        assert frame.loc[name, ["low", "high"]].tolist() == [100 * low, 100 * high]
    assert frame.loc["macro avg", ["low", "high"]].isna().all()


def test_what_was_never_answered_or_asked():
    truth, answers = np.array([0, 1, 2, 1]), np.array([1, 1, 1, 1])
    frame = by_class(truth, answers).set_index("class")
    assert frame.loc["0", ["precision", "recall", "f1"]].tolist() == [0, 0, 0]
    assert frame.loc["1", ["precision", "recall"]].tolist() == [0.5, 1]
    assert frame.loc["9", ["patterns", "misclassified", "precision"]].tolist() == [0, 0, 0]
    assert frame.loc["9", ["accuracy_percent", "low", "high"]].isna().all()
    words = in_words(by_class(truth, answers)).set_index("class")
    assert words.loc["9", ["accuracy, %", "95 % interval"]].tolist() == ["", ""]


def test_classes_in_words():
    frame = in_words(by_class(TRUTH, ANSWERS)).set_index("class")
    assert list(frame.columns) == [
        "patterns",
        "misclassified",
        "accuracy, %",
        "95 % interval",
        "precision",
        "recall",
        "f1",
    ]
    expected = [20, 2, "90.00", "69.90 to 97.21", "1.0000", "0.9000", "0.9474"]
    assert frame.loc["0"].tolist() == expected
    assert frame.loc["macro avg", "95 % interval"] == ""
    assert "nan" not in markdown(frame)
