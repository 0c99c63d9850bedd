"""Quantization tables of several families at a drawn strength: libjpeg's own, and those that libjpeg did not write.

A table here is a list of 64 integers 1..255 in natural (row-major) order, as Pillow takes and gives them. The strength
is on the IJG scale whatever the family, so that one distribution of qualities serves all.
"""

from dataclasses import dataclass
from functools import cache
from io import BytesIO

import numpy as np
from numpy.random import Generator
from PIL import Image

from unlossy.train.quality_shares import QualityShares

Table = list[int]

LIBJPEG_SHARE = 0.8
"""Of pictures whose tables are libjpeg's at one quality; the rest is shared by the other three families."""

# Nicolas Robidoux's table, as MozJPEG (-quant-table 3) and ImageMagick ship it
_ROBIDOUX = np.array(
    [
        [16, 16, 16, 18, 25, 37, 56, 85],
        [16, 17, 20, 27, 34, 40, 53, 75],
        [16, 20, 24, 31, 43, 62, 91, 135],
        [18, 27, 31, 40, 53, 74, 106, 156],
        [25, 34, 43, 53, 69, 94, 131, 189],
        [37, 40, 62, 74, 94, 124, 169, 238],
        [56, 53, 91, 106, 131, 169, 226, 311],
        [85, 75, 135, 156, 189, 238, 311, 418],
    ]
)


@dataclass(frozen=True, slots=True)
class Qualities:
    """A distribution of IJG qualities: uniform over lowest..heavy for a share of draws, over what is above else.

    The loss is at low qualities, so they are drawn more often than they are met.
    """

    lowest: int = 5
    heavy: int = 40
    highest: int = 98
    heavy_share: float = 0.65

    def draw(self, rng: Generator) -> int:
        """An IJG quality."""
        if rng.random() < self.heavy_share:
            return int(rng.integers(self.lowest, self.heavy + 1))
        return int(rng.integers(self.heavy + 1, self.highest + 1))


def draw_tables(rng: Generator, qualities: Qualities | QualityShares) -> tuple[Table, Table]:
    """A luma and a chroma table of a drawn family and strength."""
    quality = qualities.draw(rng)
    if rng.random() < LIBJPEG_SHARE:
        return libjpeg_tables(quality)
    return (_apart, _robidoux, _radial)[int(rng.integers(3))](rng, quality)


@cache
def libjpeg_tables(ijg_quality: int) -> tuple[Table, Table]:
    """The luma and the chroma table that libjpeg writes at a quality of 1..100, asked of libjpeg itself."""
    buffer = BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", quality=ijg_quality)
    with Image.open(buffer) as image:
        tables: dict[int, Table] = image.quantization  # type: ignore[attr-defined]
        return list(tables[0]), list(tables[1])


def _apart(rng: Generator, quality: int) -> tuple[Table, Table]:
    """Luma and chroma of two qualities, as `cjpeg -quality 75,20`."""
    other = int(np.clip(quality + rng.integers(-40, 41), 3, 99))
    return libjpeg_tables(quality)[0], libjpeg_tables(other)[1]


def _robidoux(rng: Generator, quality: int) -> tuple[Table, Table]:
    """Robidoux's table for both, chroma up to half as coarse again."""
    return _scaled(_ROBIDOUX, quality), _scaled(_ROBIDOUX * rng.uniform(1.0, 1.5), quality)


def _radial(rng: Generator, quality: int) -> tuple[Table, Table]:
    """Steps that rise with a power of the radial frequency: flat at one end, steeper than libjpeg's at the other."""
    v, u = np.mgrid[:8, :8]
    slope, power = rng.uniform(0.0, 0.8), rng.uniform(0.8, 1.6)
    base = rng.uniform(10.0, 18.0) * (1.0 + slope * np.hypot(u, v) ** power)
    return _scaled(base, quality), _scaled(base * rng.uniform(1.0, 2.0), quality)


def _scaled(base: np.ndarray, quality: int) -> Table:
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    entries: Table = np.clip(np.rint(base * percent / 100.0), 1, 255).astype(int).ravel().tolist()
    return entries
