"""Differences of cells with their intervals, for metrics that are means over items and for those of the whole set.

A mean's difference is resampled item by item; a metric of the set (average precision, say) is worked out anew in every
draw, in both cells by the same draws. Those are dear, so a cell's draws over the same items are made once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float

from unlossy.metrics import Interval, paired_difference
from unlossy.metrics.recovered import Share, recovered_share, share_of
from unlossy.metrics.stats import LEVEL, draws
from unlossy.runs.cells import Cell, column
from unlossy.tasks.base import Yardstick

SET_DRAWS: Final = 1000
"""Draws of a metric of the set: fewer than of means, since each is an evaluation."""

Items = Sequence[int]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A metric of the set over some items: its value and its value in each draw (NaN: undefined there)."""

    value: float
    draws: Float[np.ndarray, " d"]


@dataclass(frozen=True, slots=True)
class Estimates:
    """What a yardstick says of cells beside each other; `seed` draws the items."""

    measure: Yardstick
    seed: int
    _made: dict[tuple[int, tuple[int, ...]], Mapping[str, Drawn]] = field(default_factory=dict)

    def differences(self, here: Cell, there: Cell, items: Items) -> dict[str, Interval | None]:
        """Each metric `here` minus `there` over the items, None where it is undefined."""
        pair = here.at(items), there.at(items)
        found: dict[str, Interval | None] = {}
        for metric in self.measure.metrics:
            if metric in self.measure.set_metrics:
                found[metric] = self._set_difference(metric, here, there, items)
            else:
                a, b = (column(scores, metric) for scores in pair)
                found[metric] = paired_difference(a, b, self.seed)
        return found

    def shares(self, mitigated: Cell, none: Cell, clean: Cell, items: Items) -> dict[str, Share | None]:
        """The share of each metric's loss, clean minus none, that the mitigated cell wins back."""
        return {metric: self.share(metric, mitigated, none, clean, items) for metric in self.measure.metrics}

    def share(self, metric: str, mitigated: Cell, none: Cell, clean: Cell, items: Items) -> Share | None:
        """As `shares`, of one metric."""
        cells, sign = (mitigated, none, clean), self._sign(metric)
        if metric in self.measure.set_metrics:
            drawn = [found for cell in cells if (found := self.drawn(cell, items).get(metric)) is not None]
            if len(drawn) < len(cells):
                return None
            won, lost = (sign * (one.value - drawn[1].value) for one in (drawn[0], drawn[2]))
            gains, losses = (sign * (one.draws - drawn[1].draws) for one in (drawn[0], drawn[2]))
            return share_of(won, lost, gains, losses)
        here, without, best = (
            [None if value is None else sign * value for value in column(cell.at(items), metric)] for cell in cells
        )
        return recovered_share(here, without, best, self.seed)

    def drawn(self, cell: Cell, items: Items) -> Mapping[str, Drawn]:
        """The set metrics of a cell over the items; those that are undefined are left out. Made once."""
        place = id(cell), tuple(items)  # the cells outlive this object's use: their ids stay theirs
        if place not in self._made:
            self._made[place] = self._draw(cell, items) if self.measure.set_metrics and items else {}
        return self._made[place]

    def _draw(self, cell: Cell, items: Items) -> Mapping[str, Drawn]:
        scores = cell.at(items)
        values = self.measure.summarise(scores)
        blocks = [self.measure.resample(scores, weights) for weights in draws(len(items), self.seed, SET_DRAWS)]
        return {
            metric: Drawn(value, _about(value, np.concatenate([block[metric] for block in blocks])))
            for metric in self.measure.set_metrics
            if (value := values.get(metric)) is not None and metric in blocks[0]
        }

    def _set_difference(self, metric: str, here: Cell, there: Cell, items: Items) -> Interval | None:
        a, b = (self.drawn(cell, items).get(metric) for cell in (here, there))
        if a is None or b is None:
            return None
        return interval_of(a.value - b.value, np.clip(a.draws - b.draws, -1.0, 1.0))  # shifted draws may leave 0..1

    def _sign(self, metric: str) -> float:
        return -1.0 if metric in self.measure.lower_is_better else 1.0


def _about(value: float, drawn: Float[np.ndarray, " d"]) -> Float[np.ndarray, " d"]:
    """The draws without their bias (Efron and Tibshirani 1993, chapter 10): their mean is the value.

    A draw holds only some of the rare classes, and the mean over classes of average precision or IoU is another one
    then; uncorrected, the value itself may lie outside of its interval.
    """
    told = drawn[~np.isnan(drawn)]
    return drawn - (told.mean() - value) if len(told) else drawn


def interval_of(mean: float, drawn: Float[np.ndarray, " d"], level: float = LEVEL) -> Interval | None:
    """The value with the percentile interval of its draws at a level (0..1); None where no draw tells anything."""
    told = drawn[~np.isnan(drawn)]
    if not len(told):
        return None
    tail = (1 - level) / 2
    low, high = np.quantile(told, [tail, 1 - tail])
    return Interval(float(mean), float(low), float(high))
