"""Columns as plain arrays: what a reader of rows calls before it looks at a column."""

import pyarrow as pa


def plain(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """The same values without a dictionary (as a reader of Parquet, or another program, may have put one in)."""
    if not pa.types.is_dictionary(column.type):
        return column
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([plain(chunk) for chunk in column.chunks], type=column.type.value_type)
    return column.dictionary.take(column.indices)
