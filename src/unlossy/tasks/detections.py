"""What a detector or an instance segmenter says of one picture, and how a row keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Float, Float32, Int64

from unlossy.core.types import ObjectsTarget


@dataclass(frozen=True, slots=True)
class RunLengths:
    """A binary mask as COCO's compressed run lengths, column by column: what its tools call an RLE."""

    size_hw: tuple[int, int]
    counts: str


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Objects found, the surest first, in pixels of the source picture.

    Attributes:
        class_ids: The dataset's category ids where the model's classes could be matched to them, else the numbers of
            the model's outputs.
        scores: 0..1.
        masks: One per object, of the size of the source picture; None where the model gives boxes alone.
    """

    boxes_xyxy: Float32[np.ndarray, "n 4"]
    scores: Float32[np.ndarray, " n"]
    class_ids: Int64[np.ndarray, " n"]
    masks: tuple[RunLengths, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """The detections in lists, their numbers as short as float32 allows: `detections_from_json` gives them back."""
        told: dict[str, Any] = {
            "boxes": short_numbers(self.boxes_xyxy),
            "scores": short_numbers(self.scores),
            "class_ids": self.class_ids.tolist(),
        }
        if self.masks is not None:
            told["masks"] = [{"size": list(mask.size_hw), "counts": mask.counts} for mask in self.masks]
        return told


def detections_from_json(told: Mapping[str, Any]) -> Detections:
    """The detections that `to_json` wrote."""
    masks = told.get("masks")
    return Detections(
        np.array(told["boxes"], dtype=np.float32).reshape(-1, 4),
        np.array(told["scores"], dtype=np.float32),
        np.array(told["class_ids"], dtype=np.int64),
        None if masks is None else tuple(RunLengths((one["size"][0], one["size"][1]), one["counts"]) for one in masks),
    )


def objects_as_json(target: ObjectsTarget, *, outlines: bool) -> dict[str, Any]:
    """The objects in lists, exactly; with their `outlines` or without."""
    told: dict[str, Any] = {
        "boxes": target.boxes_xyxy.tolist(),
        "class_ids": target.category_ids.tolist(),
        "crowd": target.crowd.tolist(),
        "areas": target.areas.tolist(),
        "ids": list(target.ids),
        "digest": target.digest,
    }
    return told | {"outlines": list(target.outlines)} if outlines else told


def objects_from_json(told: Mapping[str, Any]) -> ObjectsTarget:
    """The objects that `objects_as_json` wrote."""
    return ObjectsTarget(
        np.array(told["class_ids"], dtype=np.int64),
        np.array(told["boxes"], dtype=np.float64).reshape(-1, 4),
        np.array(told["crowd"], dtype=bool),
        np.array(told["areas"], dtype=np.float64),
        tuple(told["ids"]),
        tuple(told.get("outlines") or [None] * len(told["ids"])),
        told["digest"],
    )


MOST_DECIMALS: Final = 9
"""Up to which `short_numbers` rounds all values at once; smaller ones are written one by one, ten times as slowly."""


def short_numbers(values: Float[np.ndarray, "..."]) -> Any:  # noqa: ANN401 (lists in lists, as many as axes)
    """The values as Python floats with the fewest digits that are the same float32 again."""
    single = values.astype(np.float32)
    short = single.astype(np.float64)
    longer = np.ones(short.shape, bool)
    for decimals in range(MOST_DECIMALS + 1):
        rounded = short.round(decimals)
        fits = longer & (rounded.astype(np.float32) == single)
        short[fits] = rounded[fits]
        longer &= ~fits
        if not longer.any():
            break
    short[longer] = [float(str(value)) for value in single[longer]]
    return short.tolist()
