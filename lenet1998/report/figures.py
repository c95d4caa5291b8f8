"""Learning curves of a recipe's runs."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from lenet1998 import paper
from lenet1998.recipes import spaced_name
from lenet1998.report.style import BLUE, STYLE, VERMILION, band, head
from lenet1998.report.tables import curve, in_fig5
from lenet1998.training.records import RunRecord


@rc_context(STYLE)
def learning_curve(records: Sequence[RunRecord]) -> Figure:
    """Training error on the fly and test error after each pass.

    Fig. 5's published points are drawn with the runs that they are of.
    """
    runs = [record for record in records if record.per_pass]
    first = records[0]
    name, dataset = first.recipe["name"], first.dataset["name"]
    figure = Figure(figsize=(6.7, 4.0), layout="constrained")
    axes = figure.subplots()
    if runs:
        count = f"{len(runs)} run{'s' * (len(runs) > 1)}"
        for key, colour, dashes, label in (
            ("test_error_percent", VERMILION, "-", f"test, {count}"),
            ("train_error_percent", BLUE, "--", f"training on the fly, {count}"),
        ):
            band(axes, curve(runs, key), colour, label)
            axes.lines[-1].set_linestyle(dashes)
    if in_fig5(first.recipe, dataset):
        published = paper.fig5_curve()
        shown = published.passes <= max(first.recipe["passes"], 2)
        for errors, colour, marker, label in (
            (published.test_error, VERMILION, "o", "test, Fig. 5 (1998)"),
            (published.train_error, BLUE, "s", "training on the fly, Fig. 5 (1998)"),
        ):
            look = {"color": colour, "marker": marker, "mfc": "white", "ls": "none", "ms": 4.5}
            axes.plot(published.passes[shown], errors[shown], label=label, **look)
    axes.set(xlabel="pass", ylabel="error, % (log scale)", yscale="log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.get_major_locator().set_params(integer=True)
    patterns = first.dataset["train_patterns"]
    title = f"{spaced_name(name)} on {dataset}, {patterns:,} training patterns"
    ends = [run.last["test_error_percent"] for run in runs if not run.diverged]
    title += f": the test error ends at {np.mean(ends):.2f} %" if ends else ""
    head(figure, fill(title, 75))
    if axes.lines:
        axes.legend()
    return figure
