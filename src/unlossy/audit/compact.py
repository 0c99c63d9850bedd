"""Rows before what they share is spread over them: what one process hands to another, a fourth of the rows' size.

rows        a row each: key, sizes, errors; and at which place its facts and its groups stand
facts       the distinct ones, columns as in `rows.FACTS`
groups      the distinct ones
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int32, Int64, UInt8, UInt16

from unlossy.audit.rows import FACTS
from unlossy.audit.schema import schema

FACTS_AT, GROUPS_AT = "facts_at", "groups_at"
TABLES: Final = "quantization_tables"
FACTS_SCHEMA: Final = pa.schema([schema().field(name) for name in FACTS])
GROUPS_SCHEMA: Final = pa.schema([schema().field("groups")])

_WORDS: Final = pa.array([str(value) for value in range(256)])

Places = Int32[np.ndarray, " n"]


@dataclass(frozen=True, slots=True, eq=False)
class Compact:
    """The three batches."""

    rows: pa.RecordBatch
    facts: pa.RecordBatch
    groups: pa.RecordBatch

    def spread(self, layout: pa.Schema) -> pa.RecordBatch:
        """The whole rows; `layout` is the schema of the audit."""
        at = self.rows.column(FACTS_AT)
        columns = dict(zip(FACTS, self.facts.columns, strict=True))
        tables = columns.pop(TABLES)  # Arrow's `take` is slow for lists of lists
        plain = pa.RecordBatch.from_arrays(list(columns.values()), list(columns)).take(at)
        whole = dict(zip(columns, plain.columns, strict=True))
        whole |= {TABLES: _spread_tables(tables, at.to_numpy())}
        whole |= {"groups": self.groups.column(0).take(self.rows.column(GROUPS_AT))}
        whole |= dict(zip(self.rows.schema.names, self.rows.columns, strict=True))
        return pa.RecordBatch.from_arrays([whole[name] for name in layout.names], schema=layout)

    def messages(self) -> list[pa.Buffer]:
        """The batches as Arrow IPC messages."""
        return [batch.serialize() for batch in (self.rows, self.facts, self.groups)]

    @classmethod
    def of_messages(cls, messages: list[bytes], layout: pa.Schema) -> "Compact":
        """What was made into these messages."""
        schemas = (own_schema(layout), FACTS_SCHEMA, GROUPS_SCHEMA)
        batches = [
            pa.ipc.read_record_batch(pa.py_buffer(message), its) for message, its in zip(messages, schemas, strict=True)
        ]
        return cls(*batches)


@lru_cache(maxsize=8)
def own_schema(layout: pa.Schema) -> pa.Schema:
    """The schema of `Compact.rows`."""
    own = [field for field in layout if field.name not in (*FACTS, "groups")]
    return pa.schema([*own, (FACTS_AT, pa.int32()), (GROUPS_AT, pa.int32())])


def _spread_tables(tables: pa.ListArray, place: Int32[np.ndarray, " n"]) -> pa.ListArray:
    """The list at each place."""
    edges, flat = tables.offsets.to_numpy(), tables.values
    lengths = np.diff(edges)[place]
    ends = np.cumsum(lengths)
    which = np.arange(ends[-1] if len(ends) else 0) + np.repeat(edges[place] - ends + lengths, lengths)
    ids, bits = (flat.field(name).to_numpy()[which] for name in ("id", "entry_bits"))
    entries = flat.field("entries").take(pa.array(which))
    is_unknown = tables.is_null().to_numpy(zero_copy_only=False)[place]
    return table_lists(ids, bits, entries, np.concatenate([[0], ends]), is_unknown)


def table_lists(
    ids: UInt8[np.ndarray, " t"],
    entry_bits: UInt8[np.ndarray, " t"],
    entries: pa.StringArray,
    edges: Int64[np.ndarray, " edges"],
    is_unknown: Bool[np.ndarray, " n"] | None = None,
) -> pa.ListArray:
    """The column `quantization_tables`: row i has the tables edges[i] to edges[i + 1], or null where unknown.

    `entries` is as `entries_text` gives it.
    """
    structs = pa.StructArray.from_arrays(
        [pa.array(ids), pa.array(entry_bits), entries], ["id", "entry_bits", "entries"]
    )
    mask = None if is_unknown is None else pa.array(is_unknown)
    return pa.ListArray.from_arrays(edges.astype(np.int32), structs, mask=mask)


def entries_text(entries: UInt16[np.ndarray, "t 64"]) -> pa.StringArray:
    """Tables as their rows hold them: the entries in the order given, in decimal, a space between two."""
    values = pa.array(entries.reshape(-1))
    words = values.cast(pa.string()) if entries.size and entries.max() > 255 else _WORDS.take(values)
    edges = pa.array(np.arange(0, entries.size + 1, 64, dtype=np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(edges, words), " ")
