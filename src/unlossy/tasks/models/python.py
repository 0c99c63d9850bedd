"""`py:MODULE:CALLABLE`: any function from a list of images to an array of class values.

The callable takes a list of uint8 RGB arrays (h, w, 3), of the sizes the images have, and gives an array (n, k) of
logits. Attributes on it may say more: `outputs = "probabilities"`, `labels` (k names), `digest` (a text that changes
with the model; without it, the SHA-256 of the module's source file), `trainable` (a function that gives a torch module
from RGB (b 3 h w, 0..1) to logits, for task-targeted training). Preprocessing is the callable's own affair, so
`--compress-at input` means the source size here.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, UInt8

from unlossy.core.errors import UsageError
from unlossy.tasks.models.assembled import AssembledClassifier
from unlossy.tasks.models.callables import find_callable
from unlossy.tasks.models.outputs import OutputKind, as_logits


def load(name: str, *, spec: str, threads: int | None) -> AssembledClassifier:  # noqa: ARG001 (the callable sets its own)
    """The classifier that a callable is; raises UsageError where it cannot be found or says what it may not."""
    found = find_callable(name, spec)
    kind = _kind(found.function, spec)

    def answer(batch: Sequence[UInt8[np.ndarray, "_ _ 3"]]) -> Float32[np.ndarray, "b k"]:
        return as_logits(found.function(list(batch)), len(batch), kind)

    return AssembledClassifier(
        spec=spec,
        digest=found.digest,
        labels=found.labels,
        n_classes=None if found.labels is None else len(found.labels),
        libraries=found.libraries,
        resize_rgb=_unchanged,
        normalise_rgb=_unchanged,
        answer=answer,
        trainable=getattr(found.function, "trainable", None),
    )


def _unchanged(image_hwc: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    return image_hwc


def _kind(classify: object, spec: str) -> OutputKind:
    kind = getattr(classify, "outputs", "logits")
    if kind == "probabilities":
        return "probabilities"
    if kind == "logits":
        return "logits"
    raise UsageError(f'{spec}: its attribute outputs is {kind!r}; it must be "logits" or "probabilities"')
