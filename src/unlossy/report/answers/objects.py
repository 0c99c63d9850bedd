"""Boxes over their pictures: objects kept, missed and hallucinated, against the answer on the clean picture.

Where the answer has masks, they are laid over the picture in the colours of the boxes; of a missed object, its outline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from jaxtyping import Bool

from unlossy.core.errors import LabelError
from unlossy.datasets.object_shapes import run_lengths
from unlossy.report.answers.base import Drawing, Picture, Shown
from unlossy.report.answers.label_maps import rim
from unlossy.report.markup import Html, number, tag
from unlossy.runs.vanished import Found, found_of, kept_missed_new

MAX_BOXES: Final = 40
NAMES: Final = {"kept": "kept", "missed": "missed", "new": "not there on the clean picture"}
COLOURS: Final = {"kept": (47, 208, 111), "missed": (255, 77, 66), "new": (255, 176, 32)}
"""As the style sheet draws the boxes."""
OPACITY: Final = 0.4


@dataclass(frozen=True, slots=True)
class _Box:
    """An object to draw: what became of it (`kept`, `missed`, `new`), and its text."""

    fate: str
    found: Found
    told: str


def draw_objects(shown: Shown) -> Drawing:
    """The picture under its boxes; below it how many objects were kept, missed, hallucinated."""
    clean, here = found_of(shown.clean.prediction), found_of(shown.answer.prediction)
    kept, missed, new = kept_missed_new(clean, here)
    name = shown.exhibits.class_name
    boxes = [_Box("kept", there, f"{name(there.class_id)} {100 * there.score:.0f}") for _, there in kept]
    boxes += [_Box("missed", one, f"{name(one.class_id)}, was {100 * one.score:.0f}") for one in missed]
    boxes += [_Box("new", one, f"{name(one.class_id)} {100 * one.score:.0f}") for one in new]
    return Drawing(_painted(shown, boxes[:MAX_BOXES]), _overlay(shown, boxes[:MAX_BOXES]), _caption(shown, boxes))


def _painted(shown: Shown, boxes: list[_Box]) -> Picture:
    """The picture under the masks of the objects; itself where they have none."""
    x, y, wide, high = shown.exhibit.crop_xywh
    painted = shown.picture.astype(np.float32)
    for box in boxes:
        mask = None if box.found.mask is None else _mask(box.found.mask)
        if mask is None or mask.shape[::-1] != tuple(shown.exhibit.size_wh):
            continue
        here, colour = mask[y : y + high, x : x + wide], np.array(COLOURS[box.fate], dtype=np.float32)
        if box.fate != "missed":
            painted[here] = (1 - OPACITY) * painted[here] + OPACITY * colour
        painted[rim(here)] = colour
    return np.rint(painted).astype(np.uint8)


def _mask(told: Mapping[str, Any]) -> Bool[np.ndarray, "h w"] | None:
    """The mask that run lengths (column by column) stand for; None where they cannot be read."""
    try:
        (height, width), runs = told["size"], run_lengths(told["counts"])
        pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        return pixels.reshape(width, height).T
    except (KeyError, TypeError, ValueError, LabelError):
        return None


def _overlay(shown: Shown, boxes: list[_Box]) -> Html:
    x, y, wide, high = shown.exhibit.crop_xywh
    size = max(9.0, max(wide, high) / 42)
    parts: list[Html] = []
    for box in boxes:
        left, top, right, bottom = np.clip(np.array(box.found.box) - (x, y, x, y), 0, (wide, high, wide, high))
        if right <= left or bottom <= top:
            continue
        sides: Mapping[str, Any] = {"x": number(left), "y": number(top)}
        parts.append(tag("rect", **sides, width=number(right - left), height=number(bottom - top), class_=box.fate))
        at_y = number(top - 3 if top > size + 3 else top + size)
        label = tag("text", box.told, x=number(left + 2), y=at_y, class_=box.fate, font_size=number(size))
        parts.append(label)
    return tag("svg", *parts, viewBox=f"0 0 {wide} {high}", class_="overlay", aria_hidden="true")


def _caption(shown: Shown, boxes: list[_Box]) -> Html:
    if shown.is_clean:
        return tag("p", f"{len(boxes)} objects, on the clean picture", class_="note")
    counts = {fate: [box for box in boxes if box.fate == fate] for fate in NAMES}
    items = [
        tag("li", tag("span", "", class_=f"key {fate}", aria_hidden="true"), f"{len(found)} {NAMES[fate]}")
        for fate, found in counts.items()
        if found
    ]
    told = "; ".join(box.told for box in (*counts["missed"], *counts["new"])[:6])
    return tag("div", tag("ul", *items, class_="legend"), tag("p", told, class_="note") if told else None)
