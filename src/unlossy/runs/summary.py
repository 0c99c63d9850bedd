"""From a RUN's rows to its numbers; reads the store and the yardstick, loads no model.

A cell's figures are over the items scored both in that cell and clean, so that every difference is paired; what sets a
mitigation beside none is over the items scored in all three.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from unlossy.codecs import Codec
from unlossy.metrics import Interval, paired_difference
from unlossy.metrics.recovered import Share, recovered_share
from unlossy.runs.folder import ROWS, read_made_by, read_plan
from unlossy.runs.plan import StudyPlan
from unlossy.store import CLEAN, NONE, RowStore, StudyRow
from unlossy.tasks.base import Score, Yardstick
from unlossy.tasks.registry import yardstick

MITIGATED_ONLY: Final = ("versus_none", "recovered")


@dataclass(frozen=True, slots=True)
class CellResult:
    """One codec setting and mitigation: metrics (0..1), their difference to clean with a 95 % interval, rate, items.

    Where there is a mitigation, `versus_none` is the difference to the same setting without it, and `recovered` the
    share of that setting's loss won back, both with None for each metric where the plan has no `none`.
    """

    codec: str
    codec_quality: float | None
    mitigation: str
    metrics: Mapping[str, float | None]
    difference: Mapping[str, Interval | None]
    rate_bpp: float | None
    n: int
    versus_none: Mapping[str, Interval | None] | None = None
    recovered: Mapping[str, Share | None] | None = None

    def to_json(self) -> dict[str, Any]:
        """The cell in `study --json`; what only a mitigation has is left out where there is none."""
        told = asdict(self)
        return {name: value for name, value in told.items() if value is not None or name not in MITIGATED_ONLY}


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A study's numbers: `clean` metrics of the model, those with each mitigation, the cells, how many items failed."""

    run: str
    plan: StudyPlan
    main_metric: str
    n_items: int
    n_labelled: int
    failed: int
    errors: Mapping[str, int]
    clean: Mapping[str, float | None]
    cells: tuple[CellResult, ...]
    clean_mitigated: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The object that `study --json` prints."""
        cells = [cell.to_json() for cell in self.cells]
        head = {"run": self.run, "n_items": self.n_items, "failed": self.failed}
        mitigated = {mitigation: dict(metrics) for mitigation, metrics in self.clean_mitigated.items()}
        return head | {"clean": dict(self.clean), "clean_mitigated": mitigated, "cells": cells}


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


_Cells = defaultdict[tuple[str, str], _Cell]
"""By codec setting and mitigation."""


def summarise_run(run: Path | str) -> StudyResult:
    """The result of a RUN, finished or not; raises UsageError where the folder is none."""
    plan, made_by = read_plan(Path(run)), read_made_by(Path(run))
    with RowStore(Path(run) / ROWS, read_only=True) as store:
        cells, errors, labelled = _collect(store)
    measure = yardstick(plan.task)
    clean = cells[CLEAN, NONE]
    mitigated = [mitigation for mitigation in plan.mitigations if mitigation != NONE]
    return StudyResult(
        run=str(run),
        plan=plan,
        main_metric=measure.main_metric if labelled else "agreement",
        n_items=made_by["n_items"],
        n_labelled=len(labelled),
        failed=len(errors),
        errors=Counter(errors.values()),
        clean=measure.summarise(list(clean.scores.values())),
        cells=tuple(
            _cell_result(codec, mitigation, plan, measure, cells)
            for codec in plan.made_codecs
            for mitigation in plan.mitigations
        ),
        clean_mitigated={
            mitigation: measure.summarise(_paired(cells[CLEAN, mitigation], clean)[0]) for mitigation in mitigated
        },
    )


def _collect(store: RowStore) -> tuple[_Cells, dict[int, str], set[int]]:
    """The cells, the first error kind of each failed item, and the items that have a label."""
    cells: _Cells = defaultdict(_Cell)
    errors: dict[int, str] = {}
    labelled: set[int] = set()
    for row in store.rows():
        if row.target is not None:
            labelled.add(row.item_index)
        if row.error_kind is not None:
            errors.setdefault(row.item_index, row.error_kind)
        else:
            cells[row.codec, row.mitigation].add(row)
    return cells, errors, labelled


def _cell_result(codec: Codec, mitigation: str, plan: StudyPlan, measure: Yardstick, cells: _Cells) -> CellResult:
    cell, clean = cells[codec.setting, mitigation], cells[CLEAN, NONE]
    here, there = _paired(cell, clean)
    return CellResult(
        codec=codec.setting,
        codec_quality=codec.codec_quality,
        mitigation=mitigation,
        metrics=measure.summarise(here),
        difference={
            metric: paired_difference(_column(here, metric), _column(there, metric), plan.seed)
            for metric in measure.metrics
        },
        rate_bpp=cell.bits / cell.pixels if cell.pixels else None,
        n=len(here),
        **({} if mitigation == NONE else _beside_none(cell, cells[codec.setting, NONE], clean, measure, plan.seed)),
    )


def _beside_none(cell: _Cell, none: _Cell, clean: _Cell, measure: Yardstick, seed: int) -> dict[str, Any]:
    """`versus_none` and `recovered` of a mitigated cell."""
    scores = _paired(cell, none, clean)
    columns = {metric: tuple(_column(column, metric) for column in scores) for metric in measure.metrics}
    return {
        "versus_none": {name: paired_difference(here, there, seed) for name, (here, there, _) in columns.items()},
        "recovered": {name: recovered_share(here, there, best, seed) for name, (here, there, best) in columns.items()},
    }


def _paired(*cells: _Cell) -> tuple[list[Score], ...]:
    """The scores of the items scored in every one of the cells, in one order."""
    indices = sorted(set.intersection(*(set(cell.scores) for cell in cells)))
    return tuple([cell.scores[index] for index in indices] for cell in cells)


def _column(scores: list[Score], metric: str) -> list[float | None]:
    return [score.values.get(metric) for score in scores]
