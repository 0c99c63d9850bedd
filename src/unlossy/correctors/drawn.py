"""Does an 8 x 8 grid in the pixels come from drawing, and not from JPEG? Label masks, pixel art, enlarged pictures.

What a network of stride 8 says of each cell, enlarged by repetition, has the steps of a JPEG's blocks, and nothing
between them; so have pixel art and pictures enlarged 2, 4, 8 times. Two things tell them from a decoded JPEG:

    cells     within squares of 2 x 2 that fit the grid hardly any two pixels differ
    colours   there are no more than a small palette has, as where a picture is made of tiles

A JPEG of quality 5 has at most 0.99 of its squares in one colour, where it is grey and the picture smooth; else 0.95. A
grey one of 64 x 64 has 20 levels, larger ones have more.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
from jaxtyping import Bool, UInt8, UInt32

from unlossy.correctors.grid import Grid

MAX_COLOURS: Final = 16
EVEN_SHARE: Final = 0.995
"""Squares of one colour, at least, in what was drawn."""
STRIPE: Final = 64
"""Rows that are looked at before it is asked whether more need be: in a photograph the first ones tell."""


def is_drawn(image_hwc: UInt8[np.ndarray, "h w c"], grid: Grid) -> bool:
    """Whether a picture that shows this grid was drawn with it, in cells or in few colours."""
    return _is_of_cells(image_hwc[grid.top % 2 :, grid.left % 2 :]) or _has_few_colours(image_hwc)


def _is_of_cells(image_hwc: UInt8[np.ndarray, "h w c"]) -> bool:
    height, width = (side // 2 * 2 for side in image_hwc.shape[:2])
    uneven, allowed = 0, (1 - EVEN_SHARE) * (height // 2) * (width // 2)
    for stripe in _stripes(image_hwc[:height, :width]):
        uneven += int(_uneven(stripe).sum())
        if uneven > allowed:
            return False
    return True


def _uneven(stripe_hwc: UInt8[np.ndarray, "h w c"]) -> Bool[np.ndarray, "h//2 w//2"]:
    """Which squares of 2 x 2 hold more than one colour."""
    corner = stripe_hwc[::2, ::2]
    others = (stripe_hwc[::2, 1::2], stripe_hwc[1::2, ::2], stripe_hwc[1::2, 1::2])
    return np.logical_or.reduce([(corner != other).any(axis=2) for other in others])


def _has_few_colours(image_hwc: UInt8[np.ndarray, "h w c"]) -> bool:
    seen: list[np.uint32] = []
    for stripe in _stripes(image_hwc):
        rest = _numbers(stripe)
        for colour in seen:
            rest = rest[rest != colour]
        while rest.size:
            if len(seen) == MAX_COLOURS:
                return False
            seen.append(rest[0])
            rest = rest[rest != rest[0]]
    return True


def _numbers(stripe_hwc: UInt8[np.ndarray, "h w c"]) -> UInt32[np.ndarray, " n"]:
    """A number for each pixel's colour."""
    numbers = np.zeros(stripe_hwc.shape[:2], np.uint32)
    for channel in range(stripe_hwc.shape[2]):
        numbers = numbers << np.uint32(8) | stripe_hwc[:, :, channel]
    return numbers.reshape(-1)


def _stripes(image_hwc: UInt8[np.ndarray, "h w c"]) -> Iterator[UInt8[np.ndarray, "n w c"]]:
    return (image_hwc[start : start + STRIPE] for start in range(0, image_hwc.shape[0], STRIPE))
