"""The contracts of a task: a yardstick that scores (no model needed), and a model that answers.

The two are apart so that a finished RUN can be summarised, reported and compared without loading any model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from unlossy.core.types import Target

Prepared = Any
"""What one model wants of one image, usually a float32 array (c, h, w); only the task that made it looks inside."""

Prediction = Any
"""One answer, a frozen dataclass of the task; only the task that made it looks inside."""


@dataclass(frozen=True, slots=True)
class Score:
    """One item's score: metric name to value in 0..1, None where a metric is undefined (no label, say)."""

    values: Mapping[str, float | None]


@runtime_checkable
class Yardstick(Protocol):
    """How a task's answers are judged; knows no model."""

    task: str
    metrics: tuple[str, ...]
    main_metric: str

    def as_target(self, prediction: Prediction) -> Target:
        """The clean answer as the target: agreement without labels."""
        ...

    def score(self, prediction: Prediction, target: Target | None) -> Score:
        """The score of one answer; label metrics are None where `target` is None."""
        ...

    def agreement(self, prediction: Prediction, clean: Prediction) -> float:
        """How far the answer equals the same model's answer on the clean image, 0..1."""
        ...

    def as_json(self, prediction: Prediction) -> dict[str, Any]:
        """What a row keeps of an answer."""
        ...

    def target_as_json(self, target: Target) -> dict[str, Any]:
        """What a row keeps of a target."""
        ...

    def summarise(
        self, scores: Sequence[Score], weights: Float[np.ndarray, " n"] | None = None
    ) -> dict[str, float | None]:
        """Each metric over all items; `weights` (one bootstrap draw) count each item that often."""
        ...


@runtime_checkable
class Task(Protocol):
    """A model and its yardstick."""

    yardstick: Yardstick
    model_spec: str
    model_digest: str
    libraries: tuple[str, ...]
    """Distributions whose versions can change an answer ("torch", "transformers"), for the row's provenance."""

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The image in the geometry the model sees (resized, cropped), still uint8 RGB; thread-safe."""
        ...

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Prepared:
        """A resized image in the numbers the model takes; thread-safe. `prepare` is `normalise` after `resize`."""
        ...

    def prepare(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> Prepared:
        """What the model wants of a source image; thread-safe, runs in the workers."""
        ...

    def predict(self, batch: Sequence[Prepared]) -> list[Prediction | Exception]:
        """One answer per prepared image, in order; a ModelError in the place of an answer that is NaN."""
        ...

    def check_target(self, target: Target | None) -> None:
        """Raises LabelError where the target cannot be this model's answer."""
        ...
