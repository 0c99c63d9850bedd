"""The marker walk over thousands of files at once: one numpy step moves every file one segment on.

A file is a lane here. Only plain headers are walked (markers in line, all within the first `HEAD_WINDOW_BYTES`, no Exif
and nothing else that differs from file to file); the other lanes are left to `skim`. The walk says where the frame
header and the scan lie, so that a header's bytes without width, height and Huffman codes can be the key of a memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64, Shaped, UInt8, UInt64

from unlossy.jpeg.markers import APP1, DHT, SOF_CODES, SOI, SOS
from unlossy.jpeg.skim import APP13, ORDINARY

HEAD_WINDOW_BYTES: Final = 1024
"""Plain headers are about 620 bytes long. (Thousands of longer heads no longer fit a processor's cache.)"""
MAX_STEPS: Final = 20
_PADDING_BYTES: Final = 64
"""Behind the last head, so that looking a little beyond it finds zeros."""
MAX_TABLES: Final = 7
_STANDARD_LENGTHS: Final = (31, 181)
"""Of DHT segments that may hold a table of Annex K: 2 + 17 + 12 and 2 + 17 + 162."""

_WALKED: Final = np.zeros(2**16, dtype=bool)
_WALKED[[0xFF00 | code for code in ORDINARY - {APP1, APP13}]] = True
_IS_FRAME: Final = np.zeros(2**16, dtype=bool)
_IS_FRAME[[0xFF00 | code for code in SOF_CODES]] = True
_EVEN_BYTES: Final = np.uint64(0x00FF00FF00FF00FF)
_ONES: Final = np.uint64(0x0001000100010001)


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """Where things lie in each head (offsets of markers in it), and the size of each picture.

    Attributes:
        data, start: The heads' bytes one behind the other, and where each head begins in them.
        is_plain: The header was walked whole; nothing below means anything where not.
        frame, frame_end, scan, scan_end: Begin of SOF, end of it, begin of SOS, end of it (the first coded byte).
        width, height: In pixels, never 0.
        huffman: Where only optimised Huffman tables, one a segment, stand between SOF and SOS: 1 and behind it the
            class and id of each table, one byte a table. Else 0: the bytes between must be looked at.
    """

    data: UInt8[np.ndarray, " bytes"]
    start: Int64[np.ndarray, " n"]
    is_plain: Bool[np.ndarray, " n"]
    frame: Int64[np.ndarray, " n"]
    frame_end: Int64[np.ndarray, " n"]
    scan: Int64[np.ndarray, " n"]
    scan_end: Int64[np.ndarray, " n"]
    width: Int64[np.ndarray, " n"]
    height: Int64[np.ndarray, " n"]
    huffman: Int64[np.ndarray, " n"]

    @property
    def plain_end(self) -> Int64[np.ndarray, " n"]:
        """Up to where, in each head, bytes can be compared as they are: before optimised Huffman tables."""
        return np.where(self.huffman > 0, self.frame_end, self.scan_end)

    def among(self, chosen: Int64[np.ndarray, " m"]) -> "Lanes":
        """The chosen lanes."""
        columns = (getattr(self, field.name) for field in fields(self)[1:])
        return Lanes(self.data, *(column[chosen] for column in columns))


def walk_lanes(heads: Sequence[bytes]) -> Lanes:
    """The walk over the first bytes of files of any kind, as far as they lie in the window."""
    cut = [head[:HEAD_WINDOW_BYTES] for head in heads]
    data = np.frombuffer(b"".join((*cut, bytes(_PADDING_BYTES))), dtype=np.uint8)
    walk = _Walk(data, np.array([len(head) for head in cut], dtype=np.int64))
    for _ in range(MAX_STEPS):
        if not walk.lanes.size:
            break
        walk.step()
    return walk.result()


class _Walk:
    """The state of all lanes.

    `lanes` are the ones still walking, `at` where each of them stands in `data`, `limit` the last place where a whole
    marker and length fit into its head, `has_frame` whether it has passed SOF.
    """

    def __init__(self, data: UInt8[np.ndarray, " bytes"], sizes: Int64[np.ndarray, " n"]) -> None:
        """JPEG lanes stand behind SOI; the others never walk."""
        self.data, end = data, np.cumsum(sizes)
        self.fours, self.eights = _words(data, "<u4"), _words(data, "<u8")
        self.start, n = end - sizes, len(sizes)
        is_jpeg = (sizes >= 4) & (data[self.start] == 0xFF) & (data[self.start + 1] == SOI)
        self.lanes, self.at = np.flatnonzero(is_jpeg), self.start[is_jpeg] + 2
        self.limit, self.has_frame = end[is_jpeg] - 4, np.zeros(len(self.lanes), bool)
        self.frame, self.frame_end, self.scan, self.scan_end = (np.zeros(n, dtype=np.int64) for _ in range(4))
        self.huffman, self.has_optimised, self.is_exact = (
            np.ones(n, dtype=np.int64),
            np.zeros(n, bool),
            np.zeros(n, bool),
        )

    def step(self) -> None:
        """Moves each lane one segment on; lanes at SOS, and those that are not plain, leave."""
        self._keep(self.at <= self.limit)
        word = self.fours[self.at].byteswap()  # FF, code, length
        marker, length = word >> 16, (word & 0xFFFF).astype(np.int64)
        is_frame = _IS_FRAME[marker]
        is_good = _WALKED[marker] & (length >= 2) & (self.at + length <= self.limit + 2) & ~(is_frame & self.has_frame)
        if not is_good.all():
            self._keep(is_good)
            marker, length, is_frame = marker[is_good], length[is_good], is_frame[is_good]
        is_scan, is_table = marker == 0xFF00 | SOS, self.has_frame & (marker == 0xFF00 | DHT)
        self.is_exact[self.lanes[self.has_frame & ~is_table & ~is_scan]] = True
        self._note_place(is_frame, length, self.frame, self.frame_end)
        self._note_place(is_scan, length, self.scan, self.scan_end)
        self._note_tables(is_table, length)
        self.at += 2 + length
        self.has_frame |= is_frame
        self._keep(~is_scan)

    def result(self) -> Lanes:
        """Where things were found."""
        is_plain = (self.scan > 0) & (self.frame > 0) & (self.frame_end - self.frame >= 10)
        sizes = self.fours[np.where(is_plain, self.start + self.frame, 0) + 5].byteswap()
        height, width = (sizes >> 16).astype(np.int64), (sizes & 0xFFFF).astype(np.int64)
        codes = np.where(self.is_exact | ~self.has_optimised, 0, self.huffman)
        is_plain &= (width > 0) & (height > 0)
        places = (self.frame, self.frame_end, self.scan, self.scan_end)
        return Lanes(self.data, self.start, is_plain, *places, width, height, codes)

    def _keep(self, is_kept: Bool[np.ndarray, " m"]) -> None:
        if not is_kept.all():
            self.lanes, self.at = self.lanes[is_kept], self.at[is_kept]
            self.limit, self.has_frame = self.limit[is_kept], self.has_frame[is_kept]

    def _note_place(
        self,
        is_here: Bool[np.ndarray, " m"],
        length: Int64[np.ndarray, " m"],
        begin: Int64[np.ndarray, " n"],
        end: Int64[np.ndarray, " n"],
    ) -> None:
        """Notes where the segments of the lanes that stand at one begin and end."""
        if is_here.any():
            here = self.lanes[is_here]
            begin[here] = self.at[is_here] - self.start[here]
            end[here] = begin[here] + 2 + length[is_here]

    def _note_tables(self, is_here: Bool[np.ndarray, " m"], length: Int64[np.ndarray, " m"]) -> None:
        """Notes the DHT segments: of a single table, by its 16 counts of codes, class and id join `huffman`."""
        if not is_here.any():
            return
        lanes, at, length = self.lanes[is_here], self.at[is_here], length[is_here]
        symbols = _sum_of_bytes(self.eights[at + 5]) + _sum_of_bytes(self.eights[at + 13])
        huffman = self.huffman[lanes]
        is_single = (length == 19 + symbols) & (huffman < 1 << 8 * MAX_TABLES)
        self.is_exact[lanes] |= ~is_single
        self.has_optimised[lanes] |= (length != _STANDARD_LENGTHS[0]) & (length != _STANDARD_LENGTHS[1])
        self.huffman[lanes] = huffman << 8 | self.data[at + 4]


def _words(data: UInt8[np.ndarray, " bytes"], kind: str) -> Shaped[np.ndarray, " places"]:
    """The little-endian word that begins at each byte."""
    size = np.dtype(kind).itemsize
    return np.ndarray((len(data) - size + 1,), kind, buffer=data, strides=(1,))


def _sum_of_bytes(words: UInt64[np.ndarray, " m"]) -> Int64[np.ndarray, " m"]:
    """The sum of the eight bytes of each word: pairs first, then all four of them by one multiplication."""
    pairs = (words & _EVEN_BYTES) + (words >> np.uint64(8) & _EVEN_BYTES)
    return (pairs * _ONES >> np.uint64(48)).astype(np.int64)
