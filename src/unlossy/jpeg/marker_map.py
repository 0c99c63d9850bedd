"""Every part of a JPEG file from the first byte to the last, with offsets and what each says: `marker_map(blob)`.

    FFD8 SOI · FFE0 APP0 "JFIF 1.01" · ... · FFDA SOS · scan data · FFD9 EOI · bytes behind the end

Made to be read by people: it goes on where a decoder would stop, and says what is wrong there. Codes and names: ITU-T
T.81, table B.1. Bounded: at most `MAX_PARTS` parts, and reads the file once, a page at a time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from unlossy.core.errors import ItemError
from unlossy.core.types import Blob
from unlossy.jpeg.marker_words import name_of, words_of
from unlossy.jpeg.markers import EOI, SOI, TEM, Window

MAX_PARTS: Final = 1000
_PAGE_BYTES: Final = 2**16
_RESTARTS: Final = range(0xD0, 0xD8)
_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")


@dataclass(frozen=True, slots=True)
class Part:
    """A marker with its segment, entropy-coded data, or bytes that are neither.

    Attributes:
        offset: Of its first byte.
        code: The marker's two bytes in hex, "FFD8"; empty for data.
        name: "SOI", "APP1", "DQT", "scan data", "bytes behind the end".
        size_bytes: Of all of it, the marker and the length included.
        says: What it says, in words; empty where there is nothing to say.
    """

    offset: int
    code: str
    name: str
    size_bytes: int
    says: str


def marker_map(blob: Blob) -> Iterator[Part]:
    """The parts in file order; they cover the file up to `MAX_PARTS`. Raises ReadError."""
    size = blob.size_bytes
    window = Window(blob, 2 * size + MAX_PARTS * _PAGE_BYTES)
    offset, in_scan = 0, False
    for _ in range(MAX_PARTS):
        if offset >= size:
            return
        part = (
            _scan_data(window, offset) if in_scan and _next_marker(window, offset) > offset else _part(window, offset)
        )
        yield part
        offset += part.size_bytes
        in_scan = part.code == "FFDA"
        if part.code == "FFD9":
            if offset < size:
                yield Part(offset, "", "bytes behind the end", size - offset, _kind_of(window.at(offset, 16)))
            return
    if offset < size:
        yield Part(offset, "", "the rest", size - offset, f"more than {MAX_PARTS} parts; not looked at")


def _part(window: Window, offset: int) -> Part:
    """The marker at an offset with its segment, or the bytes up to the next marker."""
    head = window.at(offset, 4)
    if len(head) < 2 or head[0] != 0xFF or head[1] in (0x00, 0xFF):
        return _between(window, offset)
    code = head[1]
    if code in (SOI, EOI, TEM) or code in _RESTARTS:
        return Part(offset, f"FF{code:02X}", name_of(code), 2, "")
    length = int.from_bytes(head[2:4], "big")
    left = window.size_bytes - offset - 2
    if len(head) < 4 or length < 2 or length > left:
        says = f"says a length of {length} where {left} bytes are left" if len(head) == 4 else "the file ends here"
        size = left + 2 if len(head) < 4 or length > left else 4
        return Part(offset, f"FF{code:02X}", name_of(code), size, says)
    try:
        says = words_of(code, window.at(offset + 4, length - 2))
    except ItemError as error:
        says = f"malformed: {error}"
    return Part(offset, f"FF{code:02X}", name_of(code), length + 2, says)


def _between(window: Window, offset: int) -> Part:
    """Bytes that are no marker, up to the next one."""
    end = _next_marker(window, offset + 1)
    fill = set(window.at(offset, min(end - offset, _PAGE_BYTES))) == {0xFF}
    return Part(
        offset, "", "fill bytes" if fill else "no marker", end - offset, "" if fill else "stepped over by decoders"
    )


def _scan_data(window: Window, offset: int) -> Part:
    """Entropy-coded data, up to the next marker that is no restart."""
    end, restarts, at = _next_marker(window, offset), 0, offset
    while at < end:
        page = window.at(at, min(_PAGE_BYTES, end - at + 1))
        restarts += len(_RESTART.findall(page))
        at += max(len(page) - 1, 1)
    says = f"{restarts} restart markers" if restarts else ""
    ends = end >= window.size_bytes
    return Part(offset, "", "scan data", end - offset, ", ".join(filter(None, (says, "the file ends in it" * ends))))


def _next_marker(window: Window, offset: int) -> int:
    """The offset of the next marker that is no restart, or of the file's end."""
    while len(page := window.at(offset, _PAGE_BYTES)) >= 2:
        found = _MARKER.search(page)
        if found is not None:
            return offset + found.start()
        offset += len(page) - 1
    return window.size_bytes


def _kind_of(head: bytes) -> str:
    """What the bytes behind the end look like."""
    if not head.strip(b"\0"):
        return "zeros"
    if head.startswith(b"\xff\xd8"):
        return "another JPEG: a preview, a second view or a gain map"
    return "a film (MP4)" if head[4:8] == b"ftyp" else ""
