"""Boxes over their pictures: objects kept, missed and hallucinated, against the answer on the clean picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from unlossy.report.answers.base import Drawing, Shown
from unlossy.report.markup import Html, number, tag
from unlossy.runs.vanished import Found, found_of, kept_missed_new

MAX_BOXES: Final = 40
NAMES: Final = {"kept": "kept", "missed": "missed", "new": "not there on the clean picture"}


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
    return Drawing(shown.picture, _overlay(shown, boxes[:MAX_BOXES]), _caption(shown, boxes))


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
