"""All conversions between Pillow images and uint8 arrays, in one place, and how large a picture may be."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from jaxtyping import UInt8
from PIL import Image

MAX_PIXELS = 500_000_000
"""Images whose header claims more are refused before anything is allocated."""
PILLOW_LIMIT = MAX_PIXELS // 2
"""Pillow refuses above twice its limit, which by itself is 89 megapixels."""


class _Raised:
    """How often Pillow's limit is raised just now, and what it was before; one for the process, as the limit is."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.depth = 0
        self.before: int | None = None


_RAISED = _Raised()


@contextmanager
def large_pictures() -> Iterator[None]:
    """Within it Pillow opens pictures of up to MAX_PIXELS; behind it its limit is what the caller's program has set.

    Threads may be within it at once: the first one in raises the limit, the last one out puts it back.
    """
    with _RAISED.lock:
        if _RAISED.depth == 0:
            _RAISED.before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, PILLOW_LIMIT
        _RAISED.depth += 1
    try:
        yield
    finally:
        with _RAISED.lock:
            _RAISED.depth -= 1
            if _RAISED.depth == 0:
                Image.MAX_IMAGE_PIXELS = _RAISED.before


def to_pil(image_hwc: UInt8[np.ndarray, "h w c"]) -> Image.Image:
    """A Pillow image in mode L (c = 1) or RGB (c = 3) with the same pixels."""
    if image_hwc.shape[2] == 1:
        return Image.fromarray(np.ascontiguousarray(image_hwc[:, :, 0]))
    return Image.fromarray(np.ascontiguousarray(image_hwc))


def from_pil(image: Image.Image) -> UInt8[np.ndarray, "h w c"]:
    """The pixels as uint8, c = 1 for grey images without alpha and 3 for all others.

    16-bit samples are scaled to 8 bits (not clipped), palettes are looked up, alpha is dropped, CMYK becomes RGB as
    Pillow does it.
    """
    if image.mode.startswith("I;16") or image.mode == "I":
        wide = np.asarray(image).astype(np.int64)
        return ((np.clip(wide, 0, 65535) + 128) // 257).astype(np.uint8)[:, :, None]
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"))[:, :, None]
    return np.array(image.convert("RGB"))


def as_rgb(image_hwc: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
    """The same picture with three channels; a grey one is repeated."""
    if image_hwc.shape[2] == 3:
        return image_hwc
    return np.repeat(image_hwc[:, :, :1], 3, axis=2)
