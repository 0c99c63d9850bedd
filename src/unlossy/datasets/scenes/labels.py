"""The truth about a scene in a dataset's terms: objects with boxes and outlines, or the class of each pixel.

Category 0 is the background, which label maps alone speak of; the others are the classes, counted from 1.
"""

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from unlossy.core.tools import digest_of
from unlossy.core.types import Blob, LabelMapTarget, ObjectsTarget
from unlossy.datasets.scenes.render import Scene, render_scene
from unlossy.datasets.scenes.things import CLASS_NAMES

SUBJECTS: Final = (1, 4)
"""The least and the greatest number of subjects where the task is to say where they are; to classify there is one."""

BACKGROUND: Final = 0
OBJECT_CATEGORIES: Final = dict(enumerate(CLASS_NAMES, start=1))
PIXEL_CATEGORIES: Final = {BACKGROUND: "background", **OBJECT_CATEGORIES}


@dataclass(frozen=True, slots=True)
class LabelMapBlob(Blob):
    """The label map of one square scene as a one-channel PNG; nothing is kept, so each read renders the scene anew."""

    seed: int
    index: int
    size: int

    @property
    def size_bytes(self) -> int:
        """Size of the PNG; renders the scene."""
        return len(self.all())

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on."""
        return self.all()[offset : offset + size]

    def all(self) -> bytes:
        """The PNG."""
        scene = render_scene(self.seed, self.index, width=self.size, height=self.size, subjects=SUBJECTS)
        buffer = io.BytesIO()
        Image.fromarray(label_map_of(scene)).save(buffer, "PNG")
        return buffer.getvalue()


def label_map_of(scene: Scene) -> UInt8[np.ndarray, "h w"]:
    """The category of each pixel."""
    label_map = np.full(scene.image_hwc.shape[:2], BACKGROUND, dtype=np.uint8)
    for mask, class_index in zip(scene.instance_masks, scene.instance_classes, strict=True):
        label_map[mask] = class_index + 1
    return label_map


def label_map_target(seed: int, index: int, size: int) -> LabelMapTarget:
    """The class of each pixel of a square scene; nothing is rendered until the blob is read."""
    return LabelMapTarget(LabelMapBlob(seed, index, size), digest_of(["scene", seed, index, size, *SUBJECTS]))


def objects_target(seed: int, index: int, size: int) -> ObjectsTarget:
    """The objects of a square scene as far as they show: tight boxes, areas and outlines of their visible pixels."""
    scene = render_scene(seed, index, width=size, height=size, subjects=SUBJECTS)
    outlines = tuple(run_lengths(mask) for mask in scene.instance_masks)
    categories = scene.instance_classes + 1
    return ObjectsTarget(
        category_ids=categories,
        boxes_xyxy=scene.boxes_xyxy.astype(np.float64),
        crowd=np.zeros(len(categories), dtype=np.bool_),
        areas=scene.instance_masks.sum(axis=(1, 2)).astype(np.float64),
        ids=tuple(SUBJECTS[1] * index + number for number in range(1, len(categories) + 1)),
        outlines=outlines,
        digest=digest_of([categories.tolist(), outlines]),
    )


def run_lengths(mask: Bool[np.ndarray, "h w"]) -> dict[str, Any]:
    """The mask as COCO's uncompressed RLE: lengths of runs down the columns, zeros first."""
    down = np.concatenate(([False], mask.ravel(order="F")))
    starts = np.flatnonzero(np.diff(down, prepend=False))  # of each run of another value, one place late
    counts = np.diff(np.concatenate(([1], starts, [len(down)])))
    return {"size": list(mask.shape), "counts": counts.tolist()}
