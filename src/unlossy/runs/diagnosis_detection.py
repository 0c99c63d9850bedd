"""Where the average precision of a RUN's cells goes: the six errors of TIDE, AP by the objects' size and by class.

Read from the rows alone, which hold answers and targets: a picture is matched anew for each range of sizes. A cell's
figures are over the pictures answered both there and clean. Where there are no labels, the clean answer's sure
detections are the objects.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from unlossy.core.types import ObjectsTarget
from unlossy.metrics.detection import average_precision, precision_by_class
from unlossy.metrics.detection_errors import DetectionErrors, decompose
from unlossy.metrics.detection_evidence import evidence_of
from unlossy.metrics.detection_judged import Judged, judge
from unlossy.metrics.matching import AREA_RANGES, match
from unlossy.runs.folder import ROWS, read_plan
from unlossy.runs.plan import StudyPlan
from unlossy.store import CLEAN, NONE, RowStore, StudyRow
from unlossy.tasks.detection import DetectionYardstick
from unlossy.tasks.instance_segmentation import InstanceSegmentationYardstick

Against = Literal["truth", "clean answer"]


@dataclass(frozen=True, slots=True)
class PartPrecision:
    """AP, 0..1, of the objects of a size or a class, and how many there are; None where there are none."""

    ap: float | None
    ap50: float | None
    n_objects: int


@dataclass(frozen=True, slots=True)
class DetectionCell:
    """One codec setting and mitigation, over `n` pictures.

    Attributes:
        errors: As tidecv's, over the classes that have an object or a detection; None where there is none.
        errors_present: Over the classes that have objects, so that its `ap50` is nearly COCO's.
        by_size: "small" under 32 x 32 pixels, "medium" under 96 x 96, "large".
        by_class: By category id, those that have objects.
    """

    codec: str
    codec_quality: float | None
    mitigation: str
    n: int
    ap: float | None
    errors: DetectionErrors | None
    errors_present: DetectionErrors | None
    by_size: Mapping[str, PartPrecision]
    by_class: Mapping[int, PartPrecision]

    def to_json(self) -> dict[str, Any]:
        """The cell as JSON values; category ids become texts."""
        by_class = {str(class_id): asdict(part) for class_id, part in self.by_class.items()}
        by_size = {size: asdict(part) for size, part in self.by_size.items()}
        errors = {
            name: None if found is None else found.to_json()
            for name, found in (("errors", self.errors), ("errors_present", self.errors_present))
        }
        names = ("codec", "codec_quality", "mitigation", "n", "ap")
        told = {name: getattr(self, name) for name in names}
        return {**told, **errors, "by_size": by_size, "by_class": by_class}


@dataclass(frozen=True, slots=True)
class DetectionDiagnosis:
    """The cells, the clean ones first, then in the plan's order; `against` says what answers were compared with."""

    against: Against
    cells: tuple[DetectionCell, ...]

    def to_json(self) -> dict[str, Any]:
        """The diagnosis as JSON values."""
        return {"against": self.against, "cells": [cell.to_json() for cell in self.cells]}


@dataclass(slots=True)
class _Pictures:
    """What a cell's pictures come to: the evidence by range of sizes, and the errors."""

    evidence: dict[str, list[str | None]] = field(default_factory=lambda: defaultdict(list))
    judged: list[Judged] = field(default_factory=list)


_Place = tuple[str, str]


def diagnose(run: Path) -> DetectionDiagnosis:
    """The diagnosis of a RUN of the task "detection" or "instance_segmentation".

    Raises UsageError where the folder is no RUN, MissingDependency where masks want faster-coco-eval.
    """
    plan = read_plan(run)
    measure = InstanceSegmentationYardstick() if plan.task == "instance_segmentation" else DetectionYardstick()
    pictures: dict[_Place, _Pictures] = defaultdict(_Pictures)
    with RowStore(run / ROWS, read_only=True) as store:
        labelled = any(row.target is not None for row in store.rows())
        for _, rows in groupby(store.rows(), key=lambda row: row.item_index):
            for place, prediction, target in _answers(rows, measure, labelled=labelled):
                _add(pictures[place], prediction, target, measure)
    cells = tuple(
        _cell(codec, codec_quality, mitigation, pictures[codec, mitigation])
        for codec, codec_quality, mitigation in _places(plan)
    )
    return DetectionDiagnosis("truth" if labelled else "clean answer", cells)


def _places(plan: StudyPlan) -> Iterator[tuple[str, float | None, str]]:
    yield CLEAN, None, NONE
    yield from ((CLEAN, None, mitigation) for mitigation in plan.mitigations if mitigation != NONE)
    for codec in plan.made_codecs:
        yield from ((codec.setting, codec.codec_quality, mitigation) for mitigation in plan.mitigations)


def _answers(
    rows: Iterable[StudyRow], measure: DetectionYardstick, *, labelled: bool
) -> Iterator[tuple[_Place, Mapping[str, Any], ObjectsTarget]]:
    """One item's answers, with its target, in each cell; none where the clean one is missing."""
    answered = {(row.codec, row.mitigation): row for row in rows if row.prediction is not None}
    clean = answered.get((CLEAN, NONE))
    if clean is None or clean.prediction is None:
        return
    if labelled:
        target = None if clean.target is None else measure.target_from_json(json.loads(clean.target))
    else:
        target = measure.as_target(measure.from_json(json.loads(clean.prediction)))
    if target is not None:
        yield from ((place, json.loads(row.prediction or "{}"), target) for place, row in answered.items())


def _add(cell: _Pictures, told: Mapping[str, Any], target: ObjectsTarget, measure: DetectionYardstick) -> None:
    found = measure.from_json(told)
    overlap = measure.overlap(found, target)
    for size, area_range in AREA_RANGES.items():
        matches = match(overlap, found.scores, found.class_ids, target, area_range=area_range)
        cell.evidence[size].append(evidence_of(matches, found.scores, found.class_ids, target).to_text())
    cell.judged.append(judge(overlap, found.scores, found.class_ids, target))


def _cell(codec: str, codec_quality: float | None, mitigation: str, pictures: _Pictures) -> DetectionCell:
    sizes = [size for size in AREA_RANGES if size != "all"]
    by_class = precision_by_class(pictures.evidence["all"])
    return DetectionCell(
        codec=codec,
        codec_quality=codec_quality,
        mitigation=mitigation,
        n=len(pictures.judged),
        ap=average_precision(pictures.evidence["all"])["ap"],
        errors=decompose(pictures.judged),
        errors_present=decompose(pictures.judged, only_present=True),
        by_size={size: _of_size(pictures.evidence[size]) for size in sizes},
        by_class={
            class_id: PartPrecision(float(levels.mean()), float(levels[0]), n_objects)
            for class_id, (levels, n_objects) in by_class.items()
        },
    )


def _of_size(evidence: list[str | None]) -> PartPrecision:
    found = average_precision(evidence)
    return PartPrecision(found["ap"], found["ap50"], sum(n for _, n in precision_by_class(evidence).values()))
