"""The nearest IJG quality of thousands of tables at once: `quality.table_quality` for datasets whose files share none.

A distance is the sum of 64 absolute differences. The differences between the sums of four parts of two tables add up
to no more than that. Of the 100 qualities only those that this bound leaves are compared entry by entry: mostly three.
Only for 8-bit entries, whose nearest table is always among those clamped at 255: the 16-bit clamp moves entries over
255 further away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from jaxtyping import Float64, Int16, Int64, UInt8

from unlossy.jpeg.quality import MAX_RESIDUAL, QUALITIES
from unlossy.jpeg.tables import CHROMINANCE, CHROMINANCE_9E, LUMINANCE, ijg_table, to_zigzag

_AT_ONCE: Final = 512
"""Tables of a pass: what the work needs then fits a processor's cache, even where the bound leaves many qualities."""
_PARTS: Final = 4

Index = Int64[np.ndarray, " m"]


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
    quality, least, ties = (
        np.zeros(len(entries), np.int16),
        np.zeros(len(entries), np.int64),
        dict[int, tuple[int, ...]](),
    )
    for at in range(0, len(entries), _AT_ONCE):
        tables, qualities, distances = _candidates(entries[at : at + _AT_ONCE].astype(np.int16), _ijg(chroma))
        first = np.flatnonzero(np.diff(tables, prepend=-1))
        part = np.minimum.reduceat(distances, first)
        is_nearest = distances == part[tables]
        tables, qualities = tables[is_nearest], qualities[is_nearest] + QUALITIES.start
        first = np.flatnonzero(np.diff(tables, prepend=-1))
        least[at : at + len(part)], quality[at : at + len(part)] = part, qualities[first]
        for table in np.flatnonzero(np.diff(first, append=len(tables)) > 1).tolist():
            ties[at + table] = tuple(qualities[tables == table].tolist())
    residual = least / np.maximum(entries.sum(axis=1, dtype=np.int64), 1)
    is_honest = residual <= MAX_RESIDUAL
    return Nearest(
        np.where(is_honest, quality, 0).astype(np.int16),
        residual,
        {table: those for table, those in ties.items() if is_honest[table]},
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """The tables of all qualities in zigzag order, the sums of their parts, and the DC entries of libjpeg 9e's, which
    differ in nothing else."""

    entries: Int16[np.ndarray, "100 64"]
    sums: Int16[np.ndarray, "100 parts"]
    other_dc: Int16[np.ndarray, " 100"]


def _candidates(tables: Int16[np.ndarray, "n 64"], made: _Made) -> tuple[Index, Index, Int16[np.ndarray, " m"]]:
    """Pairs of a table and a quality (less 1), in that order, and their distance: all that can be a table's least."""
    bound = np.zeros((len(tables), len(QUALITIES)), dtype=np.int16)  # at most 64 * 255
    for of_tables, of_made in zip(_sums(tables).T, made.sums.T, strict=True):
        bound += np.abs(of_tables[:, None] - of_made)
    bound -= np.abs(made.entries[:, 0] - made.other_dc)
    every = np.arange(len(tables))
    enough = _distances(tables, made, every, bound.argmin(axis=1))
    of_table, of_quality = np.nonzero(bound <= enough[:, None])
    return of_table, of_quality, _distances(tables, made, of_table, of_quality)


def _distances(tables: Int16[np.ndarray, "n 64"], made: _Made, table: Index, quality: Index) -> Int16[np.ndarray, " m"]:
    """Sums of absolute differences, pair by pair; to the nearer table where two libraries differ."""
    difference = np.abs(tables[table] - made.entries[quality])
    other = np.abs(tables[table, 0] - made.other_dc[quality])
    return difference.sum(axis=1, dtype=np.int16) - np.maximum(difference[:, 0] - other, 0)


def _sums(tables: Int16[np.ndarray, "n 64"]) -> Int16[np.ndarray, "n parts"]:
    return tables.reshape(len(tables), _PARTS, -1).sum(axis=2, dtype=np.int16)


@lru_cache(maxsize=2)
def _ijg(chroma: bool) -> _Made:
    base, newer = (CHROMINANCE, CHROMINANCE_9E) if chroma else (LUMINANCE, LUMINANCE)
    entries = np.stack([to_zigzag(ijg_table(base, quality)) for quality in QUALITIES]).astype(np.int16)
    dcs = [ijg_table(newer, quality)[0, 0] for quality in QUALITIES]
    return _Made(entries, _sums(entries), np.array(dcs, dtype=np.int16))
