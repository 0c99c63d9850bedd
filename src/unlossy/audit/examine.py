"""The careful look at one Item: every fact of its row, and what is wrong with it.

Item ── first 16 bytes ── FF D8: `jpeg.read_header`, quality, encoder ── AuditRow
                       └─ else:  the header of another format         ─┘
A failure is a row with `error_kind` and what was known before it. Nothing is decoded unless `pixels` is asked for.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from unlossy.audit.options import ScanOptions
from unlossy.audit.other_formats import HEAD_BYTES, format_of, read_other_header
from unlossy.audit.pixels import PixelFacts, measure
from unlossy.audit.rows import AuditRow, failed, jpeg_facts, with_facts, with_rate
from unlossy.core.errors import DecodeError, ItemError, TruncatedError
from unlossy.core.types import Blob, Item
from unlossy.jpeg import JpegHeader, read_header
from unlossy.jpeg.scans import read_scans

HEADERS_ONLY: Final = ScanOptions()
_CHUNK_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One item's row and, for a JPEG whose headers could be read, those."""

    row: AuditRow
    header: JpegHeader | None = None


def examine(item: Item, options: ScanOptions = HEADERS_ONLY) -> Examined:
    """The row of one item together with the JPEG header that it was made from; raises nothing but on a bug."""
    examined = _headers(item)
    return replace(examined, row=with_extras(examined.row, item.blob, options))


def _headers(item: Item) -> Examined:
    row = AuditRow(key=item.key, groups=item.groups, container=item.container)
    try:
        row = replace(row, size_bytes=item.blob.size_bytes)
        head = item.blob.read(0, HEAD_BYTES)
        if not head:
            raise DecodeError("the file is empty (0 bytes)")
        row = replace(row, format=format_of(head))
        if row.format == "jpeg":
            header = read_header(item.blob)
            row = replace(with_facts(row, jpeg_facts(header)), width=header.width, height=header.height)
            return Examined(_with_verdict(with_rate(row), header), header)
        other = read_other_header(item.blob, row.format)
        coding = {
            name: getattr(other, name) for name in ("format", "width", "height", "precision", "sampling", "lossless")
        }
        return Examined(with_rate(replace(row, **coding)))
    except ItemError as error:
        return Examined(failed(row, error))


def _with_verdict(row: AuditRow, header: JpegHeader) -> AuditRow:
    """The row, with an error where the headers alone show that no decoder can make a picture of the file."""
    if header.scan_offset is None:
        return failed(row, TruncatedError("the file ends before its first scan: it holds no pixels; fetch it again"))
    if header.height is None:
        return failed(row, DecodeError("the height is left to a DNL segment, and none follows the first scan"))
    return row


def with_extras(row: AuditRow, blob: Blob, options: ScanOptions) -> AuditRow:
    """The row with what was asked for beyond the headers; one whose file cannot be read stays as it is."""
    if row.error_kind == "read":
        return row
    try:
        if options.sha256:
            row = replace(row, sha256=_sha256(blob))
        if options.deep and row.format == "jpeg":
            deep = read_scans(blob)
            row = replace(row, scans=deep.scans, trailing_bytes=deep.trailing_bytes)
        if options.pixels and row.error_kind is None:
            row = with_pixels(row, measure(blob, row.format))
    except ItemError as error:
        return failed(row, error) if row.error_kind is None else row
    return row


def with_pixels(row: AuditRow, facts: PixelFacts | ItemError) -> AuditRow:
    """The row with its pixel evidence, or with the error that stands for it."""
    if isinstance(facts, ItemError):
        return failed(row, facts)
    return replace(row, blockiness=facts.blockiness, grid_offset=facts.grid_offset, clipped_share=facts.clipped_share)


def _sha256(blob: Blob) -> str:
    """The digest of all bytes, in hex, read a MiB at a time."""
    digest, offset = hashlib.sha256(), 0
    while data := blob.read(offset, _CHUNK_BYTES):
        digest.update(data)
        offset += len(data)
    return digest.hexdigest()
