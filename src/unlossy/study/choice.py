"""Which pictures to show: chosen from the rows by rule, so that nobody's eye picks the ones that suit.

A candidate is right on the clean image (without labels: any answer) and wrong from some quality on all the way down.
The higher that quality the better; of equals the surer clean answer. One per class, then a second one.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from unlossy.runs.settings import Family
from unlossy.store import CLEAN, NONE, StudyRow

N_PICTURES = 12
MAX_FAMILIES = 4
PER_CLASS = 2


@dataclass(frozen=True, slots=True)
class Choice:
    """An item, the settings to show it at (clean first), and the one from which on downwards its answer is wrong."""

    item_index: int
    settings: tuple[str, ...]
    wrong_from: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    """Ordered best first."""

    wrong_from: int
    doubt: float
    item_index: int
    class_index: int


def choose_changed(
    rows: Iterable[StudyRow], families: Sequence[Family], n_pictures: int = N_PICTURES
) -> tuple[Choice, ...]:
    """At most `n_pictures` items that changed their answer, shared among the first four families.

    `rows` come in the order of their items, as the store gives them; memory grows with classes, not with items.
    """
    families = families[:MAX_FAMILIES]
    best: list[dict[int, list[_Candidate]]] = [{} for _ in families]
    for _, item_rows in groupby(rows, key=attrgetter("item_index")):
        cells = {row.codec: row for row in item_rows if row.mitigation == NONE and row.error_kind is None}
        for family, by_class in zip(families, best, strict=True):
            candidate = _candidate(cells, family)
            if candidate is not None:
                of_class = by_class.setdefault(candidate.class_index, [])
                of_class[:] = sorted([*of_class, candidate])[:PER_CLASS]
    return tuple(_shared_out(families, best, n_pictures))


def was_right(row: StudyRow) -> bool:
    """Whether the answer is the true class; without a label, whether it equals the clean one."""
    score = json.loads(row.score or "{}")
    top1 = score.get("top1")
    return bool(score.get("agreement") if top1 is None else top1)


def _candidate(cells: dict[str, StudyRow], family: Family) -> _Candidate | None:
    clean = cells.get(CLEAN)
    if clean is None or clean.prediction is None or not was_right(clean):
        return None
    if any(setting not in cells for setting in family.settings):
        return None
    right = [was_right(cells[setting]) for setting in family.settings]
    wrong_from = len(right) - next((n for n, was in enumerate(reversed(right)) if was), len(right))
    if wrong_from > family.settings.index(family.looked_at()[-1]):
        return None
    answer = json.loads(clean.prediction)
    class_index = json.loads(clean.target)["class_index"] if clean.target else answer["class_index"]
    return _Candidate(wrong_from, 1 - answer["probability"], clean.item_index, class_index)


def _shared_out(
    families: Sequence[Family], best: Sequence[dict[int, list[_Candidate]]], n_pictures: int
) -> Iterator[Choice]:
    taken: set[int] = set()
    for family, by_class in zip(families, best, strict=True):
        rounds = [sorted(of_class[n] for of_class in by_class.values() if n < len(of_class)) for n in range(PER_CLASS)]
        fresh = [candidate for turn in rounds for candidate in turn if candidate.item_index not in taken]
        for candidate in fresh[: max(1, n_pictures // len(families))]:
            taken.add(candidate.item_index)
            yield Choice(candidate.item_index, (CLEAN, *family.looked_at()), family.settings[candidate.wrong_from])
