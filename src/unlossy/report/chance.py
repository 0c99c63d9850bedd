"""What top-1 would be by chance: with the labels of a RUN's images dealt anew, at random, to its clean answers."""

import json
from collections import Counter
from math import sqrt
from pathlib import Path
from typing import Final

from unlossy.runs.folder import ROWS
from unlossy.store import CLEAN, NONE, RowStore

ONE_SIDED: Final = 1.645
"""Standard deviations that chance alone exceeds once in twenty times."""


def shuffled_top1(run: Path) -> float | None:
    """The mean top-1 over all ways to deal the labels (0..1); None without rows, or where all labels are one class.

    Images of one class tell nothing of the order of classes.
    """
    if not (run / ROWS).is_file():
        return None
    labels, answers = Counter[int](), Counter[int]()
    with RowStore(run / ROWS, read_only=True) as store:
        for row in store.rows():
            if row.codec == CLEAN and row.mitigation == NONE and row.target is not None and row.prediction is not None:
                labels[json.loads(row.target)["class_index"]] += 1
                answers[json.loads(row.prediction)["class_index"]] += 1
    if len(labels) < 2:
        return None
    return sum(n * answers[index] for index, n in labels.items()) / labels.total() ** 2


def is_chance(top1: float, shuffled: float, n: int) -> bool:
    """Whether of n labelled images no more are right than chance could make so; both shares are 0..1."""
    return top1 <= shuffled + ONE_SIDED * sqrt(shuffled * (1 - shuffled) / n)
