"""What a drawer of answers is given, and gives."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from unlossy.report.markup import Html
from unlossy.runs.exhibits import Exhibit, Exhibits
from unlossy.runs.folder import ROWS
from unlossy.store import CLEAN, NONE, RowStore, StudyRow

Picture = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, slots=True)
class Answered:
    """One item in one cell: what was answered, what is true (None without a label), the score's values."""

    prediction: Mapping[str, Any]
    target: Mapping[str, Any] | None
    score: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """One version of an exhibit: its picture (the crop), its answer, and the clean version's answer."""

    exhibit: Exhibit
    exhibits: Exhibits
    picture: Picture
    answer: Answered
    clean: Answered
    is_clean: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture to embed, what lies over it (as large as the picture), and what stands below."""

    picture: Picture
    overlay: Html | None
    caption: Html


Drawer = Callable[[Shown], Drawing]


def answers_of(run: Path, items: set[int]) -> dict[tuple[int, str, str], Answered]:
    """The answers of some items by item, codec and mitigation; rows that hold none are left out."""
    with RowStore(run / ROWS, read_only=True) as store:
        return {
            (row.item_index, row.codec, row.mitigation): _answered(row)
            for row in store.rows()
            if row.item_index in items and row.error_kind is None
        }


def clean_answer(answers: Mapping[tuple[int, str, str], Answered], item: int) -> Answered | None:
    """The answer on the clean picture."""
    return answers.get((item, CLEAN, NONE))


def _answered(row: StudyRow) -> Answered:
    target = None if row.target is None else json.loads(row.target)
    return Answered(json.loads(row.prediction or "{}"), target, json.loads(row.score or "{}"))
