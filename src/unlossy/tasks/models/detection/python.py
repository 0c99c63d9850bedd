"""`py:MODULE:CALLABLE`: any function from a list of pictures to what it finds in each.

The callable takes a list of uint8 RGB arrays (h, w, 3), of the sizes the pictures have. For each it gives a dict with
"boxes_xyxy" (n, 4; pixels of that picture), "scores" (n; 0..1), "labels" (n; whole numbers) and perhaps "masks" (n, h,
w), or a tuple of these in this order; in a list. Attributes on it may say more: `labels` (the names of the numbers 0,
1, ...), `category_ids` (what they are in the data), `gives_masks = True`, `digest`, `trainable` (a function that gives
a `differentiable.Trainable`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from unlossy.core.errors import ModelError, UsageError
from unlossy.tasks.detections import Detections
from unlossy.tasks.models.callables import find_callable
from unlossy.tasks.models.detection.base import AssembledDetector, Sized
from unlossy.tasks.models.detection.boxes import detections
from unlossy.tasks.models.detection.mask_parts import run_lengths

PARTS: Final = ("boxes_xyxy", "scores", "labels", "masks")


def load(name: str, *, spec: str, threads: int | None) -> AssembledDetector:  # noqa: ARG001 (the callable sets its own)
    """The detector that a callable is; raises UsageError where it cannot be found or says what it may not."""
    found = find_callable(name, spec, "detect")
    ids = _ids(getattr(found.function, "category_ids", None), spec)
    if ids is not None and found.labels is not None and len(ids) != len(found.labels):
        raise UsageError(f"{spec}: its attributes labels and category_ids are {len(found.labels)} and {len(ids)} long")
    masked = bool(getattr(found.function, "gives_masks", False))

    def answer(batch: Sequence[Sized]) -> list[Detections | ModelError]:
        answers = list(found.function([picture.pixels for picture in batch]))
        if len(answers) != len(batch):
            raise ModelError(f"the model gave {len(answers)} answers to {len(batch)} pictures")
        return [_checked(one, picture.source_hw, masked) for one, picture in zip(answers, batch, strict=True)]

    return AssembledDetector(
        spec=spec,
        digest=found.digest,
        labels=found.labels,
        category_ids=ids,
        libraries=found.libraries,
        resize_rgb=lambda image_hwc: image_hwc,
        normalise_rgb=lambda image_hwc: image_hwc,
        answer=answer,
        gives_masks=masked,
        trainable=getattr(found.function, "trainable", None),
    )


def _ids(ids: Any, spec: str) -> tuple[int, ...] | None:  # noqa: ANN401 (a user's attribute)
    if ids is None:
        return None
    try:
        numbers = tuple(int(number) for number in ids)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{spec}: its attribute category_ids must be a list of whole numbers") from error
    if len(set(numbers)) != len(numbers):
        raise UsageError(f"{spec}: its attribute category_ids has one id twice")
    return numbers


def _checked(one: Any, source_hw: tuple[int, int], masked: bool) -> Detections | ModelError:  # noqa: ANN401
    """A callable's answer for one picture, or what is wrong with it."""
    try:
        parts = dict(one) if isinstance(one, Mapping) else dict(zip(PARTS, one, strict=False))
        scores = np.asarray(parts["scores"], np.float32).reshape(-1)
        boxes = np.asarray(parts["boxes_xyxy"], np.float32).reshape(-1, 4)
        labels = np.asarray(parts["labels"]).reshape(-1)
        masks = np.asarray(parts["masks"]) if masked else None
    except KeyError as error:
        return ModelError(f"the model's answer has no {error}; {', '.join(PARTS[:3])} are needed")
    except (TypeError, ValueError) as error:
        return ModelError(f"the model's answer is not boxes_xyxy (n, 4), scores (n) and labels (n): {error}")
    if not len(boxes) == len(scores) == len(labels):
        return ModelError(f"the model gave {len(boxes)} boxes, {len(scores)} scores and {len(labels)} labels")
    if len(labels) and (labels.dtype.kind not in "iuf" or not np.array_equal(labels, np.rint(labels))):
        return ModelError("the model's labels are no whole numbers; say their names in an attribute `labels` on it")
    if (boxes[:, 2:] < boxes[:, :2]).any():
        return ModelError(
            "the model's boxes end before they begin; boxes_xyxy are x0, y0, x1, y1, not width and height"
        )
    if masks is not None and len(scores) and masks.shape != (len(scores), *source_hw):
        return ModelError(f"the model's masks have shape {masks.shape}; {(len(scores), *source_hw)} was expected")
    try:
        return detections(
            boxes,
            scores,
            labels.astype(np.int64),
            masks=None if masks is None else lambda place: run_lengths(masks[place] > 0.5),
        )
    except ModelError as error:
        return error
