"""Which characters are misread in each cell of a RUN: confusions, missed and invented ones, beside the clean cell's.

Read from the RUN's rows alone. Where there are no labels, the reading of the clean picture is the truth.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Final

from unlossy.metrics.text import confusions_of, normalised, rule_of
from unlossy.runs.folder import ROWS, read_plan
from unlossy.store import CLEAN, NONE, RowStore, StudyRow

COMMONEST: Final = 30
"""Confusions told of each cell."""

Confusions = Counter[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Confusion:
    """A character of the truth and what was read for it; "" is none: `read` "" one missed, `true` "" one invented.

    `clean_count` is how often the same happens in the same items' clean pictures.
    """

    true: str
    read: str
    count: int
    clean_count: int


@dataclass(frozen=True, slots=True)
class TextCell:
    """What is misread in a cell, over the `n` items read both there and clean.

    Attributes:
        chars: Of the truth, after normalisation.
        substituted: Characters read as another; `missed`: as none; `invented`: read where there is none.
        clean: The same three numbers in the clean cell of the model alone.
        confusions: The commonest, most frequent first.
    """

    codec: str
    codec_quality: float | None
    mitigation: str
    n: int
    chars: int
    substituted: int
    missed: int
    invented: int
    clean: Mapping[str, int]
    confusions: tuple[Confusion, ...]

    def to_json(self) -> dict[str, Any]:
        """The cell as JSON values."""
        names = ("codec", "codec_quality", "mitigation", "n", "chars", "substituted", "missed", "invented")
        told = [{"true": c.true, "read": c.read, "count": c.count, "clean": c.clean_count} for c in self.confusions]
        return {**{name: getattr(self, name) for name in names}, "clean": dict(self.clean), "confusions": told}


@dataclass(frozen=True, slots=True)
class TextDiagnosis:
    """The cells, the clean ones first, then in the plan's order; `against` says what readings were compared with."""

    against: str
    cells: tuple[TextCell, ...]

    def to_json(self) -> dict[str, Any]:
        """The diagnosis as JSON values."""
        return {"against": self.against, "cells": [cell.to_json() for cell in self.cells]}


@dataclass(slots=True)
class _Readings:
    """The texts read in a cell, and the truths, by item."""

    codec_quality: float | None
    texts: dict[int, str] = field(default_factory=dict)


def diagnose(run: Path) -> TextDiagnosis:
    """The misread characters of every cell of a RUN of the task "text", the clean one included.

    Raises MissingDependency where rapidfuzz is not installed.
    """
    cells: dict[tuple[str, str], _Readings] = {(CLEAN, NONE): _Readings(None)}
    truths: dict[int, str] = {}
    with RowStore(run / ROWS, read_only=True) as store:
        for row in store.rows():
            _take(row, cells, truths)
    plan = read_plan(run)
    ordered = product((CLEAN, *plan.codecs), dict.fromkeys((NONE, *plan.mitigations)))
    clean = cells[CLEAN, NONE].texts
    against = "truth" if truths else "clean reading"
    truths = truths or clean
    return TextDiagnosis(
        against, tuple(_cell(place, cells[place], clean, truths) for place in ordered if place in cells)
    )


def _take(row: StudyRow, cells: dict[tuple[str, str], _Readings], truths: dict[int, str]) -> None:
    if row.error_kind is not None or row.prediction is None:
        return
    cell = cells.setdefault((row.codec, row.mitigation), _Readings(row.codec_quality))
    cell.texts[row.item_index] = json.loads(row.prediction)["text"]
    if row.target is not None:
        truths[row.item_index] = json.loads(row.target)["text"]


def _cell(place: tuple[str, str], cell: _Readings, clean: Mapping[int, str], truths: Mapping[int, str]) -> TextCell:
    items = sorted(set(cell.texts) & set(clean) & set(truths))
    here, there = (_confusions(texts, truths, items) for texts in (cell.texts, clean))
    commonest = sorted(here.items(), key=lambda pair: (-pair[1], pair[0]))[:COMMONEST]
    return TextCell(
        codec=place[0],
        codec_quality=cell.codec_quality,
        mitigation=place[1],
        n=len(items),
        chars=sum(len(normalised(truths[item], rule_of(truths[item]))) for item in items),
        **_kinds(here),
        clean=_kinds(there),
        confusions=tuple(Confusion(true, read, n, there[true, read]) for (true, read), n in commonest),
    )


def _confusions(texts: Mapping[int, str], truths: Mapping[int, str], items: Sequence[int]) -> Confusions:
    found: Confusions = Counter()
    for item in items:
        found.update(confusions_of(texts[item], truths[item]))
    return found


def _kinds(confusions: Confusions) -> dict[str, int]:
    """How many characters were substituted, missed and invented."""
    kinds = {"substituted": 0, "missed": 0, "invented": 0}
    for (true, read), count in confusions.items():
        kinds["invented" if not true else "missed" if not read else "substituted"] += count
    return kinds
