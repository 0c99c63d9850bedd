"""Classification: one class per image. The yardstick needs no model; the task joins it to a Classifier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, UInt8

from unlossy.core.errors import LabelError, ModelError
from unlossy.core.types import ClassTarget, Target, TargetKind
from unlossy.tasks.asking import asked
from unlossy.tasks.base import Prepared, Score, Yardstick
from unlossy.tasks.means import means_of
from unlossy.tasks.models.base import Classifier


@dataclass(frozen=True, slots=True)
class ClassificationAnswer:
    """What a model says of one image.

    `probability` is that of `class_index`; `top5` the five most probable classes, best first, None where there are
    fewer than five classes. Of equal classes the one with the lower index comes first. `probabilities` is the whole
    softmax, kept only until the answer is scored.
    """

    class_index: int
    probability: float
    top5: tuple[int, ...] | None
    probabilities: Float32[np.ndarray, " k"] = field(compare=False, repr=False)


class ClassificationYardstick:
    """Top-1, top-5, the probability of the true class, and agreement with the clean answer; all in 0..1."""

    task: str = "classification"
    targets: TargetKind = "class"
    metrics: tuple[str, ...] = ("top1", "top5", "p_true", "agreement")
    set_metrics: tuple[str, ...] = ()
    main_metric: str = "top1"
    item_metric: str = "top1"
    lower_is_better: frozenset[str] = frozenset()
    spoken: Mapping[str, str] = MappingProxyType(
        {"top1": "top-1", "top5": "top-5", "p_true": "probability of the true class", "agreement": "agreement"}
    )

    def as_target(self, prediction: ClassificationAnswer) -> ClassTarget:
        """The answered class as if it were the true one."""
        return ClassTarget(prediction.class_index)

    def score(self, prediction: ClassificationAnswer, target: Target | None) -> Score:
        """The score against the true class: None without one, `top5` None too where there are fewer than five classes.

        `agreement` is None here: it needs the clean answer, see `agreement`.

        Raises:
            LabelError: the model has no such class.
        """
        if not isinstance(target, ClassTarget):
            return Score(dict.fromkeys(self.metrics))
        index, n_classes = target.class_index, len(prediction.probabilities)
        if not 0 <= index < n_classes:
            raise LabelError(f"the class index {index} lies outside the model's {n_classes} classes")
        return Score(
            {
                "top1": float(prediction.class_index == index),
                "top5": None if prediction.top5 is None else float(index in prediction.top5),
                "p_true": float(prediction.probabilities[index]),
                "agreement": None,
            }
        )

    def agreement(self, prediction: ClassificationAnswer, clean: ClassificationAnswer) -> float:
        """1.0 where both answers name the same class, else 0.0."""
        return float(prediction.class_index == clean.class_index)

    def as_json(self, prediction: ClassificationAnswer) -> dict[str, Any]:
        """The answer without the whole softmax."""
        return {
            "class_index": prediction.class_index,
            "probability": prediction.probability,
            "top5": None if prediction.top5 is None else list(prediction.top5),
        }

    def target_as_json(self, target: Target) -> dict[str, Any]:
        """The true class."""
        return {"class_index": target.class_index} if isinstance(target, ClassTarget) else {}

    def summarise(
        self, scores: Sequence[Score], weights: Float[np.ndarray, " n"] | None = None
    ) -> dict[str, float | None]:
        """The weighted mean of each metric over the items that have it; None where none has, or all weigh nothing."""
        return means_of(scores, self.metrics, weights)

    def resample(
        self,
        scores: Sequence[Score],  # noqa: ARG002 (the contract's)
        draws: Float[np.ndarray, "d n"],  # noqa: ARG002
    ) -> dict[str, Float[np.ndarray, " d"]]:
        """Nothing: every metric is a mean over the items."""
        return {}


class ClassificationTask:
    """A Classifier and the yardstick for it."""

    remarks: tuple[str, ...] = ()

    def __init__(self, classifier: Classifier) -> None:
        """Wrap a classifier; it is used as it is, from several threads."""
        self.classifier = classifier
        self.yardstick: Yardstick = ClassificationYardstick()
        self.classes: Mapping[int, str] | None = dict(enumerate(classifier.labels)) if classifier.labels else None
        self.model_spec = classifier.spec
        self.model_digest = classifier.digest
        self.libraries = classifier.libraries

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The image in the geometry the model sees, RGB; thread-safe."""
        return self.classifier.resize(image_hwc)

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Prepared:
        """A resized image in the numbers the model takes; thread-safe."""
        return self.classifier.normalise(image_hwc)

    def prepare(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> Prepared:
        """What the model wants of a source image; thread-safe."""
        return self.normalise(self.resize(image_hwc))

    def predict(self, batch: Sequence[Prepared]) -> list[ClassificationAnswer | Exception]:
        """One answer per prepared image, in order; a ModelError in the place of one that failed or is not finite.

        Where the model refuses a whole batch, its images are tried one by one, so that only the guilty ones fail.
        """
        return [row if isinstance(row, ModelError) else answer_of(row) for row in asked(self._rows, batch)]

    def _rows(self, batch: Sequence[Prepared]) -> list[Float32[np.ndarray, " k"] | ModelError]:
        return list(self.classifier.logits(batch))

    def check_target(self, target: Target | None) -> None:
        """Nothing; raises LabelError where the model is known to have no such class."""
        n_classes = self.classifier.n_classes
        if isinstance(target, ClassTarget) and (
            target.class_index < 0 or (n_classes is not None and target.class_index >= n_classes)
        ):
            has = "an index is 0 or more" if n_classes is None else f"the model has {n_classes} classes"
            raise LabelError(f"the class index {target.class_index} cannot be: {has}")


def answer_of(logits: Float32[np.ndarray, " k"]) -> ClassificationAnswer | ModelError:
    """The answer that a row of logits is; a ModelError where it holds NaN or infinity."""
    if not np.isfinite(logits).all():
        return ModelError(f"the model answered with {np.count_nonzero(~np.isfinite(logits))} NaN or infinite values")
    weights = np.exp(logits.astype(np.float64) - logits.max())
    probabilities = (weights / weights.sum()).astype(np.float32)
    best = np.argsort(-logits, kind="stable")[:5]  # by logits: the softmax makes ties of what is far apart
    return ClassificationAnswer(
        class_index=int(best[0]),
        probability=float(probabilities[best[0]]),
        top5=tuple(map(int, best)) if len(logits) >= 5 else None,
        probabilities=probabilities,
    )
