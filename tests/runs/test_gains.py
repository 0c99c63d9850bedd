"""The mean gain of a method over several settings, asked once, against what each part of it is by itself."""

import numpy as np
import pytest

from tests.runs.test_estimates import CLEAN, FIXED, NONE, Ratio, by_hand
from unlossy.metrics import paired_difference
from unlossy.runs.cells import Cell
from unlossy.runs.estimates import Estimates
from unlossy.runs.gains import mean_gain, shared_level
from unlossy.tasks.base import Score

LEVEL = shared_level(1)


@pytest.fixture
def estimates():
    return Estimates(Ratio(), seed=3)


def cell(values):
    """A cell of the metric `own`; None for an item that failed."""
    return Cell({item: Score({"own": value}, None) for item, value in enumerate(values) if value is not None})


def ends(interval):
    return interval.mean, interval.low, interval.high


def test_the_level_leaves_five_percent_to_all_methods_together():
    assert [shared_level(n) for n in (0, 1, 2, 5)] == pytest.approx([0.95, 0.95, 0.975, 0.99])


def test_over_one_setting_it_is_the_paired_difference(estimates):
    with_it, without = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 0.0, 1.0, 1.0]
    found = mean_gain([(cell(with_it), cell(without))], "own", estimates, LEVEL)
    assert ends(found) == pytest.approx(ends(paired_difference(with_it, without, seed=3)))


def test_over_several_it_is_that_of_the_items_mean_changes(estimates):
    rng = np.random.default_rng(0)
    with_it, without = rng.integers(0, 2, (2, 3, 40)).astype(float)
    beside = [(cell(a), cell(b)) for a, b in zip(with_it, without, strict=True)]
    found = mean_gain(beside, "own", estimates, LEVEL)
    means = (list(map(float, values.mean(axis=0))) for values in (with_it, without))
    assert ends(found) == pytest.approx(ends(paired_difference(*means, seed=3)))
    wider = mean_gain(beside, "own", estimates, shared_level(4))
    assert wider.low < found.low
    assert wider.high > found.high


def test_items_and_settings_without_a_score(estimates):
    """One item failed at the first setting, all at the second: 3 of 3 gained, and nothing, are a half."""
    beside = [(cell([1.0, None, 1.0, 1.0]), cell([0.0] * 4)), (cell([None] * 4), cell([0.0] * 4))]
    assert ends(mean_gain(beside, "own", estimates, LEVEL)) == (0.5, 0.5, 0.5)
    assert mean_gain(beside[1:], "own", estimates, LEVEL) is None
    assert mean_gain([], "own", estimates, LEVEL) is None


def test_of_a_metric_of_the_set_its_draws_are_averaged(estimates):
    found = mean_gain([(FIXED, NONE), (CLEAN, NONE)], "rate", estimates, LEVEL)
    drawn = (by_hand(FIXED) + by_hand(CLEAN)) / 2 - by_hand(NONE)
    assert found.mean == pytest.approx((53 + 61) / 2 / 67 - 39 / 67)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])))
    assert mean_gain([(Cell(), NONE)], "rate", estimates, LEVEL) is None
    assert mean_gain([(FIXED, NONE), (Cell(), NONE)], "rate", estimates, LEVEL).mean == pytest.approx(14 / 67 / 2)


def test_methods_that_change_answers_at_random_seldom_gain(estimates):
    """Each of nine settings asked by itself finds a winner among three such methods in many a study."""
    rng, level, n_asked_alone, n_asked_once = np.random.default_rng(0), shared_level(3), 0, 0
    for _ in range(10):
        none, *methods = ([cell(row) for row in rng.integers(0, 2, (9, 50)).astype(float)] for _ in range(4))
        beside = [list(zip(method, none, strict=True)) for method in methods]
        alone = [mean_gain([pair], "own", estimates, LEVEL).low > 0 for pairs in beside for pair in pairs]
        n_asked_alone += any(alone)
        n_asked_once += any(mean_gain(pairs, "own", estimates, level).low > 0 for pairs in beside)
    assert n_asked_alone >= 3
    assert n_asked_once <= 1
