import math

import numpy as np
import pytest

from unlossy.metrics import paired_difference
from unlossy.metrics.stats import draws


def test_the_mean_is_over_complete_pairs():
    interval = paired_difference([1.0, None, 0.0, 0.5], [0.0, 1.0, None, 0.0], seed=0)
    assert interval.mean == 0.75


def test_no_pair_no_interval():
    assert paired_difference([None, 1.0], [1.0, None], seed=0) is None
    assert paired_difference([], [], seed=0) is None


def test_a_constant_difference_has_no_width():
    interval = paired_difference([0.5] * 20, [0.25] * 20, seed=3)
    assert (interval.mean, interval.low, interval.high) == (0.25, 0.25, 0.25)


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
