"""One image's evidence: `Facts`, which many images share, inside an `AuditRow`, which is one image's alone.

Facts are what a file's headers say but for its size: the images of a dataset share a few sets of them, so that they are
worked out once and stored once per batch. What a format or a file does not say is None, never a default.
`docs/audit-schema.md` explains each column.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final

from unlossy.core.errors import ItemError, TruncatedError
from unlossy.core.tools import printable
from unlossy.jpeg import JpegHeader, estimate_quality
from unlossy.jpeg.encoder import identify
from unlossy.jpeg.segments import QuantizationTable


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Facts:
    """The columns that do not depend on a file's name, its bytes' number or its picture's size."""

    format: str | None = None
    components: int | None = None
    precision: int | None = None
    sampling: str | None = None
    process: str | None = None
    restart_interval: int | None = None
    quantization_tables: tuple[QuantizationTable, ...] | None = None
    ijg_quality_luma: int | None = None
    ijg_quality_chroma: int | None = None
    quality_exact: bool | None = None
    quality_residual: float | None = None
    encoder: str | None = None
    encoder_confidence: float | None = None
    truncated: bool | None = None
    has_thumbnail: bool | None = None
    has_mpf: bool | None = None
    exif_orientation: int | None = None
    lossless: bool | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AuditRow:
    """The columns of one image, under their names and in their order; the last four are None unless asked for."""

    key: str
    groups: Mapping[str, str] = field(default_factory=dict)
    container: str | None = None
    format: str | None = None
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    components: int | None = None
    precision: int | None = None
    sampling: str | None = None
    process: str | None = None
    restart_interval: int | None = None
    quantization_tables: tuple[QuantizationTable, ...] | None = None
    ijg_quality_luma: int | None = None
    ijg_quality_chroma: int | None = None
    quality_exact: bool | None = None
    quality_residual: float | None = None
    encoder: str | None = None
    encoder_confidence: float | None = None
    rate_bpp: float | None = None
    truncated: bool | None = None
    has_thumbnail: bool | None = None
    has_mpf: bool | None = None
    exif_orientation: int | None = None
    scans: int | None = None
    trailing_bytes: int | None = None
    error_kind: str | None = None
    error_message: str | None = None
    lossless: bool | None = None
    sha256: str | None = None
    blockiness: float | None = None
    grid_offset: tuple[int, int] | None = None
    clipped_share: float | None = None


FACTS: Final = tuple(one.name for one in fields(Facts))
"""The names of the shared columns."""


def jpeg_facts(header: JpegHeader) -> Facts:
    """What a JPEG's headers say, with the quality and the encoder that follow from them."""
    quality, guess = estimate_quality(header), identify(header.signature)
    return Facts(
        format="jpeg",
        components=len(header.components),
        precision=header.precision,
        sampling=header.sampling,
        process=str(header.process),
        restart_interval=header.restart_interval,
        quantization_tables=header.tables,
        ijg_quality_luma=quality.ijg_quality_luma,
        ijg_quality_chroma=quality.ijg_quality_chroma,
        quality_exact=quality.exact,
        quality_residual=quality.residual,
        encoder=guess.text,
        encoder_confidence=guess.confidence,
        truncated=header.truncated,
        has_thumbnail=header.has_thumbnail,
        has_mpf=header.has_mpf,
        exif_orientation=header.exif_orientation,
        lossless=header.process.is_lossless,
    )


def with_facts(row: AuditRow, facts: Facts) -> AuditRow:
    """The row with all of these facts."""
    return replace(row, **{name: getattr(facts, name) for name in FACTS})


def facts_of(row: AuditRow) -> Facts:
    """The facts in a row."""
    return Facts(**{name: getattr(row, name) for name in FACTS})


def with_rate(row: AuditRow) -> AuditRow:
    """The row with its bits a pixel, where bytes and size are known."""
    if row.size_bytes is None or not row.width or not row.height:
        return row
    return replace(row, rate_bpp=8 * row.size_bytes / (row.width * row.height))


def failed(row: AuditRow, error: ItemError) -> AuditRow:
    """The row with what went wrong, in one line."""
    cut = True if isinstance(error, TruncatedError) and row.truncated is None else row.truncated
    return replace(row, truncated=cut, error_kind=error.kind, error_message=printable(str(error)))


def table_as_json(table: QuantizationTable) -> dict[str, int | list[int]]:
    """The table as JSON holds it: `id`, `entry_bits`, and 64 `entries` in natural (row-major) order."""
    return {"id": table.id, "entry_bits": table.entry_bits, "entries": table.entries.reshape(64).tolist()}
