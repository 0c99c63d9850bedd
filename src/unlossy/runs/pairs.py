"""Any two methods of a study beside each other: paired differences at each setting, all from the same draws.

The items are those scored with every method at that setting, and one set of bootstrap draws gives the mean of every
method and metric; a difference of two methods is then taken within each draw. So all pairs tell of the same resampled
items, and the work grows with the number of methods, not with its square.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from jaxtyping import Float64

from unlossy.codecs import Codec
from unlossy.metrics import Interval
from unlossy.metrics.recovered import Share
from unlossy.metrics.stats import draws
from unlossy.runs.cells import Cells, column, common
from unlossy.runs.estimates import Estimates, interval_of
from unlossy.tasks.base import Score, Yardstick

HALF_WIDTH: Final = 0.05
"""Of an interval that is narrow enough: 5 points."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two methods at a setting: method `a` minus method `b` in each metric, over `n` items.

    `images_needed` is how many would make the interval of a metric as narrow as 5 points on each side.
    """

    codec: str
    codec_quality: float | None
    a: str
    b: str
    difference: Mapping[str, Interval | None]
    n: int
    images_needed: Mapping[str, int | None]

    def to_json(self) -> dict[str, Any]:
        """The pair in `study --json`."""
        return asdict(self)


def pairs_of(codec: Codec, mitigations: Sequence[str], cells: Cells, estimates: Estimates) -> Iterator[Pair]:
    """Each pair of methods at a setting, the later one in the plan minus the earlier."""
    measure, of_method = estimates.measure, [cells[codec.setting, mitigation] for mitigation in mitigations]
    items = common(*of_method)
    means, n = _means([cell.at(items) for cell in of_method], measure, estimates.seed), len(items)
    for metric in measure.set_metrics:
        drawn = [found for cell in of_method if (found := estimates.drawn(cell, items).get(metric)) is not None]
        if len(drawn) == len(of_method):
            means[metric] = np.array([d.value for d in drawn]), np.stack([d.draws for d in drawn], axis=1)
    for b, a in combinations(range(len(mitigations)), 2):
        difference = {metric: _difference(means.get(metric), a, b) for metric in measure.metrics}
        needed = {metric: images_needed(interval, n) for metric, interval in difference.items()}
        yield Pair(codec.setting, codec.codec_quality, mitigations[a], mitigations[b], difference, n, needed)


def images_needed(interval: Interval | Share | None, n_items: int) -> int | None:
    """How many items of the same kind would make the interval 5 points wide on each side; None where it has no end.

    The width falls with the square root of the number of items.
    """
    if interval is None or interval.low is None or interval.high is None:
        return None
    return math.ceil(n_items * ((interval.high - interval.low) / 2 / HALF_WIDTH) ** 2)


Values = tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, "d k"]]
"""A metric of each method, and in each draw."""


def _difference(found: Values | None, a: int, b: int) -> Interval | None:
    if found is None:
        return None
    values, drawn = found
    return interval_of(float(values[a] - values[b]), drawn[:, a] - drawn[:, b])


def _means(scores: Sequence[Sequence[Score]], measure: Yardstick, seed: int) -> dict[str, Values]:
    """The metrics that are means over the items, those that no item has in all methods left out."""
    metrics = [metric for metric in measure.metrics if metric not in measure.set_metrics]
    columns = {metric: [column(of_method, metric) for of_method in scores] for metric in metrics}
    drawn = _drawn(columns, seed)
    return {metric: (_complete(columns[metric]).mean(axis=0), drawn[metric]) for metric in drawn}


def _drawn(columns: Mapping[str, list[list[float | None]]], seed: int) -> dict[str, Float64[np.ndarray, "d k"]]:
    """The mean of each method in each draw, by metric; metrics that no item has in all methods are left out.

    Metrics over equally many items share their draws, and so their work.
    """
    complete = {metric: _complete(values) for metric, values in columns.items()}
    found: dict[str, Float64[np.ndarray, "d k"]] = {}
    for n_items in sorted({len(values) for values in complete.values()} - {0}):
        together = {metric: values for metric, values in complete.items() if len(values) == n_items}
        table = np.concatenate(list(together.values()), axis=1)
        means = np.concatenate([weights @ table / n_items for weights in draws(n_items, seed)])
        found |= dict(zip(together, np.split(means, len(together), axis=1), strict=True))
    return found


def _complete(values: list[list[float | None]]) -> Float64[np.ndarray, "n k"]:
    """The values of the items that have one in every method."""
    table = np.array(values, dtype=np.float64).reshape(len(values), -1).T
    return table[~np.isnan(table).any(axis=1)]
