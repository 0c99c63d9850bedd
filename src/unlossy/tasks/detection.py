"""How a detector is judged: average precision of the whole set, F1 of single pictures, agreement with the clean answer.

A detection counts as an object where boxes of the same class overlap by an IoU of at least a threshold. Average
precision (COCO's) belongs to the set: what of a picture goes into it lies in the score's evidence. Single pictures are
told apart by F1 at IoU 0.5 of the detections that one would show, those of at least SURE.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from jaxtyping import Float

from unlossy.core.types import ObjectsTarget, Target, TargetKind
from unlossy.metrics.detection import average_precision, average_precision_of_draws
from unlossy.metrics.detection_evidence import evidence_of
from unlossy.metrics.matching import IOU_THRESHOLDS, Matches, Overlap, box_overlap, match
from unlossy.tasks.base import Score
from unlossy.tasks.detections import Detections, detections_from_json, objects_as_json, objects_from_json
from unlossy.tasks.means import means_of

SURE: Final = 0.3
"""The least score of a detection that F1 and agreement look at; average precision looks at all."""

SET_METRICS: Final = ("ap", "ap50", "ap75")
ITEM_METRICS: Final = ("f1", "agreement")


class DetectionYardstick:
    """Average precision over IoU 0.50..0.95, at 0.50 and at 0.75; F1 and agreement at 0.50; all in 0..1."""

    task: str = "detection"
    targets: TargetKind = "objects"
    metrics: tuple[str, ...] = SET_METRICS + ITEM_METRICS
    set_metrics: tuple[str, ...] = SET_METRICS
    main_metric: str = "ap"
    item_metric: str = "f1"
    lower_is_better: frozenset[str] = frozenset()
    spoken: Mapping[str, str] = MappingProxyType(
        {"ap": "AP", "ap50": "AP50", "ap75": "AP75", "f1": "F1 at IoU 0.5", "agreement": "agreement"}
    )

    def overlap(self, prediction: Detections, target: ObjectsTarget) -> Overlap:
        """How the detections lie on the objects."""
        return box_overlap(prediction.boxes_xyxy, target)

    def as_target(self, prediction: Detections) -> ObjectsTarget:
        """The sure detections as if they were the objects."""
        sure = np.flatnonzero(prediction.scores >= SURE)
        boxes = prediction.boxes_xyxy[sure].astype(np.float64)
        masks = prediction.masks
        outlines = [None if masks is None else {"size": masks[n].size_hw, "counts": masks[n].counts} for n in sure]
        return ObjectsTarget(
            prediction.class_ids[sure],
            boxes,
            np.zeros(len(sure), dtype=bool),
            np.prod(boxes[:, 2:] - boxes[:, :2], axis=1),
            tuple(sure.tolist()),
            tuple(outlines),
            "",
        )

    def score(self, prediction: Detections, target: Target | None) -> Score:
        """F1 against the objects, None without a target; the evidence for average precision.

        Raises LabelError where an object cannot be compared with the answer.
        """
        values: dict[str, float | None] = dict.fromkeys(ITEM_METRICS)
        if not isinstance(target, ObjectsTarget):
            return Score(values)
        overlap = self.overlap(prediction, target)
        matches = match(overlap, prediction.scores, prediction.class_ids, target)
        evidence = evidence_of(matches, prediction.scores, prediction.class_ids, target)
        return Score(values | {"f1": f1(matches, prediction)}, evidence.to_text())

    def agreement(self, prediction: Detections, clean: Detections) -> float:
        """F1 against the clean answer's sure detections: 1.0 where both show the same objects, or none."""
        target = self.as_target(clean)
        overlap = self.overlap(prediction, target)
        half = IOU_THRESHOLDS[:1]
        return f1(match(overlap, prediction.scores, prediction.class_ids, target, thresholds=half), prediction)

    def as_json(self, prediction: Detections) -> dict[str, Any]:
        """`boxes` (x0, y0, x1, y1), `scores`, `class_ids`, and `masks` where there are any."""
        return prediction.to_json()

    def from_json(self, told: Mapping[str, Any]) -> Detections:
        """The answer that a row keeps."""
        return detections_from_json(told)

    def target_as_json(self, target: Target) -> dict[str, Any]:
        """`boxes`, `class_ids`, `crowd`, `areas` and `ids` of the objects."""
        return objects_as_json(target, outlines=False) if isinstance(target, ObjectsTarget) else {}

    def target_from_json(self, told: Mapping[str, Any]) -> ObjectsTarget:
        """The target that a row keeps."""
        return objects_from_json(told)

    def summarise(
        self, scores: Sequence[Score], weights: Float[np.ndarray, " n"] | None = None
    ) -> dict[str, float | None]:
        """Average precision over the items that have a target; the means of F1 and agreement where they are known."""
        found = average_precision([score.evidence for score in scores], weights)
        return found | means_of(scores, ITEM_METRICS, weights)

    def resample(self, scores: Sequence[Score], draws: Float[np.ndarray, "d n"]) -> dict[str, Float[np.ndarray, " d"]]:
        """Average precision in each draw; nothing where no item has a target."""
        evidence = [score.evidence for score in scores]
        return average_precision_of_draws(evidence, draws) if any(text is not None for text in evidence) else {}


def f1(matches: Matches, prediction: Detections) -> float:
    """F1 of the sure detections at the lowest threshold: 2 right / (detections + objects), 1.0 where there is neither.

    Crowd regions are no objects to be found, and detections in them are not counted.
    """
    counted = (prediction.scores[matches.order] >= SURE) & ~matches.ignored[0]
    n_right = int((counted & (matches.found[0] >= 0)).sum())
    n_both = int(counted.sum()) + int((~matches.object_ignored).sum())
    return 2 * n_right / n_both if n_both else 1.0
