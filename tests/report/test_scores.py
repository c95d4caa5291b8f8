"""The misfits by which readings are ranked (docs/protocol.md)."""

import math

import numpy as np
import pytest

from experiments.readings.scores import DRAWS, Trial, differences, misfit
from lenet1998 import paper

FIG5 = paper.fig5_curve()
TRAIN, TEST = FIG5.train_error[: paper.PASSES], FIG5.test_error[: paper.PASSES]


def trial(factor=1.0, rates=paper.RATE_RANGE, seed=100, passes=paper.PASSES, diverged=False):
    """A run whose errors are the published ones times a factor."""
    curves = (tuple(factor * curve[:passes]) for curve in (TRAIN, TEST))
    return Trial("original", seed, *curves, rates, diverged)


def test_the_published_run_fits_itself():
    fit = misfit([trial()])
    assert (fit.curves, fit.rates, fit.net) == (pytest.approx(0), pytest.approx(0), None)
    assert fit.all == pytest.approx(0)


def test_units_are_a_tenth_and_a_factor_of_two():
    low, high = paper.RATE_RANGE
    fit = misfit([trial(math.exp(0.2), rates=(low / 2, 2 * high))])
    assert fit.curves == pytest.approx(2)
    assert fit.rates == pytest.approx(1)
    assert fit.all == pytest.approx(math.sqrt((4 + 1) / 2))


def test_the_mean_of_the_seeds_is_judged_and_not_each_seed():
    assert misfit([trial(0.5), trial(1.5)]).curves == pytest.approx(0)
    rates = [trial(rates=(low, paper.RATE_RANGE[1])) for low in (7e-6, 7e-4)]
    assert misfit(rates).rates == pytest.approx(0)


def test_a_short_run_is_judged_by_its_own_passes():
    assert misfit([trial(passes=5)]).curves == pytest.approx(0)
    late = Trial("original", 1, (*TRAIN[:5], 90.0), (*TEST[:5], 90.0), paper.RATE_RANGE)
    assert misfit([late]).curves > 1 > misfit([trial(passes=5)]).curves


def test_a_reading_of_which_a_run_diverged_is_out():
    assert misfit([trial(), trial(diverged=True)]).all == math.inf
    assert misfit([Trial("original", 1, (), (), (0.0, 0.0), True)]).all == math.inf


def test_nets_are_compared_by_ratios_and_odds():
    theirs = {"weights, rms": 2.0, "states, share": 0.5}
    ours = {"weights, rms": 3.0, "states, share": 0.6}
    expected = {"weights, rms": math.log(1.5), "states, share": math.log(1.5)}
    assert differences(ours, theirs) == pytest.approx(expected)
    assert misfit([trial()], [ours], theirs).net == pytest.approx(1)
    assert misfit([trial()], [ours], theirs).all == pytest.approx(math.sqrt(1 / 3))


def test_draws_of_seeds_scatter_about_the_misfit():
    trials = [trial(factor, seed=seed) for seed, factor in enumerate((1.3, 1.4, 1.5))]
    drawn = misfit(trials, draw=np.random.default_rng(0))
    assert drawn.curves.shape == drawn.rates.shape == (DRAWS,)
    assert drawn.curves.min() == pytest.approx(math.log(1.3) / 0.1)
    assert drawn.curves.max() == pytest.approx(math.log(1.5) / 0.1)
    assert np.median(drawn.curves) == pytest.approx(misfit(trials).curves, rel=0.02)
    assert np.allclose(drawn.rates, 0)
