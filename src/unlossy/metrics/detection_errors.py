"""Where average precision is lost: what AP50 would gain if each of TIDE's errors were mended.

Of the errors that `detection_judged` tells, a wrong place or class is set right (for the surest detection of an object
that none is right about; the others are taken away), and other wrong detections are taken away. An object is missed
where no detection is right about it, or would be with its place or class mended: it is no longer asked for. The gains
need not add up to the loss. Equal to tidecv's numbers (Bolya, Foley, Hays, Hoffman 2020).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

from unlossy.metrics.detection import area_under
from unlossy.metrics.detection_judged import (
    BACKGROUND,
    BOTH,
    CLASSIFICATION,
    DUPLICATE,
    LOCALIZATION,
    RIGHT,
    Judged,
)

RECALLS: Final = np.arange(101) / 100
"""tidecv's: some of COCO's own are by one bit larger, which counts where a recall is a whole percent."""


@dataclass(frozen=True, slots=True)
class DetectionErrors:
    """What AP50 would gain, 0..1, if each kind of error were mended; `ap50` is what it is.

    `false_positives` and `false_negatives` are the gains if
    all wrong detections came last, and if no object was missing.
    """

    ap50: float
    classification: float
    localization: float
    both: float
    duplicate: float
    background: float
    missed: float
    false_positives: float
    false_negatives: float

    def to_json(self) -> dict[str, float]:
        """The gains by name."""
        return asdict(self)


class _Pool(NamedTuple):
    """All pictures' detections in one, classes numbered from 0; those not `counted` are as if they were not there."""

    scores: Float64[np.ndarray, " d"]
    classes: Int64[np.ndarray, " d"]
    right: Bool[np.ndarray, " d"]
    counted: Bool[np.ndarray, " d"]
    n_objects: Int64[np.ndarray, " k"]


class _Faults(NamedTuple):
    """What is wrong in a pool.

    `meant` is the class of the object that a detection would be right about, mended; -1 where another one is, or none.
    """

    errors: Int64[np.ndarray, " d"]
    meant: Int64[np.ndarray, " d"]
    n_unfound: Int64[np.ndarray, " k"]
    n_missed: Int64[np.ndarray, " k"]


def decompose(pictures: Sequence[Judged], *, only_present: bool = False) -> DetectionErrors | None:
    """The errors of a set of pictures; None where there is no class to look at.

    The mean is over every class that has an object or a detection, as tidecv's: a class with detections alone counts
    with 0, and few pictures of many classes have an `ap50` far below COCO's. With `only_present` it is over the classes
    that have objects, as COCO's.
    """
    pool, faults = _pooled(pictures)
    looked_at = pool.n_objects > 0 if only_present else np.ones(len(pool.n_objects), dtype=bool)
    if not looked_at.any():
        return None
    ap50 = _mean_precision(pool, looked_at)

    def gain(mended: _Pool) -> float:
        return _mean_precision(mended, looked_at) - ap50

    return DetectionErrors(
        ap50,
        classification=max(gain(_mended(pool, faults, CLASSIFICATION)), 0.0),
        localization=max(gain(_mended(pool, faults, LOCALIZATION)), 0.0),
        both=max(gain(_mended(pool, faults, BOTH)), 0.0),
        duplicate=max(gain(_mended(pool, faults, DUPLICATE)), 0.0),
        background=max(gain(_mended(pool, faults, BACKGROUND)), 0.0),
        missed=max(gain(pool._replace(n_objects=pool.n_objects - faults.n_missed)), 0.0),
        false_positives=gain(pool._replace(scores=pool.right.astype(np.float64))),
        false_negatives=gain(pool._replace(n_objects=pool.n_objects - faults.n_unfound)),
    )


def _mended(pool: _Pool, faults: _Faults, kind: int) -> _Pool:
    """The pool with one kind of error set right where that can be, else without those detections."""
    wrong = faults.errors == kind
    set_right = wrong & (faults.meant >= 0)
    return pool._replace(
        classes=np.where(set_right, faults.meant, pool.classes),
        right=pool.right | set_right,
        counted=(pool.counted & ~wrong) | set_right,
    )


def _pooled(pictures: Sequence[Judged]) -> tuple[_Pool, _Faults]:
    def joined(name: str, kind: type) -> np.ndarray:
        return np.concatenate([np.zeros(0, dtype=kind), *(getattr(one, name) for one in pictures)])

    starts = np.cumsum([0, *(len(one.found) for one in pictures)])[:-1]
    first_objects = np.repeat(starts, [len(one.objects) for one in pictures])
    about = joined("objects", np.int64)
    objects = np.where(about >= 0, about + first_objects, -1)
    every_class = np.concatenate([joined("class_ids", np.int64), joined("object_classes", np.int64)])
    names, codes = np.unique(every_class, return_inverse=True)
    classes, object_classes = np.split(codes, [len(objects)])
    found, errors = joined("found", np.bool_), joined("errors", np.int64)
    missed = ~found
    missed[objects[objects >= 0]] = False
    n_objects, n_unfound, n_missed = (
        np.bincount(object_classes[part], minlength=len(names)) for part in (slice(None), ~found, missed)
    )
    pool = _Pool(joined("scores", np.float64), classes, errors == RIGHT, ~joined("ignored", np.bool_), n_objects)
    return pool, _Faults(errors, _meant(objects, object_classes, found), n_unfound, n_missed)


def _meant(
    objects: Int64[np.ndarray, " d"], object_classes: Int64[np.ndarray, " n"], found: Bool[np.ndarray, " n"]
) -> Int64[np.ndarray, " d"]:
    """The class that each detection would rightly have: the surest one of each object that none is right about."""
    about = np.flatnonzero(objects >= 0)
    unfound = about[~found[objects[about]]]
    _, firsts = np.unique(objects[unfound], return_index=True)  # detections of a picture come the surest first
    meant = np.full(len(objects), -1)
    meant[unfound[firsts]] = object_classes[objects[unfound[firsts]]]
    return meant


def _mean_precision(pool: _Pool, looked_at: Bool[np.ndarray, " k"]) -> float:
    """AP50, the mean over the classes looked at that have an object or a detection."""
    known = _precisions(pool)[looked_at]
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else 0.0


def _precisions(pool: _Pool) -> Float64[np.ndarray, " k"]:
    """AP50 of each class: 0 for one that has detections alone, NaN for one that has not even these."""
    scores, classes, right = (values[pool.counted] for values in (pool.scores, pool.classes, pool.right))
    order = np.lexsort((-scores, classes))
    bounds = np.searchsorted(classes[order], np.arange(len(pool.n_objects) + 1))
    found = np.zeros(len(pool.n_objects))
    for code, asked in enumerate(pool.n_objects.tolist()):
        part = right[order[bounds[code] : bounds[code + 1]]]
        n_right = np.cumsum(part)[part]
        if asked and len(n_right):
            precision = n_right / (np.flatnonzero(part) + 1)
            found[code] = area_under(n_right[None] / asked, precision[None], RECALLS)[0]
        elif not asked and not len(part):
            found[code] = np.nan
    return found
