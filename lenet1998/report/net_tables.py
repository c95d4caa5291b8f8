"""Tables of one trained net: its layers, and how it reads each class. Arrays in, frames out."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lenet1998 import paper
from lenet1998.statistics import wilson

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
    """How many patterns of each label (rows) got each answer (columns).

    A net with a blank class has a column more, 10, if it takes a digit for one.
    """
    given = range(max(len(CLASSES), int(answers.max(initial=0)) + 1))
    counts = np.zeros((len(CLASSES), len(given)), int)
    np.add.at(counts, (truth, answers), 1)
    return pd.DataFrame(
        counts, index=pd.Index(CLASSES, name="label"), columns=pd.Index(given, name="answer")
    )


def by_class(truth: np.ndarray, answers: np.ndarray) -> pd.DataFrame:
    """scikit-learn's classification report, with the accuracy of each class.

    Returns:
        A row per digit, then the report's two averages: ``class``, ``patterns`` (its support),
        ``misread``, ``accuracy_percent`` (of the digit's patterns, those read right) with the ends
        of Wilson's 95 % interval ``low`` and ``high``, ``precision``, ``recall``, ``f1``. As in
        the report, what is 0/0 counts as 0; the accuracy of a digit never asked is nan, as is the
        interval of an average over classes.
    """
    from sklearn.metrics import classification_report  # slow to import

    report = classification_report(
        truth, answers, labels=CLASSES, output_dict=True, zero_division=0
    )
    names = [str(digit) for digit in CLASSES]
    right = truth == answers
    chosen = [truth == digit for digit in CLASSES] + [np.full(len(truth), True)] * 2
    rows = []
    for name, mask in zip([*names, "macro avg", "weighted avg"], chosen, strict=True):
        scores, patterns, hits = report[name], int(mask.sum()), int(right[mask].sum())
        low, high = wilson(hits, patterns if name != "macro avg" else 0)
        rows.append(
            {
                "class": name,
                "patterns": patterns,
                "misread": patterns - hits,
                "accuracy_percent": 100 * scores["recall"] if patterns else np.nan,
                "low": 100 * low,
                "high": 100 * high,
                "precision": scores["precision"],
                "recall": scores["recall"],
                "f1": scores["f1-score"],
            }
        )
    return pd.DataFrame(rows)


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
