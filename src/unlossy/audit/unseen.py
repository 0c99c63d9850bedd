"""The facts of plain headers that were not met before, worked out for many at once where only their tables are new.

one of many alike      is looked at by itself, and becomes the template of the others (`templates`)
the others             their facts are Arrow columns at once, a `Block`: no objects for what may be met only once
met a second time      the facts become objects, and are remembered: a dataset's files mostly share their tables
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int32, Int64, UInt8

from unlossy.audit.compact import entries_text, table_lists
from unlossy.audit.memory import HeaderMemory, PlainKey
from unlossy.audit.rows import FACTS
from unlossy.audit.schema import schema
from unlossy.audit.templates import Spot, Template, facts_by_template
from unlossy.jpeg.encoder import identify_all
from unlossy.jpeg.qualities import Nearest, choice, nearest_qualities
from unlossy.jpeg.tables import ZIGZAG

MIN_ALIKE: Final = 16
"""Headers that differ in nothing but tables, from which on they are done at once."""
MAX_MET: Final = 2**17
"""Hashes of keys that are held; when there are more, all are forgotten."""
_NATURAL: Final = np.argsort(ZIGZAG)
_SEGMENT_BYTES: Final = 69
"""Of a DQT segment with one 8-bit table: marker, length, id, 64 entries."""

Look = Callable[[int], object]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The facts of several headers: the places of their keys, and a struct of the columns in `rows.FACTS`."""

    places: Int64[np.ndarray, " n"]
    facts: pa.StructArray


class Unseen:
    """Works out what a memory does not hold; knows which keys came by before."""

    def __init__(self, memory: HeaderMemory) -> None:
        """None came by."""
        self._memory, self._met = memory, set[int]()

    def blocks(self, keys: Sequence[PlainKey], counts: Sequence[int], look: Look) -> Sequence[Block]:
        """The facts of keys that came by for the first time; those of the others are in the memory afterwards.

        `counts` says how many headers have each key. `look(place)` looks at one of them by itself, and lets the memory
        learn what it can; keys of which it learns nothing are in neither.
        """
        blocks, one_by_one = [], list[int]()
        for places in self._alike(keys, counts, one_by_one):
            while len(places) >= MIN_ALIKE:
                found = self._memory.template(keys[places[0]])
                if found is None:
                    look(int(places[0]))
                    places = places[1:]
                    continue
                rows = _rows([keys[place] for place in places])
                is_alike = _are_equal_but_for_tables(rows, found[1])
                if np.count_nonzero(is_alike) < MIN_ALIKE:
                    break
                blocks.append(Block(places[is_alike], facts_of_tables(found[0], _tables(rows[is_alike], found[1]))))
                places = places[~is_alike]
            one_by_one += places.tolist()
        self._learn(keys, one_by_one, look)
        return blocks

    def _alike(
        self, keys: Sequence[PlainKey], counts: Sequence[int], others: list[int]
    ) -> Iterable[Int64[np.ndarray, " n"]]:
        """The places of keys of equal length that came by for the first time; the others join `others`."""
        if len(self._met) > MAX_MET:
            self._met.clear()
        alike: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        for place, (key, count) in enumerate(zip(keys, counts, strict=True)):
            mark = hash(key)
            if count > 1 or mark in self._met:
                others.append(place)
            else:
                self._met.add(mark)
                alike[(len(key), 0) if isinstance(key, bytes) else (len(key[0]), key[1])].append(place)
        return [np.array(places) for places in alike.values()]

    def _learn(self, keys: Sequence[PlainKey], places: Sequence[int], look: Look) -> None:
        """Lets the memory learn these keys, by their templates or by themselves."""
        by_template: defaultdict[Template, list[tuple[PlainKey, Spot]]] = defaultdict(list)
        for place in places:
            found = self._memory.template(keys[place])
            if found is None:
                look(place)
            else:
                by_template[found[0]].append((keys[place], found[1]))
        for template, those in by_template.items():
            for (key, _), facts in zip(those, facts_by_template(template, [spot for _, spot in those]), strict=True):
                self._memory.learn(key, facts)


