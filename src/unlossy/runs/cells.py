"""A RUN's rows gathered by cell, a codec setting and a mitigation: scores by item, sizes, times."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from unlossy.store import RowStore, StudyRow
from unlossy.tasks.base import Score

EVIDENCE: Final = "evidence"
"""Under which a row's score holds what set metrics are worked out from."""


@dataclass(slots=True)
class Cell:
    """Scores and seconds by item, and the bits and pixels they took; filled row by row."""

    scores: dict[int, Score] = field(default_factory=dict)
    elapsed_s: dict[int, float] = field(default_factory=dict)
    bits: int = 0
    pixels: int = 0

    def add(self, row: StudyRow) -> None:
        """The cell holds the row, too."""
        values = json.loads(row.score or "{}")
        self.scores[row.item_index] = Score(values, values.pop(EVIDENCE, None))
        self.elapsed_s[row.item_index] = row.elapsed_s
        if row.encoded_bytes is not None and row.width is not None and row.height is not None:
            self.bits += 8 * row.encoded_bytes
            self.pixels += row.width * row.height

    def at(self, items: Sequence[int]) -> list[Score]:
        """The scores of these items."""
        return [self.scores[item] for item in items]


Cells = defaultdict[tuple[str, str], Cell]
"""By codec setting and mitigation; one that has no rows is empty."""


@dataclass(frozen=True, slots=True)
class Collected:
    """The cells, the first error kind of each failed item, and the items that have a label."""

    cells: Cells
    errors: dict[int, str]
    labelled: set[int]


def collect(store: RowStore) -> Collected:
    """What a store's rows hold."""
    found = Collected(defaultdict(Cell), {}, set())
    for row in store.rows():
        if row.target is not None:
            found.labelled.add(row.item_index)
        if row.error_kind is not None:
            found.errors.setdefault(row.item_index, row.error_kind)
        else:
            found.cells[row.codec, row.mitigation].add(row)
    return found


def common(*cells: Cell) -> tuple[int, ...]:
    """The items scored in every one of the cells, in order."""
    return tuple(sorted(set.intersection(*(set(cell.scores) for cell in cells))))


def column(scores: Sequence[Score], metric: str) -> list[float | None]:
    """One metric of each score."""
    return [score.values.get(metric) for score in scores]
