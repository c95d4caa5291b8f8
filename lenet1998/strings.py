"""Strings read off the outputs of the replicated network (section VII-A and VII-B, p.27-29).

The outputs along a field are a graph: between one position and the next, an arc for each character
and one for none, each with its penalty. It is composed with a model of how characters follow each
other, which forbids them on contiguous outputs, and with a grammar, and the path of the smallest
total penalty (Viterbi) is the answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from lenet1998 import paper
from lenet1998.data.lines import Line
from lenet1998.data.patterns import scaled
from lenet1998.engines.exactly import one_thread
from lenet1998.errors import BadInput
from lenet1998.models import STEP
from lenet1998.pretrained import TrainedNet
from lenet1998.recipes import Recipe

__all__ = [
    "NOTHING",
    "Grammar",
    "Reading",
    "any_string",
    "check_reads_strings",
    "column_of",
    "of_length",
    "one_of",
    "penalties",
    "read",
    "read_field",
    "string_answer",
    "string_in_words",
]


NOTHING = paper.CLASSES
"""The column of penalties that belongs to no character."""


@dataclass(frozen=True, eq=False)
class Grammar:
    """The strings that may be answered, as a finite automaton that starts in state 0.

    Attributes:
        source, character, target: (E,) each: from which state which digit leads to which.
        accepting: (S,) bool, whether a string may end in a state.
    """

    source: np.ndarray
    character: np.ndarray
    target: np.ndarray
    accepting: np.ndarray


def any_string() -> Grammar:
    """All strings of digits, the empty one too."""
    digits = np.arange(paper.CLASSES)
    return Grammar(0 * digits, digits, 0 * digits, np.array([True]))


def of_length(length: int) -> Grammar:
    """All strings of exactly so many digits.

    Raises:
        ValueError: a negative length.
    """
    if length < 0:
        raise ValueError(f"length must be >= 0, got {length}")
    source, character = np.divmod(np.arange(length * paper.CLASSES), paper.CLASSES)
    return Grammar(source, character, source + 1, np.arange(length + 1) == length)


def one_of(strings: Iterable[str]) -> Grammar:
    """These strings and no others, as a tree of their beginnings.

    Raises:
        ValueError: none at all, or one that is not of the digits 0 to 9.
    """
    states, edges, ends = {"": 0}, [], set()
    for string in strings:
        if not (isinstance(string, str) and set(string) <= set("0123456789")):
            raise ValueError(f"strings must be of the digits 0 to 9, got {string!r}")
        for end in range(1, len(string) + 1):
            if (beginning := string[:end]) not in states:
                states[beginning] = len(states)
                edges.append((states[string[: end - 1]], int(string[end - 1]), states[beginning]))
        ends.add(states[string])
    if not ends:
        raise ValueError("strings must name at least one string")
    source, character, target = np.array(edges, dtype=np.int64).reshape(-1, 3).T
    return Grammar(source, character, target, np.isin(np.arange(len(states)), list(ends)))


@dataclass(frozen=True)
class Reading:
    """The best path through the outputs.

    Attributes:
        text: the string.
        penalty: of the path, the sum over all outputs.
        positions: of which output each character is, from 0.
        penalties: of each character's arc.
    """

    text: str
    penalty: float
    positions: tuple[int, ...]
    penalties: tuple[float, ...]


def check_reads_strings(recipe: Recipe) -> None:
    """Refuse a network whose outputs cannot say that there is no character.

    Raises:
        BadInput: it has neither a blank class nor eq. 9's rubbish class.
    """
    if recipe.output == "linear" and recipe.blank == "none":
        raise BadInput(
            f"{recipe.name}: reads one digit and no strings, since its outputs have neither a blank"
            " nor a rubbish class; a network trained with blank=space or with output=rbf reads them"
        )


def column_of(recipe: Recipe, position: int) -> int:
    """The column of the field that an output's window has in its middle."""
    return STEP * position + recipe.input_size // 2


