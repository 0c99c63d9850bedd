"""What a source file's own bytes tell of its past; stands in the study's rows, because a clean image may be none."""

from dataclasses import dataclass, replace

from unlossy.audit.other_formats import HEAD_BYTES, format_of
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import ItemError
from unlossy.jpeg import estimate_quality, read_header


@dataclass(frozen=True, slots=True)
class SourceEvidence:
    """Format by magic bytes, size, and the IJG qualities where the source is itself a JPEG; None where unknown."""

    format: str | None = None
    size_bytes: int | None = None
    ijg_quality_luma: int | None = None
    ijg_quality_chroma: int | None = None


def source_evidence(data: bytes) -> SourceEvidence:
    """The evidence; a header that cannot be read leaves its columns None, for decoding will say what is wrong."""
    known = SourceEvidence(format_of(data[:HEAD_BYTES]), len(data))
    if known.format != "jpeg":
        return known
    try:
        quality = estimate_quality(read_header(BytesBlob(data)))
    except ItemError:
        return known
    return replace(known, ijg_quality_luma=quality.ijg_quality_luma, ijg_quality_chroma=quality.ijg_quality_chroma)
