"""Strings read off the outputs of the replicated network (section VII-A and VII-B, p.27-29).

The outputs along a field are a graph: between one position and the next, an arc for each character
and one for none, each with its penalty. It is composed with a model of how characters follow each
other, which forbids them on contiguous outputs, and with a grammar, and the path of the smallest
total penalty (Viterbi) is the answer.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lenet1998 import paper
from lenet1998.criteria import DiscriminativeLoss
from lenet1998.errors import BadInput
from lenet1998.recipes import Recipe

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


def penalties(recipe: Recipe, outputs: Tensor) -> np.ndarray:
    r"""Eq. 9's penalty of each character, and of none, at every position.

    For distances y it is :math:`y_i + \log(e^{-j} + \sum_k e^{-y_k})`, with half the distance if
    the recipe has it so; for logits the negative logarithm of their softmax. No character is the
    blank class. A network without one has the rubbish class of eq. 9 for it, which answers for
    whatever is farther than j from every code.

    Args:
        recipe: the network's.
        outputs: (classes, T), its outputs along a field.

    Returns:
        (T, 11) float64, the last column :data:`NOTHING`'s.

    Raises:
        BadInput: a network that has neither class.
        ValueError: outputs of another shape, or that are no numbers.
    """
    blank = recipe.blank != "none"
    if outputs.ndim != 2 or len(outputs) != paper.CLASSES + blank:
        wanted, found = paper.CLASSES + blank, tuple(outputs.shape)
        raise ValueError(f"outputs must be ({wanted}, T), got {found}")
    if not outputs.isfinite().all():
        raise ValueError("outputs hold values that are no numbers")
    rows = outputs.detach().cpu().double().T
    if recipe.output == "rbf":
        loss = DiscriminativeLoss(recipe.rubbish_j, recipe.half_distance)
        shares, _ = loss.log_posteriors(rows)  # the rubbish class first
        return -(shares[:, 1:] if blank else shares.roll(-1, 1)).numpy()
    if not blank:
        raise BadInput(
            f"{recipe.name}: reads one digit and no strings, since its outputs have neither a blank"
            " nor a rubbish class; a network trained with blank=space or with output=rbf reads them"
        )
    return -rows.log_softmax(1).numpy()


def read(penalty: np.ndarray, grammar: Grammar | None = None) -> Reading:
    """The string with the smallest total penalty; of equal ones, always the same.

    Args:
        penalty: (T, 11), as :func:`penalties` gives it.
        grammar: what may be answered; default: any string.

    Raises:
        BadInput: no string of the grammar has a place on so many outputs.
        ValueError: penalties of another shape, or that are no numbers.
    """
    if penalty.ndim != 2 or penalty.shape[1] != NOTHING + 1:
        raise ValueError(f"penalty must be (T, {NOTHING + 1}), got {penalty.shape}")
    if not np.isfinite(penalty).all():
        raise ValueError("penalty holds values that are no numbers")
    grammar = grammar or any_string()
    order = np.argsort(grammar.target, kind="stable")
    source, character, target = (
        field[order] for field in (grammar.source, grammar.character, grammar.target)
    )
    targets, begins = np.unique(target, return_index=True)
    # The best path to each state of the grammar whose last output was none, or a character.
    free = np.full(len(grammar.accepting), np.inf)
    free[0], busy = 0.0, np.full(len(free), np.inf)
    after_character = np.empty((len(penalty), len(free)), bool)
    arcs = np.zeros((len(penalty), len(free)), np.int32)
    for t, at in enumerate(penalty):
        after_character[t] = busy < free
        next_free = np.minimum(free, busy) + at[NOTHING]
        busy = np.full(len(free), np.inf)
        if len(targets):
            costs = free[source] + at[character]
            busy[targets] = np.minimum.reduceat(costs, begins)
            best = np.flatnonzero(costs == busy[target])[::-1]
            arcs[t, target[best]] = best
        free = next_free
    total = np.where(grammar.accepting, np.minimum(free, busy), np.inf)
    state = int(total.argmin())
    if not np.isfinite(total[state]):
        raise BadInput(f"no string of the grammar has a place on {len(penalty)} outputs")
    places, characters, in_character = [], [], bool(busy[state] < free[state])
    for t in range(len(penalty) - 1, -1, -1):
        if in_character:
            arc = arcs[t, state]
            places.append(t)
            characters.append(int(character[arc]))
            state, in_character = int(source[arc]), False
        else:
            in_character = bool(after_character[t, state])
    places.reverse()
    characters.reverse()
    return Reading(
        text="".join(map(str, characters)),
        penalty=float(total.min()),
        positions=tuple(places),
        penalties=tuple(float(penalty[t, c]) for t, c in zip(places, characters, strict=True)),
    )