def penalties(recipe: Recipe, outputs: Tensor, rubbish_j: float | None = None) -> np.ndarray:
    r"""Eq. 9's penalty of each character, and of none, at every position.

    For distances y it is :math:`y_i + \log(e^{-j} + \sum_k e^{-y_k})`, with half the distance if
    the recipe has it so; for logits the negative logarithm of their softmax. No character is the
    blank class. A network without one has the rubbish class of eq. 9 for it, which answers for
    whatever is farther than j from every code.

    Args:
        recipe: the network's.
        outputs: (classes, T), its outputs along a field.
        rubbish_j: of a network without a blank class, the rubbish class's constant here. Default:
            the recipe's. Given, logits have a rubbish class too: one more, constant, of -j.

    Returns:
        (T, 11) float64, the last column :data:`NOTHING`'s.

    Raises:
        BadInput: a network that has neither class.
        ValueError: outputs of another shape, or that are no numbers.
    """
    if rubbish_j is None:
        check_reads_strings(recipe)
    blank, distances = recipe.blank != "none", recipe.output == "rbf"
    if outputs.ndim != 2 or len(outputs) != paper.CLASSES + blank:
        wanted, found = paper.CLASSES + blank, tuple(outputs.shape)
        raise ValueError(f"outputs must be ({wanted}, T), got {found}")
    if not outputs.isfinite().all():
        raise ValueError("outputs hold values that are no numbers")
    scores = outputs.detach().cpu().double().T
    if distances:
        scores = -(0.5 if recipe.half_distance else 1.0) * scores
    if distances or not blank:
        j = recipe.rubbish_j if rubbish_j is None else rubbish_j
        scores = torch.cat([scores, torch.full_like(scores[:, :1], -j)], 1)
    return -scores.log_softmax(1)[:, : NOTHING + 1].numpy()


def read(penalty: np.ndarray, grammar: Grammar | None = None, repeats: bool = False) -> Reading:
    """The string with the smallest total penalty; of equal ones, always the same.

    Args:
        penalty: (T, 11), as :func:`penalties` gives it.
        grammar: what may be answered; default: any string.
        repeats: let a character stand on several contiguous outputs and count once. The paper's
            model has a character on one output, none on the next.

    Raises:
        BadInput: no string of the grammar has a place on so many outputs.
        ValueError: penalties of another shape, or that are no numbers.
    """
    if penalty.ndim != 2 or penalty.shape[1] != NOTHING + 1:
        raise ValueError(f"penalty must be (T, {NOTHING + 1}), got {penalty.shape}")
    if not np.isfinite(penalty).all():
        raise ValueError("penalty holds values that are no numbers")
    grammar = grammar or any_string()
    free, on, steps = _forward(penalty, grammar, repeats)
    ends = np.where(grammar.accepting, free, np.inf)
    arcs = np.where(grammar.accepting[grammar.target], on, np.inf)
    total = min(ends.min(), arcs.min(initial=np.inf))
    if not np.isfinite(total):
        raise BadInput(f"no string of the grammar has a place on {len(penalty)} outputs")
    state = -1 if (ends > total).all() else int(ends.argmin())
    path = _path(grammar, steps, state, int(arcs.argmin()) if state < 0 else -1)
    # A character stands where it is surest of the contiguous outputs that it has.
    characters, positions, surest = [], [], []
    for (arc, _), run in groupby(path, key=lambda place: place[1:]):
        character = int(grammar.character[arc])
        best = min((float(penalty[t, character]), t) for t, _, _ in run)
        characters.append(str(character))
        positions.append(best[1])
        surest.append(best[0])
    return Reading("".join(characters), float(total), tuple(positions), tuple(surest))


class _Step(NamedTuple):
    """Predecessors of the best paths through an output.

    Attributes:
        leaving: (S,) the arc whose character ended before it, or -1 where there was none.
        staying: (E,) bool, whether the character of an arc goes on from the output before.
    """

    leaving: np.ndarray
    staying: np.ndarray


