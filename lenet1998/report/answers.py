"""A trained net examined: its answers to the patterns it is tested on, in tables and figures."""

import sys
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from torch import Tensor
from tqdm import tqdm

from lenet1998.counts import count, forms
from lenet1998.data import Dataset
from lenet1998.engines.evaluation import predict
from lenet1998.engines.exactly import one_thread
from lenet1998.errors import BadInput
from lenet1998.models import kernels, layer_states
from lenet1998.pretrained import TrainedNet, load_net
from lenet1998.report import answer_figures as run_figures
from lenet1998.report import inside_figures as net_figures
from lenet1998.report import net_tables
from lenet1998.report.style import save
from lenet1998.report.tables import markdown
from lenet1998.training.locks import claimed, replacing
from lenet1998.training.records import WEIGHTS, write_atomically
from lenet1998.training.schedule import Schedule
from lenet1998.training.study import Cell

FIGURES = "figures"
"""The folder, in a run's folder, that they go to."""
FILES = (
    *("layers.csv", "layers.md", "classes.csv", "classes.md", "confusion.csv"),
    *("per-class.png", "confusion.png", "predictions.png", "kernels.png", "feature-maps.png"),
    *("f6.png", "learning-curve.png"),
)
"""All that is written; the last of a net whose passes are known."""


@dataclass(frozen=True, eq=False)
class Answers:
    """A trained net and its answers to the patterns that it is tested on.

    Attributes:
        net: the network.
        patterns: what it was asked, in words.
        images: (N, 1, H, W), prepared.
        truth: (N,) labels.
        known: (N,) what the net took them for; None: not asked yet.
    """

    net: TrainedNet
    patterns: str
    images: Tensor
    truth: np.ndarray
    known: np.ndarray | None

    @cached_property
    def answers(self) -> np.ndarray:
        """(N,) what the net takes the images for, computed when first asked for."""
        return predict(self.net.model, self.images) if self.known is None else self.known

    @property
    def misclassified(self) -> int:
        return int((self.answers != self.truth).sum())

    @property
    def error_percent(self) -> float:
        return 100 * self.misclassified / len(self.truth)

    @property
    def not_as_recorded(self) -> int | None:
        """Answers that are not those in the run's record; None where there is none."""
        recorded = self.net.record.predictions if self.net.record else None
        return None if recorded is None else int((self.answers != recorded).sum())

    @property
    def name(self) -> str:
        record = self.net.record
        return self.net.recipe.name + (f", seed {record.seed}" if record else "")

    @property
    def title(self) -> str:
        errors = f"{self.misclassified:,} of {len(self.truth):,} misclassified"
        return f"{self.name}, on {self.patterns}:\n{errors} ({self.error_percent:.2f} %)"

    def title_of(self, pattern: int) -> str:
        """One pattern, and what the net takes it for."""
        answer = f"label {self.truth[pattern]}, answer {self.answers[pattern]}"
        return f"{self.name}, pattern {pattern:,} of {self.patterns}: {answer}"

    @cached_property
    def layers(self) -> pd.DataFrame:
        """One row per layer."""
        model = self.net.model
        pairs = zip(count(model).layers, forms(model), strict=True)
        return net_tables.layers([asdict(counted) | asdict(form) for counted, form in pairs])

    @cached_property
    def classes(self) -> pd.DataFrame:
        """One row per digit."""
        return net_tables.by_class(self.truth, self.answers)


