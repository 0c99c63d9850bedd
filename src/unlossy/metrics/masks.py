"""Masks of objects as COCO keeps them, in run lengths, and how they overlap; by faster-coco-eval's C++.

An outline is a list of polygons (x, y, x, y, ...) in pixels, a run-length object with its counts as a list, or one with
its counts as a text. All of them become the last: {"size": [h, w], "counts": text}.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt8

from unlossy.core.errors import LabelError
from unlossy.core.tools import require
from unlossy.core.types import ObjectsTarget
from unlossy.metrics.matching import Overlap

Rle = dict[str, Any]
"""COCO's compressed run lengths, column by column: `size` (height, width) and `counts`, a text."""


def mask_overlap(masks: Sequence[Rle], target: ObjectsTarget) -> Overlap:
    """The overlap of masks, which are all of one picture's size.

    Raises LabelError where an object has no outline, or run lengths of another size.
    """
    n_objects = len(target.ids)
    for outline, of in zip(target.outlines, target.ids, strict=True):
        if outline is None:  # also where nothing was found: whether an item counts must not hang on the answer
            raise _without_outline(of)
    if not masks:
        return Overlap(np.zeros((0, n_objects)), np.zeros(0))
    size_hw = (masks[0]["size"][0], masks[0]["size"][1])
    outlined = [rle_of(outline, size_hw, of) for outline, of in zip(target.outlines, target.ids, strict=True)]
    api = _api()
    areas = np.asarray(api.area(list(masks)), dtype=np.float64).reshape(-1)
    if not outlined:
        return Overlap(np.zeros((len(masks), 0)), areas)
    shares = api.iou(list(masks), outlined, [int(crowd) for crowd in target.crowd])
    return Overlap(np.asarray(shares, dtype=np.float64).reshape(len(masks), n_objects), areas)


def rle_of(outline: object | None, size_hw: tuple[int, int], annotation_id: int | str) -> Rle:
    """An outline as compressed run lengths; `annotation_id` is for the message of a LabelError."""
    if isinstance(outline, list):
        parts = _api().frPyObjects(outline, *size_hw)
        return _text(_api().merge(parts))
    if not isinstance(outline, dict):
        raise _without_outline(annotation_id)
    if tuple(outline["size"]) != tuple(size_hw):
        raise LabelError(
            f"the mask of annotation {annotation_id!r} has size {list(outline['size'])}, the picture {list(size_hw)}"
        )
    if isinstance(outline["counts"], list):
        return _text(_api().frPyObjects({"size": list(size_hw), "counts": outline["counts"]}, *size_hw))
    return {"size": list(size_hw), "counts": outline["counts"]}


def _without_outline(annotation_id: int | str) -> LabelError:
    return LabelError(f"annotation {annotation_id!r} has no outline; mask metrics need one for each object")


def encode(mask_hw: Bool[np.ndarray, "h w"] | UInt8[np.ndarray, "h w"]) -> Rle:
    """A binary mask as compressed run lengths."""
    return _text(_api().encode(np.asfortranarray(mask_hw.astype(np.uint8))))


def decode(rle: Rle) -> Bool[np.ndarray, "h w"]:
    """The mask that compressed run lengths stand for."""
    return np.asarray(_api().decode(rle)).astype(bool)


def _text(rle: Any) -> Rle:  # noqa: ANN401 (the library's)
    counts = rle["counts"]
    return {"size": list(rle["size"]), "counts": counts.decode("ascii") if isinstance(counts, bytes) else counts}


def _api() -> ModuleType:
    return require("faster_coco_eval.core.mask", "detection", "comparing masks")
