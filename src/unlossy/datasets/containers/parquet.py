"""Parquet tables with images in a column, as Hugging Face writes them: structs {bytes, path}, or lists of them.

Which columns hold images: those that the table's own `huggingface` metadata call Image, structs with a binary field
`bytes`, lists of either, and plain binary columns whose first value has image bytes. The label is the column that the
metadata call ClassLabel, else one of LABEL_NAMES. Sixteen rows are in memory at a time.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from unlossy.core.blobs import BytesBlob, FileBlob
from unlossy.core.errors import ItemError, NoImageError, ReadError
from unlossy.core.tools import json_of
from unlossy.core.types import Blob, ClassTarget
from unlossy.datasets.containers.base import Archive, Container, Member, stream_of
from unlossy.datasets.failed import failed_blob
from unlossy.datasets.magic import has_image_magic

ROWS_PER_BATCH: Final = 16
LABEL_NAMES: Final = ("label", "labels", "class_index", "cls", "class", "fine_label", "category", "target")
NULL: Final = "null image"
ROWS_KEY: Final = b"unlossy_audit_schema"
"""In the metadata of a table of an audit's rows: their schema's version."""


@dataclass(frozen=True, slots=True)
class _Label:
    """The label column, and the classes' names where the metadata list them."""

    column: str
    names: tuple[str, ...] = ()

    def of(self, value: Any) -> tuple[ClassTarget | None, dict[str, str]]:  # noqa: ANN401 (any cell)
        """The target and groups that a cell tells: a whole number is a class, text is a group alone."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return ClassTarget(value), {"class": self.names[value] if value < len(self.names) else str(value)}
        return None, {"class": value} if isinstance(value, str) and value else {}


def members(archive: Archive) -> Iterator[Member]:
    """The images of a table, row by row; raises NoImageError, or what pyarrow raises."""
    with _opened(archive.blob) as file:
        features = _features(file.schema_arrow.metadata)
        columns = _image_columns(file, features)
        if not columns:
            raise NoImageError(f"no column of this table holds images: {', '.join(file.schema_arrow.names[:20])}")
        label = _label_column(file.schema_arrow, features)
        yield from _rows(archive, _cells(file, [*columns, *([label.column] if label else [])]), columns, label)


def is_audit_rows(blob: Blob) -> bool:
    """True where these are the rows of an audit, which hold no images; false too where it cannot be told."""
    import pyarrow as pa

    try:
        with _opened(blob) as file:
            return ROWS_KEY in (file.metadata.metadata or {})
    except (ItemError, OSError, ValueError, pa.ArrowException):
        return False


@contextmanager
def _opened(blob: Blob) -> Iterator[Any]:
    """A pyarrow ParquetFile; raises ItemError, or what pyarrow raises."""
    import pyarrow.parquet as pq

    if isinstance(blob, FileBlob) and str(blob.location).isprintable():
        source: Any = nullcontext(blob.path)  # pyarrow's own reading is quicker; it takes no name that is not UTF-8
    else:
        source = stream_of(blob)
    with source as readable, pq.ParquetFile(readable, buffer_size=1 << 20, pre_buffer=False) as file:
        yield file


def _cells(file: Any, columns: list[str]) -> Iterator[dict[str, Any]]:  # noqa: ANN401 (a pyarrow ParquetFile)
    """The rows, cut down to these columns."""
    for group in range(file.num_row_groups):  # one by one, so that the rows before a damaged group are given out
        for batch in file.iter_batches(ROWS_PER_BATCH, row_groups=[group], columns=columns, use_threads=False):
            for index in range(batch.num_rows):
                yield {name: batch.column(name)[index].as_py() for name in columns}


def _rows(
    archive: Archive, cells: Iterable[dict[str, Any]], columns: list[str], label: _Label | None
) -> Iterator[Member]:
    for row, cell in enumerate(cells):
        target, groups = label.of(cell[label.column]) if label else (None, {})
        for column in columns:
            values = cell[column] if isinstance(cell[column], list) else [cell[column]]
            for number, value in enumerate(values):
                nth = f"-{number}" if len(values) > 1 else ""
                data, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
                if data is None and not path:
                    archive.others[NULL] += 1
                    continue
                yield Member(str(path) if path else f"{column}-{row:09d}{nth}", _blob(data), target, groups)


def _blob(data: Any) -> Blob:  # noqa: ANN401 (bytes or None)
    if isinstance(data, bytes):
        return BytesBlob(data)
    return failed_blob(ReadError("the table holds a path here and no bytes; embed the images, or audit their folder"))


def _features(metadata: Mapping[bytes, bytes] | None) -> dict[str, Any]:
    """Column names to what `datasets` says of them; empty without, or where it is no JSON."""
    try:
        features = json_of((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def _kind(feature: Any) -> str | None:  # noqa: ANN401 (any JSON value)
    """The `_type` of a feature; of a list, that of its elements."""
    while isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
        feature = feature["feature"]
    if isinstance(feature, list) and feature:
        feature = feature[0]
    return feature.get("_type") if isinstance(feature, dict) else None


def _image_columns(file: Any, features: dict[str, Any]) -> list[str]:  # noqa: ANN401 (a pyarrow ParquetFile)
    schema = file.schema_arrow
    named = [field.name for field in schema if schema.names.count(field.name) == 1]
    told = [name for name in named if _kind(features.get(name)) == "Image" or _is_struct(schema.field(name).type)]
    if told:
        return [name for name in told if _is_struct(schema.field(name).type) or _is_binary(schema.field(name).type)]
    binary = [name for name in named if _is_binary(schema.field(name).type)]
    first = next(_cells(file, binary), None) if binary else None
    return [name for name in binary if first and has_image_magic(first[name] or b"")]


def _is_struct(kind: Any) -> bool:  # noqa: ANN401 (a pyarrow DataType)
    """True for a struct with a binary field `bytes` (and a textual `path`, if any), and for a list of such."""
    import pyarrow.types as types

    while types.is_list(kind) or types.is_large_list(kind):
        kind = kind.value_type
    if not types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    path = kind.get_field_index("path")
    path_fits = path < 0 or types.is_string(kind.field(path).type) or types.is_large_string(kind.field(path).type)
    return path_fits and _is_binary(kind.field("bytes").type)


def _is_binary(kind: Any) -> bool:  # noqa: ANN401 (a pyarrow DataType)
    import pyarrow.types as types

    return types.is_binary(kind) or types.is_large_binary(kind)


def _label_column(schema: Any, features: dict[str, Any]) -> _Label | None:  # noqa: ANN401 (a pyarrow Schema)
    for name in schema.names:
        if _kind(features.get(name)) == "ClassLabel":
            names = features[name].get("names") if isinstance(features[name], dict) else None
            return _Label(name, tuple(str(one) for one in names) if isinstance(names, list) else ())
    found = next((name for name in LABEL_NAMES if schema.names.count(name) == 1), None)
    return _Label(found) if found else None


PARQUET: Final = Container("parquet", (".parquet", ".pq"), magic=lambda head: head.startswith(b"PAR1"), members=members)
