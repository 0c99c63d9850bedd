"""`AuditRow`: one image's evidence, one field per column of the Parquet file, in its order.

What a format or a file does not say is None, never a default. `docs/audit-schema.md` explains each column.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from unlossy.jpeg.segments import QuantizationTable


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AuditRow:
    """The columns. `encoder`, `encoder_confidence`, `scans`, `trailing_bytes` are None until something fills them."""

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


def table_as_json(table: QuantizationTable) -> dict[str, int | list[int]]:
    """The table as rows and JSON hold it: `id`, `entry_bits`, and 64 `entries` in natural (row-major) order."""
    return {"id": table.id, "entry_bits": table.entry_bits, "entries": table.entries.reshape(64).tolist()}
