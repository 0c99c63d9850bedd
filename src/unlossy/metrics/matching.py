"""Which detection finds which object: the greedy matching of COCO's evaluation, all categories of a picture at once.

The surest detection chooses first, among the objects of its category that nobody took: the one of the largest
intersection over union (IoU), if that reaches the threshold. Crowd regions, and objects outside the range of areas
that is asked about, are ignored: they may be matched, and then neither they nor their detection count. After
`evaluateImg` of pycocotools, to which the results are equal.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from unlossy.core.types import ObjectsTarget

IOU_THRESHOLDS: Final = np.linspace(0.5, 0.95, 10)
MAX_DETECTIONS: Final = 100
"""Of a category in a picture, the surest ones."""

AREA_RANGES: Final = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""COCO's, in square pixels, both ends included."""


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """How detections and objects lie on each other.

    `iou` is 0..1; in the column of a crowd region it is the share of the detection that lies in the region. `areas` are
    the detections' own, in square pixels.
    """

    iou: Float64[np.ndarray, "d n"]
    areas: Float64[np.ndarray, " d"]


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """What each detection found at each IoU threshold.

    Attributes:
        order: The detections that take part, as indices, the surest first.
        found: The object that each of them found, as an index; -1 for none.
        ignored: Whether it counts neither as right nor as wrong.
        object_ignored: Objects that need not be found.
    """

    order: Int64[np.ndarray, " m"]
    found: Int64[np.ndarray, "t m"]
    ignored: Bool[np.ndarray, "t m"]
    object_ignored: Bool[np.ndarray, " n"]


def box_overlap(boxes_xyxy: Float[np.ndarray, "d 4"], target: ObjectsTarget) -> Overlap:
    """The overlap of boxes; two boxes that only touch have none."""
    found, objects = boxes_xyxy.astype(np.float64)[:, None], target.boxes_xyxy[None]
    sides = np.minimum(found[..., 2:], objects[..., 2:]) - np.maximum(found[..., :2], objects[..., :2])
    shared = np.prod(np.maximum(sides, 0.0), axis=2)
    areas, object_areas = (np.prod(boxes[..., 2:] - boxes[..., :2], axis=2) for boxes in (found, objects))
    union = np.where(target.crowd[None], areas, areas + object_areas - shared)
    iou = np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)
    return Overlap(iou, areas[:, 0])


def match(
    overlap: Overlap,
    scores: Float[np.ndarray, " d"],
    class_ids: Int64[np.ndarray, " d"],
    target: ObjectsTarget,
    *,
    area_range: tuple[float, float] = AREA_RANGES["all"],
    thresholds: Float64[np.ndarray, " t"] = IOU_THRESHOLDS,
) -> Matches:
    """What the detections of one picture find, looking at objects in a range of areas only."""
    smallest, largest = area_range
    object_ignored = target.crowd | (target.areas < smallest) | (target.areas > largest)
    order = _surest(scores, class_ids)
    same_class = class_ids[order, None] == target.category_ids[None]
    found = _greedy(np.where(same_class, overlap.iou[order], 0.0), target.crowd, object_ignored, thresholds)
    areas = overlap.areas[order]
    outside = (areas < smallest) | (areas > largest)
    by_object = np.append(object_ignored, False)[found]  # of a detection that found nothing, -1: False
    return Matches(order, found, by_object | ((found < 0) & outside[None]), object_ignored)


def _surest(scores: Float[np.ndarray, " d"], class_ids: Int64[np.ndarray, " d"]) -> Int64[np.ndarray, " m"]:
    """Indices by descending score, of equal ones the earlier first, MAX_DETECTIONS of a category at most."""
    order = np.argsort(-scores, kind="stable")
    if len(order) <= MAX_DETECTIONS:
        return order
    kept = np.zeros(len(order), dtype=bool)
    for class_id in np.unique(class_ids):
        kept[np.flatnonzero(class_ids[order] == class_id)[:MAX_DETECTIONS]] = True
    return order[kept]


def _greedy(
    iou: Float64[np.ndarray, "m n"],
    crowd: Bool[np.ndarray, " n"],
    object_ignored: Bool[np.ndarray, " n"],
    thresholds: Float64[np.ndarray, " t"],
) -> Int64[np.ndarray, "t m"]:
    """The object found by each detection, or -1; plain lists, for few detections are near any object at all."""
    found = np.full((len(thresholds), len(iou)), -1, dtype=np.int64)
    if not iou.size:
        return found
    counted_first = np.argsort(object_ignored, kind="stable")
    by_rank = iou[:, counted_first]
    rows, ranks = np.nonzero(by_rank >= min(thresholds[0], 1 - 1e-10))
    near: dict[int, list[tuple[float, int]]] = {}
    for row, value, index in zip(
        rows.tolist(), by_rank[rows, ranks].tolist(), counted_first[ranks].tolist(), strict=True
    ):
        near.setdefault(row, []).append((value, index))
    is_crowd, is_ignored = crowd.tolist(), object_ignored.tolist()
    for level, threshold in enumerate(thresholds.tolist()):
        taken: set[int] = set()
        for row, candidates in near.items():
            best = _best(candidates, min(threshold, 1 - 1e-10), taken, is_ignored)
            if best >= 0:
                found[level, row] = best
                if not is_crowd[best]:
                    taken.add(best)
    return found


def _best(candidates: list[tuple[float, int]], least_iou: float, taken: set[int], is_ignored: list[bool]) -> int:
    """The free candidate that overlaps most, of equal ones the last; an ignored one only where no counted one does."""
    best = -1
    for iou, index in candidates:
        if index in taken:
            continue
        if best >= 0 and is_ignored[index] and not is_ignored[best]:
            break
        if iou >= least_iou:
            best, least_iou = index, iou
    return best
