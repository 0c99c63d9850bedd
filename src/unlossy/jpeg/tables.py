"""The IJG quantization tables: Annex K of ITU-T T.81 scaled by a quality of 1..100, and the zigzag order.

All tables here are uint16, 8 x 8, in natural (row-major) order: entry [v, u] divides the coefficient of vertical
frequency v and horizontal frequency u. Files hold them in zigzag order.
"""

from typing import Final

import numpy as np
from jaxtyping import UInt16

Table = UInt16[np.ndarray, "8 8"]

MAX_ENTRY_BASELINE: Final = 255
"""libjpeg clamps here where baseline is forced, as nearly every encoder does."""
MAX_ENTRY_16_BIT: Final = 32767
"""libjpeg clamps here where it is not; entries over 255 make a 16-bit table."""


def _table(rows: list[list[int]]) -> Table:
    table = np.array(rows, dtype=np.uint16)
    table.setflags(write=False)
    return table


# ITU-T T.81, table K.1
LUMINANCE: Final = _table(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
# ITU-T T.81, table K.2
CHROMINANCE: Final = _table(
    [
        [17, 18, 24, 47, 99, 99, 99, 99],
        [18, 21, 26, 66, 99, 99, 99, 99],
        [24, 26, 56, 99, 99, 99, 99, 99],
        [47, 66, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
        [99, 99, 99, 99, 99, 99, 99, 99],
    ]
)


def _chrominance_9e() -> Table:
    table = CHROMINANCE.copy()
    table[0, 0] = 16
    table.setflags(write=False)
    return table


CHROMINANCE_9E: Final = _chrominance_9e()
"""The chrominance table of libjpeg since 9e (2022): 16 for the DC where table K.2 has 17, says its change log."""


def _zigzag() -> tuple[int, ...]:
    """Anti-diagonals from the top left, every other one upwards (T.81, figure A.6)."""

    def place(index: int) -> tuple[int, int]:
        row, column = divmod(index, 8)
        return row + column, row if (row + column) % 2 else column

    return tuple(sorted(range(64), key=place))


ZIGZAG: Final = _zigzag()
"""The natural index (8 * row + column) of each of the 64 entries in the order of the file."""


def from_zigzag(entries: UInt16[np.ndarray, "64"]) -> Table:
    """The table in natural order of entries in the order of the file; read-only."""
    table = np.empty(64, dtype=np.uint16)
    table[list(ZIGZAG)] = entries
    table.setflags(write=False)
    return table.reshape(8, 8)


def to_zigzag(table: Table) -> UInt16[np.ndarray, "64"]:
    """The entries of a table in the order of the file."""
    return table.reshape(64)[list(ZIGZAG)]


def scaling_percent(ijg_quality: int) -> int:
    """The factor in percent of libjpeg's `jpeg_quality_scaling`: 5000 at quality 1, 100 at 50, 0 at 100."""
    if not 1 <= ijg_quality <= 100:
        raise ValueError(f"an IJG quality is 1..100, not {ijg_quality}")
    return 5000 // ijg_quality if ijg_quality < 50 else 200 - 2 * ijg_quality


def ijg_table(base: Table, ijg_quality: int, max_entry: int = MAX_ENTRY_BASELINE) -> Table:
    """The table that libjpeg's `jpeg_add_quant_table` makes of `base` at a quality, clamped to 1..max_entry."""
    scaled = (base.astype(np.int64) * scaling_percent(ijg_quality) + 50) // 100
    return np.clip(scaled, 1, max_entry).astype(np.uint16)
