"""A classifier assembled from three functions: resize, normalise, answer. Every adapter returns one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.core.pixels import as_rgb
from unlossy.tasks.base import Prepared


@dataclass(frozen=True, slots=True)
class AssembledClassifier:
    """The Classifier contract over three functions; all three must be thread-safe.

    `resize_rgb` sees RGB only, `answer` gives checked logits (see outputs.as_logits). `trainable` gives the torch
    network behind it (a `differentiable.Trainable`), None where there is none; called where gradients are wanted.
    """

    spec: str
    digest: str
    labels: tuple[str, ...] | None
    n_classes: int | None
    libraries: tuple[str, ...]
    resize_rgb: Callable[[UInt8[np.ndarray, "h w 3"]], UInt8[np.ndarray, "h2 w2 3"]]
    normalise_rgb: Callable[[UInt8[np.ndarray, "h w 3"]], Prepared]
    answer: Callable[[Sequence[Prepared]], Float32[np.ndarray, "b k"]]
    trainable: Callable[[], Any] | None = None

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The image as the model's own preprocessing resizes and crops it, RGB."""
        return self.resize_rgb(as_rgb(image_hwc))

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Prepared:
        """The resized image in the numbers the model takes."""
        return self.normalise_rgb(image_hwc)

    def logits(self, batch: Sequence[Prepared]) -> Float32[np.ndarray, "b k"]:
        """The logits, one row per image; raises ModelError."""
        return self.answer(batch)
