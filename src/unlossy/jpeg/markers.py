"""The marker walk: from SOI to the first SOS, by the segments' own lengths, decoding nothing and reading little.

    4 KiB are read first; an APPn that reaches further is skipped by its length, and the walk goes on with a second
    read behind it. What a segment says is read by `segments`, and only when asked for.

The walk is as lenient as libjpeg: bytes between segments that are no marker, and fill bytes, are stepped over. It is
bounded: at most `MAX_READ_BYTES` and `MAX_SEGMENTS`, whatever the file claims. Codes and names: ITU-T T.81, table B.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from unlossy.core.types import Blob
from unlossy.jpeg.errors import JpegError, JpegTruncatedError

PAGE_BYTES: Final = 4096
"""Size of one read, unless more is asked for."""
MAX_READ_BYTES: Final = 16 * 2**20
"""Headers that need more reading than this are refused."""
MAX_SEGMENTS: Final = 20_000
"""Headers of more segments than this are refused."""

DHT, SOI, EOI, SOS, DQT, DNL, DRI, DHP, COM = 0xC4, 0xD8, 0xD9, 0xDA, 0xDB, 0xDC, 0xDD, 0xDE, 0xFE
APP0, APP1, APP2, APP14 = 0xE0, 0xE1, 0xE2, 0xEE
TEM = 0x01
SOF_CODES: Final = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, 0xCC}
"""C0..CF but for DHT, JPG (reserved) and DAC."""
JPEG_LS = 0xF7

_RESTARTS = frozenset(range(0xD0, 0xD8))
_WITH_LENGTH = frozenset(range(0xC0, 0xF0)) - _RESTARTS - {SOI, EOI, 0xC8} | {COM}
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_IN_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


class Window:
    """A page of a blob, moved when bytes outside it are asked for."""

    def __init__(self, blob: Blob, max_read_bytes: int = MAX_READ_BYTES) -> None:
        """Read nothing yet but the size; raises ReadError."""
        self.size_bytes = blob.size_bytes
        self._blob, self._start, self._page, self._left = blob, 0, b"", max_read_bytes

    def at(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on, fewer at the file's end; raises ReadError, and JpegError over the limit."""
        begin = offset - self._start
        end = self._start + len(self._page)
        if begin < 0 or min(offset + size, self.size_bytes) > end:
            self._page = self._blob.read(offset, max(size, PAGE_BYTES))
            self._start, begin = offset, 0
            self._left -= len(self._page)
            if self._left < 0:
                raise JpegError(f"the headers take more than {MAX_READ_BYTES >> 20} MiB of reading; refused as hostile")
        return self._page[begin : begin + size]


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker segment: the code behind its FF, and where its payload (behind the length) lies."""

    code: int
    offset: int
    size_bytes: int
    window: Window

    @property
    def end(self) -> int:
        """Offset of the first byte behind the segment."""
        return self.offset + self.size_bytes

    def head(self, size: int) -> bytes:
        """The first `size` bytes of the payload, or all where it is shorter."""
        return self.window.at(self.offset, min(size, self.size_bytes))

    def payload(self) -> bytes:
        """The whole payload, at most 65 533 bytes."""
        return self.head(self.size_bytes)


def walk(window: Window) -> Iterator[Segment]:
    """The segments from behind SOI up to and with the first SOS, in file order.

    Raises:
        JpegError: no SOI at the start, a second one, EOI before any scan, a code that T.81 does not define, a length
            under 2 where it matters, or more than the limits.
        JpegTruncatedError: the file ends before the first SOS does.
        ReadError: from the blob.
    """
    if window.at(0, 2) != bytes((0xFF, SOI)):
        raise JpegError("no SOI marker (FF D8) at the start: not a JPEG file")
    offset = 2
    for _ in range(MAX_SEGMENTS):
        code, offset = _next_marker(window, offset)
        if code in _RESTARTS or code == TEM:
            continue
        _refuse_odd(code, offset)
        segment = _segment(window, code, offset)
        yield segment
        if code == SOS:
            return
        offset = segment.end
    raise JpegError(f"more than {MAX_SEGMENTS} segments before the first scan; refused as hostile")


def _next_marker(window: Window, offset: int) -> tuple[int, int]:
    """The next marker's code and the offset behind it; anything else on the way is stepped over."""
    while True:
        page = window.at(offset, 2)
        if len(page) == 2 and page[0] == 0xFF and page[1] not in (0x00, 0xFF):
            return page[1], offset + 2
        page = window.at(offset, PAGE_BYTES)
        if len(page) < 2:
            raise JpegTruncatedError(f"the file ends after {window.size_bytes} bytes, before its first scan")
        found = _MARKER.search(page)
        offset += found.start() if found else len(page) - 1


def _segment(window: Window, code: int, offset: int) -> Segment:
    length = int.from_bytes(window.at(offset, 2), "big")
    if offset + 2 > window.size_bytes or offset + length > window.size_bytes:
        raise JpegTruncatedError(f"segment FF {code:02X} at byte {offset - 2} reaches beyond the end of the file")
    if length < 2 and code < APP0:
        raise JpegError(f"segment FF {code:02X} at byte {offset - 2} has the impossible length {length}")
    return Segment(code, offset + 2, max(length, 2) - 2, window)  # libjpeg takes such an APPn or COM for an empty one


def _refuse_odd(code: int, offset: int) -> None:
    where = f"at byte {offset - 2}"
    if code == EOI:
        raise JpegError(f"EOI {where} before any scan: the file holds no picture")
    if code == SOI:
        raise JpegError(f"a second SOI {where} before the first scan: the picture's start is lost")
    if code == JPEG_LS:
        raise JpegError(f"FF F7 {where}: JPEG-LS (ITU-T T.87), which is another format")
    if code not in _WITH_LENGTH:
        raise JpegError(f"FF {code:02X} {where} is no marker of ITU-T T.81: the headers are damaged")


def marker_after_scan(window: Window, offset: int) -> Segment | None:
    """The first segment behind the entropy-coded data that begin at `offset`; None at EOI, SOI or the file's end."""
    while len(page := window.at(offset, 2**16)) >= 2:
        found = _MARKER_IN_SCAN.search(page)
        if found:
            code = page[found.start() + 1]
            return _segment(window, code, offset + found.end()) if code in _WITH_LENGTH else None
        offset += len(page) - 1
    return None
