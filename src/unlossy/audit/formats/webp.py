"""WebP (RFC 9649): RIFF chunks; VP8 is lossy and always 4:2:0 with 8 bits, VP8L lossless, VP8X says what else there is.

An animation's frames may mix both: it is lossless where all of its frames are. Of a file with more than `MAX_CHUNKS`
chunks the rest is not looked at.
"""

from collections.abc import Iterator
from typing import Final

from unlossy.audit.formats.header import OtherHeader
from unlossy.core.errors import DecodeError
from unlossy.jpeg.markers import Window

MAX_CHUNKS: Final = 1024
MAX_CHUNKS_A_FRAME: Final = 8
_FRAME_HEADER_BYTES: Final = 16
_KEY_FRAME: Final = b"\x9d\x01\x2a"
_LOSSLESS_SIGNATURE: Final = 0x2F


def read(window: Window) -> OtherHeader:
    """The header of a WebP file; raises DecodeError where no picture is in it."""
    canvas, size, kinds, complete = None, None, set[bytes](), False
    remarks: tuple[str, ...] = ()
    for kind, offset, length in _chunks(window, 12, window.size_bytes):
        if kind == b"VP8X":
            canvas, remarks = _extended(window.at(offset, 10))
        elif kind == b"ANMF":
            inside = _chunks(window, offset + _FRAME_HEADER_BYTES, offset + length, MAX_CHUNKS_A_FRAME)
            kinds |= {inner for inner, _, _ in inside if inner in (b"VP8 ", b"VP8L")}
        elif kind in (b"VP8 ", b"VP8L"):
            kinds.add(kind)
            size = _lossy_size(window.at(offset, 10)) if kind == b"VP8 " else _lossless_size(window.at(offset, 5))
        complete = offset + length >= window.size_bytes - 1
        if size is not None or b"VP8 " in kinds:
            break
    width, height = canvas or size or (0, 0)
    if not kinds or not width:
        raise DecodeError("webp without a picture: no VP8 or VP8L chunk in it")
    lossy = b"VP8 " in kinds
    whole = size is not None or complete
    return OtherHeader(
        "webp",
        width,
        height,
        8,
        "4:2:0" if lossy else "4:4:4",
        False if lossy else (True if whole else None),
        remarks,
    )


def _chunks(window: Window, begin: int, end: int, most: int = MAX_CHUNKS) -> Iterator[tuple[bytes, int, int]]:
    """Type, offset and length of the content of at most so many chunks; content is padded to an even length."""
    for _ in range(most):
        head = window.at(begin, 8)
        if len(head) < 8 or begin + 8 > end:
            return
        length = _number(head[4:8])
        yield head[:4], begin + 8, length
        begin += 8 + length + length % 2


def _extended(data: bytes) -> tuple[tuple[int, int], tuple[str, ...]]:
    """The canvas's size and what the flags say: flags in a byte, 3 reserved, 3 each of width and height less one."""
    if len(data) < 10:
        raise DecodeError("webp that ends inside its header")
    remarks = tuple(text for bit, text in ((0x02, "animated"), (0x10, "alpha")) if data[0] & bit)
    return (_number(data[4:7]) + 1, _number(data[7:10]) + 1), remarks


def _lossy_size(data: bytes) -> tuple[int, int]:
    """From the key frame's header: tag and start code of 3 bytes each, 14 bits of width and of height (RFC 6386)."""
    if data[3:6] != _KEY_FRAME or len(data) < 10:
        raise DecodeError("webp with a damaged header: its VP8 data do not begin with a key frame")
    return _number(data[6:8]) & 0x3FFF, _number(data[8:10]) & 0x3FFF


def _lossless_size(data: bytes) -> tuple[int, int]:
    """From VP8L's header: a signature byte, then 14 bits each of width and height less one."""
    if len(data) < 5 or data[0] != _LOSSLESS_SIGNATURE:
        raise DecodeError("webp with a damaged header: its VP8L data have no signature")
    bits = _number(data[1:5])
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
