"""The boxes of ISO base media files (ISO/IEC 14496-12, 4.2): AVIF, HEIF, JPEG 2000 and JPEG XL stand in them.

A box is its size (4 bytes; 1: 8 more bytes hold it; 0: up to the end), a type of 4 bytes, and its content.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from unlossy.core.errors import DecodeError
from unlossy.jpeg.markers import Window

MAX_BOXES: Final = 1024
"""A level with more boxes than this is refused."""
MAX_CONTENT_BYTES: Final = 2**18
"""A header box with more content than this is refused."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type, and where its content begins and ends in the file."""

    kind: bytes
    begin: int
    end: int
    window: Window

    def content(self) -> bytes:
        """All of it; raises DecodeError where it is cut short or larger than a header needs."""
        size = self.end - self.begin
        if size > MAX_CONTENT_BYTES:
            raise DecodeError(
                f"the box {name(self.kind)} holds {size} bytes of header; refused over {MAX_CONTENT_BYTES}"
            )
        data = self.window.at(self.begin, size)
        if len(data) < size:
            raise DecodeError(f"the file ends inside the box {name(self.kind)}")
        return data

    def children(self, skip: int = 0) -> "Iterator[Box]":
        """The boxes inside, behind the first `skip` bytes of the content."""
        return boxes(self.window, self.begin + skip, self.end)


def boxes(window: Window, begin: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets, in file order; the last may reach beyond the file's end where that is cut.

    Raises DecodeError for an impossible size, and for more than `MAX_BOXES`.
    """
    for _ in range(MAX_BOXES):
        head = window.at(begin, 16)
        if end - begin < 8 or len(head) < 8:
            return
        size, kind, header_bytes = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, header_bytes = int.from_bytes(head[8:16], "big"), 16
        stop = begin + size if size else end
        if stop < begin + header_bytes:
            raise DecodeError(f"the box {name(kind)} at byte {begin} has the impossible size {size}")
        yield Box(kind, begin + header_bytes, min(stop, end), window)
        begin = stop
    raise DecodeError(f"more than {MAX_BOXES} boxes in a row; refused as hostile")


def name(kind: bytes) -> str:
    """A box's type in quotes, as it can be printed."""
    return repr(kind.decode("latin-1"))
