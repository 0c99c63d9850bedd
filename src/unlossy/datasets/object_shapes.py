"""One annotation's box, outline and area, checked: COCO's `bbox`, `segmentation`, `area` and `iscrowd`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from unlossy.core.errors import LabelError

SizeHw = tuple[int, int]
LARGEST: Final = 1e150
"""Its square is still a number; NaN is not smaller either."""
FARTHEST_SIDES: Final = 10
FARTHEST_PX: Final = 1_000_000
"""A corner lies at most that far out, in sides of the picture or, where its size is unknown, in pixels.

What fills outlines walks along every pixel of an edge: a corner at 1e10 takes all memory there is.
"""


@dataclass(frozen=True, slots=True)
class Shape:
    """Where an object lies, in pixels; `outline` is as the file has it, None where it has none."""

    box_xyxy: tuple[float, float, float, float]
    outline: object | None
    area: float
    crowd: bool


def shape_of(annotation: Mapping[str, Any], size_hw: SizeHw | None) -> Shape:
    """The shape that an annotation tells; `size_hw` is the picture's, where that is known.

    Raises LabelError. The area is the file's, else that of the outline, else that of the box.
    """
    box = _box(annotation.get("bbox"), size_hw)
    outline = _outline(annotation.get("segmentation"))
    outline_area = _outline_area(outline, size_hw)
    area = annotation.get("area", (box[2] - box[0]) * (box[3] - box[1]) if outline_area is None else outline_area)
    if not _is_number(area) or area < 0:
        raise LabelError(f"the area {area!r} is none")
    crowd = annotation.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise LabelError(f"`iscrowd` is 0 or 1, not {crowd!r}")
    return Shape(box, outline, float(area), bool(crowd))


def _outline(segmentation: Any) -> object | None:  # noqa: ANN401 (any JSON value)
    """Polygons or run lengths without anything else; None for an empty list, which many write for no outline."""
    if isinstance(segmentation, dict):
        return {name: segmentation.get(name) for name in ("size", "counts")}
    return None if segmentation == [] else segmentation


def _box(bbox: Any, size_hw: SizeHw | None) -> tuple[float, float, float, float]:  # noqa: ANN401 (any JSON value)
    if not isinstance(bbox, list) or len(bbox) != 4 or not all(map(_is_number, bbox)):
        raise LabelError(f"the box {bbox!r} is not four finite numbers (x, y, width, height)")
    x, y, width, height = map(float, bbox)
    if width < 0 or height < 0:
        raise LabelError(f"the box {bbox!r} has a negative width or height")
    if size_hw is not None and (_is_outside(x, width, size_hw[1]) or _is_outside(y, height, size_hw[0])):
        raise LabelError(f"the box {bbox!r} lies outside of the picture, {size_hw[1]} wide and {size_hw[0]} high")
    return x, y, x + width, y + height


def _is_outside(start: float, length: float, side: int) -> bool:
    return start >= side or (start < 0 and start + length <= 0)


def _is_number(value: Any) -> bool:  # noqa: ANN401 (any JSON value)
    """True for a finite number that a float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def _outline_area(outline: object | None, size_hw: SizeHw | None) -> float | None:
    """In square pixels (polygons by their corners), None without an outline."""
    if outline is None:
        return None
    if isinstance(outline, list):
        farthest = FARTHEST_PX if size_hw is None else FARTHEST_SIDES * max(size_hw)
        return sum(_polygon_area(polygon, farthest) for polygon in outline)
    if isinstance(outline, dict):
        return _run_lengths_area(outline, size_hw)
    raise LabelError("`segmentation` is neither a list of polygons nor run lengths")


def _polygon_area(polygon: Any, farthest_px: int) -> float:  # noqa: ANN401 (any JSON value)
    """By the shoelace formula; no coordinate may be larger than the farthest."""
    if not isinstance(polygon, list) or not all(map(_is_number, polygon)):
        raise LabelError("a polygon is not a list of finite numbers")
    if len(polygon) < 6 or len(polygon) % 2:
        raise LabelError(f"a polygon has {len(polygon)} coordinates; it needs an even number of them, 6 or more")
    if (largest := max(map(abs, polygon))) > farthest_px:
        raise LabelError(f"a polygon has a corner at {largest:g} px, far outside of the picture")
    x, y = np.array(polygon, dtype=np.float64).reshape(-1, 2).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def _run_lengths_area(outline: Mapping[str, Any], size_hw: SizeHw | None) -> float:
    size, counts = outline.get("size"), outline.get("counts")
    if not isinstance(size, list) or len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise LabelError(f"the run lengths' size {size!r} is not a height and a width")
    if size_hw is not None and tuple(size) != size_hw:
        raise LabelError(f"the mask has size {size} (height, width), the picture {list(size_hw)}")
    runs = run_lengths(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(isinstance(run, int) and run >= 0 for run in runs):
        raise LabelError("the run lengths are not whole numbers from 0 on")
    if sum(runs) != size[0] * size[1]:
        raise LabelError(f"the run lengths cover {sum(runs)} pixels of {size[0] * size[1]}")
    return float(sum(runs[1::2]))


def run_lengths(text: str) -> Sequence[int]:
    """What COCO's compressed run lengths stand for: 5 bits a letter, differences from the last but one on.

    After `rleFrString` of cocoapi's maskApi.c. Raises LabelError.
    """
    runs: list[int] = []
    value = shift = 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise LabelError(f"the run lengths hold {letter!r}, which is none of their letters")
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    if shift:
        raise LabelError("the run lengths break off")
    return runs