def _rows(keys: Sequence[PlainKey]) -> UInt8[np.ndarray, "n bytes"]:
    """Keys of equal length, without their Huffman tables' layout."""
    whole = b"".join([key if isinstance(key, bytes) else key[0] for key in keys])
    return np.frombuffer(whole, np.uint8).reshape(len(keys), -1)


def _entries_begin(spot: Spot) -> list[int]:
    """Where the entries of each table stand in a key."""
    before, n, _ = spot.skeleton
    first = len(before) - (n - 1)  # with two tables, the id of the second stands at the end of what is before
    return [first + _SEGMENT_BYTES * table for table in range(n)]


def _are_equal_but_for_tables(rows: UInt8[np.ndarray, "n bytes"], spot: Spot) -> Bool[np.ndarray, " n"]:
    """The rows that have the skeleton of the first, whose tables stand where `spot` says."""
    is_equal = rows == rows[0]
    for begin in _entries_begin(spot):
        is_equal[:, begin : begin + 64] = True
    return is_equal.all(axis=1)


def _tables(rows: UInt8[np.ndarray, "n bytes"], spot: Spot) -> UInt8[np.ndarray, "n t 64"]:
    return np.stack([rows[:, begin : begin + 64] for begin in _entries_begin(spot)], axis=1)


def facts_of_tables(template: Template, tables: UInt8[np.ndarray, "n t 64"]) -> pa.StructArray:
    """What `templates.facts_by_template` says of headers with these tables (in file order), as a struct of columns."""
    n, layout, shared = len(tables), schema(), template.facts
    guesses = identify_all(template.signature, tables)
    columns: dict[str, Any] = _quality_columns(template, tables) | {
        "quantization_tables": _table_lists(template, tables),
        "encoder": [guess.text for guess in guesses],
        "encoder_confidence": [guess.confidence for guess in guesses],
    }
    arrays = []
    for name in FACTS:
        kind = layout.field(name).type
        if name not in columns:
            arrays.append(pa.repeat(pa.scalar(getattr(shared, name), kind), n))
        else:
            column = columns[name]
            arrays.append(column if isinstance(column, pa.Array) else pa.array(column, kind))
    return pa.StructArray.from_arrays(arrays, FACTS)


def _quality_columns(template: Template, tables: UInt8[np.ndarray, "n t 64"]) -> dict[str, pa.Array]:
    luma = nearest_qualities(tables[:, template.luma], chroma=False)
    chroma = Nearest(np.zeros_like(luma.ijg_quality), np.zeros_like(luma.residual), {})
    if template.chroma is not None:
        chroma = nearest_qualities(tables[:, template.chroma], chroma=True)
    residual = np.maximum(luma.residual, chroma.residual)
    of_luma, of_chroma = _chosen(luma, chroma), _chosen(chroma, luma)
    return {
        "ijg_quality_luma": pa.array(of_luma, mask=of_luma == 0),
        "ijg_quality_chroma": pa.array(of_chroma, mask=of_chroma == 0),
        "quality_exact": pa.array(residual == 0),
        "quality_residual": pa.array(residual),
    }


def _chosen(nearest: Nearest, other: Nearest) -> Int32[np.ndarray, " n"]:
    """The quality of each table; of several the one nearest to the other table's; 0 for none."""
    quality = nearest.ijg_quality.astype(np.int32)
    for index, candidates in nearest.ties.items():
        quality[index] = choice(candidates, other.candidates(index)) or 0
    return quality


def _table_lists(template: Template, tables: UInt8[np.ndarray, "n t 64"]) -> pa.ListArray:
    """The tables of each header by id, entries in natural order."""
    ids, (n, count, _) = np.array([id_ for id_, _ in template.signature.tables], np.uint8), tables.shape
    by_id = np.argsort(ids)
    entries = tables[:, by_id[:, None], _NATURAL].astype(np.uint16).reshape(-1, 64)
    bits = np.full(n * count, 8, np.uint8)
    return table_lists(np.tile(ids[by_id], n), bits, entries_text(entries), np.arange(0, n * count + 1, count))
