"""The decoder against all paths, one by one, on graphs small enough for that."""

import itertools
import math

import numpy as np
import pytest
import torch

from lenet1998.errors import BadInput
from lenet1998.recipes import ORIGINAL, RECIPES
from lenet1998.strings import NOTHING, any_string, of_length, one_of, penalties, read

CHOSEN = ["", "3", "31", "313", "7", "99"]
GRAMMARS = {
    "any": (any_string(), lambda text: True),
    "length 0": (of_length(0), lambda text: text == ""),
    "length 1": (of_length(1), lambda text: len(text) == 1),
    "length 2": (of_length(2), lambda text: len(text) == 2),
    "chosen": (one_of(CHOSEN), lambda text: text in CHOSEN),
    "one string": (one_of(["31", "31"]), lambda text: text == "31"),
}


def brute_force(penalty, allowed, repeats):
    """The best of all labellings of the outputs: (penalty, text, positions)."""
    found = []
    for path in itertools.product(range(NOTHING + 1), repeat=len(penalty)):
        runs = [
            (label, [t for t, _ in run])
            for label, run in itertools.groupby(enumerate(path), key=lambda place: place[1])
        ]
        if any(NOTHING not in (a, b) for (a, _), (b, _) in itertools.pairwise(runs)):
            continue  # characters on contiguous outputs
        if not repeats and any(len(run) > 1 for label, run in runs if label != NOTHING):
            continue
        characters = [(label, run) for label, run in runs if label != NOTHING]
        text = "".join(str(label) for label, _ in characters)
        if allowed(text):
            places = tuple(min(run, key=lambda t: penalty[t, label]) for label, run in characters)
            found.append((sum(penalty[range(len(path)), path]), text, places))
    return min(found)


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("length", [1, 2, 3, 4])
@pytest.mark.parametrize("name", GRAMMARS)
def test_the_best_path_is_the_best_of_all_paths(name, length, repeats):
    grammar, allowed = GRAMMARS[name]
    if name in ("length 2", "one string") and length < 3:
        with pytest.raises(BadInput, match=f"no string of the grammar has a place on {length} out"):
            read(np.ones((length, 11)), grammar, repeats)
        return
    for seed in range(3):
        penalty = np.random.default_rng(seed).exponential(size=(length, NOTHING + 1))
        penalty[:, NOTHING] *= (0.1, 1, 3)[seed]
        expected, text, places = brute_force(penalty, allowed, repeats)
        answer = read(penalty, grammar, repeats)
        assert (answer.text, answer.positions) == (text, places)
        assert answer.penalty == pytest.approx(expected)
        arcs = [penalty[t, int(digit)] for t, digit in zip(places, text, strict=True)]
        assert list(answer.penalties) == arcs


def test_characters_stand_on_no_two_contiguous_outputs():
    eager = np.full((9, NOTHING + 1), 5.0)
    eager[:, 4] = 0
    answer = read(eager)
    assert answer.text == "44444"
    assert answer.positions == (0, 2, 4, 6, 8)
    assert answer.penalty == 4 * 5
    assert read(eager, of_length(1)).penalty == 8 * 5


def test_a_character_may_be_let_stand_on_several_outputs_and_count_once():
    eager = np.full((9, NOTHING + 1), 5.0)
    eager[:4, 4] = eager[4, NOTHING] = eager[5:, 4] = 1
    eager[2, 4], eager[8, 4] = 0.25, 0.5
    answer = read(eager, repeats=True)
    assert (answer.text, answer.positions, answer.penalties) == ("44", (2, 8), (0.25, 0.5))
    assert answer.penalty == 9 - 0.75 - 0.5


