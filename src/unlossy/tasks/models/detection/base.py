"""The contract of a detector, whatever library it comes from: numpy in, boxes in pixels of the source out.

A detector sees a picture in its own geometry; `Sized` remembers what the picture was, so that no answer is ever in
anything but the source's coordinates.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from unlossy.core.errors import ModelError
from unlossy.core.pixels import as_rgb
from unlossy.tasks.detections import Detections

MAX_PER_CLASS = 100
"""Objects of one class in one picture: as many as COCO's average precision counts."""

MAX_DETECTIONS = 300
"""Objects of one picture, the surest: what keeps a row small (nanodet on COCO loses nothing of its AP, 0.260)."""

MIN_SCORE = 0.01
"""What is less sure is no answer, where a model does not state its own threshold."""


@dataclass(frozen=True, slots=True, eq=False)
class Sized:
    """A prepared picture: what the model takes (float32 3 h w, most often), and the size of the picture that it was."""

    pixels: Any
    source_hw: tuple[int, int]


@runtime_checkable
class Detector(Protocol):
    """A frozen detector with the preprocessing it was trained with.

    Attributes:
        spec: The SPEC as given.
        digest: SHA-256 of its weights and settings.
        labels: Class names in the order of the outputs, None where they are not known; "" where an output is no class.
        category_ids: The ids that its makers gave the outputs (COCO's, most often), in their order; None without.
        libraries: Distributions whose versions can change an answer.
        gives_masks: Whether answers have a mask for each box.
        trainable: Gives the torch network behind it (a `differentiable.Trainable`); None where there is none.
    """

    spec: str
    digest: str
    labels: tuple[str, ...] | None
    category_ids: tuple[int, ...] | None
    libraries: tuple[str, ...]
    gives_masks: bool
    trainable: Callable[[], Any] | None

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture in the geometry the model sees, uint8 RGB; grey is repeated. Thread-safe."""
        ...

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Any:  # noqa: ANN401 (the model's own)
        """A resized picture in the numbers the model takes. Thread-safe."""
        ...

    def prepare(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> Sized:
        """`normalise` after `resize`, with the size of the picture. Thread-safe."""
        ...

    def detect(self, batch: Sequence[Sized]) -> list[Detections | ModelError]:
        """What each picture shows, in order, surest first; class ids are the numbers of the outputs.

        A ModelError stands in the place of an answer with NaN or infinite values. Pictures may differ in size.
        """
        ...


@dataclass(frozen=True, slots=True)
class AssembledDetector:
    """The Detector contract over three functions, all thread-safe; `answer` gives checked detections."""

    spec: str
    digest: str
    labels: tuple[str, ...] | None
    category_ids: tuple[int, ...] | None
    libraries: tuple[str, ...]
    resize_rgb: Callable[[UInt8[np.ndarray, "h w 3"]], UInt8[np.ndarray, "h2 w2 3"]]
    normalise_rgb: Callable[[UInt8[np.ndarray, "h w 3"]], Any]
    answer: Callable[[Sequence[Sized]], list[Detections | ModelError]]
    gives_masks: bool = False
    trainable: Callable[[], Any] | None = None

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture as the model's own preprocessing resizes it, RGB."""
        return self.resize_rgb(as_rgb(image_hwc))

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Any:  # noqa: ANN401
        """A resized picture in the numbers the model takes."""
        return self.normalise_rgb(image_hwc)

    def prepare(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> Sized:
        """What the model wants of a picture, and the picture's size."""
        return Sized(self.normalise(self.resize(image_hwc)), (image_hwc.shape[0], image_hwc.shape[1]))

    def detect(self, batch: Sequence[Sized]) -> list[Detections | ModelError]:
        """What each picture shows."""
        return self.answer(batch)
