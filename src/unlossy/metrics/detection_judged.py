"""What is wrong with each detection of a picture: the errors of TIDE (Bolya, Foley, Hays, Hoffman 2020).

The surest detection first, each takes the object of its class that it overlaps most, from an IoU of 0.5 on (tidecv's
own matching). One that gets none has one error, the first of these that fits; its overlap with objects of its class is
OWN, with those of others OTHER:

localization     0.1 <= OWN <= 0.5                      in the right place but not exactly
classification   OTHER >= 0.5                           the right place, another class
duplicate        OWN >= 0.5 with an object that a surer detection took
background       OWN and OTHER <= 0.1                   nothing is there
both             the rest                               neither place nor class is right
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from unlossy.core.types import ObjectsTarget
from unlossy.metrics.matching import Overlap

RIGHT_IOU: Final = 0.5
NOTHING_IOU: Final = 0.1
MAX_DETECTIONS: Final = 100
"""Of a picture, in all categories; COCO's AP takes as many of each."""

RIGHT, CLASSIFICATION, LOCALIZATION, BOTH, DUPLICATE, BACKGROUND = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One picture's detections, the surest first, and its objects without crowd regions.

    Attributes:
        errors: RIGHT, or which error a detection has.
        ignored: Wrong detections that lie in a crowd region of their class: they do not count, but may be mended.
        objects: The object whose place or class a detection has nearly, as an index; -1 for the other errors.
        found: Whether a detection is right about the object.
    """

    scores: Float64[np.ndarray, " d"]
    class_ids: Int64[np.ndarray, " d"]
    errors: Int64[np.ndarray, " d"]
    ignored: Bool[np.ndarray, " d"]
    objects: Int64[np.ndarray, " d"]
    object_classes: Int64[np.ndarray, " n"]
    found: Bool[np.ndarray, " n"]


def judge(
    overlap: Overlap, scores: Float[np.ndarray, " d"], class_ids: Int64[np.ndarray, " d"], target: ObjectsTarget
) -> Judged:
    """What is wrong with each detection of a picture."""
    order = np.argsort(-scores, kind="stable")[:MAX_DETECTIONS]
    iou, classes, ids = overlap.iou[order][:, ~target.crowd], class_ids[order], target.category_ids[~target.crowd]
    own = np.where(classes[:, None] == ids[None], iou, 0.0)
    taken_by = _matched(own)
    right = np.isin(np.arange(len(order)), taken_by)
    in_crowd = (overlap.iou[order][:, target.crowd] > RIGHT_IOU) & (
        classes[:, None] == target.category_ids[target.crowd][None]
    )
    errors, objects = _errors(iou, own, right, taken_by >= 0)
    return Judged(
        scores[order].astype(np.float64), classes, errors, in_crowd.any(axis=1) & ~right, objects, ids, taken_by >= 0
    )


def _matched(own: Float64[np.ndarray, "d n"]) -> Int64[np.ndarray, " n"]:
    """By object the detection that is right about it, -1 for none."""
    free, taken_by = own.copy(), np.full(own.shape[1], -1, dtype=np.int64)
    near = np.flatnonzero((own >= RIGHT_IOU).any(axis=1)).tolist() if own.size else []
    for row in near:
        best = int(free[row].argmax())
        if free[row, best] >= RIGHT_IOU:
            taken_by[best] = row
            free[:, best] = 0.0
    return taken_by


def _errors(
    iou: Float64[np.ndarray, "d n"],
    own: Float64[np.ndarray, "d n"],
    right: Bool[np.ndarray, " d"],
    found: Bool[np.ndarray, " n"],
) -> tuple[Int64[np.ndarray, " d"], Int64[np.ndarray, " d"]]:
    """The error of each detection, and the object it is about."""
    if not len(found):
        return np.full(len(right), BACKGROUND), np.full(len(right), -1)
    other = np.where(own > 0, 0.0, iou)
    nearest, most_own, most_other = own.argmax(axis=1), own.max(axis=1), other.max(axis=1)
    kinds = {
        RIGHT: right,
        LOCALIZATION: (most_own >= NOTHING_IOU) & (most_own <= RIGHT_IOU),
        CLASSIFICATION: most_other >= RIGHT_IOU,
        DUPLICATE: np.where(found[None], own, 0.0).max(axis=1) >= RIGHT_IOU,
        BACKGROUND: iou.max(axis=1) <= NOTHING_IOU,
    }
    errors = np.select(list(kinds.values()), list(kinds), default=BOTH)
    about = np.select([errors == LOCALIZATION, errors == CLASSIFICATION], [nearest, other.argmax(axis=1)], -1)
    return errors, about
