"""How well agreement with the clean answer stands in for the labels: whether unlabeled data would tell the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from unlossy.runs.cells import Cells, common
from unlossy.store import CLEAN, NONE
from unlossy.tasks.base import Yardstick

AGREEMENT: Final = "agreement"
FEWEST: Final = 3
"""Points that a correlation is given for."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Pearson's r of agreement with the labelled metric, -1..1; None where there are too few points or no spread.

    Attributes:
        over_settings: of the main metric and the mean agreement, a point for each compressed cell without mitigation.
        n_settings: those cells.
        over_items: of each item's own change of score and its agreement, a point for each item in each such cell.
        n_items: those points.
    """

    over_settings: float | None
    n_settings: int
    over_items: float | None
    n_items: int


def correlation_of(
    measure: Yardstick, main_metric: str, cells: Cells, told: Mapping[str, Mapping[str, float | None]]
) -> Correlation | None:
    """The correlation in a study; None where it has no labels.

    `told` has the metrics of each setting without mitigation.
    """
    if main_metric == AGREEMENT:
        return None
    points = [(values.get(main_metric), values.get(AGREEMENT)) for values in told.values()]
    settings = [(float(a), float(b)) for a, b in points if a is not None and b is not None]
    items = [pair for setting in told for pair in _of_items(measure, cells, setting)]
    return Correlation(_pearson(settings), len(settings), _pearson(items), len(items))


def _of_items(measure: Yardstick, cells: Cells, setting: str) -> list[tuple[float, float]]:
    """Each item's score minus its clean one, and its agreement."""
    here, clean = cells[setting, NONE], cells[CLEAN, NONE]
    found = []
    for item in common(here, clean):
        values = here.scores[item].values
        score, best = values.get(measure.item_metric), clean.scores[item].values.get(measure.item_metric)
        agreement = values.get(AGREEMENT)
        if score is not None and best is not None and agreement is not None:
            found.append((float(score - best), float(agreement)))
    return found


def _pearson(points: Sequence[tuple[float, float]]) -> float | None:
    if len(points) < FEWEST:
        return None
    a, b = np.array(points, dtype=np.float64).T
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
