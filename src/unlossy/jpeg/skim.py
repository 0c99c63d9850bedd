"""The quick marker walk: the segments of an ordinary header, or None where anything is out of the ordinary.

`markers.walk` is the careful one, as lenient as libjpeg and with a reason for each refusal. This one takes only what
nearly all files are made of (markers in line, whole segments) and is several times as fast; whoever gets None from it
asks the careful one. Both hand the same bytes on, so what is read out of them is the same.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from unlossy.jpeg.encoders.signature import HEAD_BYTES
from unlossy.jpeg.exif import EXIF_IDENTIFIER
from unlossy.jpeg.markers import APP0, APP1, APP14, COM, DHT, DQT, DRI, PAGE_BYTES, SOF_CODES, SOS

MAX_SEGMENTS: Final = 200
APP13: Final = 0xED
_WHOLE: Final = SOF_CODES | {DHT, DQT, DRI, SOS, APP13}
ORDINARY: Final = _WHOLE | {COM, *range(APP0, APP14 + 2)}
"""Codes that the quick walks take."""


class Skimmed(NamedTuple):
    """What one header holds (a tuple, since there is one for each file).

    `segments` has each marker code and payload up to and with SOS, of APPn and COM as much as `payload_bytes` says;
    `scan_offset` is the offset of the first entropy-coded byte.
    """

    segments: tuple[tuple[int, bytes], ...]
    scan_offset: int


def payload_bytes(code: int, head: bytes, size_bytes: int) -> int:
    """How much of a payload of `size_bytes`, which begins with `head`, a reader of headers wants."""
    if code in _WHOLE or (code == APP1 and head.startswith(EXIF_IDENTIFIER)):
        return size_bytes
    return min(size_bytes, HEAD_BYTES)


def skim(head: bytes, size_bytes: int, read: Callable[[int, int], bytes]) -> Skimmed | None:
    """The segments of a file of `size_bytes` that begins with `head`; `read(offset, size)` gives more of it.

    One loop over local variables, because it runs once a file.
    """
    if head[:2] != b"\xff\xd8":
        return None
    page, start, at = head, 0, 2
    segments = []
    for _ in range(MAX_SEGMENTS):
        if at + 4 + HEAD_BYTES > len(page) and start + len(page) < size_bytes:
            page, start, at = read(start + at, PAGE_BYTES), start + at, 0
        if at + 4 > len(page) or page[at] != 0xFF:
            return None
        code, length = page[at + 1], page[at + 2] << 8 | page[at + 3]
        if code not in ORDINARY or length < 2 or start + at + 2 + length > size_bytes:
            return None
        wanted = payload_bytes(code, page[at + 4 : at + 4 + HEAD_BYTES], length - 2)
        if at + 4 + wanted > len(page):
            page, start, at = read(start + at, max(PAGE_BYTES, 4 + wanted)), start + at, 0
            if len(page) < 4 + wanted:
                return None
        segments.append((code, page[at + 4 : at + 4 + wanted]))
        at += 2 + length
        if code == SOS:
            return Skimmed(tuple(segments), start + at)
    return None
