"""The nearest IJG quality of thousands of tables at once: `quality.table_quality` for datasets whose files share none.

One pass over the 100 qualities, each against all tables: sums of absolute differences, 64 entries down, tables across.
Only for 8-bit entries, whose nearest table is always among those clamped at 255: the 16-bit clamp moves entries over
255 further away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float64, Int16, UInt8

from unlossy.jpeg.quality import MAX_RESIDUAL, QUALITIES
from unlossy.jpeg.tables import CHROMINANCE, CHROMINANCE_9E, LUMINANCE, ijg_table, to_zigzag

_AT_ONCE: Final = 512
"""Tables of a pass: what the work needs then fits a processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """What each table says.

    Attributes:
        ijg_quality: 1..100; 0 where the residual is over `MAX_RESIDUAL`.
        residual: As `quality` defines it; 0 where exact.
        ties: Where several qualities are as near: all of them, by the table's index. `ijg_quality` is the least then.
    """

    ijg_quality: Int16[np.ndarray, " n"]
    residual: Float64[np.ndarray, " n"]
    ties: Mapping[int, tuple[int, ...]]

    def candidates(self, index: int) -> tuple[int, ...]:
        """The qualities of one table, ascending; none where its residual is too large."""
        quality = int(self.ijg_quality[index])
        return self.ties.get(index, (quality,) if quality else ())


def choice(candidates: tuple[int, ...], others: tuple[int, ...]) -> int | None:
    """Of several qualities the one nearest to the other table's, as `quality.estimate_quality` chooses."""
    anchor = others[-1] if others else QUALITIES.stop - 1
    return min(candidates, key=lambda candidate: abs(candidate - anchor), default=None)


def nearest_qualities(entries: UInt8[np.ndarray, "n 64"], *, chroma: bool) -> Nearest:
    """The verdicts on tables in the order of the file (zigzag), as luma's or as chroma's."""
    parts = [_distances(entries[at : at + _AT_ONCE], chroma) for at in range(0, len(entries), _AT_ONCE)]
    distances = np.concatenate(parts, axis=1)
    least = distances.min(axis=0)
    residual = least / np.maximum(entries.sum(axis=1, dtype=np.int64), 1)
    quality = np.where(residual <= MAX_RESIDUAL, distances.argmin(axis=0) + QUALITIES.start, 0).astype(np.int16)
    are_nearest = distances == least
    tied = np.flatnonzero((are_nearest.sum(axis=0) > 1) & (quality > 0)).tolist()
    first = QUALITIES.start
    ties = {index: tuple((np.flatnonzero(are_nearest[:, index]) + first).tolist()) for index in tied}
    return Nearest(quality, residual, ties)


def _distances(entries: UInt8[np.ndarray, "n 64"], chroma: bool) -> Int16[np.ndarray, "100 n"]:
    """Sums of absolute differences to the table of each quality; to the nearer one where two libraries differ."""
    tables = np.ascontiguousarray(entries.T).astype(np.int16)
    difference = np.empty_like(tables)
    distances = np.empty((len(QUALITIES), len(entries)), dtype=np.int16)  # at most 64 * 255
    for index, (made, other_dc) in enumerate(zip(*_ijg(chroma), strict=True)):
        np.subtract(tables, made[:, None], out=difference)
        np.abs(difference, out=difference)
        np.add.reduce(difference, axis=0, out=distances[index])
        if chroma:
            saved = difference[0] - np.abs(tables[0] - other_dc)
            distances[index] -= np.maximum(saved, 0)
    return distances


@lru_cache(maxsize=2)
def _ijg(chroma: bool) -> tuple[Int16[np.ndarray, "100 64"], Int16[np.ndarray, " 100"]]:
    """The tables of all qualities in zigzag order; and the DC entries of libjpeg 9e's, which differ in nothing else."""
    base, newer = (CHROMINANCE, CHROMINANCE_9E) if chroma else (LUMINANCE, LUMINANCE)
    tables = [to_zigzag(ijg_table(base, quality)) for quality in QUALITIES]
    dcs = [ijg_table(newer, quality)[0, 0] for quality in QUALITIES]
    return np.stack(tables).astype(np.int16), np.array(dcs, dtype=np.int16)
