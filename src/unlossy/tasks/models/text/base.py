"""The contract of a text recogniser, whatever library or program it comes from: pictures in, readings out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import UInt8

from unlossy.core.errors import ModelError
from unlossy.tasks.base import Prepared


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model reads in a picture; lines are divided by "\\n".

    `confidence` is the model's own, 0..1, None where it has none or read nothing.
    """

    text: str
    confidence: float | None = None


@runtime_checkable
class Reader(Protocol):
    """A frozen text recogniser with the preprocessing it wants.

    `spec` is the SPEC as given, `digest` the SHA-256 of its weights and settings, `libraries` the distributions whose
    versions can change an answer.
    """

    spec: str
    digest: str
    libraries: tuple[str, ...]

    def resize(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The picture in the model's geometry, uint8 RGB; grey is repeated. Thread-safe."""
        ...

    def normalise(self, image_hwc: UInt8[np.ndarray, "h w 3"]) -> Prepared:
        """The resized picture as the model takes it. Thread-safe."""
        ...

    def read(self, batch: Sequence[Prepared]) -> list[Reading | ModelError]:
        """One reading per picture, in order; a ModelError in the place of one that has none.

        Raises:
            ModelError: the batch as a whole has no answer; single pictures of it may have one.
        """
        ...
