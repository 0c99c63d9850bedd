"""Pictures with objects and detections, made by a seed, and what pycocotools says of them."""

import contextlib
import io
from dataclasses import dataclass

import numpy as np

from unlossy.core.types import ObjectsTarget
from unlossy.metrics.masks import rle_of
from unlossy.tasks.detections import Detections, RunLengths

SIDE = 400


@dataclass(frozen=True)
class Picture:
    found: Detections
    target: ObjectsTarget


def target_of(boxes_xyxy, category_ids, *, crowd=None, areas=None, outlines=None):
    boxes = np.array(boxes_xyxy, dtype=np.float64).reshape(-1, 4)
    n = len(boxes)
    return ObjectsTarget(
        np.array(category_ids, dtype=np.int64),
        boxes,
        np.zeros(n, dtype=bool) if crowd is None else np.array(crowd, dtype=bool),
        np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) if areas is None else np.array(areas, dtype=np.float64),
        tuple(range(1, n + 1)),
        tuple(outlines or [None] * n),
        "",
    )


def detections(boxes_xyxy, scores, class_ids, masks=None):
    return Detections(
        np.array(boxes_xyxy, dtype=np.float32).reshape(-1, 4),
        np.array(scores, dtype=np.float32),
        np.array(class_ids, dtype=np.int64),
        masks,
    )


def made_pictures(seed, n_pictures=12, *, n_classes=5, most_objects=9, n_random=8, masks=False, digits=2):
    """Detections near objects, of other classes, twice, and out of nothing; equal scores; crowd regions; no objects."""
    rng = np.random.default_rng(seed)
    return [
        _picture(rng, n_classes, rng.integers(0, most_objects + 1), n_random, masks, digits) for _ in range(n_pictures)
    ]


def _picture(rng, n_classes, n_objects, n_random, masks, digits):
    objects = _boxes(rng, n_objects)
    ids = rng.integers(1, n_classes + 1, n_objects)
    near = np.repeat(np.arange(n_objects), rng.integers(0, 4, n_objects))
    jittered = objects[near] + rng.normal(0, 0.12, (len(near), 4)) * np.tile(
        objects[near][:, 2:] - objects[near][:, :2], 2
    )
    boxes = np.concatenate([jittered, _boxes(rng, n_random)])
    boxes = np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:] - 1), boxes[:, 2:]], axis=1)
    other = rng.random(len(near)) < 0.15
    classes = np.concatenate(
        [
            np.where(other, rng.integers(1, n_classes + 2, len(near)), ids[near]),
            rng.integers(1, n_classes + 2, n_random),
        ]
    )
    scores = np.round(rng.random(len(boxes)), digits)  # with two, some are equal
    outlines = [_outline(rng, box) for box in objects] if masks else None
    crowd = rng.random(n_objects) < 0.12
    if masks:  # crowd regions are run lengths in COCO
        outlines = [rle_of(o, (SIDE, SIDE), 0) if c else o for o, c in zip(outlines, crowd, strict=True)]
        found = [rle_of([_corners(box)], (SIDE, SIDE), 0) for box in boxes]
        found = tuple(RunLengths((SIDE, SIDE), one["counts"]) for one in found)
    return Picture(
        detections(boxes, scores, classes, found if masks else None),
        target_of(objects, ids, crowd=crowd, outlines=outlines),
    )


def _boxes(rng, n):
    start = rng.uniform(0, SIDE * 0.7, (n, 2))
    sides = np.exp(rng.uniform(np.log(12), np.log(SIDE * 0.5), (n, 2)))
    return np.round(np.concatenate([start, np.minimum(start + sides, SIDE)], axis=1), 2)


def _corners(box):
    x0, y0, x1, y1 = (float(v) for v in box)
    return [x0, y0, x1, y0, x1, y1, x0, y1]


def _outline(rng, box):
    x0, y0, x1, y1 = (float(v) for v in box)
    cut = float(rng.uniform(0, 0.3))
    octagon = [x0 + cut * (x1 - x0), y0, x1, y0, x1, y1 - cut * (y1 - y0), x1 - cut * (x1 - x0), y1, x0, y1, x0, y0 + 1]
    return [octagon]


def as_coco(pictures):
    """A COCO data set and a list of results; picture n has the id n + 1."""
    annotations, results = [], []
    for image_id, picture in enumerate(pictures, 1):
        target, found = picture.target, picture.found
        for n, (x0, y0, x1, y1) in enumerate(target.boxes_xyxy.tolist()):
            one = {"id": len(annotations) + 1, "image_id": image_id, "category_id": int(target.category_ids[n])}
            one |= {"bbox": [x0, y0, x1 - x0, y1 - y0], "area": float(target.areas[n]), "iscrowd": int(target.crowd[n])}
            annotations.append(one | ({"segmentation": target.outlines[n]} if target.outlines[n] else {}))
        for n, (x0, y0, x1, y1) in enumerate(found.boxes_xyxy.astype(float).tolist()):
            one = {"image_id": image_id, "category_id": int(found.class_ids[n]), "score": float(found.scores[n])}
            if found.masks is None:
                results.append(one | {"bbox": [x0, y0, x1 - x0, y1 - y0]})
            else:
                results.append(one | {"segmentation": {"size": [SIDE, SIDE], "counts": found.masks[n].counts}})
    images = [{"id": n, "width": SIDE, "height": SIDE} for n in range(1, len(pictures) + 1)]
    categories = [{"id": n, "name": str(n)} for n in range(1, 10)]
    return {"images": images, "annotations": annotations, "categories": categories, "info": {}}, results


def pycocotools_precision(pictures, kind="bbox"):
    """COCOeval's precision, (thresholds, recalls, categories, area ranges), at 100 detections."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    dataset, results = as_coco(pictures)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = dataset
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(results), kind)
        judge.evaluate()
        judge.accumulate()
    return judge.eval["precision"][..., 2]


def mean_of(precision):
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None
