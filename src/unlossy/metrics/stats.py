"""Paired bootstrap intervals: how sure a difference is, given which items happened to be drawn.

The same items are scored clean and compressed, so the difference is taken per item and the items are resampled with
replacement (Efron and Tibshirani 1993, the percentile interval). A draw is a vector of weights, how often each item
came up, so that metrics which are no means (average precision) can be resampled by the same draws.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

N_DRAWS = 2000
LEVEL = 0.95
ROUNDING = 1e-9
"""What the ends of an interval may differ by and still be one number."""
BLOCK_CELLS = 400_000
"""Weights held at a time: 3 MB, twice, whatever the number of items."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its interval at 95 %, in the metric's unit."""

    mean: float
    low: float
    high: float

    @property
    def has_width(self) -> bool:
        """Whether the ends differ; they do not where every difference is equal, since then every draw is."""
        return self.high - self.low > ROUNDING


def paired_difference(
    values: Sequence[float | None], reference: Sequence[float | None], seed: int, n_draws: int = N_DRAWS
) -> Interval | None:
    """Mean of `values - reference` over the pairs where both are there, with its bootstrap interval.

    None where there is no such pair. The same seed and number of pairs give the same draws, so intervals of several
    metrics over the same items come from the same resampled items.
    """
    pairs = [(a, b) for a, b in zip(values, reference, strict=True) if a is not None and b is not None]
    if not pairs:
        return None
    differences = np.array([a - b for a, b in pairs], dtype=np.float64)
    means = np.concatenate([weights @ differences / len(pairs) for weights in draws(len(pairs), seed, n_draws)])
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(differences.mean()), float(low), float(high))


def unseen(n_items: int) -> float:
    """The share of other items that may be unlike `n_items` that are all alike, at 95 %: 2.3 % of 160.

    The upper end of the interval of Clopper and Pearson (1934) for a proportion of which 0 of n were seen.
    """
    return 1.0 - ((1 - LEVEL) / 2) ** (1 / max(1, n_items))


def widened(interval: Interval, n_items: int) -> Interval:
    """The interval of a difference (-1..1) over `n_items` as words may bound it.

    Resampling equal differences gives no width, however few they are; it becomes what `unseen` items may do.
    """
    if interval.has_width:
        return interval
    by = unseen(n_items)
    return Interval(interval.mean, max(-1.0, interval.low - by), min(1.0, interval.high + by))


def draws(n_items: int, seed: int, n_draws: int = N_DRAWS) -> Iterator[Float64[np.ndarray, "b n"]]:
    """Bootstrap weights in blocks of rows: how often each of `n_items` comes up; each row sums to `n_items`."""
    generator = np.random.default_rng(seed)
    block = max(1, min(n_draws, BLOCK_CELLS // n_items))
    for start in range(0, n_draws, block):
        rows = min(block, n_draws - start)
        # counting drawn items is fifteen times as fast as numpy's multinomial of as many categories
        drawn = generator.integers(n_items, size=(rows, n_items)) + n_items * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n_items)
        yield counts.reshape(rows, n_items).astype(np.float64)
