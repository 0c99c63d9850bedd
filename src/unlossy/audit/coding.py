"""Columns of rows as small integers, batch by batch: text by its place in a growing list, groups by their kind."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int32, Int64

from unlossy.audit.columns import plain

MAX_NAMES: Final = 65_536
"""Distinct values kept of one column; those that come later count as not said, which bounds memory."""


def batches_of(rows: pa.Table | Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The batches of a table, or those that are handed in."""
    yield from rows.to_batches() if isinstance(rows, pa.Table) else rows


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A categorical column: each row's index into `names`, -1 where it has none."""

    codes: Int32[np.ndarray, " n"]
    names: tuple[str, ...]


class Coder:
    """One growing categorical column; values are numbered in the order in which they are met."""

    def __init__(self) -> None:
        self._index: dict[object, int] = {}
        self._names: list[str] = []
        self._parts: list[tuple[Int64[np.ndarray, " m"], Int32[np.ndarray, " m"]]] = []

    def add(self, column: pa.Array, rows: Int64[np.ndarray, " m"]) -> None:
        """The next values, which stand in these rows; nulls are passed over."""
        self._note(column, rows, lambda value: self._code(value, str(value)))

    def add_tables(self, entries: pa.StringArray, rows: Int64[np.ndarray, " m"]) -> None:
        """The same for quantization tables; a new one is named by its digest."""
        self._note(entries, rows, self._code_of_table)

    def _note(self, column: pa.Array, rows: Int64[np.ndarray, " m"], code_of: Callable[[Any], int]) -> None:
        encoded = column.dictionary_encode()
        codes = np.array([code_of(value) for value in encoded.dictionary.to_pylist()], np.int32)
        there = pc.is_valid(encoded.indices).to_numpy(zero_copy_only=False)
        self._parts.append((rows[there], codes[encoded.indices.drop_null().to_numpy()]))

    def _code_of_table(self, entries: str) -> int:
        hashed = hash(entries)  # of 64 bits; the texts themselves would take much of the memory
        return self._index[hashed] if hashed in self._index else self._code(hashed, digest(entries))

    def coded(self, n_rows: int) -> Coded:
        """The whole column."""
        codes = np.full(n_rows, -1, np.int32)
        for rows, part in self._parts:
            codes[rows] = part
        return Coded(codes, tuple(self._names))

    def _code(self, value: object, name: str) -> int:
        if value not in self._index:
            if len(self._names) == MAX_NAMES:
                return -1
            self._index[value] = len(self._names)
            self._names.append(name)
        return self._index[value]


def digest(entries: str) -> str:
    """A table's name: 8 hex digits of the SHA-256 of its entries as the rows hold them."""
    return hashlib.sha256(entries.encode()).hexdigest()[:8]


def group_columns(groups: pa.MapArray) -> Iterator[tuple[str, pa.Array, Int64[np.ndarray, " m"]]]:
    """For each kind of group (class, split ...) its names and the rows that they stand in."""
    offsets = groups.offsets.to_numpy()
    row_of = np.repeat(np.arange(len(groups)), np.diff(offsets))
    kinds = groups.keys[offsets[0] : offsets[-1]].dictionary_encode()
    names = groups.items[offsets[0] : offsets[-1]]
    kind_of = kinds.indices.to_numpy()
    for index, kind in enumerate(kinds.dictionary.to_pylist()):
        chosen = np.flatnonzero(kind_of == index)
        yield kind, names.take(pa.array(chosen)), row_of[chosen]


def nth_tables(column: pa.ListArray, position: int) -> tuple[pa.StringArray, Int64[np.ndarray, " m"]]:
    """The entries (as text) of each row's first, second ... quantization table, and the rows that have it."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = column.flatten().field("entries")
    has: Bool[np.ndarray, " n"] = lengths > position
    starts = np.cumsum(lengths) - lengths
    return plain(flat).take(pa.array(starts[has] + position)), np.flatnonzero(has)
