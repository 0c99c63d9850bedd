"""What a detector or an instance segmenter says of one picture."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64


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
