"""Pictures of chosen rows as the page embeds them: the whole one small, and a region pixel by pixel.

Scaled down, the traces of compression vanish; so below the small picture stands a square of the true pixels, from
where the picture has most detail. Exif orientation is applied. Both are encoded anew, so that nothing of the file but
pixels gets into the page.
"""

import base64
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from unlossy.codecs.source import decode_hinted, decode_source
from unlossy.core.errors import ItemError
from unlossy.core.pixels import as_rgb, to_pil
from unlossy.core.types import Item
from unlossy.report.pixels import data_uri, gradients

THUMB_PX, REGION_PX, LOOKED_AT_PX = 240, 72, 512
THUMB_QUALITY = 85
MAX_PIXELS = 64_000_000
MAX_FILE_BYTES = 256_000_000
FORMATS = frozenset({"avif", "bmp", "gif", "jpeg", "jpeg2000", "png", "tiff", "webp"})
"""What is decoded for the page; other formats have decoders that the audit never calls, some of them programs."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Exif orientation to the turn that undoes it (CIPA DC-008, tag 0x0112)."""

Pixels = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row whose picture is to be shown, with what its header told."""

    key: str
    format: str | None
    orientation: int | None
    n_pixels: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An embedded picture: data URIs of the whole and of the region, and the region's place in shares of the whole."""

    thumb: str
    size_wh: tuple[int, int]
    region: str
    region_wh: tuple[int, int]
    frame: tuple[float, float, float, float]


def load_pictures(items: Iterable[Item], wanted: Iterable[Wanted]) -> dict[str, Shown | str]:
    """The pictures by key, or in their place why there is none; stops reading the items when it has seen them all."""
    open_ones = {want.key: want for want in wanted}
    found: dict[str, Shown | str] = {}
    if not open_ones:
        return found
    for item in items:
        if (want := open_ones.pop(item.key, None)) is not None:
            found[item.key] = shown(item, want)
        if not open_ones:
            break
    return found | dict.fromkeys(open_ones, "it is no longer there")


def shown(item: Item, want: Wanted) -> Shown | str:
    """One picture, or why it cannot be shown."""
    if want.format not in FORMATS:
        return f"pictures of this format ({want.format or 'unknown'}) are not decoded here"
    if (want.n_pixels or 0) > MAX_PIXELS:
        return f"too large to show: {(want.n_pixels or 0) / 1e6:.0f} megapixels"
    try:
        if item.blob.size_bytes > MAX_FILE_BYTES:
            return f"too large to show: {item.blob.size_bytes / 1e6:.0f} MB"
        data = item.blob.all()
        pixels = decode_hinted(data, partial=True).pixels_hwc if want.format == "jpeg" else decode_source(data)
    except ItemError as error:
        return f"it does not decode: {error}"
    return embedded(upright(as_rgb(pixels), want.orientation))


def upright(image_hwc: Pixels, orientation: int | None) -> UInt8[np.ndarray, "h2 w2 3"]:
    """The picture as a viewer shows it."""
    turn = _TURNS.get(orientation or 1)
    return image_hwc if turn is None else np.array(to_pil(image_hwc).transpose(turn))


def embedded(image_hwc: Pixels) -> Shown:
    """The whole picture small, its most detailed region pixel by pixel."""
    height, width = image_hwc.shape[:2]
    x, y, wide, high = region_xywh(image_hwc)
    frame = (x / width, y / height, wide / width, high / height)
    small = to_pil(image_hwc)
    small.thumbnail((THUMB_PX, THUMB_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    region = data_uri(image_hwc[y : y + high, x : x + wide])
    return Shown(_jpeg_uri(small), small.size, region, (wide, high), frame)


def region_xywh(image_hwc: Pixels) -> tuple[int, int, int, int]:
    """The square of REGION_PX (or all that there is) with the largest mean gradient, looked for at reduced size."""
    height, width = image_hwc.shape[:2]
    small = to_pil(image_hwc)
    small.thumbnail((LOOKED_AT_PX, LOOKED_AT_PX), Image.Resampling.BOX)
    wide, high = min(REGION_PX, width), min(REGION_PX, height)
    scale_x, scale_y = small.width / width, small.height / height
    strength = np.hypot(*gradients(np.asarray(small))).astype(np.float32)
    means = _box_means(strength, max(1, round(high * scale_y)), max(1, round(wide * scale_x)))
    down, across = np.unravel_index(int(np.argmax(means)), means.shape)
    return min(round(int(across) / scale_x), width - wide), min(round(int(down) / scale_y), height - high), wide, high


def _box_means(values: Float32[np.ndarray, "h w"], high: int, wide: int) -> Float32[np.ndarray, "h2 w2"]:
    """The mean of every box of this size that lies inside."""
    sums = np.pad(values.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    boxes = sums[high:, wide:] - sums[:-high, wide:] - sums[high:, :-wide] + sums[:-high, :-wide]
    return (boxes / (high * wide)).astype(np.float32)


def _jpeg_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=THUMB_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
