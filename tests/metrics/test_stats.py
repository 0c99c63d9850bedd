import math

import numpy as np
import pytest

from unlossy.metrics import Interval, paired_difference
from unlossy.metrics.stats import draws, unseen, widened


def test_the_mean_is_over_complete_pairs():
    interval = paired_difference([1.0, None, 0.0, 0.5], [0.0, 1.0, None, 0.0], seed=0)
    assert interval.mean == 0.75


def test_no_pair_no_interval():
    assert paired_difference([None, 1.0], [1.0, None], seed=0) is None
    assert paired_difference([], [], seed=0) is None


def test_a_constant_difference_has_no_width():
    interval = paired_difference([0.5] * 20, [0.25] * 20, seed=3)
    assert (interval.mean, interval.low, interval.high) == (0.25, 0.25, 0.25)


def test_what_was_not_seen_in_n_has_the_bound_of_clopper_and_pearson():
    """Their upper end for 0 of 10 is 30.85 %; 0 of 160 gives 2.28 %."""
    assert unseen(10) == pytest.approx(0.3085, abs=5e-5)
    assert unseen(160) == pytest.approx(0.0228, abs=5e-5)
    assert (1 - unseen(7)) ** 7 == pytest.approx(0.025), "at the bound, seven alike come up once in forty times"


def test_only_what_has_no_width_is_widened():
    same = paired_difference([0.1] * 30, [0.3] * 30, seed=0)
    wide = widened(same, 30)
    assert (wide.mean, wide.high - wide.low) == (same.mean, pytest.approx(2 * unseen(30)))
    all_of_two = widened(Interval(1.0, 1.0, 1.0), 2)
    assert (all_of_two.low, all_of_two.high) == (pytest.approx(0.025**0.5), 1.0), "no difference is beyond 1"
    other = Interval(0.0, -0.01, 0.0)
    assert widened(other, 3) is other


def test_the_seed_decides():
    values, reference = list(np.linspace(0, 1, 40)), [0.3] * 40
    assert paired_difference(values, reference, seed=1) == paired_difference(values, reference, seed=1)
    assert paired_difference(values, reference, seed=1) != paired_difference(values, reference, seed=2)


def test_pairing_narrows_what_is_common():
    generator = np.random.default_rng(0)
    clean = generator.random(200)
    compressed = clean - 0.1 + generator.normal(0, 0.01, 200)
    interval = paired_difference(compressed.tolist(), clean.tolist(), seed=0)
    assert interval.high - interval.low < 0.005
    assert interval.low < -0.1 < interval.high


def test_width_agrees_with_the_normal_theory():
    """The standard error of a mean of n values is s / sqrt(n): 95 % of draws lie within 1.96 of them."""
    differences = np.random.default_rng(5).normal(0.2, 1.0, 400)
    interval = paired_difference(differences.tolist(), [0.0] * 400, seed=0, n_draws=20_000)
    expected = 1.959964 * differences.std() / math.sqrt(400)
    assert interval.high - interval.mean == pytest.approx(expected, rel=0.05)
    assert interval.mean - interval.low == pytest.approx(expected, rel=0.05)


def test_intervals_cover_the_truth_about_95_times_in_100():
    generator, truth, covered = np.random.default_rng(11), -0.15, 0
    for repetition in range(300):
        flips = (generator.random(120) < 0.2).astype(float)
        flips -= (generator.random(120) < 0.05).astype(float)
        interval = paired_difference((-flips).tolist(), [0.0] * 120, seed=repetition, n_draws=500)
        covered += interval.low <= truth <= interval.high
    assert 0.91 <= covered / 300 <= 0.985


@pytest.mark.parametrize(("n_items", "n_draws"), [(1, 10), (7, 33), (5000, 2000)])
def test_draws_count_every_item_and_come_in_blocks(n_items, n_draws):
    blocks = list(draws(n_items, seed=0, n_draws=n_draws))
    assert sum(len(block) for block in blocks) == n_draws
    assert all((block.sum(axis=1) == n_items).all() for block in blocks)
    assert all(block.size <= 4_000_000 for block in blocks)
