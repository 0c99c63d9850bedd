"""Rows gathered as columns, and made into one Arrow record batch.

Facts and groups repeat from row to row as the same objects: Arrow arrays are made of the distinct ones, and `take`
spreads them over the rows. Everything comes out plain (no dictionary arrays), since that costs less than it saves.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

import numpy as np
import pyarrow as pa
from jaxtyping import Int32

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
        self.facts: list[Facts] = [NOTHING] * capacity
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

    def fill(self, index: int, row: AuditRow) -> None:
        """Takes a whole row over."""
        self.facts[index] = facts_of(row)
        self.size_bytes[index] = -1 if row.size_bytes is None else row.size_bytes
        self.width[index], self.height[index] = row.width or 0, row.height or 0
        if any(getattr(row, name) is not None for name in _EXTRAS):
            self.extras[index] = row

    def as_batch(self, *, pixels: bool, sha256: bool) -> pa.RecordBatch:
        """The rows so far as a record batch of `schema(pixels, sha256)`."""
        n, layout = len(self.keys), schema(pixels, sha256)
        size, width, height = self.size_bytes[:n], self.width[:n], self.height[:n]
        columns = {
            "key": pa.array(self.keys, pa.string()),
            "groups": _spread(self.groups, _groups_array),
            "container": pa.array(self.containers, pa.string()),
            "size_bytes": pa.array(size, mask=size < 0),
            "width": pa.array(width, mask=width == 0),
            "height": pa.array(height, mask=height == 0),
            "rate_bpp": _rate(size, width, height),
        }
        facts = _spread(self.facts[:n], _facts_array)
        columns |= dict(zip(FACTS, facts.flatten(), strict=True))
        columns |= {name: self._extra(name, layout.field(name).type) for name in _EXTRAS if name in layout.names}
        return pa.RecordBatch.from_arrays([columns[name] for name in layout.names], schema=layout)

    def _extra(self, name: str, kind: pa.DataType) -> pa.Array:
        if not self.extras:
            return pa.nulls(len(self), kind)
        values: list[Any] = [None] * len(self)
        for index, row in self.extras.items():
            value = getattr(row, name)
            values[index] = dict(zip("xy", value, strict=True)) if name == "grid_offset" and value else value
        return pa.array(values, kind)


def _spread(values: Sequence[Any], as_array: Any) -> pa.Array:  # noqa: ANN401 (a function of the distinct values)
    """One entry per value; `as_array` sees each distinct object once."""
    ids = list(map(id, values))
    distinct = dict(zip(ids, values, strict=True))
    place = dict(zip(distinct, range(len(distinct)), strict=True))
    array = as_array(list(distinct.values()))
    return array.take(pa.array(np.fromiter(map(place.__getitem__, ids), dtype=np.int32, count=len(ids))))


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
        _offsets(map(len, entries)), pa.array(names, pa.string()), pa.array(values, pa.string())
    )


def _facts_array(facts: Sequence[Facts]) -> pa.StructArray:
    layout, columns = schema(), zip(*map(_FACTS_OF, facts), strict=True)
    arrays = [
        _tables_array(values) if name == "quantization_tables" else pa.array(values, layout.field(name).type)
        for name, values in zip(FACTS, columns, strict=True)
    ]
    return pa.StructArray.from_arrays(arrays, FACTS)


def _tables_array(tables: Sequence[tuple[QuantizationTable, ...] | None]) -> pa.Array:
    """The lists of tables; null where there is none."""
    flat = [table for one in tables for table in one or ()]
    entries = np.frombuffer(b"".join([table.entries.tobytes() for table in flat]), dtype=np.uint16)
    structs = pa.StructArray.from_arrays(
        [
            pa.array([table.id for table in flat], pa.uint8()),
            pa.array([table.entry_bits for table in flat], pa.uint8()),
            pa.ListArray.from_arrays(np.arange(0, len(entries) + 1, 64, dtype=np.int32), pa.array(entries)),
        ],
        ["id", "entry_bits", "entries"],
    )
    is_unknown = pa.array([one is None for one in tables])
    return pa.ListArray.from_arrays(_offsets(len(one or ()) for one in tables), structs, mask=is_unknown)


def _offsets(lengths: Iterable[int]) -> Int32[np.ndarray, " edges"]:
    return np.cumsum([0, *lengths], dtype=np.int32)
