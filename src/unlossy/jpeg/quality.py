"""The IJG quality of a file's quantization tables: luma and chroma apart, exact or with a residual, never a default.

A table is exact when it equals the table that libjpeg makes at some quality of 1..100: Annex K's luminance table for
luma, its chrominance table for chroma (or that of libjpeg 9e, whose DC entry is another), clamped at 255 or, for 16-bit
tables, at 32767. For any other table the nearest quality is given with its residual,

    residual = sum |t - r| / sum t      over the 64 entries; t the file's table, r the nearest IJG table

a share without unit: 0.1 says that the entries are off by 10 % of the mean entry. Over `MAX_RESIDUAL` no quality is
honest and none is given. Components that are not YCbCr or grey (RGB, CMYK) are judged as luma, as libjpeg writes them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
from jaxtyping import Int64

from unlossy.jpeg.header import JpegHeader
from unlossy.jpeg.segments import Component
from unlossy.jpeg.tables import (
    CHROMINANCE,
    CHROMINANCE_9E,
    LUMINANCE,
    MAX_ENTRY_16_BIT,
    MAX_ENTRY_BASELINE,
    Table,
    ijg_table,
)

QUALITIES: Final = range(1, 101)
MAX_RESIDUAL: Final = 0.35
"""Photoshop's tables lie at 0.06..0.6, mozjpeg's luma at 0.04..0.32, flat luma tables at 0.43, random ones near 0.6."""


@dataclass(frozen=True, slots=True)
class TableQuality:
    """What one table says.

    Attributes:
        candidates: Every quality that fits the table equally well, ascending; several only where clamping has made
            their tables equal (chroma at 1, 2 and 3); empty where the residual is over `MAX_RESIDUAL`.
        residual: 0 for an exact table, else as in the module's formula.
    """

    candidates: tuple[int, ...]
    residual: float

    @property
    def exact(self) -> bool:
        """Whether the table is an IJG table."""
        return self.residual == 0.0


@dataclass(frozen=True, slots=True)
class QualityEstimate:
    """What a file's tables say together.

    Attributes:
        ijg_quality_luma: 1..100; None where the table is unknown or no quality is honest.
        ijg_quality_chroma: The same for chroma; None also where there is none (grey, RGB, CMYK).
        exact: Whether every component's table equals its IJG table; None where nothing is quantized (lossless) or
            no table is known.
        residual: The largest of the components' residuals, 0 where exact; None where a table is unknown.
    """

    ijg_quality_luma: int | None
    ijg_quality_chroma: int | None
    exact: bool | None
    residual: float | None


UNKNOWN: Final = QualityEstimate(None, None, None, None)


def estimate_quality(header: JpegHeader) -> QualityEstimate:
    """The qualities of a file's luma and chroma tables.

    Where a table fits several qualities, the one nearest to the other table's is given, else the highest. Two
    different chroma tables (Cb, Cr) give a chroma quality only where both name the same.
    """
    luma, chroma = _roles(header)
    tables = {component.table_id: header.table_of(component) for component in luma + chroma}
    of_luma = _merged(tables, luma, LUMINANCE)
    of_chroma = _merged(tables, chroma, CHROMINANCE)
    if not any(table is not None for table in tables.values()):
        return UNKNOWN
    if any(table is None for table in tables.values()):
        exact, residual = False, None
    else:
        judged = [quality for quality in (of_luma, of_chroma) if quality is not None]
        exact, residual = all(quality.exact for quality in judged), max(quality.residual for quality in judged)
    return QualityEstimate(_choice(of_luma, of_chroma), _choice(of_chroma, of_luma), exact, residual)


def _roles(header: JpegHeader) -> tuple[tuple[Component, ...], tuple[Component, ...]]:
    """The components that are quantized as luma, and those as chroma; the K of YCCK takes luma's table."""
    if header.colorspace in ("YCbCr", "YCCK"):
        return header.components[:1] + header.components[3:], header.components[1:3]
    return header.components, ()


def _merged(tables: dict[int, Table | None], members: tuple[Component, ...], base: Table) -> TableQuality | None:
    """One verdict on the tables of several components: the qualities that they share, and the worst residual."""
    qualities = []
    for table_id in dict.fromkeys(component.table_id for component in members):
        table = tables[table_id]
        if table is None:
            return None
        qualities.append(table_quality(table, base))
    if not qualities:
        return None
    shared = set(qualities[0].candidates).intersection(*(quality.candidates for quality in qualities))
    return TableQuality(tuple(sorted(shared)), max(quality.residual for quality in qualities))


def _choice(quality: TableQuality | None, other: TableQuality | None) -> int | None:
    if quality is None or not quality.candidates:
        return None
    anchor = other.candidates[-1] if other is not None and other.candidates else 100
    return min(quality.candidates, key=lambda candidate: abs(candidate - anchor))


def table_quality(table: Table, base: Table) -> TableQuality:
    """The qualities of one table against `base` (LUMINANCE or CHROMINANCE in all versions), by least residual."""
    return _table_quality(table.tobytes(), base.tobytes())


@lru_cache(maxsize=1024)
def _table_quality(table: bytes, base: bytes) -> TableQuality:
    """The verdict on a table's 128 bytes, remembered: the files of a dataset share few tables."""
    entries = np.frombuffer(table, dtype=np.uint16).astype(np.int64)
    qualities, candidates = _ijg_tables(base)
    distances = np.abs(candidates - entries).sum(axis=1)
    least = int(distances.min())
    residual = least / max(int(entries.sum()), 1)  # a damaged table may be all zeros
    nearest = qualities[distances == least] if residual <= MAX_RESIDUAL else ()
    return TableQuality(_distinct(nearest), residual)


def _distinct(qualities: Iterable[np.int64]) -> tuple[int, ...]:
    return tuple(sorted({int(quality) for quality in qualities}))


@lru_cache(maxsize=4)
def _ijg_tables(base: bytes) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, "n 64"]]:
    """The tables of all qualities under both clamps, and which quality each is of."""
    natural = np.frombuffer(base, dtype=np.uint16).reshape(8, 8)
    bases = (CHROMINANCE, CHROMINANCE_9E) if np.array_equal(natural, CHROMINANCE) else (natural,)
    made = list(product(bases, (MAX_ENTRY_BASELINE, MAX_ENTRY_16_BIT), QUALITIES))
    entries = np.stack([ijg_table(table, quality, clamp).reshape(64) for table, clamp, quality in made])
    return np.array([quality for _, _, quality in made], dtype=np.int64), entries.astype(np.int64)


def table_names(table: Table) -> tuple[str, ...]:
    """The IJG tables that a table equals, whatever uses it; empty for none.

    Such as "luminance 50", "chrominance 1..3", "chrominance 75 (libjpeg 9e)".
    """
    names = []
    for name, base in (("luminance", LUMINANCE), ("chrominance", CHROMINANCE)):
        found = table_quality(table, base)
        if found.exact:
            first, last = found.candidates[0], found.candidates[-1]
            qualities = f"{first}" if first == last else f"{first}..{last}"
            version = "" if any(np.array_equal(table, made) for made in _both_clamps(base, last)) else " (libjpeg 9e)"
            names.append(f"{name} {qualities}{version}")
    return tuple(names)


def _both_clamps(base: Table, ijg_quality: int) -> tuple[Table, Table]:
    """The table at a quality as baseline files hold it, and as 16-bit tables do."""
    return ijg_table(base, ijg_quality), ijg_table(base, ijg_quality, MAX_ENTRY_16_BIT)
