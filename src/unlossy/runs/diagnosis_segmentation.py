"""Where a segmentation study's loss comes from: which classes, edges or insides, and what is taken for what.

    diagnose(run).to_json()    per cell the IoU of each class, its boundary IoU and interior IoU, the worst confusions

Read from the RUN's rows alone. A cell's figures are over the items scored both in it and clean, as in the summary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Int64

from unlossy.metrics.segmentation import ALL, DEEP, EDGE, Counts, unpack
from unlossy.runs.cells import Cell, collect, common
from unlossy.runs.folder import ROWS, read_plan
from unlossy.store import CLEAN, NONE, RowStore

WORST: Final = 10
"""Confusions that a cell lists."""


@dataclass(frozen=True, slots=True)
class ClassIou:
    """One class over a cell's items: the IoU over all its pixels, at its boundary and inside; None where undefined.

    `share` is that of the labelled pixels that are of this class in truth.
    """

    class_id: int
    iou: float | None
    boundary_iou: float | None
    interior_iou: float | None
    share: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """The share of a class's true pixels that are answered as another class, here and on the clean pictures."""

    true_id: int
    answered_id: int
    share: float
    clean_share: float


@dataclass(frozen=True, slots=True)
class SegmentationCell:
    """One codec setting ("clean" too) and mitigation; the set's means are over the classes that the truth has.

    `confusions` are those that take most pixels beyond what they take clean, the largest first; none clean.
    """

    codec: str
    codec_quality: float | None
    mitigation: str
    n: int
    miou: float | None
    boundary_iou: float | None
    interior_iou: float | None
    pixel_accuracy: float | None
    classes: tuple[ClassIou, ...]
    confusions: tuple[Confusion, ...]


@dataclass(frozen=True, slots=True)
class SegmentationDiagnosis:
    """The cells, the clean ones first; none where no item has a mask."""

    cells: tuple[SegmentationCell, ...]

    def to_json(self) -> dict[str, Any]:
        """The cells as JSON objects."""
        return {"cells": [asdict(cell) for cell in self.cells]}


def diagnose(run: Path) -> SegmentationDiagnosis:
    """What a RUN's rows tell; raises UsageError where the folder is none."""
    plan = read_plan(run)
    with RowStore(run / ROWS, read_only=True) as store:
        cells = collect(store).cells
    clean = cells[CLEAN, NONE]
    qualities = {CLEAN: None} | {codec.setting: codec.codec_quality for codec in plan.made_codecs}
    asked = [(codec, mitigation) for codec in qualities for mitigation in plan.mitigations]
    made = (_cell(codec, qualities[codec], name, cells[codec, name], clean) for codec, name in asked)
    return SegmentationDiagnosis(tuple(cell for cell in made if cell is not None))


def _cell(codec: str, quality: float | None, mitigation: str, cell: Cell, clean: Cell) -> SegmentationCell | None:
    items = common(cell, clean)
    pairs = [(a.evidence, b.evidence) for a, b in zip(cell.at(items), clean.at(items), strict=True)]
    texts = [(here, there) for here, there in pairs if here is not None and there is not None]
    if not texts:
        return None
    counts = Counts.of([here for here, _ in texts])
    ones = np.ones((1, len(texts)))
    found = {metric: _number(values[0]) for metric, values in counts.metrics(ones).items()}
    return SegmentationCell(
        codec=codec,
        codec_quality=quality,
        mitigation=mitigation,
        n=len(texts),
        classes=_classes(counts, counts.ious(ones)[0]),
        confusions=_confusions([here for here, _ in texts], [there for _, there in texts]) if cell is not clean else (),
        **found,
    )


def _classes(counts: Counts, ious: Float64[np.ndarray, "3 k"]) -> tuple[ClassIou, ...]:
    true = counts.pixels[:, ALL, 1].sum(axis=0)
    shares = true / max(true.sum(), 1.0)
    return tuple(
        ClassIou(
            class_id=int(class_id),
            iou=_number(ious[ALL, place]),
            boundary_iou=_number(ious[EDGE, place]),
            interior_iou=_number(ious[DEEP, place]),
            share=float(shares[place]),
        )
        for place, class_id in enumerate(counts.class_ids)
        if true[place] > 0
    )


def _confusions(here: Sequence[str], clean: Sequence[str]) -> tuple[Confusion, ...]:
    now, before = _pixels(here), _pixels(clean)
    true: dict[int, int] = {}
    for (true_id, _), n in now.items():
        true[true_id] = true.get(true_id, 0) + n
    gained = {pair: n - before.get(pair, 0) for pair, n in now.items() if pair[0] != pair[1]}
    worst = sorted((pair for pair, n in gained.items() if n > 0), key=lambda pair: (-gained[pair], pair))[:WORST]
    return tuple(
        Confusion(*pair, share=now[pair] / true[pair[0]], clean_share=before.get(pair, 0) / true[pair[0]])
        for pair in worst
    )


def _pixels(texts: Sequence[str]) -> Mapping[tuple[int, int], int]:
    """Pixels by true and answered id."""
    rows: Int64[np.ndarray, "p 4"] = np.concatenate([unpack(text).pairs for text in texts])
    found: dict[tuple[int, int], int] = {}
    for true_id, answered_id, near, deep in rows.tolist():
        found[true_id, answered_id] = found.get((true_id, answered_id), 0) + near + deep
    return found


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
