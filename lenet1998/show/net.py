"""Tables and figures of one trained net."""

import argparse
import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd

from lenet1998.data import Dataset, load
from lenet1998.data.lines import read_line
from lenet1998.data.patterns import scaled
from lenet1998.errors import BadInput
from lenet1998.models import STEP, layer_states
from lenet1998.pretrained import TrainedNet, load_net
from lenet1998.report.answers import FIGURES, Answers, ask, draw
from lenet1998.report.net_tables import in_words
from lenet1998.report.style import save
from lenet1998.show.string_figure import WIDEST, ShownString, string_figure
from lenet1998.strings import check_reads_strings, read_field, string_answer, string_in_words
from lenet1998.training.locks import claimed, replacing

logger = logging.getLogger(__name__)


def run(flags: argparse.Namespace) -> int:
    """Examine a net, write its tables and figures, and print the tables."""
    net = load_net(str(flags.net))
    if flags.string:
        return _show_string(net, flags)
    answers = ask(net, _dataset(net, flags))
    pattern = _pattern(answers.truth, flags)
    files = draw(answers, pattern, _folder(net, flags), flags.overwrite)
    if answers.not_as_recorded:
        logger.warning(
            "%s: %d of %d answers are not those in its record; rounding explains a few",
            net.source,
            answers.not_as_recorded,
            len(answers.truth),
        )
    if flags.json:
        print(json.dumps(_as_json(answers, pattern, files)))
        return 0
    tables = (answers.layers, in_words(answers.classes))
    texts = [table.to_string(index=False) for table in tables]
    names = ", ".join(file.name for file in files)
    print(answers.title, *texts, answers.title_of(pattern), sep="\n\n")
    print(f"written to {files[0].parent}: {names}")
    return 0


def _show_string(net: TrainedNet, flags: argparse.Namespace) -> int:
    """Draw how a line of digits on a picture is read, and print the answer.

    Raises:
        BadInput: a net that reads no strings, a picture that cannot be read, or too long a line.
    """
    check_reads_strings(net.recipe)
    line = read_line(flags.string, net.recipe.input_size)
    if line.field.shape[1] > WIDEST:
        raise BadInput(
            f"--string {flags.string}: its line has {line.field.shape[1]:,} columns; at most"
            f" {WIDEST} are drawn"
        )
    name = str(flags.string)
    out, of = _folder(net, flags), f"{name}, read by {net.source}"
    file = out / "string.png"
    with claimed(out), replacing(out, [file.name], of, flags.overwrite):
        field = scaled(line.field, net.recipe.scaling)[None]
        answer, (reading, costs) = string_answer(net, name, line), read_field(net, name, field)
        title = f"{net.recipe.name} reads {reading.text or 'nothing'}"
        states = layer_states(net.model, field)
        shown = ShownString(states, costs, reading.text, reading.positions, STEP, title)
        save(string_figure(shown), file)
    if flags.json:
        print(json.dumps({"net": net.source, **answer, "files": [str(file)]}))
    else:
        print(string_in_words(answer), f"written to {file.parent}: {file.name}", sep="\n\n")
    return 0


def _dataset(net: TrainedNet, flags: argparse.Namespace) -> Dataset:
    """The data set asked for; ``auto`` is the one that the net's run was tested on."""
    known = flags.dataset == "auto" and net.record
    return load(net.record.dataset["name"] if known else flags.dataset, flags.data)


def _pattern(truth: np.ndarray, flags: argparse.Namespace) -> int:
    """The number of the pattern to draw the states of.

    Raises:
        BadInput: there is no such pattern.
    """
    if flags.digit is not None:
        found = np.flatnonzero(truth == flags.digit)
        if not len(found):
            raise BadInput(
                f"--digit {flags.digit}: none of the {len(truth):,} test patterns is one"
            )
        return int(found[0])
    pattern = flags.pattern or 0
    if not 0 <= pattern < len(truth):
        raise BadInput(f"--pattern {pattern}: must be from 0 to {len(truth) - 1}")
    return pattern


def _folder(net: TrainedNet, flags: argparse.Namespace) -> Path:
    if flags.out:
        return flags.out
    home = flags.net if net.record else Path("runs", net.recipe.name)
    return home / FIGURES


def _as_json(answers: Answers, pattern: int, files: list[Path]) -> dict:
    """Content of ``--json``; null where the tables are empty."""

    def rows(table: pd.DataFrame) -> list[dict]:
        return json.loads(table.to_json(orient="records"))

    return {
        "net": answers.net.source,
        "variant": answers.net.recipe.name,
        "patterns": answers.patterns,
        "tested": len(answers.truth),
        "misclassified": answers.misclassified,
        "error_percent": answers.error_percent,
        "not_as_recorded": answers.not_as_recorded,
        "pattern": pattern,
        "label": int(answers.truth[pattern]),
        "answer": int(answers.answers[pattern]),
        "layers": rows(answers.layers),
        "classes": rows(answers.classes),
        "files": [str(file) for file in files],
    }