def test_a_long_strip_and_many_strings():
    chance = np.random.default_rng(5)
    strings = {f"{number:05}" for number in chance.integers(0, 99_999, 2000)}
    wanted = sorted(strings)[777]
    penalty = np.full((120, NOTHING + 1), 6.0)
    penalty[:, NOTHING] = 1
    for place, digit in zip((3, 20, 50, 80, 119), wanted, strict=True):
        penalty[place, int(digit)] = 0
    answer = read(penalty, one_of(strings))
    assert (answer.text, answer.positions) == (wanted, (3, 20, 50, 80, 119))
    assert read(np.tile(penalty, (50, 1))).text == wanted * 50


def test_equal_paths_give_the_same_answer_every_time():
    level = np.ones((5, NOTHING + 1))
    assert read(level) == read(level)


def test_nothing_to_read():
    assert read(np.empty((0, NOTHING + 1))).text == ""
    assert read(np.eye(NOTHING + 1)[[3] * 4]).penalty == 0


@pytest.mark.parametrize(
    ("half", "blank"), [(True, "space"), (False, "space"), (True, "none"), (False, "none")]
)
def test_penalties_are_eq_9s(half, blank):
    recipe = ORIGINAL.changed(half_distance=half, blank=blank, rubbish_j=2.0)
    distances = 10 * torch.rand(11 if blank == "space" else 10, 3, dtype=torch.float64)
    y = (0.5 if half else 1) * distances
    normaliser = (math.exp(-2.0) + (-y).exp().sum(0)).log()
    nothing = y[10] if blank == "space" else torch.full((3,), 2.0, dtype=torch.float64)
    expected = torch.cat([y[:10], nothing[None]]) + normaliser
    np.testing.assert_allclose(penalties(recipe, distances), expected.T)


def test_penalties_of_logits_are_those_of_their_softmax():
    recipe = RECIPES["modern"].changed(blank="space")
    logits = torch.randn(11, 4)
    expected = -logits.double().T.softmax(1).log()
    np.testing.assert_allclose(penalties(recipe, logits), expected)
    with pytest.raises(BadInput, match=r"^modern: reads one digit and no strings, since"):
        penalties(RECIPES["modern"], logits[:10])


@pytest.mark.parametrize("half", [True, False])
def test_another_j_is_the_distance_beyond_which_there_is_no_character(half):
    recipe = ORIGINAL.changed(half_distance=half)
    costs = penalties(recipe, torch.tensor([[6.0, 14.0]] + [[90.0, 90.0]] * 9), 10 if half else 5)
    surplus = costs[:, 0] - costs[:, NOTHING]  # the normaliser is the same in both
    expected = [3.0 - 10, 7 - 10] if half else [6.0 - 5, 14 - 5]
    np.testing.assert_allclose(surplus, expected, rtol=1e-6)


def test_logits_have_a_rubbish_class_where_its_constant_is_given():
    logits = torch.randn(10, 4)
    whole = torch.cat([logits, torch.full((1, 4), 3.0)]).double().T
    expected = -whole.softmax(1).log()
    np.testing.assert_allclose(penalties(RECIPES["modern"], logits, rubbish_j=-3.0), expected)


def test_far_from_every_code_penalties_are_still_numbers():
    assert np.isfinite(penalties(ORIGINAL, torch.full((10, 2), 1e30))).all()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: of_length(-1), "length must be >= 0"),
        (lambda: one_of([]), "at least one string"),
        (lambda: one_of(["12", "1b"]), "digits 0 to 9, got '1b'"),
        (lambda: one_of([12]), "digits 0 to 9, got 12"),
        (lambda: read(np.zeros((3, 10))), r"must be \(T, 11\)"),
        (lambda: read(np.full((3, 11), np.nan)), "no numbers"),
        (lambda: penalties(ORIGINAL, torch.zeros(11, 3)), r"must be \(10, T\)"),
        (lambda: penalties(ORIGINAL, torch.full((10, 3), torch.inf)), "no numbers"),
    ],
)
def test_wrong_calls_raise(call, says):
    with pytest.raises(ValueError, match=says):
        call()
