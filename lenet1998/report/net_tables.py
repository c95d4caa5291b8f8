"""Tables of one trained net: its layers, and how it reads each class. Arrays in, frames out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lenet1998 import paper
from lenet1998.report.statistics import wilson

CLASSES = range(paper.CLASSES)


def layers(rows: Sequence[dict]) -> pd.DataFrame:
    """One row per layer and one for the totals.

    Args:
        rows: the fields of each layer's ``LayerCount`` and ``LayerForm`` (see ``counts``).
    """

    def square(side: int | None) -> str:
        return f"{side}x{side}" if side else ""

    frame = pd.DataFrame(
        {
            "layer": row["name"].upper() if len(row["name"]) == 2 else row["name"],
            "kind": row["kind"],
            "maps": str(row["maps"]),
            "kernel": square(row["kernel"]),
            "stride": str(row["stride"] or ""),
            # Without kernels there are units, not maps.
            "size": square(row["kernel"] and row["size"]),
            "activation": row["activation"].replace("_", " "),
            "parameters": row["parameters"],
            "connections": row["connections"],
        }
        for row in rows
    )
    counted = frame[["parameters", "connections"]].sum()
    total = dict.fromkeys(frame.columns, "") | {"layer": "total"} | counted.to_dict()
    return pd.concat([frame, pd.DataFrame([total])], ignore_index=True)


def confusion(truth: np.ndarray, answers: np.ndarray) -> pd.DataFrame:
    """Confusion matrix: labels in rows, predictions in columns.

    A net with a blank class has a column more, 10, if it takes a digit for one.
    """
    given = range(max(len(CLASSES), int(answers.max(initial=0)) + 1))
    counts = np.zeros((len(CLASSES), len(given)), int)
    np.add.at(counts, (truth, answers), 1)
    return pd.DataFrame(
        counts, index=pd.Index(CLASSES, name="label"), columns=pd.Index(given, name="answer")
    )


def by_class(truth: np.ndarray, answers: np.ndarray) -> pd.DataFrame:
    """The table that scikit-learn calls a classification report, with the accuracy of each class.

    Returns:
        A row per digit, then the report's two averages: ``class``, ``patterns`` (its support),
        ``misclassified``, ``accuracy_percent`` (of the digit's patterns, those read right) with
        the ends of Wilson's 95 % interval ``low`` and ``high``, ``precision``, ``recall``, ``f1``.
        As in the report, what is 0/0 counts as 0; the accuracy of a digit never asked is nan, as
        is the interval of an average over classes.
    """
    counts = confusion(truth, answers).to_numpy()
    hits, patterns, given = counts.diagonal(), counts.sum(1), counts.sum(0)[: len(CLASSES)]
    scores = {
        "precision": _shares(hits, given),
        "recall": _shares(hits, patterns),
        "f1": _shares(2 * hits, patterns + given),
    }
    weights = patterns if len(truth) else None
    for name, of_class in scores.items():
        averages = [np.average(of_class), np.average(of_class, weights=weights)]
        scores[name] = np.append(of_class, averages)
    hits, patterns = (np.append(each, [each.sum()] * 2) for each in (hits, patterns))
    asked = [*patterns[:-2], 0, patterns[-1]]  # an average over classes has no interval
    ends = [wilson(right, n) for right, n in zip(hits.tolist(), asked, strict=True)]
    low, high = 100 * np.array(ends).T
    return pd.DataFrame(
        {
            "class": [*map(str, CLASSES), "macro avg", "weighted avg"],
            "patterns": patterns,
            "misclassified": patterns - hits,
            "accuracy_percent": np.where(patterns, 100 * scores["recall"], np.nan),
            "low": low,
            "high": high,
            **scores,
        }
    )


def _shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part by whole; 0/0 is 0."""
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def in_words(classes: pd.DataFrame) -> pd.DataFrame:
    """:func:`by_class` for readers: rounded, the interval in one column, nothing where nan is."""
    interval = [
        f"{low:.2f} to {high:.2f}" if low == low else ""
        for low, high in zip(classes["low"], classes["high"], strict=True)
    ]
    frame = classes.drop(columns=["low", "high", "accuracy_percent"])
    frame.insert(3, "accuracy, %", _rounded(classes["accuracy_percent"], 2))
    frame.insert(4, "95 % interval", interval)
    for column in ("precision", "recall", "f1"):
        frame[column] = _rounded(classes[column], 4)
    return frame


def _rounded(values: pd.Series, digits: int) -> list[str]:
    return ["" if pd.isna(value) else f"{value:.{digits}f}" for value in values]
