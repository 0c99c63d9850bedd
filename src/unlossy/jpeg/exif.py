"""Two facts of an Exif block: the orientation, and whether it carries a thumbnail.

An Exif block is a small TIFF file: IFD0 describes the picture, IFD1 the thumbnail (CIPA DC-008, 4.5). Metadata are
often broken while the picture is fine, so what cannot be read is absent, not an error.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

EXIF_IDENTIFIER: Final = b"Exif\0"
_TIFF_OFFSET = 6
_ORIENTATION, _STRIP_BYTES, _JPEG_BYTES = 0x0112, 0x0117, 0x0202
_SHORT, _LONG = 3, 4


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """`orientation` is 1..8 or None where absent or nonsense."""

    orientation: int | None = None
    has_thumbnail: bool = False


def read_exif(payload: bytes) -> ExifFacts:
    """The facts of an APP1 payload that begins with "Exif" and two bytes; nothing known where it is damaged."""
    tiff = payload[_TIFF_OFFSET:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return ExifFacts()
    picture_offset = int(struct.unpack_from(order + "I", tiff, 4)[0])
    picture, thumbnail_offset = _directory(tiff, order, picture_offset)
    thumbnail = _directory(tiff, order, thumbnail_offset)[0] if thumbnail_offset else {}
    orientation = picture.get(_ORIENTATION)
    return ExifFacts(
        orientation if orientation in range(1, 9) else None,
        bool(thumbnail.get(_JPEG_BYTES) or thumbnail.get(_STRIP_BYTES)),
    )


def _directory(tiff: bytes, order: str, offset: int) -> tuple[dict[int, int], int]:
    """The whole numbers of one directory by tag, and the offset of the next (0 where there is none)."""
    if offset + 2 > len(tiff):
        return {}, 0
    count = int(struct.unpack_from(order + "H", tiff, offset)[0])
    end = offset + 2 + 12 * count
    following = int(struct.unpack_from(order + "I", tiff, end)[0]) if end + 4 <= len(tiff) else 0
    return dict(_numbers(tiff, order, offset + 2, min(end, len(tiff) - 11))), following


def _numbers(tiff: bytes, order: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    for entry in range(begin, end, 12):
        tag, kind = struct.unpack_from(order + "HH", tiff, entry)
        if kind in (_SHORT, _LONG):
            yield tag, int(struct.unpack_from(order + ("H" if kind == _SHORT else "I"), tiff, entry + 8)[0])
