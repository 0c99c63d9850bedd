"""What a method gains on the mean over several settings: one question, so that many settings are not many chances.

Over nine settings of which each is asked at 95 %, and three methods that change answers at random, more than every
fourth study finds a winner. The mean is asked once a method, at a level that leaves 5 % to all methods together
(Bonferroni): of studies in which no method does anything, at most one in twenty finds one.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from unlossy.metrics import Interval
from unlossy.metrics.stats import LEVEL, draws
from unlossy.runs.cells import Cell, column, common
from unlossy.runs.estimates import Estimates, interval_of

Beside = Sequence[tuple[Cell, Cell]]
"""By setting, the cell of a method and that of none."""


def shared_level(n_methods: int) -> float:
    """The level (0..1) at which each of so many methods is asked, so that 5 % are left to all of them together."""
    return 1.0 - (1.0 - LEVEL) / max(1, n_methods)


def mean_gain(beside: Beside, metric: str, estimates: Estimates, level: float) -> Interval | None:
    """The mean over the settings of the method's difference to none, with its interval at a level (0..1).

    A setting at which nothing is scored with both counts as no gain. Of a metric that belongs to the whole set the
    items are those scored at every other. None where there is no setting, or nothing to compare.
    """
    of_set = metric in estimates.measure.set_metrics
    return (_of_the_set if of_set else _of_means)(beside, metric, estimates, level)


def _of_means(beside: Beside, metric: str, estimates: Estimates, level: float) -> Interval | None:
    changes = [_changes(here, there, metric) for here, there in beside]
    place = {item: number for number, item in enumerate(sorted(set[int]().union(*changes)))}
    if not place:
        return None
    table, told = np.zeros((2, len(place), len(beside)))
    for number, of_setting in enumerate(changes):
        for item, change in of_setting.items():
            table[place[item], number], told[place[item], number] = change, 1.0

    def mean(weights: Float64[np.ndarray, "b n"]) -> Float64[np.ndarray, " b"]:
        counts = weights @ told
        return np.divide(weights @ table, counts, out=np.zeros_like(counts), where=counts > 0).mean(axis=1)

    drawn = np.concatenate([mean(weights) for weights in draws(len(place), estimates.seed)])
    return interval_of(float(mean(np.ones((1, len(place))))[0]), drawn, level)


def _changes(here: Cell, there: Cell, metric: str) -> dict[int, float]:
    """The differences by item."""
    items = common(here, there)
    pairs = zip(items, *(column(cell.at(items), metric) for cell in (here, there)), strict=True)
    return {item: a - b for item, a, b in pairs if a is not None and b is not None}


def _of_the_set(beside: Beside, metric: str, estimates: Estimates, level: float) -> Interval | None:
    scored = [pair for pair in beside if common(*pair)]
    items = common(*(cell for pair in scored for cell in pair)) if scored else ()
    found = [[estimates.drawn(cell, items).get(metric) for cell in pair] for pair in scored]
    pairs = [(here, there) for here, there in found if here is not None and there is not None]
    if not items or not pairs:
        return None
    value = sum(here.value - there.value for here, there in pairs) / len(beside)
    return interval_of(value, sum(here.draws - there.draws for here, there in pairs) / len(beside), level)
