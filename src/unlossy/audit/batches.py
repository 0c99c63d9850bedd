"""Rows gathered as columns, and made into one Arrow record batch.

Facts and groups repeat from row to row as the same objects: Arrow arrays are made of the distinct ones, and `take`
spreads them over the rows. Everything comes out plain (no dictionary arrays), since that costs less than it saves.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
from jaxtyping import Int32, Int64

from unlossy.audit.compact import (
    FACTS_AT,
    FACTS_SCHEMA,
    GROUPS_AT,
    GROUPS_SCHEMA,
    TABLES,
    Compact,
    Places,
    entries_text,
    own_schema,
    table_lists,
)
from unlossy.audit.rows import FACTS, AuditRow, Facts, facts_of
from unlossy.audit.schema import schema
from unlossy.core.types import Item
from unlossy.jpeg.segments import QuantizationTable

_EXTRAS: Final = (
    *("scans", "trailing_bytes", "error_kind", "error_message", "sha256"),
    *("blockiness", "grid_offset", "clipped_share"),
)
"""Columns that are empty for most rows, or for all."""
NOTHING: Final = Facts()
T = TypeVar("T")
Rows = Int64[np.ndarray, " n"]
_FACTS_OF: Final = attrgetter(*FACTS)


class Columns:
    """The columns of at most `capacity` rows.

    `keys`, `groups` and `containers` grow with the rows; all else is there from the begin, empty, to be filled in.
    """

    def __init__(self, capacity: int) -> None:
        """Room for `capacity` rows."""
        self.keys: list[str] = []
        self.groups: list[Mapping[str, str]] = []
        self.containers: list[str | None] = []
        self._distinct, self._places = [NOTHING], {NOTHING: 0}
        self._place = np.zeros(capacity, dtype=np.int32)
        self._blocks: list[tuple[Rows, pa.StructArray]] = []
        self.extras: dict[int, AuditRow] = {}
        self.size_bytes = np.full(capacity, -1, dtype=np.int64)
        self.width, self.height = np.zeros(capacity, dtype=np.int32), np.zeros(capacity, dtype=np.int32)

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, item: Item) -> None:
        """One more row, of which nothing is known but its item's names."""
        self.keys.append(item.key)
        self.groups.append(item.groups)
        self.containers.append(item.container)

    def add_all(self, items: Sequence[Item]) -> None:
        """As many more rows."""
        self.keys += [item.key for item in items]
        self.groups += [item.groups for item in items]
        self.containers += [item.container for item in items]

    def note(self, rows: Rows, facts: Sequence[Facts], of: Int64[np.ndarray, " n"]) -> None:
        """Each row has the facts of the index in `of`."""
        self._place[rows] = np.array(list(map(self._place_of, facts)), dtype=np.int32)[of]

    def note_one(self, row: int, facts: Facts) -> None:
        """One row has these facts."""
        self._place[row] = self._place_of(facts)

    def facts(self, row: int) -> Facts:
        """What was noted of a row by itself."""
        return self._distinct[self._place[row]]

    def note_block(self, rows: Rows, facts: pa.StructArray) -> None:
        """Each row has facts of its own."""
        self._blocks.append((rows, facts))

    def fill(self, index: int, row: AuditRow) -> None:
        """Takes a whole row over."""
        self.note_one(index, facts_of(row))
        self.size_bytes[index] = -1 if row.size_bytes is None else row.size_bytes
        self.width[index], self.height[index] = row.width or 0, row.height or 0
        if any(getattr(row, name) is not None for name in _EXTRAS):
            self.extras[index] = row

    def as_batch(self, *, pixels: bool, sha256: bool) -> pa.RecordBatch:
        """The rows so far as a record batch of `schema(pixels, sha256)`."""
        return self.compact(pixels=pixels, sha256=sha256).spread(schema(pixels, sha256))

    def compact(self, *, pixels: bool, sha256: bool) -> Compact:
        """The rows so far, and what they share once."""
        n, layout = len(self.keys), schema(pixels, sha256)
        size, width, height = self.size_bytes[:n], self.width[:n], self.height[:n]
        facts_at, facts = self._facts()
        groups_at, groups = _distinct(self.groups)
        columns = {
            "key": pa.array(self.keys, pa.string()),
            "container": pa.array(self.containers, pa.string()),
            "size_bytes": pa.array(size, mask=size < 0),
            "width": pa.array(width, mask=width == 0),
            "height": pa.array(height, mask=height == 0),
            "rate_bpp": _rate(size, width, height),
            FACTS_AT: pa.array(facts_at),
            GROUPS_AT: pa.array(groups_at),
        }
        columns |= {name: self._extra(name, layout.field(name).type) for name in _EXTRAS if name in layout.names}
        own = own_schema(layout)
        return Compact(
            pa.RecordBatch.from_arrays([columns[name] for name in own.names], schema=own),
            pa.RecordBatch.from_arrays(facts.flatten(), schema=FACTS_SCHEMA),
            pa.RecordBatch.from_arrays([_groups_array(groups)], schema=GROUPS_SCHEMA),
        )

    def _place_of(self, facts: Facts) -> int:
        place = self._places.setdefault(facts, len(self._distinct))
        if place == len(self._distinct):
            self._distinct.append(facts)
        return place

    def _facts(self) -> tuple[Places, pa.StructArray]:
        """The place of each row's facts, and the facts."""
        place, arrays = self._place[: len(self)].copy(), [_facts_array(self._distinct)]
        at = len(self._distinct)
        for rows, facts in self._blocks:
            place[rows] = np.arange(at, at + len(facts), dtype=np.int32)
            arrays.append(facts)
            at += len(facts)
        return place, arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays)

    def _extra(self, name: str, kind: pa.DataType) -> pa.Array:
        if not self.extras:
            return pa.nulls(len(self), kind)
        values: list[Any] = [None] * len(self)
        for index, row in self.extras.items():
            value = getattr(row, name)
            values[index] = dict(zip("xy", value, strict=True)) if name == "grid_offset" and value else value
        return pa.array(values, kind)


