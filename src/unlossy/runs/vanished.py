"""Objects that compression takes from a detector, and those that it makes it see: by the confidence lost or gained.

The reference is the same model's answer on the clean picture, so that no labels are needed. Objects are the same where
class and box agree (intersection over union of at least a half), paired as the metrics pair them; of masks the boxes.
"""

import heapq
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Int64

from unlossy.core.types import ObjectsTarget
from unlossy.metrics.matching import IOU_THRESHOLDS, box_overlap, match
from unlossy.store import CLEAN, NONE, StudyRow
from unlossy.tasks.detection import SURE

HALF: Final = IOU_THRESHOLDS[:1]
N_LISTED: Final = 12


@dataclass(frozen=True, slots=True)
class Found:
    """One detection: its box in pixels of the source (x0, y0, x1, y1), its class, its score (0..1).

    `mask` is as the row has it, {"size": [h, w], "counts": text}; None where the model gives boxes alone.
    """

    box: tuple[float, float, float, float]
    class_id: int
    score: float
    mask: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Changed:
    """An object of an item that is seen in one picture and not in the other: its score there, and what is left here.

    For a missed object `score` is that on the clean picture and `left` the best score of the same object on the
    compressed one, under `SURE` or 0; for a hallucinated one the two are the other way round.
    """

    key: str
    item_index: int
    found: Found
    left: float

    @property
    def moved(self) -> float:
        """The confidence lost or gained."""
        return self.found.score - self.left


@dataclass(frozen=True, slots=True)
class Vanished:
    """The most moving changes at a setting, the largest first, and how many there are in all."""

    setting: str
    missed: tuple[Changed, ...]
    new: tuple[Changed, ...]
    n_missed: int
    n_new: int
    n_clean: int


def found_of(prediction: Mapping[str, Any], least: float = SURE) -> list[Found]:
    """The detections of a row's JSON that score at least so much, the surest first."""
    masks = prediction.get("masks") or [None] * len(prediction["boxes"])
    entries = zip(prediction["boxes"], prediction["class_ids"], prediction["scores"], masks, strict=True)
    found = [
        Found((float(x0), float(y0), float(x1), float(y1)), int(class_id), float(score), mask)
        for (x0, y0, x1, y1), class_id, score, mask in entries
        if score >= least
    ]
    return sorted(found, key=lambda one: -one.score)


def kept_missed_new(
    clean: Sequence[Found], here: Sequence[Found]
) -> tuple[list[tuple[Found, Found]], list[Found], list[Found]]:
    """Objects seen in both pictures (clean, here), those missed here, those seen only here: paired as for agreement."""
    target = _as_objects(clean)
    scores, class_ids = np.array([one.score for one in here], dtype=np.float64), _class_ids(here)
    matches = match(box_overlap(_boxes(here), target), scores, class_ids, target, thresholds=HALF)
    pairs = {int(one): int(place) for place, one in zip(matches.order, matches.found[0], strict=True) if one >= 0}
    kept = [(clean[one], here[place]) for one, place in sorted(pairs.items())]
    missed = [one for place, one in enumerate(clean) if place not in pairs]
    seen = set(pairs.values())
    return kept, missed, [one for place, one in enumerate(here) if place not in seen]


def vanished(rows: Iterable[StudyRow], setting: str, n_listed: int = N_LISTED) -> Vanished:
    """What changed between the clean pictures and `setting`, without mitigation; rows come in the order of items."""
    missed: list[tuple[float, int, int, Changed]] = []
    new: list[tuple[float, int, int, Changed]] = []
    counts = [0, 0, 0]
    for index, item_rows in groupby(rows, key=attrgetter("item_index")):
        cells = {r.codec: r for r in item_rows if r.mitigation == NONE and r.error_kind is None and r.prediction}
        if not {CLEAN, setting} <= cells.keys():
            continue
        answers = [json.loads(cells[codec].prediction or "{}") for codec in (CLEAN, setting)]
        clean, here = (found_of(answer) for answer in answers)
        faint_clean, faint_here = (found_of(answer, 0.0) for answer in answers)
        _, gone, come = kept_missed_new(clean, here)
        counts = [counts[0] + len(gone), counts[1] + len(come), counts[2] + len(clean)]
        for heap, changes, other in ((missed, gone, faint_here), (new, come, faint_clean)):
            for place, one in enumerate(changes):
                change = Changed(cells[CLEAN].key, index, one, _same_in(one, other))
                entry = (change.moved, -index, -place, change)
                (heapq.heappush if len(heap) < n_listed else heapq.heappushpop)(heap, entry)
    ranked = [tuple(entry[-1] for entry in sorted(heap, reverse=True)) for heap in (missed, new)]
    return Vanished(setting, ranked[0], ranked[1], *counts)


def _same_in(one: Found, others: Sequence[Found]) -> float:
    """The best score that the same object has in another answer, 0 where it is not there."""
    same = [other for other in others if other.class_id == one.class_id]
    ious = box_overlap(_boxes(same), _as_objects([one])).iou[:, 0]
    return max((other.score for other, iou in zip(same, ious, strict=True) if iou >= HALF[0]), default=0.0)


def _as_objects(found: Sequence[Found]) -> ObjectsTarget:
    """Detections as if they were the objects."""
    boxes = _boxes(found)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    ids = tuple(range(len(found)))
    return ObjectsTarget(_class_ids(found), boxes, np.zeros(len(found), dtype=bool), areas, ids, (None,) * len(ids), "")


def _boxes(found: Sequence[Found]) -> Float64[np.ndarray, "n 4"]:
    return np.array([one.box for one in found], dtype=np.float64).reshape(-1, 4)


def _class_ids(found: Sequence[Found]) -> Int64[np.ndarray, " n"]:
    return np.array([one.class_id for one in found], dtype=np.int64)
