"""Is a trait gathered in some groups, and in which? An exact test over every set of groups that could be named.

Each trait (a set of images, chosen without looking at groups) has counts o_g of n_g images in each group. Sorted by
their share o_g / n_g, the most unusual set of groups is a prefix of that order (linear-time subset scan: Neill 2012,
"Fast subset scan for spatial pattern detection", J. R. Stat. Soc. B 74(2)); it is scored by its log likelihood ratio
less the price of having chosen it among all sets of its size. Its p-value is the hypergeometric tail, which is exact
when images are dealt to groups at random, times the number of sets of that size and a weight of the size: a union
bound, so that no simulation is needed and the chance of any false claim stays below the level.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64


@dataclass(frozen=True, slots=True, eq=False)
class Subsets:
    """The most unusual set of groups for each of t traits.

    Attributes:
        order: Groups by falling share, for each trait; the set is the first `size` of them.
        size: Number of groups in the set; 0 where no group stands out.
        inside, inside_of: Images with the trait in the set, and images in the set.
        total, total_of: Images with the trait in all groups, and images in all groups.
        log_price: Natural log of the number of sets that compete with this one, weighted; added to a log p-value.
    """

    order: Int64[np.ndarray, "t g"]
    size: Int64[np.ndarray, " t"]
    inside: Int64[np.ndarray, " t"]
    inside_of: Int64[np.ndarray, " t"]
    total: Int64[np.ndarray, " t"]
    total_of: int
    log_price: Float64[np.ndarray, " t"]

    def log_p(self, trait: int) -> float:
        """Natural log of the p-value of one trait's set, corrected for the choice of the set."""
        tail = log_tail(int(self.inside[trait]), self.total_of, int(self.total[trait]), int(self.inside_of[trait]))
        return min(0.0, tail + float(self.log_price[trait]))


def most_unusual(counts: Int64[np.ndarray, "t g"], sizes: Int64[np.ndarray, " g"]) -> Subsets:
    """For each trait the set of groups, not all of them, that holds it most unusually often.

    `counts` are the images with the trait in each group, `sizes` all images in each group (at least 1).
    """
    n_traits, n_groups = counts.shape
    share = counts / sizes
    order = np.lexsort((np.broadcast_to(-sizes, counts.shape), -share), axis=1)
    inside = np.take_along_axis(counts, order, axis=1).cumsum(axis=1)[:, :-1]
    inside_of = sizes[order].cumsum(axis=1)[:, :-1]
    total, total_of = counts.sum(axis=1), int(sizes.sum())
    prices = log_prices(n_groups)
    score = _log_ratio(inside, inside_of, total[:, None], total_of) - prices
    best = score.argmax(axis=1)
    rows = np.arange(n_traits)
    found = (score[rows, best] > 0) & (inside[rows, best] * total_of > inside_of[rows, best] * total)
    return Subsets(
        order=order,
        size=np.where(found, best + 1, 0),
        inside=inside[rows, best],
        inside_of=inside_of[rows, best],
        total=total,
        total_of=total_of,
        log_price=prices[best],
    )


def log_prices(n_groups: int) -> Float64[np.ndarray, " s"]:
    """Log of (number of sets of s groups) * s(s+1), for s = 1 .. n_groups-1; their inverses sum to less than 1."""
    sizes = np.arange(1, n_groups)
    log_sets = [math.lgamma(n_groups + 1) - math.lgamma(s + 1) - math.lgamma(n_groups - s + 1) for s in sizes]
    return np.array(log_sets) + np.log(sizes * (sizes + 1.0))


def least_log_p(sizes: Int64[np.ndarray, " g"], least_images: int) -> float:
    """A bound from below on `Subsets.log_p` over all traits of `least_images` to half of the images, in such groups.

    For each number of groups: a set as near to half of the images as their sizes may allow, and a trait that fills it.
    """
    if len(sizes) < 2:
        return 0.0
    total, sizes = int(sizes.sum()), np.sort(sizes)
    fewest, most = sizes.cumsum()[:-1], sizes[::-1].cumsum()[:-1]
    drawn = np.clip(total // 2, fewest, most)
    marked = np.minimum(drawn, total // 2)
    log_factorial = np.concatenate([[0.0], np.log(np.arange(1, total + 1)).cumsum()])
    # all marked ones among the drawn: C(drawn, marked) / C(total, marked)
    tail = log_factorial[drawn] + log_factorial[total - marked] - log_factorial[drawn - marked] - log_factorial[total]
    log_p = np.where(marked >= least_images, tail + log_prices(len(sizes)), 0.0)
    return min(0.0, float(log_p.min()))


def log_tail(observed: int, population: int, marked: int, drawn: int) -> float:
    """Log P(X >= observed), X hypergeometric: marked ones among `drawn` out of `population` with `marked` ones."""
    last = min(marked, drawn)
    if observed > last:
        return -math.inf
    if observed <= max(0, drawn + marked - population):
        return 0.0
    hits = np.arange(observed, last + 1, dtype=np.float64)
    # each term from the one before it, so that only the first needs binomials: C(m, h) C(p - m, d - h) / C(p, d)
    steps = np.log((marked - hits[:-1]) * (drawn - hits[:-1])) - np.log(
        (hits[:-1] + 1) * (population - marked - drawn + hits[:-1] + 1)
    )
    first = _log_choose(marked, observed) + _log_choose(population - marked, drawn - observed)
    first -= _log_choose(population, drawn)
    logs = first + np.concatenate([[0.0], steps.cumsum()])
    peak = float(logs.max())
    return min(0.0, peak + math.log(float(np.exp(logs - peak).sum())))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _log_ratio(
    inside: Int64[np.ndarray, "t s"],
    inside_of: Int64[np.ndarray, "t s"],
    total: Int64[np.ndarray, "t 1"],
    total_of: int,
) -> Float64[np.ndarray, "t s"]:
    """Log likelihood ratio of two shares (inside, outside) against one, natural log."""
    return (
        _log_binomial(inside, inside_of)
        + _log_binomial(total - inside, total_of - inside_of)
        - _log_binomial(total, np.full_like(total, total_of))
    )


def _log_binomial(hits: Int64[np.ndarray, "t s"], of: Int64[np.ndarray, "t s"]) -> Float64[np.ndarray, "t s"]:
    """The highest log likelihood of `hits` out of `of`, over all shares."""
    misses = of - hits
    # 0 log 0 is 0
    return sum(x * np.log(np.where(x > 0, x, 1) / np.maximum(of, 1)) for x in (hits, misses))
