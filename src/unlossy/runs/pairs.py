"""Any two methods of a study beside each other: their paired differences at each setting.

A pair's items are those scored with both, so a method that fails takes nothing from the others. Differences over
equally many items share one set of bootstrap draws: where every method has every item, all pairs tell of the same
resampled items, and drawing, which is the dear part, is done once a setting.
"""

import math
from collections import defaultdict
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
from unlossy.runs.cells import Cell, Cells, column, common
from unlossy.runs.estimates import Estimates, interval_of

HALF_WIDTH: Final = 0.05
"""Of an interval that is narrow enough: 5 points."""

Named = tuple[str, str, str]
"""A metric and the two methods of a pair."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two methods at a setting: method `a` minus method `b` in each metric, over the `n` items scored with both.

    A difference is None where no item has that metric with both. `images_needed` is how many would make the interval of
    a metric as narrow as 5 points on each side.
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
    of_method = {mitigation: cells[codec.setting, mitigation] for mitigation in mitigations}
    items = {(a, b): common(of_method[a], of_method[b]) for b, a in combinations(mitigations, 2)}
    found = _of_means(of_method, items, estimates) | _of_the_set(of_method, items, estimates)
    for (a, b), both in items.items():
        difference = {metric: found.get((metric, a, b)) for metric in estimates.measure.metrics}
        needed = {metric: images_needed(interval, len(both)) for metric, interval in difference.items()}
        yield Pair(codec.setting, codec.codec_quality, a, b, difference, len(both), needed)


def images_needed(interval: Interval | Share | None, n_items: int) -> int | None:
    """How many items of the same kind would make the interval 5 points wide on each side; None where it has no end.

    The width falls with the square root of the number of items.
    """
    if interval is None or interval.low is None or interval.high is None:
        return None
    return math.ceil(n_items * ((interval.high - interval.low) / 2 / HALF_WIDTH) ** 2)


Items = Mapping[tuple[str, str], tuple[int, ...]]
"""What is scored with both methods of a pair."""


def _of_means(of_method: Mapping[str, Cell], items: Items, estimates: Estimates) -> dict[Named, Interval | None]:
    """The differences of the metrics that are means over the items, those left out that no item has with both."""
    measure = estimates.measure
    by_count: dict[int, dict[Named, Float64[np.ndarray, " n"]]] = defaultdict(dict)
    for metric in (metric for metric in measure.metrics if metric not in measure.set_metrics):
        for (a, b), both in items.items():
            values = [column(of_method[method].at(both), metric) for method in (a, b)]
            change = np.subtract(*np.array(values, dtype=np.float64))
            told = change[~np.isnan(change)]
            by_count[len(told)][metric, a, b] = told
    found: dict[Named, Interval | None] = {}
    for n_items, changes in by_count.items():
        if n_items:
            table = np.stack(list(changes.values()), axis=1)
            drawn = np.concatenate([weights @ table / n_items for weights in draws(n_items, estimates.seed)])
            for number, name in enumerate(changes):
                found[name] = interval_of(float(table[:, number].mean()), drawn[:, number])
    return found


def _of_the_set(of_method: Mapping[str, Cell], items: Items, estimates: Estimates) -> dict[Named, Interval | None]:
    """The differences of the metrics that belong to the whole set, those left out that a method has no value of."""
    found: dict[Named, Interval | None] = {}
    for (a, b), both in items.items():
        here, there = (estimates.drawn(of_method[method], both) for method in (a, b))
        for metric in here.keys() & there.keys():
            change = here[metric].draws - there[metric].draws
            found[metric, a, b] = interval_of(here[metric].value - there[metric].value, change)
    return found