def _forward(
    penalty: np.ndarray, grammar: Grammar, repeats: bool
) -> tuple[np.ndarray, np.ndarray, list[_Step]]:
    """The best paths' penalties to each state on no character, and on each arc's; their steps."""
    order = np.argsort(grammar.target, kind="stable")
    targets, begins = np.unique(grammar.target[order], return_index=True)
    free = np.full(len(grammar.accepting), np.inf)
    free[0] = 0.0
    on = np.full(len(grammar.source), np.inf)
    steps = []
    for at in penalty:
        best, leaving = free.copy(), np.full(len(free), -1, np.int32)
        if len(order):
            ended = np.full(len(free), np.inf)
            ended[targets] = np.minimum.reduceat(on[order], begins)
            first = order[np.flatnonzero(on[order] == ended[grammar.target[order]])[::-1]]
            nearest = leaving.copy()
            nearest[grammar.target[first]] = first
            better = ended < free
            best[better], leaving[better] = ended[better], nearest[better]
        begun = free[grammar.source]
        staying = (on < begun) if repeats else np.zeros(len(on), bool)
        on = np.where(staying, on, begun) + at[grammar.character]
        free = best + at[NOTHING]
        steps.append(_Step(leaving, staying))
    return free, on, steps


def _path(grammar: Grammar, steps: list[_Step], state: int, arc: int) -> list[tuple[int, int, int]]:
    """The outputs of characters on the best path to a state, or to an arc's character.

    Returns:
        For each the output, the arc, and a number for the character.
    """
    path, number = [], 0
    for t in range(len(steps) - 1, -1, -1):
        leaving, staying = steps[t]
        if arc < 0:
            arc = int(leaving[state])
            number += 1
            continue
        path.append((t, arc, number))
        if not staying[arc]:
            state, arc = int(grammar.source[arc]), -1
    return path[::-1]


@one_thread()
@torch.no_grad()
def read_field(
    net: TrainedNet, file: str, field: Tensor, length: int | None = None
) -> tuple[Reading, np.ndarray]:
    """Decode the replicated network's outputs; a digit on several contiguous ones counts once.

    Args:
        net: a network that reads strings.
        file: where the field is from, for a complaint.
        field: (1, H, W), prepared.
        length: how many digits there are, if that is known.

    Returns:
        The reading, and the penalties that it is made of, (T, 11).

    Raises:
        BadInput: the network's outputs are no numbers, or there is no place for so many digits.
    """
    outputs = net.model(field[None])[0].flatten(1)
    if not outputs.isfinite().all():
        raise BadInput(f"{file}: no answer, the outputs of {net.source} are no numbers")
    costs = penalties(net.recipe, outputs)
    try:
        return read(costs, None if length is None else of_length(length), repeats=True), costs
    except BadInput as error:
        raise BadInput(f"{file}: {error}") from None


def string_answer(net: TrainedNet, file: str, line: Line, length: int | None = None) -> dict:
    """Reading of a line of digits by the replicated network, as ``--json`` prints it.

    Raises:
        BadInput: as :func:`read_field`.
    """
    field = scaled(line.field, net.recipe.scaling)[None]
    reading, costs = read_field(net, file, field, length)
    characters = zip(reading.text, reading.positions, reading.penalties, strict=True)
    return {
        "file": file,
        "string": reading.text,
        "penalty": reading.penalty,
        "characters": [
            {"digit": int(digit), "column": column_of(net.recipe, position), "penalty": penalty}
            for digit, position, penalty in characters
        ],
        "outputs": len(costs),
        "width": line.field.shape[1],
        "ink": "black on white" if line.dark_ink else "white on black",
        "turned_degrees": line.degrees,
    }


def string_in_words(reading: dict) -> str:
    """The answer to a line of digits as a few lines for a reader."""
    name = reading["file"] if reading["file"].isprintable() else repr(reading["file"])
    places = "  ".join(
        f"{found['digit']} at {found['column']} ({found['penalty']:.3g})"
        for found in reading["characters"]
    )
    return (
        f"{name}: {reading['string'] or 'no digit'}\n"
        f"  digits      {places or 'none'}\n"
        f"  penalty     {reading['penalty']:.3g} on {reading['outputs']} outputs\n"
        f"  picture     {reading['ink']}, {reading['width']} columns,"
        f" turned by {reading['turned_degrees']:.1f} degrees"
    )
