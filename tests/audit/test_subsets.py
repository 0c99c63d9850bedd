import itertools
import math

import numpy as np
import pytest

from unlossy.audit.subsets import least_log_p, log_prices, log_tail, most_unusual


def tail_by_counting(observed, population, marked, drawn):
    ways = [math.comb(marked, k) * math.comb(population - marked, drawn - k) for k in range(min(marked, drawn) + 1)]
    return sum(ways[observed:]) / sum(ways)


@pytest.mark.parametrize("population", [1, 7, 40])
def test_tail_equals_counting_every_way(population):
    generator = np.random.default_rng(population)
    for _ in range(60):
        marked, drawn = (int(x) for x in generator.integers(0, population + 1, 2))
        observed = int(generator.integers(0, min(marked, drawn) + 1))
        want = tail_by_counting(observed, population, marked, drawn)
        assert math.exp(log_tail(observed, population, marked, drawn)) == pytest.approx(want, rel=1e-9)


def test_far_tails_do_not_vanish():
    # all 300 marked ones of a million within 300 drawn: 1 / C(10^6, 300)
    want = -(math.lgamma(1e6 + 1) - math.lgamma(301) - math.lgamma(1e6 - 299))
    assert log_tail(300, 1_000_000, 300, 300) == pytest.approx(want)


def test_every_set_of_groups_is_paid_for():
    n_groups = 9
    paid = sum(
        math.exp(-log_prices(n_groups)[size - 1])
        for size in range(1, n_groups)
        for _ in itertools.combinations(range(n_groups), size)
    )
    assert 0.8 < paid < 1


def test_the_set_found_is_the_best_of_all_sets():
    generator = np.random.default_rng(4)
    sizes = generator.integers(5, 30, 6)
    counts = generator.binomial(sizes, [[0.1, 0.5, 0.1, 0.4, 0.2, 0.1]])
    found = most_unusual(counts, sizes)

    def score(groups):
        groups = list(groups)
        k, n, total, of = counts[0, groups].sum(), sizes[groups].sum(), counts.sum(), sizes.sum()
        best = sum(x * math.log(x / m) for h, m in ((k, n), (total - k, of - n)) for x in (h, m - h) if x) - sum(
            x * math.log(x / of) for x in (total, of - total) if x
        )
        return (best if k * of > n * total else -math.inf) - log_prices(6)[len(groups) - 1]

    every = [set(s) for size in range(1, 6) for s in itertools.combinations(range(6), size)]
    assert set(found.order[0, : found.size[0]].tolist()) == max(every, key=score)


@pytest.mark.parametrize("sizes", [[6, 6], [9, 3], [1, 1, 10], [4, 3, 3, 2]])
def test_no_trait_has_less_than_the_least_p_value(sizes):
    sizes = np.array(sizes)
    least = least_log_p(sizes, 3)
    every = np.array(list(itertools.product(*(range(size + 1) for size in sizes))))
    every = every[(every.sum(axis=1) >= 3) & (2 * every.sum(axis=1) <= sizes.sum())]
    found = most_unusual(every, sizes)
    assert min(found.log_p(i) for i in range(len(every)) if found.size[i]) >= least - 1e-9


def test_the_least_p_value_is_that_of_one_half_against_the_other():
    # all 6 marked ones of 12 within a group of 6: 1 / C(12, 6); 2 sets of one group, weighted by 1 * 2
    assert least_log_p(np.array([6, 6]), 5) == pytest.approx(math.log(4 / 924))
    assert least_log_p(np.array([6, 6]), 7) == least_log_p(np.array([40]), 5) == least_log_p(np.array([], int), 5) == 0
    assert least_log_p(np.ones(20_000, np.int64), 5) == 0  # a group for each image: chance gathers anything


def test_two_groups_of_ten_are_named_with_their_counts():
    counts = np.zeros((1, 10), np.int64)
    counts[0, [2, 7]] = 15
    found = most_unusual(counts, np.full(10, 60))
    assert (found.size[0], found.inside[0], found.inside_of[0]) == (2, 30, 120)
    assert set(found.order[0, :2].tolist()) == {2, 7}
    want = math.comb(120, 30) / math.comb(600, 30) * math.comb(10, 2) * 2 * 3
    assert math.exp(found.log_p(0)) == pytest.approx(want)


def test_p_values_of_random_dealings_are_no_smaller_than_they_say():
    generator = np.random.default_rng(0)
    sizes = np.array([40, 30, 20, 10, 5])
    dealt = generator.multivariate_hypergeometric(sizes, 21, size=2000)
    found = most_unusual(dealt, sizes)
    p = np.array([math.exp(found.log_p(i)) if found.size[i] else 1.0 for i in range(2000)])
    for level in (0.01, 0.05, 0.2):
        assert (p <= level).mean() <= level + 2 * math.sqrt(level / 2000)
