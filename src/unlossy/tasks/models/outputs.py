"""From what a network answers to checked logits: one float32 row per image, in order."""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float32

from unlossy.core.errors import ModelError

OutputKind = Literal["logits", "probabilities"]

SUM_TOLERANCE = 0.02
"""How far from 1 the sum of a row of probabilities may lie: half precision and int8 models round."""


def in_batches_of_one_shape(
    batch: Sequence[Float32[np.ndarray, "3 _ _"]],
    run: Callable[[Float32[np.ndarray, "b 3 h w"]], np.ndarray],
    kind: OutputKind = "logits",
) -> Float32[np.ndarray, "b k"]:
    """The logits of images that may differ in size: those of one size go through `run` together."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for place, image in enumerate(batch):
        by_shape.setdefault(image.shape, []).append(place)
    order = [place for places in by_shape.values() for place in places]
    parts = [
        as_logits(run(np.stack([batch[place] for place in places])), len(places), kind) for places in by_shape.values()
    ]
    if not parts:
        raise ModelError("an empty batch has no answer")
    result = np.empty((len(batch), parts[0].shape[1]), np.float32)
    result[order] = np.concatenate(parts)
    return result


def as_logits(answer: object, n_images: int, kind: OutputKind = "logits") -> Float32[np.ndarray, "b k"]:
    """A model's answer as float32 logits (n_images, k); trailing axes of length 1 are dropped.

    Raises:
        ModelError: another shape, no numbers, or `kind` is "probabilities" and a row is no distribution.
    """
    try:
        rows = np.asarray(answer, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ModelError(f"the model's answer is not an array of numbers: {error}") from error
    while rows.ndim > 2 and rows.shape[-1] == 1:
        rows = rows[..., 0]
    if rows.ndim != 2 or rows.shape[0] != n_images or rows.shape[1] < 1:
        raise ModelError(f"the model answered with shape {rows.shape}; ({n_images}, classes) was expected")
    return _log_probabilities(rows) if kind == "probabilities" else rows


def _log_probabilities(rows: Float32[np.ndarray, "b k"]) -> Float32[np.ndarray, "b k"]:
    finite = np.isfinite(rows).all(axis=1)  # a row with NaN is left so: it becomes that image's own error
    off = np.abs(rows.sum(axis=1) - 1) > SUM_TOLERANCE
    if np.any(finite & (off | (rows.min(axis=1) < -SUM_TOLERANCE))):
        raise ModelError('the model\'s outputs are declared "probabilities" but are negative or do not add up to 1')
    return np.asarray(np.log(np.maximum(rows, np.finfo(np.float32).tiny)))
