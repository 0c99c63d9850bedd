"""The contract of a classification model, whatever library it comes from: numpy in, numpy out."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.tasks.base import Prepared


@runtime_checkable
class Classifier(Protocol):
    """A frozen image classifier with the preprocessing it was trained with.

    `spec` is the SPEC as given, `digest` the SHA-256 of its weights and settings, `labels` the class names in the
    order of the outputs (None when unknown), `n_classes` their number (None when only an answer will tell), `libraries`
    the distributions whose versions can change an answer ("torch", "transformers").
    """

    spec: str
    digest: str
    labels: tuple[str, ...] | None
    n_classes: int | None
    libraries: tuple[str, ...]

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The image as the model's own preprocessing resizes and crops it, uint8 RGB; grey is repeated. Thread-safe."""
        ...

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Prepared:
        """The resized image scaled and normalised as the model wants it, usually float32 (3, h, w). Thread-safe."""
        ...

    def logits(self, batch: Sequence[Prepared]) -> Float32[np.ndarray, "b k"]:
        """Unnormalised log-probabilities (softmax gives the probabilities), one row per image, in order.

        The images may differ in size: a model without a fixed input size answers each in its own.

        Raises:
            ModelError: the answer is not one row of class values per image.
        """
        ...
