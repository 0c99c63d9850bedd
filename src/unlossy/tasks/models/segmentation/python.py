"""`py:MODULE:CALLABLE`: any function from a list of pictures to a list of class maps.

The callable takes a list of uint8 RGB arrays (h, w, 3), of the sizes the pictures have, and gives for each an array of
class numbers (h, w), or of class values (k, h', w'), which are upsampled. Attributes on it may say more: `labels` (k
names), `align_corners` (how values lie on the picture, false), `digest` (a text that changes with the model; without
it, the SHA-256 of the module's source file).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from unlossy.tasks.models.callables import find_callable
from unlossy.tasks.models.segmentation.base import AssembledSegmenter


def load(name: str, *, spec: str, threads: int | None) -> AssembledSegmenter:  # noqa: ARG001 (the callable sets its own)
    """The segmenter that a callable is; raises UsageError where it cannot be found or says what it may not."""
    found = find_callable(name, spec, "segment")

    def answer(pictures: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> list[np.ndarray]:
        return [np.asarray(one) for one in found.function(list(pictures))]

    return AssembledSegmenter(
        spec=spec,
        digest=found.digest,
        labels=found.labels,
        n_classes=None if found.labels is None else len(found.labels),
        libraries=found.libraries,
        resize_rgb=_unchanged,
        normalise_rgb=_unchanged,
        answer=answer,
        align_corners=bool(getattr(found.function, "align_corners", False)),
    )


def _unchanged(image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    return image_hwc
