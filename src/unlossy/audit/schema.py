"""The columns of an audit: their names, order and Arrow types. `docs/audit-schema.md` explains each.

Version 2 had the entries of quantization tables as lists of integers; version 1 had no `lossless`, `sha256` and no
pixel columns either, and left `encoder`, `scans` and `trailing_bytes` empty.
"""

from typing import Final

import pyarrow as pa

from unlossy.datasets.containers.parquet import ROWS_KEY

SCHEMA_VERSION: Final = "3"
"""Stands in the schema's metadata, and so in a Parquet file's, under `unlossy_audit_schema`."""

_TABLE: Final = pa.struct([("id", pa.uint8()), ("entry_bits", pa.uint8()), ("entries", pa.string())])
_COLUMNS: Final = {
    "key": pa.string(),
    "groups": pa.map_(pa.string(), pa.string()),
    "container": pa.string(),
    "format": pa.string(),
    "size_bytes": pa.int64(),
    "width": pa.int32(),
    "height": pa.int32(),
    "components": pa.int32(),
    "precision": pa.int32(),
    "sampling": pa.string(),
    "process": pa.string(),
    "restart_interval": pa.int32(),
    "quantization_tables": pa.list_(_TABLE),
    "ijg_quality_luma": pa.int32(),
    "ijg_quality_chroma": pa.int32(),
    "quality_exact": pa.bool_(),
    "quality_residual": pa.float64(),
    "encoder": pa.string(),
    "encoder_confidence": pa.float64(),
    "rate_bpp": pa.float64(),
    "truncated": pa.bool_(),
    "has_thumbnail": pa.bool_(),
    "has_mpf": pa.bool_(),
    "exif_orientation": pa.int32(),
    "scans": pa.int32(),
    "trailing_bytes": pa.int64(),
    "error_kind": pa.string(),
    "error_message": pa.string(),
    "lossless": pa.bool_(),
}
_SHA256: Final = {"sha256": pa.string()}
_PIXELS: Final = {
    "blockiness": pa.float64(),
    "grid_offset": pa.struct([("x", pa.int8()), ("y", pa.int8())]),
    "clipped_share": pa.float64(),
}


def schema(pixels: bool = False, sha256: bool = False) -> pa.Schema:
    """The schema of the rows that were asked for: the columns that every audit has, then the optional ones."""
    columns = _COLUMNS | (_SHA256 if sha256 else {}) | (_PIXELS if pixels else {})
    return pa.schema(list(columns.items()), metadata={ROWS_KEY: SCHEMA_VERSION})
