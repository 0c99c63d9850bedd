"""The weighted mean of each metric over the items that have it: what every yardstick makes of its item metrics."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from unlossy.tasks.base import Score


def means_of(
    scores: Sequence[Score], metrics: Sequence[str], weights: Float[np.ndarray, " n"] | None
) -> dict[str, float | None]:
    """The mean of each metric; None where no item has it, or all that do weigh nothing.

    `weights` (one bootstrap draw) count each item that often.
    """
    values = np.array([[score.values.get(metric) for metric in metrics] for score in scores], dtype=np.float64)
    values = values.reshape(len(scores), len(metrics))  # None became NaN; no scores at all keep two axes
    counts = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=np.float64)
    known = ~np.isnan(values)
    totals, weighed = counts @ np.where(known, values, 0.0), counts @ known
    pairs = zip(metrics, totals, weighed, strict=True)
    return {metric: float(total / weight) if weight > 0 else None for metric, total, weight in pairs}
