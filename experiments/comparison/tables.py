"""docs/comparison.md: the variants side by side."""

import pandas as pd
from matplotlib.figure import Figure

from experiments.results import ALL_VARIANTS, ANSWERS, shows
from lenet1998.report import accuracy, comparison
from lenet1998.report.committed import COMPARED
from lenet1998.report.tables import brief, spread

side_by_side = shows(COMPARED)(comparison.side_by_side)
by_layer = shows(COMPARED)(comparison.by_layer)
learning_curves = shows(COMPARED)(comparison.learning_curves)


@shows(ALL_VARIANTS)
def accuracies(groups: comparison.Groups) -> pd.DataFrame:
    """Accuracies of every named variant's runs, a row each."""
    return accuracy.table(groups)


@shows(ALL_VARIANTS)
def histograms(groups: comparison.Groups) -> Figure:
    """Histograms of the same accuracies, with the page's 98.7 % in them."""
    return accuracy.histograms(groups, accuracy.Accuracy(98.7, 0.05))


@shows(ALL_VARIANTS)
def every_variant(groups: comparison.Groups) -> pd.DataFrame:
    """Every named variant, a row each: what of the comparison differs most between them."""
    rows = []
    for name, of in comparison.compare(groups).items():
        apart = "" if of["p"] is None else f"{of['difference']:+.2f} (p = {of['p']:.1g})"
        rows.append(
            {
                "variant": name,
                "n": len(of["seeds"]),
                "test error, %": brief(of["test_error_percent"], digits=2),
                "against original": apart,
                "training error, %": brief(of["train_error_percent"], digits=2),
                "parameters": f"{of['parameters']:,}",
                "fastest, s": f"{min(of['seconds']):.0f}",
            }
        )
    return pd.DataFrame(rows)


@shows(ANSWERS)
def answers(measured: dict) -> pd.DataFrame:
    """Nets of two variants and the same seed on the same patterns: exact McNemar, seed by seed.

    Args:
        measured: ``mcnemar``, for each pair of nets ``variants``, ``only_first``, ``only_second``
            (patterns that only that one misclassified) and ``p``.
    """
    pairs = pd.DataFrame(measured["mcnemar"])
    pairs["variants"] = pairs["variants"].map(tuple)
    rows = []
    for (first, second), nets in pairs.groupby("variants", sort=False):
        rows.append(
            {
                "nets": f"{first}, {second}",
                "n": len(nets),
                "only the first wrong": spread(nets["only_first"], 1),
                "only the second wrong": spread(nets["only_second"], 1),
                "p below 0.05": f"{(nets['p'] < 0.05).sum()} of {len(nets)}",
                "p, seed by seed": ", ".join(f"{p:.2g}" for p in nets["p"]),
            }
        )
    return pd.DataFrame(rows)
