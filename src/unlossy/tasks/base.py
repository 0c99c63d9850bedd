"""The contracts of a task: a yardstick that scores (no model needed), and a model that answers.

The two are apart so that a finished RUN can be summarised, reported and compared without loading any model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8

from unlossy.core.types import Target, TargetKind

Prepared = Any
"""What one model wants of one image, usually a float32 array (c, h, w); only the task that made it looks inside."""

Prediction = Any
"""One answer, a frozen dataclass of the task; only the task that made it looks inside."""


@dataclass(frozen=True, slots=True)
class Score:
    """One item's score: metric name to value in 0..1, None where a metric is undefined (no label, say).

    Metrics of the whole set, which are no means over items, have no value here; `evidence` is what the yardstick needs
    of this item to work them out, a text that only it can read.
    """

    values: Mapping[str, float | None]
    evidence: str | None = None


@runtime_checkable
class Yardstick(Protocol):
    """How a task's answers are judged; knows no model.

    Attributes:
        targets: The kind of label that answers are scored against.
        metrics: Every metric, those of the set included.
        set_metrics: Those that belong to the set of items and are no means over them (average precision, say).
        main_metric: What a study is about where there are labels; more is better.
        item_metric: The metric by which single items are told apart; it has a value for each labelled item.
        lower_is_better: Metrics that are errors.
        spoken: How people call each metric.
    """

    task: str
    targets: TargetKind
    metrics: tuple[str, ...]
    set_metrics: tuple[str, ...]
    main_metric: str
    item_metric: str
    lower_is_better: frozenset[str]
    spoken: Mapping[str, str]

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

    def resample(self, scores: Sequence[Score], draws: Float[np.ndarray, "d n"]) -> dict[str, Float[np.ndarray, " d"]]:
        """Each of `set_metrics` in each bootstrap draw (a row of weights), NaN where it is undefined.

        Equal to `summarise` with that row as weights. A metric that no item has evidence for is left out.
        """
        ...


@runtime_checkable
class Task(Protocol):
    """A model and its yardstick."""

    yardstick: Yardstick
    classes: Mapping[int, str] | None
    """Names of the classes by the id that answers have (an output's number, or the dataset's id); None when unknown."""
    model_spec: str
    model_digest: str
    libraries: tuple[str, ...]
    """Distributions whose versions can change an answer ("torch", "transformers"), for the row's provenance."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is worth saying once, before any answer: classes of the data that the model does not know, say."""
        ...

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
