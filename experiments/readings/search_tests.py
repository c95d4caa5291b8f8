"""docs/open-questions.md: the finalists of the search beside what took no part in the decision."""

from collections.abc import Sequence

import pandas as pd

from experiments.published.tables import shared_with_1998
from experiments.readings.search_tables import LETTERS, OPEN, last_stage, ranked_finalists
from experiments.results import SEARCH, shows
from lenet1998 import paper
from lenet1998.report.tables import brief
from lenet1998.training.records import RunRecord

TRAIN, TEST = "train_error_percent", "test_error_percent"


def _reading(run: RunRecord) -> tuple:
    """Switches by which the search told readings apart, whatever the recipe's name."""
    return tuple(run.recipe.get(switch, "mu") for switch in OPEN)


def _mean(values: Sequence[float], digits: int = 2) -> str:
    return f"{brief(values, digits=digits)} (n = {len(values)})" if values else ""


@shows(SEARCH, last_stage, "fitted")
def held_back(
    content: dict, finalists: Sequence[RunRecord], published: Sequence[RunRecord]
) -> pd.DataFrame:
    """Fig. 6's errors, that with distortions, Fig. 8's digits and Fig. 13's patterns by finalist.

    Args:
        content: ``search.json``.
        finalists: the runs of stage 4; their errors are compared with Fig. 8's.
        published: runs of the paper's other results, of those readings that have them.
    """
    points = paper.fig6_points()
    sizes = points.train_size.tolist()
    columns = {}
    for size in (15_000, 30_000):
        place = sizes.index(size)
        for what, key, errors in (
            ("training", TRAIN, points.train_error),
            ("test", TEST, points.test_error),
        ):
            columns[f"{what} error, {size:,} patterns, %"] = (errors[place], key, size, False)
    distorted = paper.DISTORTED_TEST_ERROR_PERCENT
    columns["test error with distortions, %"] = (distorted, TEST, None, True)
    rows: list[dict[str, object]] = [
        {
            "": "1998",
            **{name: f"{value:g}" for name, (value, *_) in columns.items()},
            "of Fig. 8's 82, misclassified": "82",
            "of Fig. 13's nine, read": "9",
        }
    ]
    ranked = ranked_finalists(content, finalists)
    for letter, (name, runs) in zip(LETTERS, ranked.items(), strict=False):
        own = [run for run in published if _reading(run) == _reading(runs[0])]
        row: dict[str, object] = {"": letter}
        for column, (_, key, size, distortions) in columns.items():
            row[column] = _mean(
                [
                    run.last[key]
                    for run in own
                    if (run.recipe["train_size"], run.recipe["distortions"]) == (size, distortions)
                    and not run.recipe["noise"]
                ]
            )
        shared = [shared_with_1998(run).misread for run in runs if not run.diverged]
        row["of Fig. 8's 82, misclassified"] = _mean(shared, 1)
        read = [net["read"] for net in content["fig13"] if net["recipe"] == name]
        row["of Fig. 13's nine, read"] = _mean(read, 1)
        rows.append(row)
    return pd.DataFrame(rows)
