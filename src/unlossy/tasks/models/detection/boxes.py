"""Boxes between a network's own numbers and an answer: suppression, selection, the way back to the source."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from unlossy.core.errors import ModelError
from unlossy.tasks.detections import Detections, RunLengths
from unlossy.tasks.models.detection.base import MAX_DETECTIONS, MAX_PER_CLASS, MIN_SCORE
from unlossy.tasks.models.preprocess import Preprocess

MAX_CANDIDATES = 1000
"""Boxes of one class that suppression compares, the surest."""

MAX_TOGETHER = 3000
"""Boxes of one picture that suppression compares, the surest: the list of their pairs stays small."""


def suppressed(
    boxes_xyxy: Float32[np.ndarray, "n 4"], class_ids: Int64[np.ndarray, " n"], iou_threshold: float | None, most: int
) -> Int64[np.ndarray, " m"]:
    """Indices, rising, of at most `most` boxes per class that greedy suppression keeps; boxes come surest first.

    A box goes when its intersection over union with a kept one of its class is larger than the threshold; without a
    threshold none goes.
    """
    order = np.argsort(class_ids[:MAX_TOGETHER], kind="stable")
    order = order[_rank_in_class(class_ids[order]) < MAX_CANDIDATES]
    if iou_threshold is not None:
        order = order[_greedy(boxes_xyxy[order], _rank_in_class(class_ids[order]), iou_threshold)]
    return np.sort(order[_rank_in_class(class_ids[order]) < most])


def _rank_in_class(class_ids: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
    """How many of the same class come before each; equal ids stand together."""
    _, starts, counts = np.unique(class_ids, return_index=True, return_counts=True)
    return np.arange(len(class_ids)) - np.repeat(starts, counts)


def _greedy(
    boxes_xyxy: Float32[np.ndarray, "n 4"], rank: Int64[np.ndarray, " n"], iou_threshold: float
) -> Bool[np.ndarray, " n"]:
    """Which boxes stay; each may be suppressed by the `rank` boxes just before it.

    A box stays unless one that stays covers it. Asked of all boxes at once, starting from all staying, that settles
    from the surest on: the first of each class at once, the others after as many rounds as the longest chain has links.
    """
    later = np.repeat(np.arange(len(rank)), rank)
    before = np.cumsum(rank) - rank  # pairs of the boxes before
    sooner = np.arange(len(later)) - np.repeat(before + rank - np.arange(len(rank)), rank)
    covers = _overlap_more(boxes_xyxy, sooner, later, iou_threshold)
    sooner, later = sooner[covers], later[covers]
    stays = np.ones(len(rank), bool)
    while True:
        settled = np.ones(len(rank), bool)
        settled[later[stays[sooner]]] = False
        if np.array_equal(settled, stays):
            return stays
        stays = settled


def _overlap_more(
    boxes_xyxy: Float32[np.ndarray, "n 4"],
    one: Int64[np.ndarray, " p"],
    other: Int64[np.ndarray, " p"],
    iou_threshold: float,
) -> Bool[np.ndarray, " p"]:
    """Whether the boxes of each pair of places overlap more than the threshold."""
    x1, y1, x2, y2 = np.ascontiguousarray(boxes_xyxy.T)  # columns apart: gathering them is four times as fast
    width = np.minimum(x2[one], x2[other]) - np.maximum(x1[one], x1[other])
    height = np.minimum(y2[one], y2[other]) - np.maximum(y1[one], y1[other])
    overlap = np.maximum(width, 0) * np.maximum(height, 0)
    areas = (x2 - x1) * (y2 - y1)
    # multiplied, not divided: boxes without area have no ratio, and suppress nothing
    return np.asarray(overlap > iou_threshold * (areas[one] + areas[other] - overlap))


def detections(
    boxes_xyxy: Float[np.ndarray, "n 4"],
    scores: Float[np.ndarray, " n"],
    class_ids: Int64[np.ndarray, " n"],
    *,
    min_score: float = MIN_SCORE,
    per_class: int = MAX_PER_CLASS,
    iou_threshold: float | None = None,
    masks: Callable[[int], RunLengths] | None = None,
) -> Detections:
    """The surest objects of at least `min_score`: `per_class` of a class, MAX_DETECTIONS in all.

    Suppressed by class where a threshold is given. `masks` is asked for the mask of each object that stays.

    Raises:
        ModelError: a box or a score that is NaN or infinite, a score outside 0..1.
    """
    if not (np.isfinite(boxes_xyxy).all() and np.isfinite(scores).all()):
        raise ModelError("the model answered with NaN or infinite boxes or scores")
    if len(scores) and not (scores.min() >= -1e-6 and scores.max() <= 1 + 1e-6):
        raise ModelError(f"the model's scores lie in {scores.min():.3g}..{scores.max():.3g}; 0..1 was expected")
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= min_score]
    boxes = boxes_xyxy.astype(np.float32)
    order = order[suppressed(boxes[order], class_ids[order], iou_threshold, per_class)][:MAX_DETECTIONS]
    return Detections(
        boxes_xyxy=boxes[order],
        scores=scores[order].astype(np.float32),
        class_ids=class_ids[order].astype(np.int64),
        masks=None if masks is None else tuple(masks(int(place)) for place in order),
    )


def in_source(
    boxes_xyxy: Float[np.ndarray, "n 4"], preprocess: Preprocess, source_hw: tuple[int, int]
) -> Float32[np.ndarray, "n 4"]:
    """Boxes in pixels of a network's input as boxes in the source's, which may reach over its borders.

    The way back through `stretch`, `letterbox` or `shortest_edge` without a crop.
    """
    new_h, new_w = preprocess.resized_hw(*source_hw)
    top = left = 0
    if preprocess.rule == "letterbox" and preprocess.size_hw is not None:
        top, left = (preprocess.size_hw[0] - new_h) // 2, (preprocess.size_hw[1] - new_w) // 2
    height, width = source_hw
    scale = np.array([width / new_w, height / new_h] * 2)
    return np.asarray((boxes_xyxy.astype(np.float64) - np.array([left, top] * 2)) * scale, np.float32)
