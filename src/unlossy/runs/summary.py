"""From a RUN's rows to its numbers; reads the store and the yardstick, loads no model.

A cell's figures are over the items scored both in that cell and clean, so that every difference is paired.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from unlossy.codecs import Codec
from unlossy.metrics import Interval, paired_difference
from unlossy.runs.folder import ROWS, read_made_by, read_plan
from unlossy.runs.plan import StudyPlan
from unlossy.store import CLEAN, NONE, RowStore, StudyRow
from unlossy.tasks.base import Score, Yardstick
from unlossy.tasks.registry import yardstick


@dataclass(frozen=True, slots=True)
class CellResult:
    """One codec setting: metrics (0..1), their difference to clean with a 95 % interval, bits per pixel, items."""

    codec: str
    codec_quality: float | None
    mitigation: str
    metrics: Mapping[str, float | None]
    difference: Mapping[str, Interval | None]
    rate_bpp: float | None
    n: int


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A study's numbers: `clean` metrics of the model, one CellResult per setting, and how many items failed."""

    run: str
    plan: StudyPlan
    main_metric: str
    n_items: int
    n_labelled: int
    failed: int
    errors: Mapping[str, int]
    clean: Mapping[str, float | None]
    cells: tuple[CellResult, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that `study --json` prints."""
        cells = [asdict(cell) for cell in self.cells]
        head = {"run": self.run, "n_items": self.n_items, "failed": self.failed}
        return head | {"clean": dict(self.clean), "clean_mitigated": {}, "cells": cells}


@dataclass(slots=True)
class _Cell:
    """Scores by item, and the bits and pixels they took; filled row by row."""

    scores: dict[int, Score] = field(default_factory=dict)
    bits: int = 0
    pixels: int = 0

    def add(self, row: StudyRow) -> None:
        self.scores[row.item_index] = Score(json.loads(row.score or "{}"))
        if row.encoded_bytes is not None and row.width is not None and row.height is not None:
            self.bits += 8 * row.encoded_bytes
            self.pixels += row.width * row.height


def summarise_run(run: Path | str) -> StudyResult:
    """The result of a RUN, finished or not; raises UsageError where the folder is none."""
    plan, made_by = read_plan(Path(run)), read_made_by(Path(run))
    with RowStore(Path(run) / ROWS, read_only=True) as store:
        cells, errors, labelled = _collect(store)
    measure = yardstick(plan.task)
    clean = cells[CLEAN]
    return StudyResult(
        run=str(run),
        plan=plan,
        main_metric=measure.main_metric if labelled else "agreement",
        n_items=made_by["n_items"],
        n_labelled=len(labelled),
        failed=len(errors),
        errors=Counter(errors.values()),
        clean=measure.summarise(list(clean.scores.values())),
        cells=tuple(_cell_result(codec, plan, measure, cells[codec.setting], clean) for codec in plan.made_codecs),
    )


def _collect(store: RowStore) -> tuple[dict[str, _Cell], dict[int, str], set[int]]:
    """The cells by setting, the first error kind of each failed item, and the items that have a label."""
    cells: defaultdict[str, _Cell] = defaultdict(_Cell)
    errors: dict[int, str] = {}
    labelled: set[int] = set()
    for row in store.rows():
        if row.target is not None:
            labelled.add(row.item_index)
        if row.error_kind is not None:
            errors.setdefault(row.item_index, row.error_kind)
        else:
            cells[row.codec].add(row)
    return cells, errors, labelled


def _cell_result(codec: Codec, plan: StudyPlan, measure: Yardstick, cell: _Cell, clean: _Cell) -> CellResult:
    paired = sorted(cell.scores.keys() & clean.scores.keys())
    here, there = [cell.scores[index] for index in paired], [clean.scores[index] for index in paired]
    return CellResult(
        codec=codec.setting,
        codec_quality=codec.codec_quality,
        mitigation=NONE,
        metrics=measure.summarise(here),
        difference={
            metric: paired_difference(_column(here, metric), _column(there, metric), plan.seed)
            for metric in measure.metrics
        },
        rate_bpp=cell.bits / cell.pixels if cell.pixels else None,
        n=len(paired),
    )


def _column(scores: list[Score], metric: str) -> list[float | None]:
    return [score.values.get(metric) for score in scores]
