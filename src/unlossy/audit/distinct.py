"""The distinct keys among thousands of plain headers, found by numpy where many headers have the same layout.

    layout      where frame header and scan lie: files of one encoder share it, and their keys are equally long
    words       the keys of a layout as rows of 64-bit words; equal rows have equal sums, weighted with random factors

Rows of equal sums are compared whole, so that no two keys are ever mistaken for one another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from jaxtyping import Int64, UInt8

from unlossy.audit.memory import PlainKey, plain_keys
from unlossy.jpeg.lanes import HEAD_WINDOW_BYTES, Lanes

MIN_ALIKE: Final = 16
"""Headers of a layout from which on numpy is faster."""
_FACTORS: Final = np.random.default_rng(0).integers(1, 2**64, HEAD_WINDOW_BYTES // 8, dtype=np.uint64)
_BITS: Final = HEAD_WINDOW_BYTES.bit_length()
"""Of an offset in a head."""


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """Each key once (`plain_keys` says what one is), and which of them each header has."""

    keys: list[PlainKey]
    of: Int64[np.ndarray, " n"]


def distinct_keys(heads: Sequence[bytes], lanes: Lanes, chosen: Int64[np.ndarray, " n"]) -> Distinct:
    """The keys of the chosen lanes, all of them plain."""
    keys: list[PlainKey] = []
    of, few = np.zeros(len(chosen), np.int64), list[int]()
    for members in _by_layout(lanes.among(chosen)):
        if len(members) < MIN_ALIKE:
            few += members.tolist()
            continue
        first, of_members = _first_of_each(_payloads(lanes.among(chosen[members])))
        of[members] = of_members + len(keys)
        keys += _keys(heads, lanes, chosen[members[first]])
    places = {key: place for place, key in enumerate(keys)}  # a layout of few headers may have the bytes of another
    for member, key in zip(few, _keys(heads, lanes, chosen[few]), strict=True):
        of[member] = places.setdefault(key, len(places))
    return Distinct(list(places), of)


def _keys(heads: Sequence[bytes], lanes: Lanes, chosen: Int64[np.ndarray, " m"]) -> Iterator[PlainKey]:
    those = plain_keys([heads[lane] for lane in chosen.tolist()], lanes.among(chosen))
    return (key for key in those if key is not None)


def _by_layout(lanes: Lanes) -> Iterator[Int64[np.ndarray, " m"]]:
    """The lanes that have their key's bytes in the same places, layout by layout."""
    _, tables = np.unique(lanes.huffman, return_inverse=True)
    scan_bytes = np.where(lanes.huffman > 0, lanes.scan_end - lanes.scan, 0)
    layout = ((tables << _BITS | lanes.frame) << _BITS | lanes.plain_end) << _BITS | scan_bytes
    order = np.argsort(layout, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(layout[order])) + 1)


def _payloads(lanes: Lanes) -> UInt8[np.ndarray, "m bytes"]:
    """The keys of lanes of one layout, as rows, padded to whole words."""
    frame, end = int(lanes.frame[0]), int(lanes.plain_end[0])
    scan_bytes = int(lanes.scan_end[0] - lanes.scan[0]) if lanes.huffman[0] else 0
    parts = (
        (lanes.start, frame + 5),
        (lanes.start + frame + 9, end - frame - 9),
        (lanes.start + lanes.scan, scan_bytes),
    )
    size = sum(part for _, part in parts)
    rows, at = np.zeros((len(lanes.start), -(-size // 8) * 8), np.uint8), 0
    for begin, part in parts:
        if part:
            rows[:, at : at + part] = np.lib.stride_tricks.sliding_window_view(lanes.data, part)[begin]
        at += part
    return rows


def _first_of_each(rows: UInt8[np.ndarray, "m bytes"]) -> tuple[Int64[np.ndarray, " u"], Int64[np.ndarray, " m"]]:
    """The index of one row of each kind, and which kind each row is of."""
    words = rows.view(np.uint64)
    _, first, kind = np.unique(words @ _FACTORS[: words.shape[1]], return_index=True, return_inverse=True)
    if not np.array_equal(words, words[first[kind]]):  # sums of different rows are equal once in 10^19 pairs
        _, first, kind = np.unique(words, axis=0, return_index=True, return_inverse=True)
    return first, kind
