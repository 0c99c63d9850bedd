"""The marker walk over thousands of files at once: one numpy step moves every file one segment on.

A file is a lane here. Only plain headers are walked (markers in line, all within the first `HEAD_WINDOW_BYTES`, no Exif
and nothing else that differs from file to file); the other lanes are left to `skim`. The walk says where the frame
header and the scan lie, so that a header's bytes without width, height and Huffman codes can be the key of a memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from jaxtyping import Bool, Int64, UInt8

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

_WALKED: Final = np.zeros(256, dtype=bool)
_WALKED[sorted(ORDINARY - {APP1, APP13})] = True
_IS_FRAME: Final = np.zeros(256, dtype=bool)
_IS_FRAME[sorted(SOF_CODES)] = True


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
    walk = _Walk(
        np.frombuffer(b"".join((*cut, bytes(_PADDING_BYTES))), dtype=np.uint8), np.array([len(head) for head in cut])
    )
    for _ in range(MAX_STEPS):
        if not walk.lanes.size:
            break
        walk.step()
    return walk.result()


class _Walk:
    """The state of all lanes; `lanes` are the ones still walking, `at` where each of them stands in `data`."""

    def __init__(self, data: UInt8[np.ndarray, " bytes"], sizes: Int64[np.ndarray, " n"]) -> None:
        """JPEG lanes stand behind SOI; the others never walk."""
        self.data, self.end = data, np.cumsum(sizes)
        self.start = self.end - sizes
        self.counts = np.lib.stride_tricks.sliding_window_view(data, 16)
        n = len(sizes)
        is_jpeg = (sizes >= 4) & (data[self.start] == 0xFF) & (data[self.start + 1] == SOI)
        self.lanes, self.at = np.flatnonzero(is_jpeg), self.start[is_jpeg] + 2
        self.frame, self.frame_end, self.scan, self.scan_end = (np.zeros(n, dtype=np.int64) for _ in range(4))
        self.huffman, self.has_optimised, self.is_exact = (
            np.ones(n, dtype=np.int64),
            np.zeros(n, bool),
            np.zeros(n, bool),
        )

    def step(self) -> None:
        """Moves each lane one segment on; lanes at SOS, and those that are not plain, leave."""
        self._keep(self.at + 4 <= self.end[self.lanes])
        code, length = self.data[self.at + 1], self._number(self.at + 2)
        is_frame = _IS_FRAME[code]
        has_frame = self.frame[self.lanes] > 0
        is_good = (self.data[self.at] == 0xFF) & _WALKED[code] & (length >= 2) & ~(is_frame & has_frame)
        is_good &= self.at + 2 + length <= self.end[self.lanes]
        if not is_good.all():
            self._keep(is_good)
            code, length, is_frame, has_frame = code[is_good], length[is_good], is_frame[is_good], has_frame[is_good]
        is_scan, is_table = code == SOS, has_frame & (code == DHT)
        self._note_place(is_frame, length, self.frame, self.frame_end)
        self._note_place(is_scan, length, self.scan, self.scan_end)
        self._note_tables(is_table, length)
        self.is_exact[self.lanes[has_frame & ~is_table & ~is_scan]] = True
        self.at += 2 + length
        self._keep(~is_scan)

    def result(self) -> Lanes:
        """Where things were found."""
        is_plain = (self.scan > 0) & (self.frame > 0) & (self.frame_end - self.frame >= 10)
        place = np.where(is_plain, self.start + self.frame, 0)
        height, width = self._number(place + 5), self._number(place + 7)
        codes = np.where(self.is_exact | ~self.has_optimised, 0, self.huffman)
        is_plain &= (width > 0) & (height > 0)
        places = (self.frame, self.frame_end, self.scan, self.scan_end)
        return Lanes(self.data, self.start, is_plain, *places, width, height, codes)

    def _keep(self, is_kept: Bool[np.ndarray, " m"]) -> None:
        if not is_kept.all():
            self.lanes, self.at = self.lanes[is_kept], self.at[is_kept]

    def _number(self, at: Int64[np.ndarray, " m"]) -> Int64[np.ndarray, " m"]:
        return self.data[at].astype(np.int64) << 8 | self.data[at + 1]

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
        symbols = self.counts[at + 5].astype(np.float32) @ np.ones(16, dtype=np.float32)
        huffman = self.huffman[lanes]
        is_single = (length == 19 + symbols) & (huffman < 1 << 8 * MAX_TABLES)
        self.is_exact[lanes] |= ~is_single
        self.has_optimised[lanes] |= (length != _STANDARD_LENGTHS[0]) & (length != _STANDARD_LENGTHS[1])
        self.huffman[lanes] = huffman << 8 | self.data[at + 4]