def _distinct(values: Sequence[T]) -> tuple[Places, list[T]]:
    """The place of each value among the distinct objects, and those."""
    ids = list(map(id, values))
    distinct = dict(zip(ids, values, strict=True))
    place = dict(zip(distinct, range(len(distinct)), strict=True))
    return np.fromiter(map(place.__getitem__, ids), dtype=np.int32, count=len(ids)), list(distinct.values())


def _rate(size: Any, width: Int32[np.ndarray, " n"], height: Int32[np.ndarray, " n"]) -> pa.Array:  # noqa: ANN401
    """Bits a pixel, null where a part is unknown."""
    pixels = width.astype(np.float64) * height
    is_unknown = (size < 0) | (pixels == 0)
    return pa.array(8.0 * size / np.where(is_unknown, 1, pixels), mask=is_unknown)


def _groups_array(groups: Sequence[Mapping[str, str]]) -> pa.Array:
    entries = [sorted(one.items()) for one in groups]
    pairs = [pair for one in entries for pair in one]
    names, values = zip(*pairs, strict=True) if pairs else ((), ())
    return pa.MapArray.from_arrays(
        np.cumsum([0, *map(len, entries)], dtype=np.int32), pa.array(names, pa.string()), pa.array(values, pa.string())
    )


def _facts_array(facts: Sequence[Facts]) -> pa.StructArray:
    layout, columns = schema(), zip(*map(_FACTS_OF, facts), strict=True)
    arrays = [
        _tables_array(values) if name == TABLES else pa.array(values, layout.field(name).type)
        for name, values in zip(FACTS, columns, strict=True)
    ]
    return pa.StructArray.from_arrays(arrays, FACTS)


def _tables_array(tables: Sequence[tuple[QuantizationTable, ...] | None]) -> pa.Array:
    """The lists of tables; null where there is none."""
    flat = [table for one in tables for table in one or ()]
    return table_lists(
        np.array([table.id for table in flat], np.uint8),
        np.array([table.entry_bits for table in flat], np.uint8),
        entries_text(
            np.frombuffer(b"".join([table.entries.tobytes() for table in flat]), dtype=np.uint16).reshape(-1, 64)
        ),
        np.cumsum([0, *(len(one or ()) for one in tables)]),
        np.array([one is None for one in tables], dtype=bool),
    )
