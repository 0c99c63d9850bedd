"""The tables that an opened Pillow JPEG still carries, unless its pixels are no longer what they describe.

`Image.open` gives a JpegImageFile with its tables and sampling factors. Most operations return a plain image without
them, but some (`thumbnail`, `draft`, `paste`) work in place and leave the tables with pixels they do not belong to.
So they are compared: the DCT coefficients of a decoded JPEG's luma lie close to whole multiples of their steps.
"""

from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from unlossy.core.pixels import from_pil
from unlossy.core.types import CompressionHints
from unlossy.correctors.colour import ycc_of
from unlossy.correctors.projection import coefficients

COARSE_STEP: Final = 4
"""Finer steps than this cannot be told from rounding."""
MOST_BLOCKS: Final = 16
"""Of each side, around the middle."""
FITTING: Final = 0.6
"""Of the distance to a multiple that any other picture would have; a decoded JPEG has about a third and less."""


def hints_of_image(image: Image.Image) -> CompressionHints | None:
    """The tables and sampling of an opened JPEG whose pixels are still its own; else None."""
    if not isinstance(image, JpegImageFile) or image.mode not in ("L", "RGB"):
        return None
    hints = _stated(image)
    return hints if hints is not None and tables_fit(from_pil(image), hints) else None


def _stated(image: JpegImageFile) -> CompressionHints | None:
    """What the file said; None where it is not grey or Y, Cb, Cr with one table for both chromas."""
    tables = {number: np.array(steps, np.uint16).reshape(8, 8) for number, steps in image.quantization.items()}
    components = [(h, v, table) for _, h, v, table in image.layer]
    if any(table not in tables for _, _, table in components):
        return None
    if len(components) == 1:
        return CompressionHints(tables[components[0][2]], None, (1, 1))
    if len(components) != 3 or components[1] != components[2] or image.info.get("adobe_transform") == 0:
        return None
    (h, v, luma), (h_chroma, v_chroma, chroma) = components[:2]
    if h % h_chroma or v % v_chroma:
        return None
    return CompressionHints(tables[luma], tables[chroma], (h // h_chroma, v // v_chroma))


def tables_fit(image_hwc: UInt8[np.ndarray, "h w c"], hints: CompressionHints) -> bool:
    """Whether the pixels can be a JPEG of these tables, grid at the top left; True where nothing speaks against it.

    Judged by the median block, since clipped and saturated blocks are no multiples either.
    """
    coarse = hints.table_luma >= COARSE_STEP
    rows, columns = (_middle(side // 8) for side in image_hwc.shape[:2])
    blocks = image_hwc[rows, columns]
    if not coarse.any() or blocks.size == 0:
        return True
    steps = hints.table_luma[coarse].astype(np.float32)
    scaled = coefficients(ycc_of(blocks)[0])[:, :, coarse] / steps
    distance = (scaled - np.rint(scaled)).reshape(-1, steps.size)
    # where a step is larger than what is there, any picture's coefficients round to 0: those say nothing
    told = np.abs(scaled.reshape(-1, steps.size)) > 0.5
    squares = np.where(told, distance**2, 0.0).sum(axis=1) / np.maximum(told.sum(axis=1), 1)
    seen = squares[told.any(axis=1)]
    return bool(seen.size == 0 or np.sqrt(12 * np.median(seen)) < FITTING)


def _middle(n_blocks: int) -> slice:
    count = min(n_blocks, MOST_BLOCKS)
    first = (n_blocks - count) // 2
    return slice(8 * first, 8 * (first + count))
