"""Rows to a Parquet file, in batches, under a temporary name until it is whole.

    for row in recorded(rows, path): ...      # each row passes through; the file is there when the loop has ended

An interrupted audit leaves no half file: the temporary one is removed, and an older file under the name stays.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from unlossy.audit.rows import AuditRow, table_as_json
from unlossy.core.errors import RunError, UsageError

ROWS_PER_GROUP: Final = 4096
SCHEMA_VERSION: Final = "1"
"""Stands in the file's metadata under `unlossy_audit_schema`."""


def check_output(path: Path) -> None:
    """Raises UsageError where no file can be written under `path`; called before any work."""
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder; give the name of a Parquet file, such as {path / 'rows.parquet'}")
    if not path.absolute().parent.is_dir():
        raise UsageError(
            f"there is no folder {str(path.absolute().parent)!r} to write {path.name!r} into; make it first"
        )
    if not os.access(path.absolute().parent, os.W_OK):
        raise UsageError(
            f"the folder {str(path.absolute().parent)!r} cannot be written to; choose another for {path.name!r}"
        )


def recorded(rows: Iterable[AuditRow], path: Path) -> Iterator[AuditRow]:
    """The same rows, each written on its way; `path` holds them all once the iterator is used up.

    Memory holds one row group. Raises RunError where the file cannot be written (disk full, say).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with pq.ParquetWriter(temporary, _schema(pa), compression="zstd") as writer:
            group: list[AuditRow] = []
            for row in rows:
                group.append(row)
                if len(group) == ROWS_PER_GROUP:
                    writer.write_table(_as_table(group))
                    group.clear()
                yield row
            if group:
                writer.write_table(_as_table(group))
        temporary.replace(path)
    except OSError as error:
        raise RunError(
            f"cannot write {str(path)!r}: {error.strerror or error}; free space or name another file"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _as_table(rows: list[AuditRow]) -> Any:  # noqa: ANN401 (pyarrow has no types; a pyarrow.Table)
    import pyarrow as pa

    columns = {field.name: [_cell(getattr(row, field.name), field.name) for row in rows] for field in fields(AuditRow)}
    return pa.table(columns, schema=_schema(pa))


def _cell(value: Any, name: str) -> Any:  # noqa: ANN401 (one of the types of AuditRow's fields)
    if name == "groups":
        return sorted(value.items())
    if name == "quantization_tables" and value is not None:
        return [table_as_json(table) for table in value]
    return value


def _schema(pa: Any) -> Any:  # noqa: ANN401 (the pyarrow module in, a pyarrow.Schema out)
    """The columns, in the order of AuditRow; `docs/audit-schema.md` lists the same types."""
    text, number, real, flag = pa.string(), pa.int32(), pa.float64(), pa.bool_()
    table = pa.struct([("id", pa.uint8()), ("entry_bits", pa.uint8()), ("entries", pa.list_(pa.uint16()))])
    types = {
        "key": text,
        "groups": pa.map_(text, text),
        "container": text,
        "format": text,
        "size_bytes": pa.int64(),
        "sampling": text,
        "process": text,
        "quantization_tables": pa.list_(table),
        "quality_exact": flag,
        "quality_residual": real,
        "encoder": text,
        "encoder_confidence": real,
        "rate_bpp": real,
        "truncated": flag,
        "has_thumbnail": flag,
        "has_mpf": flag,
        "trailing_bytes": pa.int64(),
        "error_kind": text,
        "error_message": text,
    }
    columns = [pa.field(field.name, types.get(field.name, number)) for field in fields(AuditRow)]
    return pa.schema(columns, metadata={"unlossy_audit_schema": SCHEMA_VERSION})
