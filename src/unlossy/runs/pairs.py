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
from unlossy.metrics.stats import LEVEL, draws
from unlossy.runs.cells import Cells, column, paired

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


def pairs_of(
    codec: Codec, mitigations: Sequence[str], metrics: Sequence[str], cells: Cells, seed: int
) -> Iterator[Pair]:
    """Each pair of methods at a setting, the later one in the plan minus the earlier."""
    scores = paired(*(cells[codec.setting, mitigation] for mitigation in mitigations))
    columns = {metric: [column(of_method, metric) for of_method in scores] for metric in metrics}
    means, drawn = {}, _drawn(columns, seed)
    for metric, values in columns.items():
        means[metric] = None if metric not in drawn else (_complete(values).mean(axis=0), drawn[metric])
    for b, a in combinations(range(len(mitigations)), 2):
        difference = {metric: _difference(found, a, b) for metric, found in means.items()}
        n = len(scores[0])
        needed = {metric: images_needed(interval, n) for metric, interval in difference.items()}
        yield Pair(codec.setting, codec.codec_quality, mitigations[a], mitigations[b], difference, n, needed)


def images_needed(interval: Interval | Share | None, n_items: int) -> int | None:
    """How many items of the same kind would make the interval 5 points wide on each side; None where it has no end.

    The width falls with the square root of the number of items.
    """
    if interval is None or interval.low is None or interval.high is None:
        return None
    return math.ceil(n_items * ((interval.high - interval.low) / 2 / HALF_WIDTH) ** 2)


def _difference(found: tuple[Float64[np.ndarray, " k"], Float64[np.ndarray, "d k"]] | None, a: int, b: int) -> Any:  # noqa: ANN401
    if found is None:
        return None
    means, drawn = found
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(drawn[:, a] - drawn[:, b], [tail, 1 - tail])
    return Interval(float(means[a] - means[b]), float(low), float(high))


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
