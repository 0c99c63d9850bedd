"""How long does average precision take over 5000 images at 9 qualities, and how much memory, beside pycocotools?

    python benchmarks/detection_evaluation.py [--images 5000] [--qualities 9] [--draws 1000] [--skip-others]

Made objects (7 an image of 80 classes, on average) and detections (100 an image: near objects, the nearer the higher
the quality, and at random). Of unlossy three times: matching each picture (as a study does, once per row), average
precision of a cell from its evidence, and its bootstrap draws in blocks (as a study's intervals ask for). Of
pycocotools and faster-coco-eval the whole of one quality: loading the results, evaluate (with the four ranges of areas
that it always does), accumulate. The numbers must be equal to 1e-6; exit 1 where they are not.
"""

import argparse
import contextlib
import io
import resource
import sys
import time
from collections.abc import Iterator

import numpy as np

from unlossy.core.types import ObjectsTarget
from unlossy.metrics.stats import draws
from unlossy.tasks.detection import DetectionYardstick
from unlossy.tasks.detections import Detections

SIDE, N_CLASSES, N_DETECTIONS = 640, 80, 100
MEASURE = DetectionYardstick()


def target_at(index: int) -> ObjectsTarget:
    rng = np.random.default_rng([0, index])
    n = rng.poisson(7)
    start = rng.uniform(0, SIDE * 0.8, (n, 2))
    boxes = np.round(np.concatenate([start, start + np.exp(rng.uniform(2.5, 5.5, (n, 2)))], axis=1), 2)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return ObjectsTarget(_classes(rng, n), boxes, rng.random(n) < 0.01, areas, tuple(range(n)), (None,) * n, "")


def found_at(index: int, quality: int, target: ObjectsTarget) -> Detections:
    rng = np.random.default_rng([quality, index])
    n_near = min(3 * len(target.ids), N_DETECTIONS)
    near = np.arange(n_near) % max(1, len(target.ids))
    objects, ids = target.boxes_xyxy[near], target.category_ids[near]
    sides = np.tile(objects[:, 2:] - objects[:, :2], 2)
    boxes = objects + rng.normal(0, 0.05 + 0.3 / quality, objects.shape) * sides
    start = rng.uniform(0, SIDE * 0.8, (N_DETECTIONS - n_near, 2))
    random = np.concatenate([start, start + rng.uniform(10, 200, start.shape)], axis=1)
    scores = np.concatenate([rng.beta(3, 2, n_near), rng.beta(1, 4, len(random))])
    classes = np.concatenate(
        [np.where(rng.random(n_near) < 0.1, _classes(rng, n_near), ids), _classes(rng, len(random))]
    )
    return Detections(np.concatenate([boxes, random]).astype(np.float32), scores.astype(np.float32), classes)


def _classes(rng: np.random.Generator, n: int) -> np.ndarray:
    """Few classes are common, as in COCO."""
    return (N_CLASSES * rng.random(n) ** 3).astype(np.int64) + 1


def ours(n_images: int, n_qualities: int, n_draws: int) -> tuple[dict[str, float | None], dict[str, float]]:
    took: dict[str, float] = {"match": 0.0, "precision": 0.0, "draws": 0.0}
    first: dict[str, float | None] = {}
    for quality in range(1, n_qualities + 1):
        scores = []
        for index in range(n_images):
            target = target_at(index)
            found = found_at(index, quality, target)
            with timed(took, "match"):
                scores.append(MEASURE.score(found, target))
        with timed(took, "precision"):
            summary = MEASURE.summarise(scores)
        with timed(took, "draws"):
            drawn = [MEASURE.resample(scores, block)["ap"] for block in draws(n_images, 0, n_draws)]
        low, high = np.quantile(np.concatenate(drawn), [0.025, 0.975])
        print(f"quality {quality}: AP {summary['ap']:.4f} [{low:.4f}, {high:.4f}], peak {peak_mb():.0f} MB", flush=True)
        first = first or summary
    return first, took


def theirs(package: str, n_images: int) -> tuple[list[float], float]:
    if package == "pycocotools":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    else:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as COCOeval
    annotations, results = [], []
    for index in range(n_images):
        target = target_at(index)
        annotations += [one | {"id": len(annotations) + n} for n, one in enumerate(_annotations(index, target), 1)]
        results += _results(index, found_at(index, 1, target))
    dataset = {"images": [{"id": n, "width": SIDE, "height": SIDE} for n in range(n_images)], "info": {}}
    dataset |= {"annotations": annotations, "categories": [{"id": n, "name": str(n)} for n in range(1, N_CLASSES + 1)]}
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = dataset
        truth.createIndex()
        start = time.perf_counter()
        judge = COCOeval(truth, truth.loadRes(results), "bbox")
        judge.evaluate()
        judge.accumulate()
        took_s = time.perf_counter() - start
        judge.summarize()
    return [float(value) for value in judge.stats[:3]], took_s


def _annotations(index: int, target: ObjectsTarget) -> Iterator[dict]:
    for box, class_id, crowd, area in zip(
        target.boxes_xyxy.tolist(),
        target.category_ids.tolist(),
        target.crowd.tolist(),
        target.areas.tolist(),
        strict=True,
    ):
        one = {"image_id": index, "category_id": class_id, "bbox": _xywh(box)}
        yield one | {"iscrowd": int(crowd), "area": area}


def _results(index: int, found: Detections) -> list[dict]:
    return [
        {"image_id": index, "category_id": class_id, "score": score, "bbox": _xywh(box)}
        for box, class_id, score in zip(
            found.boxes_xyxy.astype(float).tolist(), found.class_ids.tolist(), found.scores.tolist(), strict=True
        )
    ]


def _xywh(box: list[float]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


@contextlib.contextmanager
def timed(took: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    took[name] += time.perf_counter() - start


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--qualities", type=int, default=9)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--skip-others", action="store_true")
    asked = parser.parse_args()
    summary, took = ours(asked.images, asked.qualities, asked.draws)
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items())
    print(f"unlossy, {asked.qualities} qualities x {asked.images} images, {asked.draws} draws: {parts}")
    print(f"unlossy's peak memory, all of it: {peak_mb():.0f} MB")
    if asked.skip_others:
        return 0
    equal = True
    for package in ("pycocotools", "faster_coco_eval"):
        stats, took_s = theirs(package, asked.images)
        differs = max(abs(a - b) for a, b in zip(stats, [summary[m] for m in MEASURE.set_metrics], strict=True))
        print(f"{package}, one quality x {asked.images} images: {took_s:.1f} s; differs by {differs:.1e}")
        equal &= differs < 1e-6
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
