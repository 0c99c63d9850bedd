"""What only the whole file tells: how many scans it has, and how many bytes lie behind its end marker."""

import re
from dataclasses import dataclass
from typing import Final

from unlossy.core.types import Blob
from unlossy.jpeg.errors import JpegError
from unlossy.jpeg.markers import EOI, SOS, Window, walk

MAX_MARKERS: Final = 20_000
"""A file with more markers than this behind its first scan is not counted to its end."""
_PAGE_BYTES: Final = 2**14
_MARKER: Final = re.compile(rb"\xff[\x02-\xcf\xd9-\xfe]")
"""Any but stuffed zeros, fill bytes, TEM, restarts and SOI."""


@dataclass(frozen=True, slots=True)
class Scans:
    """`scans` is at least 1; `trailing_bytes` is None without an end marker; both are where nothing can be counted."""

    scans: int | None = None
    trailing_bytes: int | None = None


def read_scans(blob: Blob) -> Scans:
    """The scans up to the end marker, and the bytes behind it; reads the whole file, a page at a time.

    Data between segments are stepped over, as decoders do. Raises ReadError.
    """
    window = Window(blob, 2 * blob.size_bytes + MAX_MARKERS * _PAGE_BYTES)
    try:
        offset = [segment.end for segment in walk(window) if segment.code == SOS][-1]
    except (JpegError, IndexError):
        return Scans()
    scans = 1
    for _ in range(MAX_MARKERS):
        found = _next_marker(window, offset)
        if found is None:
            return Scans(scans)
        code, offset = found
        if code == EOI:
            return Scans(scans, window.size_bytes - offset)
        scans += code == SOS
        offset += int.from_bytes(window.at(offset, 2), "big")
    return Scans()


def _next_marker(window: Window, offset: int) -> tuple[int, int] | None:
    """The next marker's code and the offset behind it; None where the file ends before one."""
    while len(page := window.at(offset, _PAGE_BYTES)) >= 2:
        found = _MARKER.search(page)
        if found is not None:
            return page[found.end() - 1], offset + found.end()
        offset += len(page) - 1
    return None
