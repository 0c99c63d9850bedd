"""Label maps over their pictures: each class in a colour of its own, and where the map left the clean answer."""

import base64
import binascii
import io
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Int64
from PIL import Image

from unlossy.report.answers.base import Drawing, Shown
from unlossy.report.markup import Html, tag

OPACITY: Final = 0.55
MAX_NAMED: Final = 6
MAX_SIDE_PX: Final = 4096
GOLDEN_ANGLE: Final = 137.508
"""Degrees between the hues of neighbouring classes, so that any few of them stay apart."""


def draw_label_map(shown: Shown) -> Drawing:
    """The picture under its map; below it the largest classes, and how many pixels are not as on the clean picture."""
    ids, clean = class_map(shown.answer.prediction), class_map(shown.clean.prediction)
    if ids is None or clean is None or ids.shape != clean.shape:
        return Drawing(shown.picture, None, tag("p", "The map cannot be read.", class_="note"))
    ids, clean = (_cropped(found, shown) for found in (ids, clean))
    colours = np.array([_colour(int(one)) for one in np.unique(ids)], dtype=np.float32)
    painted = colours[np.searchsorted(np.unique(ids), ids)]
    blended = (1 - OPACITY) * shown.picture + OPACITY * painted
    if not shown.is_clean:
        blended[rim(ids != clean)] = (255, 255, 255)
    return Drawing(np.rint(blended).astype(np.uint8), None, _caption(shown, ids, clean))


def class_map(prediction: Any) -> Int64[np.ndarray, "h w"] | None:  # noqa: ANN401 (any JSON object)
    """The class ids that a row holds as a PNG; None where it holds none that can be read."""
    try:
        data = base64.b64decode(prediction["png"], validate=True)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if max(image.size) > MAX_SIDE_PX:
                return None
            return np.asarray(image).astype(np.int64)
    except (KeyError, TypeError, ValueError, OSError, binascii.Error):
        return None


def _cropped(ids: Int64[np.ndarray, "h w"], shown: Shown) -> Int64[np.ndarray, "h2 w2"]:
    """The map in the pixels of the crop: each takes the class of its place in the (perhaps smaller) map."""
    (width, height), (x, y, wide, high) = shown.exhibit.size_wh, shown.exhibit.crop_xywh
    rows = (np.arange(y, y + high) * ids.shape[0]) // height
    columns = (np.arange(x, x + wide) * ids.shape[1]) // width
    return ids[rows[:, None], columns[None, :]]


def _colour(class_id: int) -> tuple[int, int, int]:
    """A class's colour; the background, 0, is dark."""
    if class_id == 0:
        return (24, 24, 28)
    hue = int((class_id * GOLDEN_ANGLE) % 360 / 360 * 255)
    red, green, blue = Image.new("HSV", (1, 1), (hue, 200, 235)).convert("RGB").getpixel((0, 0))  # type: ignore[misc]
    return int(red), int(green), int(blue)


def rim(region: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The pixels of a region that touch what is outside of it."""
    padded = np.pad(region, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return region & ~inner


def _caption(shown: Shown, ids: np.ndarray, clean: np.ndarray) -> Html:
    found, counts = np.unique(ids, return_counts=True)
    largest = sorted(zip(counts, found, strict=True), reverse=True)[:MAX_NAMED]
    keys = [
        tag(
            "li",
            tag("span", "", class_="key", style=f"--line:rgb{_colour(int(one))}", aria_hidden="true"),
            f"{shown.exhibits.class_name(int(one))} {100 * n / ids.size:.0f} %",
        )
        for n, one in largest
    ]
    changed = float((ids != clean).mean())
    told = "the clean answer" if shown.is_clean else f"{100 * changed:.1f} % of the pixels changed (outlined)"
    return tag("div", tag("p", told, class_="note"), tag("ul", *keys, class_="legend"))
