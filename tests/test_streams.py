"""Private streams: no two share bits, none changes with numpy's version."""

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from lenet1998.data import constant_order
from lenet1998.data.distortions import Pool
from lenet1998.data.streams import (
    PURPOSES,
    initial_weights,
    order_of,
    shuffled,
    stream,
    struck,
    uniform,
)
from lenet1998.recipes import recipe_named
from lenet1998.training.schedule import Schedule

DRAWS = 60_000


def test_no_two_purposes_turns_or_seeds_are_correlated():
    seeds, turns = (0, 1, 2), (0, 1)
    draws = {
        (seed, purpose, turn): uniform(stream(seed, purpose, turn), (DRAWS,))
        for seed in seeds
        for purpose in PURPOSES
        for turn in turns
    }
    for seed in seeds:
        drawn = torch.rand(DRAWS, generator=initial_weights(seed))
        draws[seed, "initial weights", 0] = drawn.double().numpy()
    correlation = spearmanr(np.stack(list(draws.values()), axis=1)).statistic
    for (i, one), (j, other) in combinations(enumerate(draws), 2):
        assert abs(correlation[i, j]) < 0.02, (one, other)


def test_where_a_pattern_stands_says_nothing_of_how_it_is_distorted(digits):
    """They were drawn from the same bits once: pass 1 saw squeezes of 0.900 to 0.920 only."""
    schedule = Schedule(recipe_named("original").override(["distortions=true"]), 0, digits)
    n = len(digits.train_images)
    order = np.concatenate([schedule.indices(number) for number in range(1, 11)])
    place = np.argsort(order)[n:]  # of the distorted versions
    for name, values in schedule.pool.maps._asdict().items():
        correlation = spearmanr(place, values[n:]).statistic
        assert abs(correlation) < 4 / np.sqrt(len(place)), name


def test_a_plain_order_says_nothing_of_the_maps_of_its_patterns(digits):
    order = np.argsort(constant_order(len(digits.train_images), 0))
    for values in Pool(digits, 0).maps:
        first = values[len(order) : 2 * len(order)]
        assert abs(spearmanr(order, first).statistic) < 4 / np.sqrt(len(order))


def test_streams_are_what_the_committed_records_were_drawn_from():
    """PCG64's output is promised, so these numbers hold for ever."""
    assert order_of(stream(0, "order"), 8).tolist() == [3, 2, 1, 6, 0, 7, 4, 5]
    assert shuffled(stream(0, "renewed order", 1), 8).tolist() == [4, 3, 5, 0, 1, 6, 2, 7]
    assert stream(0, "noise", 3).random_raw(2).tolist() == [
        4813496540064846141,
        17897357070887834447,
    ]


@pytest.mark.parametrize("n", [0, 1, 2, 9, 1_000])
def test_shuffled_is_a_permutation_and_what_numpy_did(n):
    ours = shuffled(stream(5, "curvature", 2), n)
    assert ours.dtype == np.int64
    assert sorted(ours) == list(range(n))
    if np.__version__.startswith("2.4."):
        theirs = np.random.Generator(stream(5, "curvature", 2)).permutation(n)
        np.testing.assert_array_equal(ours, theirs)


def test_every_order_is_as_likely():
    """All six orders of three things, within five standard deviations."""
    seen = [tuple(shuffled(stream(seed, "curvature"), 3)) for seed in range(3_000)]
    counts = [seen.count(order) for order in set(seen)]
    assert len(counts) == 6
    assert max(abs(count - 500) for count in counts) < 5 * np.sqrt(3_000 * 5 / 36)


def test_uniform_covers_its_range():
    values = uniform(stream(1, "distortions"), (100, 100))
    assert values.shape == (100, 100)
    assert 0 <= values.min() < 0.001
    assert 0.999 < values.max() < 1
    assert abs(values.mean() - 0.5) < 4 * np.sqrt(1 / 12 / values.size)


@pytest.mark.parametrize("probability", [0.0, 0.1, 1.0])
def test_struck_strikes_its_share(probability):
    share = struck(stream(1, "noise"), probability, (100, 100)).mean()
    assert share == pytest.approx(probability, abs=4 * 0.003)


def test_struck_goes_on_where_it_is_told_to():
    whole = struck(stream(1, "noise"), 0.3, (10, 8))
    np.testing.assert_array_equal(struck(stream(1, "noise"), 0.3, (4, 8), skip=48), whole[6:])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ((0, "lunch"), "purpose 'lunch'"),
        ((-1, "order"), "seed"),
        ((2**32, "order"), "seed"),
        ((0, "order", -1), "turn"),
        ((0, "order", 2**32), "turn"),
    ],
)
def test_what_has_no_stream_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        stream(*call)
