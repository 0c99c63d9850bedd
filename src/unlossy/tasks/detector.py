"""Detection and instance segmentation: a Detector joined to the yardstick of boxes, or of masks.

Answers are in the dataset's category ids and in pixels of the source picture, whatever the model makes of either.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

from unlossy.core.errors import ModelError, UsageError
from unlossy.core.tools import require
from unlossy.core.types import Target
from unlossy.tasks.asking import asked
from unlossy.tasks.base import Yardstick
from unlossy.tasks.categories import match_categories
from unlossy.tasks.detections import Detections
from unlossy.tasks.models.detection.base import Detector, Sized


class DetectorTask:
    """A Detector and a yardstick of objects."""

    def __init__(self, detector: Detector, yardstick: Yardstick, categories: Mapping[int, str]) -> None:
        """Join the two; answers are in the ids of `categories`, where there are any.

        Raises:
            UsageError: the detector knows none of the categories, or the yardstick wants masks that it does not give.
            MissingDependency: the package that compares masks is not installed.
        """
        self._masks = yardstick.task == "instance_segmentation"
        if self._masks and not detector.gives_masks:
            raise UsageError(f"{detector.spec} finds boxes alone, without masks; use --task detection")
        if self._masks:
            require("faster_coco_eval", "detection", "instance segmentation")
        self.detector = detector
        self.yardstick = yardstick
        self.matching = match_categories(detector.labels, detector.category_ids, categories, detector.spec)
        self.classes = self.matching.classes
        self.model_spec = detector.spec
        self.model_digest = detector.digest
        self.libraries = detector.libraries

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is worth saying once: the categories that the model can never find."""
        missing = self.matching.missing
        if not missing:
            return ()
        return (f"{self.model_spec} does not know {len(missing)} of the data's categories: {', '.join(missing)}",)

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture in the geometry the model sees, RGB; thread-safe."""
        return self.detector.resize(image_hwc)

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Sized:
        """A resized picture in the numbers the model takes; answers are in its own pixels. Thread-safe."""
        return Sized(self.detector.normalise(image_hwc), (image_hwc.shape[0], image_hwc.shape[1]))

    def prepare(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> Sized:
        """What the model wants of a source picture, whose size is kept; thread-safe."""
        return self.detector.prepare(image_hwc)

    def predict(self, batch: Sequence[Sized]) -> list[Detections | Exception]:
        """The objects in each prepared picture, in order; a ModelError in the place of an answer that is none."""
        return [
            answer if isinstance(answer, ModelError) else self._in_categories(answer)
            for answer in asked(self.detector.detect, batch)
        ]

    def check_target(self, target: Target | None) -> None:
        """Nothing: an object of a category that the model does not know is one that it misses."""

    def trainable(self) -> Any:  # noqa: ANN401 (a differentiable.Trainable, or None; torch is not imported to be named)
        """The torch network behind the detector with its raw heads; None where gradients cannot go through it."""
        return None if self.detector.trainable is None else self.detector.trainable()

    def _in_categories(self, found: Detections) -> Detections:
        """The objects of classes that the dataset has, in its ids, with masks only where they are judged."""
        places, ids = self.matching.of(found.class_ids)
        masks = None if found.masks is None or not self._masks else tuple(found.masks[place] for place in places)
        return Detections(found.boxes_xyxy[places], found.scores[places], ids, masks)
