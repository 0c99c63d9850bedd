"""JPEG 2000 (ITU-T T.800): the codestream's main header, bare or in the box jp2c of a JP2 file.

SIZ holds size, bits and subsampling; COD the wavelet. The 9/7 wavelet is lossy for certain. The reversible 5/3 is
lossless only where nothing was cut off behind it, which no header says: null.
"""

from typing import Final

from unlossy.audit.formats.boxes import boxes
from unlossy.audit.formats.header import OtherHeader
from unlossy.core.errors import DecodeError
from unlossy.jpeg.markers import Window

SOC: Final = b"\xff\x4f"
_SIZ, _COD, _SOT = 0xFF51, 0xFF52, 0xFF90
_MAX_SEGMENTS: Final = 1024
_NOTATIONS: Final = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}

_REMARKS: Final = {
    True: ("reversible wavelet (5/3): lossless unless data were cut off",),
    False: ("irreversible wavelet (9/7)",),
    None: (),
}


def read(window: Window) -> OtherHeader:
    """The header of a JP2 file or a bare codestream; raises DecodeError where SIZ is missing or cut short."""
    begin = 0
    if window.at(0, 2) != SOC:
        codestreams = (box.begin for box in boxes(window, 0, window.size_bytes) if box.kind == b"jp2c")
        begin = next(codestreams, -1)
    if begin < 0 or window.at(begin, 2) != SOC:
        raise DecodeError("jpeg2000 without a codestream: a damaged header")
    size, wavelet = _main_header(window, begin + 2)
    if len(size) < 36 or len(size) < 36 + 3 * int.from_bytes(size[34:36], "big") or not size[34:36].strip(b"\0"):
        raise DecodeError("jpeg2000 without a whole SIZ segment: a damaged header")
    right, bottom, left, top = (int.from_bytes(size[at : at + 4], "big") for at in (2, 6, 10, 14))
    reversible = None if wavelet is None else wavelet == 1
    return OtherHeader(
        "jpeg2000",
        right - left,
        bottom - top,
        max((size[at] & 0x7F) + 1 for at in range(36, len(size) - 2, 3)),
        _sampling(size[36:]),
        False if reversible is False else None,
        _REMARKS[reversible],
    )


def _main_header(window: Window, begin: int) -> tuple[bytes, int | None]:
    """The payload of SIZ, and COD's wavelet (0: 9/7, 1: 5/3); empty or None where the main header has none."""
    size, wavelet = b"", None
    for _ in range(_MAX_SEGMENTS):
        head = window.at(begin, 4)
        code, length = int.from_bytes(head[:2], "big"), int.from_bytes(head[2:4], "big")
        if len(head) < 4 or code == _SOT or length < 2:
            break
        if code == _SIZ:
            size = window.at(begin + 4, length - 2)
        elif code == _COD and length >= 12:
            wavelet = (*window.at(begin + 13, 1), None)[0]
        begin += 2 + length
    return size, wavelet


def _sampling(components: bytes) -> str | None:
    """From the horizontal and vertical separation of the first three components; a fourth is taken for alpha."""
    steps = [(components[at + 1], components[at + 2]) for at in range(0, len(components) - 2, 3)]
    if len(steps) < 3:
        return "grey"
    if steps[0] != (1, 1) or steps[1] != steps[2]:
        return None
    return _NOTATIONS.get(steps[1])
