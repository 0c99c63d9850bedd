"""Batches to a Parquet file as they arrive, under a temporary name until it is whole.

    for batch in recorded(batches, path, schema): ...     # each passes through; then the file is there

A second thread writes: encoding and compressing a row takes about as long as reading the head of a file, and happens
outside the interpreter's lock. An interrupted audit leaves no half file: the temporary one is removed, and an older
file under the name stays.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from unlossy.core.errors import RunError
from unlossy.core.outputs import check_place, replacing

ROWS_PER_GROUP: Final = 4096
"""At most, where batches are equally long: a row in a group of 8192, which no cache holds, takes a fifth longer."""
MAX_WAITING: Final = 2
"""Row groups that wait for the writer."""
_UNIQUE: Final = {"key", "size_bytes", "rate_bpp", "sha256"}


def check_output(path: Path) -> None:
    """Raises UsageError where no file can be written under `path`; called before any work."""
    check_place(path, "a Parquet file, such as rows.parquet")


def recorded(batches: Iterable[pa.RecordBatch], path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The same batches, each written on its way; `path` holds them all once the iterator is used up.

    Memory holds three row groups. Raises RunError where the file cannot be written (disk full, say).
    """
    try:
        with (
            replacing(path) as stream,
            pq.ParquetWriter(stream, schema, compression="snappy", **_encoding(schema)) as file,
        ):
            yield from _written(batches, file)
    except OSError as error:
        raise RunError(
            f"cannot write {str(path)!r}: {error.strerror or error}; free space or name another file"
        ) from error


def _written(batches: Iterable[pa.RecordBatch], file: pq.ParquetWriter) -> Iterator[pa.RecordBatch]:
    """The batches; the writer's thread has put them all into `file` when the last one is followed by the end."""
    waiting: deque[Future[None]] = deque()
    group: list[pa.RecordBatch] = []
    with ThreadPoolExecutor(1, "unlossy-parquet") as writer:

        def hand_over() -> None:
            if group:
                waiting.append(writer.submit(file.write_table, pa.Table.from_batches(group)))
                group.clear()

        for batch in batches:
            group.append(batch)
            if sum(one.num_rows for one in group) + batch.num_rows > ROWS_PER_GROUP:
                hand_over()
            while len(waiting) > MAX_WAITING:
                waiting.popleft().result()
            yield batch
        hand_over()
        for job in waiting:
            job.result()


def _encoding(schema: pa.Schema) -> dict[str, list[str]]:
    """No dictionary of values that hardly repeat: the file is a fourth smaller, and sooner written."""
    return {"use_dictionary": [name for name in _leaves(schema) if name not in _UNIQUE]}


def _leaves(schema: pa.Schema) -> list[str]:
    """The paths of a file's columns, as Parquet names them."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    layout = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [layout.column(index).path for index in range(len(layout))]
