"""Average precision (AP) over pictures that count differently often: COCO's, of a whole set and of bootstrap draws.

Per category and IoU threshold, detections in order of their scores draw a curve of precision over recall; AP is the
mean, over 101 recalls, of the best precision at that recall or a higher one. `ap` is the mean over the categories that
have objects and the thresholds 0.50, 0.55, ... 0.95; `ap50` and `ap75` are at one threshold. With every weight 1 the
results are pycocotools' (`accumulate`, Lin et al. 2014); weights that are whole numbers give what a data set would in
which each picture is there that often (where no picture has a score twice).

Only the detections that are right can end a step of the curve, so everything is worked out at those, for all draws.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64

from unlossy.metrics.detection_evidence import BITS, Evidence, evidence_from_text
from unlossy.metrics.matching import IOU_THRESHOLDS

RECALLS: Final = np.linspace(0.0, 1.0, 101)
MOST_AT_ONCE: Final = 2_000_000
"""Weights held at a time, detections times draws: 16 MB, a few times over."""


@dataclass(frozen=True, slots=True, eq=False)
class RankedClass:
    """All detections of a category in all pictures, the surest first; of equal scores the earlier picture's first."""

    class_id: int
    pictures: Int64[np.ndarray, " m"]
    right: Bool[np.ndarray, "t m"]
    ignored: Bool[np.ndarray, "t m"]
    object_pictures: Int64[np.ndarray, " k"]
    object_counts: Int64[np.ndarray, " k"]

    @property
    def n_objects(self) -> int:
        """Objects to be found, in all pictures."""
        return int(self.object_counts.sum())


def average_precision(
    evidence: Sequence[str | None], weights: Float[np.ndarray, " n"] | None = None
) -> dict[str, float | None]:
    """`ap`, `ap50` and `ap75` over the pictures that have evidence; None where there is no object to be found."""
    draw = np.ones((1, len(evidence))) if weights is None else np.asarray(weights, dtype=np.float64)[None]
    drawn = average_precision_of_draws(evidence, draw)
    told = {metric: float(values[0]) for metric, values in drawn.items()}
    return {metric: None if np.isnan(value) else value for metric, value in told.items()}


def average_precision_of_draws(
    evidence: Sequence[str | None], draws: Float[np.ndarray, "d n"]
) -> dict[str, Float64[np.ndarray, " d"]]:
    """As `average_precision` with each row of weights; NaN in a draw without any object."""
    total, n_classes = np.zeros((len(draws), len(IOU_THRESHOLDS))), np.zeros(len(draws))
    for one in ranked(tuple(evidence)):
        found = class_precision(one, draws)
        known = ~np.isnan(found[:, 0])
        total[known] += found[known]
        n_classes += known
    mean = np.divide(total, n_classes[:, None], out=np.full_like(total, np.nan), where=n_classes[:, None] > 0)
    return {"ap": mean.mean(axis=1), "ap50": mean[:, 0], "ap75": mean[:, 5]}


def precision_by_class(evidence: Sequence[str | None]) -> Mapping[int, tuple[Float64[np.ndarray, " t"], int]]:
    """AP at each of the ten thresholds, and the number of objects, by the categories that have any."""
    every_one = np.ones((1, len(evidence)))
    classes = [one for one in ranked(tuple(evidence)) if one.n_objects]
    return {one.class_id: (class_precision(one, every_one)[0], one.n_objects) for one in classes}


@lru_cache(maxsize=2)
def ranked(evidence: tuple[str | None, ...]) -> tuple[RankedClass, ...]:
    """The detections of all pictures by category; kept for the next block of draws over the same pictures."""
    known = [(index, evidence_from_text(text)) for index, text in enumerate(evidence) if text is not None]
    return tuple(_by_class(known)) if known else ()


def _by_class(known: Sequence[tuple[int, Evidence]]) -> Iterator[RankedClass]:
    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name) for _, one in known])

    def pictures(name: str) -> np.ndarray:
        return np.repeat([index for index, _ in known], [len(getattr(one, name)) for _, one in known])

    classes, object_classes = joined("class_ids"), joined("object_classes")
    order = np.lexsort((-joined("scores"), classes))
    sorted_classes, sorted_pictures = classes[order], pictures("class_ids")[order]
    flags = [joined(name)[order] for name in ("right", "ignored")]
    counts, object_pictures = joined("object_counts"), pictures("object_classes")
    for class_id in np.unique(np.concatenate([classes, object_classes])).tolist():
        part = slice(*np.searchsorted(sorted_classes, [class_id, class_id + 1]))
        right, ignored = ((flag[None, part] & BITS[:, None]) > 0 for flag in flags)
        here = object_classes == class_id
        yield RankedClass(class_id, sorted_pictures[part], right, ignored, object_pictures[here], counts[here])


def class_precision(one: RankedClass, draws: Float[np.ndarray, "d n"]) -> Float64[np.ndarray, "d t"]:
    """A category's AP in each draw at each threshold; NaN in a draw that has no object of it."""
    found = np.full((len(draws), len(IOU_THRESHOLDS)), np.nan)
    rows = max(1, MOST_AT_ONCE // max(1, len(one.pictures)))
    for start in range(0, len(draws), rows):
        block = draws[start : start + rows]
        n_objects = block[:, one.object_pictures] @ one.object_counts
        drawn = n_objects > 0
        if drawn.any():
            found[start : start + rows][drawn] = _precisions(one, block[drawn], n_objects[drawn])
    return found


def _precisions(
    one: RankedClass, draws: Float[np.ndarray, "d n"], n_objects: Float[np.ndarray, " d"]
) -> Float64[np.ndarray, "d t"]:
    found = np.zeros((len(draws), len(IOU_THRESHOLDS)))
    counted = np.cumsum(np.take(draws, one.pictures, axis=1), axis=1)
    for level, (right, ignored) in enumerate(zip(one.right, one.ignored, strict=True)):
        hits, left_out = np.flatnonzero(right), np.flatnonzero(ignored)
        if not len(hits):
            continue
        n_right = np.cumsum(np.take(draws, one.pictures[hits], axis=1), axis=1)
        n_counted = np.take(counted, hits, axis=1)
        if len(left_out):
            before = np.cumsum(np.take(draws, one.pictures[left_out], axis=1), axis=1)
            n_counted -= np.pad(before, ((0, 0), (1, 0)))[:, np.searchsorted(left_out, hits)]
        found[:, level] = area_under(n_right / n_objects[:, None], n_right / np.maximum(n_counted, np.spacing(1)))
    return found


def area_under(
    recall: Float64[np.ndarray, "d h"],
    precision: Float64[np.ndarray, "d h"],
    recalls: Float64[np.ndarray, "101"] = RECALLS,
) -> Float64[np.ndarray, " d"]:
    """The mean over `recalls` (0, 0.01, ... 1) of the best precision at each or beyond; 0 where none is reached."""
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    nearest = (recall * 100 + 0.5).astype(np.int64)
    reached = nearest + (recalls[nearest] <= recall)  # how many of `recalls` lie at or below
    steps = np.diff(reached, axis=1, prepend=0)
    return np.einsum("dh,dh->d", steps, best) / len(recalls)
