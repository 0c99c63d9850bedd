"""Whether a picture is the one that its annotations were made for: a resized copy would be scored against nothing."""

import numpy as np
from jaxtyping import UInt8

from unlossy.core.errors import LabelError
from unlossy.core.types import ObjectsTarget, Target


def check_fit(target: Target | None, image_hwc: UInt8[np.ndarray, "h w c"]) -> None:
    """Nothing; raises LabelError where objects are of a picture of another size, or lie wholly outside of this one."""
    if not isinstance(target, ObjectsTarget):
        return
    height, width = image_hwc.shape[:2]
    if target.size_hw is not None and target.size_hw != (height, width):
        stated_h, stated_w = target.size_hw
        raise LabelError(
            f"the annotations are of a picture {stated_w} wide and {stated_h} high, this one is {width} wide and"
            f" {height} high (EXIF orientation not applied). Give the picture that was annotated, or annotations of"
            " this one"
        )
    starts, ends = target.boxes_xyxy[:, :2], target.boxes_xyxy[:, 2:]
    outside = ((starts >= (width, height)) | ((starts < 0) & (ends <= 0))).any(axis=1)
    if outside.any():
        name = target.ids[int(np.argmax(outside))]
        raise LabelError(
            f"the box of annotation {name!r} lies outside of the picture, {width} wide and {height} high."
            " Mend it, or take it out"
        )
