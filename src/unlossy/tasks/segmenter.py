"""Semantic segmentation: a Segmenter joined to the yardstick of class maps, answering in the dataset's ids."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8, UInt16

from unlossy.core.errors import LabelError, ModelError
from unlossy.core.types import LabelMapTarget, Target
from unlossy.tasks.asking import asked
from unlossy.tasks.base import Yardstick
from unlossy.tasks.class_maps import ClassMap
from unlossy.tasks.models.segmentation.base import SegmentationInput, Segmenter
from unlossy.tasks.models.segmentation.matching import match_classes
from unlossy.tasks.names import listed
from unlossy.tasks.semantic_segmentation import SemanticSegmentationYardstick


class SegmenterTask:
    """A Segmenter and the yardstick for it."""

    def __init__(self, segmenter: Segmenter, categories: Mapping[int, str]) -> None:
        """Join the two; raises UsageError where the model knows none of the categories."""
        self.segmenter = segmenter
        self.yardstick: Yardstick = SemanticSegmentationYardstick()
        self.matching = match_classes(segmenter.labels, segmenter.n_classes, categories, segmenter.spec)
        self.classes: Mapping[int, str] | None = self.matching.vocabulary.names
        self.model_spec = segmenter.spec
        self.model_digest = segmenter.digest
        self.libraries = segmenter.libraries

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is worth saying once: categories that the model does not know, and those that are one class to it."""
        matching, found = self.matching, []
        if matching.unknown:
            end = "they count as background" if matching.has_background else "their pixels count for nothing"
            n, names = len(matching.unknown), listed(matching.unknown)
            found.append(f"{self.model_spec} does not know {n} of the data's classes; {end}: {names}")
        if matching.merged:
            found.append(f"{self.model_spec} has one class for several of the data's: {'; '.join(matching.merged)}")
        return tuple(found)

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture in the geometry the model sees, RGB; thread-safe."""
        return self.segmenter.resize(image_hwc)

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> SegmentationInput:
        """A resized picture as the model takes it; answers are of its own size. Thread-safe."""
        return SegmentationInput(image_hwc, (image_hwc.shape[0], image_hwc.shape[1]), self.segmenter.normalise)

    def prepare(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> SegmentationInput:
        """What the model wants of a source picture, whose size is kept; thread-safe."""
        source_hw = image_hwc.shape[0], image_hwc.shape[1]
        return SegmentationInput(self.resize(image_hwc), source_hw, self.segmenter.normalise)

    def predict(self, batch: Sequence[SegmentationInput]) -> list[ClassMap | Exception]:
        """The class of each pixel of each picture, in order; a ModelError in the place of an answer that is none."""
        return [
            answer if isinstance(answer, ModelError) else self._in_categories(answer)
            for answer in asked(self.segmenter.segment, batch)
        ]

    def check_target(self, target: Target | None) -> None:
        """Nothing; raises LabelError for what is no label map. What stands in a mask is checked when it is read."""
        if target is not None and not isinstance(target, LabelMapTarget):
            raise LabelError("a map of classes was expected as the label")

    def trainable(self) -> Any:  # noqa: ANN401 (a differentiable.Trainable, or None; torch is not imported to be named)
        """The torch network behind the segmenter with its class values; None where gradients cannot go through it."""
        return None if self.segmenter.trainable is None else self.segmenter.trainable()

    def _in_categories(self, numbers: UInt16[np.ndarray, "h w"]) -> ClassMap:
        ids = self.matching.ids
        return ClassMap.of(numbers if ids is None else ids[numbers], self.matching.vocabulary)
