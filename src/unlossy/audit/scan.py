"""From an Item to an AuditRow: the evidence of one file, and what is wrong with it.

Item ── first 16 bytes ── FF D8: `jpeg.read_header`, `jpeg.estimate_quality` ── AuditRow
                       └─ else:  Pillow's lazy opening (format and size)     ─┘
A failure is a row with `error_kind` and what was known before it; nothing is decoded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from unlossy.audit.other_formats import HEAD_BYTES, format_of, read_other_header
from unlossy.audit.rows import AuditRow
from unlossy.audit.sources import open_sources
from unlossy.core.errors import DecodeError, ItemError, TruncatedError
from unlossy.core.tools import printable
from unlossy.core.types import Item
from unlossy.jpeg import JpegHeader, estimate_quality, read_header


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One item's row and, for a JPEG whose headers could be read, those."""

    row: AuditRow
    header: JpegHeader | None = None


def audit_dataset(data: str | Path | Iterable[Item]) -> Iterator[AuditRow]:
    """One row per image of a folder (or per Item given), in order; one that fails is a row with an `error_kind`.

    Raises UsageError for a folder that is missing or holds no image.
    """
    items = open_sources([str(data)]) if isinstance(data, str | Path) else data
    return (scan(item) for item in items)


def scan(item: Item) -> AuditRow:
    """The row of one item."""
    return examine(item).row


def examine(item: Item) -> Examined:
    """The row of one item together with the JPEG header that it was made from; raises nothing but on a bug."""
    row = AuditRow(key=item.key, groups=item.groups)
    try:
        row = replace(row, size_bytes=item.blob.size_bytes)
        head = item.blob.read(0, HEAD_BYTES)
        if not head:
            raise DecodeError("the file is empty (0 bytes)")
        row = replace(row, format=format_of(head))
        if row.format == "jpeg":
            header = read_header(item.blob)
            return Examined(_with_verdict(_jpeg_row(row, header), header), header)
        other = read_other_header(item.blob, row.format)
        return Examined(_with_rate(replace(row, format=other.format, width=other.width, height=other.height)))
    except ItemError as error:
        return Examined(_failed(row, error))


def _jpeg_row(row: AuditRow, header: JpegHeader) -> AuditRow:
    quality = estimate_quality(header)
    filled = replace(
        row,
        width=header.width,
        height=header.height,
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
        truncated=header.truncated,
        has_thumbnail=header.has_thumbnail,
        has_mpf=header.has_mpf,
        exif_orientation=header.exif_orientation,
    )
    return _with_rate(filled)


def _with_rate(row: AuditRow) -> AuditRow:
    if row.size_bytes is None or not row.width or not row.height:
        return row
    return replace(row, rate_bpp=8 * row.size_bytes / (row.width * row.height))


def _with_verdict(row: AuditRow, header: JpegHeader) -> AuditRow:
    """The row, with an error where the headers alone show that no decoder can make a picture of the file."""
    if header.scan_offset is None:
        return _failed(row, TruncatedError("the file ends before its first scan: it holds no pixels; fetch it again"))
    if header.height is None:
        return _failed(row, DecodeError("the height is left to a DNL segment, and none follows the first scan"))
    return row


def _failed(row: AuditRow, error: ItemError) -> AuditRow:
    cut = True if isinstance(error, TruncatedError) else row.truncated
    return replace(row, truncated=cut, error_kind=error.kind, error_message=printable(str(error)))
