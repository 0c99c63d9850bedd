"""A few facts of an Exif block: the orientation, whether it carries a thumbnail, and who made the file.

An Exif block is a small TIFF file: IFD0 describes the picture, IFD1 the thumbnail (CIPA DC-008, 4.5). Metadata are
often broken while the picture is fine, so what cannot be read is absent, not an error.
"""

import struct
from dataclasses import dataclass
from typing import Final

EXIF_IDENTIFIER: Final = b"Exif\0"
MAX_TEXT: Final = 64
"""Characters kept of a text."""

_TIFF_OFFSET: Final = 6
_MAKE, _MODEL, _ORIENTATION, _STRIP_BYTES, _SOFTWARE, _JPEG_BYTES = 0x010F, 0x0110, 0x0112, 0x0117, 0x0131, 0x0202
_WANTED: Final = frozenset({_MAKE, _MODEL, _ORIENTATION, _STRIP_BYTES, _SOFTWARE, _JPEG_BYTES})
_ASCII, _SHORT, _LONG = 2, 3, 4

_Entry = tuple[int, int, bytes]
"""Type, count, and four bytes: the value, or where a longer one lies."""


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """`orientation` is 1..8 or None where absent or nonsense; the texts are None where absent, never longer than 64."""

    orientation: int | None = None
    has_thumbnail: bool = False
    make: str | None = None
    model: str | None = None
    software: str | None = None


NO_FACTS: Final = ExifFacts()


def read_exif(payload: bytes) -> ExifFacts:
    """The facts of an APP1 payload that begins with "Exif" and two bytes; nothing known where it is damaged."""
    tiff = payload[_TIFF_OFFSET:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return NO_FACTS
    (picture_offset,) = struct.unpack_from(order + "I", tiff, 4)
    picture, thumbnail_offset = _directory(tiff, order, picture_offset)
    thumbnail = _directory(tiff, order, thumbnail_offset)[0] if thumbnail_offset else {}
    orientation = _number(order, picture.get(_ORIENTATION))
    sizes = (_number(order, thumbnail.get(tag)) for tag in (_JPEG_BYTES, _STRIP_BYTES))
    return ExifFacts(
        orientation if orientation in range(1, 9) else None,
        any(sizes),
        *(_text(tiff, order, picture.get(tag)) for tag in (_MAKE, _MODEL, _SOFTWARE)),
    )


def _directory(tiff: bytes, order: str, offset: int) -> tuple[dict[int, _Entry], int]:
    """The entries of one directory that are wanted, by tag, and the offset of the next (0 where there is none)."""
    if offset + 2 > len(tiff):
        return {}, 0
    count = int(struct.unpack_from(order + "H", tiff, offset)[0])
    begin, end = offset + 2, offset + 2 + 12 * count
    following = int(struct.unpack_from(order + "I", tiff, end)[0]) if end + 4 <= len(tiff) else 0
    whole = tiff[begin : begin + 12 * min(count, (len(tiff) - begin) // 12)]
    entries = struct.iter_unpack(order + "HHI4s", whole)
    return {tag: (kind, n, value) for tag, kind, n, value in entries if tag in _WANTED}, following


def _number(order: str, entry: _Entry | None) -> int | None:
    if entry is None or entry[0] not in (_SHORT, _LONG):
        return None
    return int(struct.unpack_from(order + ("H" if entry[0] == _SHORT else "I"), entry[2])[0])


def _text(tiff: bytes, order: str, entry: _Entry | None) -> str | None:
    """An ASCII value up to its first zero byte, without blanks around it."""
    if entry is None or entry[0] != _ASCII:
        return None
    count, raw = entry[1], entry[2]
    offset = int(struct.unpack(order + "I", raw)[0])
    found = raw[:count] if count <= 4 else tiff[offset : offset + min(count, 4 * MAX_TEXT)]
    return found.partition(b"\0")[0].decode("ascii", "replace").strip()[:MAX_TEXT]
