"""The share of a loss that a mitigation wins back, with its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from unlossy.metrics.stats import LEVEL, N_DRAWS, draws


@dataclass(frozen=True, slots=True)
class Share:
    """A share (1: all won back, 0: nothing, below 0: made worse) with its interval at 95 %.

    An end is None where the interval has none: where so many draws show no loss that the share is not bounded there.
    """

    mean: float
    low: float | None
    high: float | None


def recovered_share(
    mitigated: Sequence[float | None],
    none: Sequence[float | None],
    clean: Sequence[float | None],
    seed: int,
    n_draws: int = N_DRAWS,
) -> Share | None:
    """The share `(mitigated - none) / (clean - none)` of sums over the items scored in all three.

    None without such items, and where the clean score is not above `none`: then there is no loss to win back. The same
    draws serve numerator and denominator (a percentile interval of a ratio, Efron and Tibshirani 1993). A draw without
    a loss counts as unbounded, upwards where the mitigation won on it and downwards where it lost; as nothing where it
    did neither.
    """
    triples = [
        (m, n, c)
        for m, n, c in zip(mitigated, none, clean, strict=True)
        if m is not None and n is not None and c is not None
    ]
    if not triples:
        return None
    scores = np.array(triples, dtype=np.float64)
    won, lost = scores[:, 0] - scores[:, 1], scores[:, 2] - scores[:, 1]
    if lost.sum() <= 0:
        return None
    drawn = [(weights @ won, weights @ lost) for weights in draws(len(triples), seed, n_draws)]
    gains, losses = (np.concatenate(part) for part in zip(*drawn, strict=True))
    return share_of(won.sum(), lost.sum(), gains, losses)


def share_of(won: float, lost: float, gains: Float[np.ndarray, " d"], losses: Float[np.ndarray, " d"]) -> Share | None:
    """The share `won / lost` with the interval that the draws of both give; None where nothing was lost.

    NaN in either marks a draw that tells nothing.
    """
    if not lost > 0:
        return None
    told = ((losses > 0) | (gains != 0)) & ~np.isnan(gains) & ~np.isnan(losses)
    if not told.any():
        return None
    unbounded = np.sign(gains) * np.where(gains == 0, 1, np.inf)
    shares = np.where(losses > 0, gains / np.where(losses > 0, losses, 1), unbounded)[told]
    tail = (1 - LEVEL) / 2
    # no interpolation between a finite share and an infinite one
    low, high = np.quantile(shares, [tail, 1 - tail], method="inverted_cdf")
    return Share(float(won / lost), _finite(low), _finite(high))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