def ask(net: TrainedNet, dataset: Dataset, answers: np.ndarray | None = None) -> Answers:
    """Ask a net about the patterns its recipe tests on: the test set, or those it held out.

    Args:
        net: the network.
        dataset: the patterns.
        answers: (N,) the net's, where they are known.

    Raises:
        BadInput: the net's run was tested on other patterns, or which it held out is not known.
    """
    recipe, record = net.recipe, net.record
    if record and record.dataset["checksum"] != dataset.checksum:
        raise BadInput(
            f"{net.source}: was tested on another data set ({record.dataset['name']}) than this"
            f" {dataset.name}; ask it about its own"
        )
    if recipe.held_out and not record:
        raise BadInput(
            f"{net.source}: does not tell which {recipe.held_out:,} patterns were held out; the"
            " folder of its run does"
        )
    # How much was learnt, and whether distorted, does not change what is tested on.
    tested = recipe.changed(distortions=False, train_size=1)
    asked = Schedule(tested, record.seed if record else 0, dataset)
    truth = asked.test_labels
    if record and record.dataset["test_patterns"] != len(truth):
        recorded = record.dataset["test_patterns"]
        raise BadInput(f"{net.source}: was tested on {recorded:,} patterns, not on {len(truth):,}")
    held_out = f"the patterns held out of {dataset.name}"
    patterns = held_out if recipe.held_out else f"the test set of {dataset.name}"
    return Answers(net, patterns, asked.test_images, truth, answers)


@one_thread()
def draw(answers: Answers, pattern: int, out: Path, overwrite: bool = False) -> list[Path]:
    """Write all tables and figures of a net.

    Args:
        answers: the net and its answers.
        pattern: the number of the one whose states are drawn.
        out: the folder.
        overwrite: replace files of another net, or of somebody else.

    Returns:
        The files.

    Raises:
        BadInput: there are such files.
    """
    record = answers.net.record
    names = FILES if record and record.per_pass else FILES[:-1]
    of = f"{answers.name}, on {answers.patterns}"
    with claimed(out), replacing(out, names, of, overwrite):
        _write(answers, pattern, out)
    return [out / name for name in names]


def _write(answers: Answers, pattern: int, out: Path) -> None:
    confusion = net_tables.confusion(answers.truth, answers.answers)
    texts = {
        "layers.csv": answers.layers.to_csv(index=False),
        "classes.csv": answers.classes.to_csv(index=False),
        "confusion.csv": confusion.to_csv(),
        "layers.md": markdown(answers.layers),
        "classes.md": markdown(net_tables.in_words(answers.classes)),
    }
    figures = figures_of(answers, confusion, pattern)
    for name, text in texts.items():
        write_atomically(out / name, text.encode())
    for name, figure in figures.items():
        save(figure, out / name)


def figures_of(answers: Answers, confusion: pd.DataFrame, pattern: int) -> dict[str, Figure]:
    """Draw the figures of a net, by the names of their files."""
    model, record, title = answers.net.model, answers.net.record, answers.title
    c1, c3 = kernels(model)
    codes = model.output.codes.numpy() if model.smallest_wins else None
    images, truth = answers.images[:, 0].numpy(), answers.truth
    shown = net_figures.Shown(
        layer_states(model, answers.images[pattern]),
        int(truth[pattern]),
        int(answers.answers[pattern]),
        answers.title_of(pattern),
    )
    curves = (
        {"learning-curve.png": run_figures.curves(record)} if record and record.per_pass else {}
    )
    return curves | {
        "per-class.png": run_figures.accuracy_by_class(answers.classes, title),
        "confusion.png": run_figures.confusion(confusion, title),
        "predictions.png": run_figures.predictions(images, truth, answers.answers, title),
        "kernels.png": net_figures.kernels([(c1, c3, answers.name)]),
        "feature-maps.png": net_figures.feature_maps(shown, c1),
        "f6.png": net_figures.f6(shown, codes),
    }


def show_each(cells: list[Cell], dataset: Dataset, overwrite: bool) -> None:
    """Tables and figures of each run's net, in its folder, as ``show`` makes them."""
    # A run that diverged in its first pass leaves no weights.
    folders = [cell.folder for cell in cells if (cell.folder / WEIGHTS).is_file()]
    for folder in tqdm(folders, "figures", leave=False, disable=not sys.stderr.isatty()):
        net = load_net(str(folder))
        draw(ask(net, dataset, net.record.predictions), 0, folder / FIGURES, overwrite)
