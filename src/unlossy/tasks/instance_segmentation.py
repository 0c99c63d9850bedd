"""How an instance segmenter is judged: as a detector, but by the overlap of masks instead of boxes."""

from typing import Any

from unlossy.core.errors import ModelError
from unlossy.core.types import ObjectsTarget, Target
from unlossy.metrics.masks import mask_overlap
from unlossy.metrics.matching import Overlap
from unlossy.tasks.detection import DetectionYardstick
from unlossy.tasks.detections import Detections, objects_as_json


class InstanceSegmentationYardstick(DetectionYardstick):
    """The metrics of detection with the IoU of masks; needs faster-coco-eval."""

    task: str = "instance_segmentation"

    def overlap(self, prediction: Detections, target: ObjectsTarget) -> Overlap:
        """How the masks lie on the objects' masks.

        Raises ModelError where the answer has no masks, LabelError where an object has no outline, or one that is not
        of the picture's size.
        """
        masks = prediction.masks
        if masks is None and len(prediction.scores):
            raise ModelError("the model answers with boxes alone; instance segmentation needs masks")
        return mask_overlap([{"size": list(mask.size_hw), "counts": mask.counts} for mask in masks or ()], target)

    def target_as_json(self, target: Target) -> dict[str, Any]:
        """As a detection target's, with `outlines`."""
        return objects_as_json(target, outlines=True) if isinstance(target, ObjectsTarget) else {}
