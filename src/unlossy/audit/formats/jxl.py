"""JPEG XL (ISO/IEC 18181-1): size and image metadata from the first bits of the codestream, bare or in boxes.

XYB data are lossy for certain. Others are lossless or not as each frame has it, which is not looked at: null; but where
a box jbrd says that the data are a JPEG's, they are as lossy as that one.
"""

from typing import Final

from unlossy.audit.formats.boxes import boxes
from unlossy.audit.formats.header import OtherHeader
from unlossy.core.errors import DecodeError
from unlossy.jpeg.markers import Window

SIGNATURE: Final = b"\xff\x0a"
_HEADER_BYTES: Final = 4096
_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_MAX_EXTRA_CHANNELS: Final = 256
_ALPHA, _SPOT, _CFA = 0, 2, 5


def read(window: Window) -> OtherHeader:
    """The header of a JPEG XL file; raises DecodeError where it has no codestream or ends inside its header."""
    data, from_jpeg = window.at(0, _HEADER_BYTES), False
    if not data.startswith(SIGNATURE):
        data, from_jpeg = _codestream(window)
    bits = _Bits(data[2:])
    width, height = _size(bits)
    precision, is_xyb, remarks = _metadata(bits)
    if from_jpeg:
        remarks = (*remarks, "a JPEG, recompressed without loss (jbrd)")
    return OtherHeader("jxl", width, height, precision, None, False if is_xyb or from_jpeg else None, remarks)


def _codestream(window: Window) -> tuple[bytes, bool]:
    """The first bytes of the codestream in a file of boxes, and whether the box jbrd is there."""
    data, from_jpeg = b"", False
    for box in boxes(window, 0, window.size_bytes):
        from_jpeg |= box.kind == b"jbrd"
        if box.kind in (b"jxlc", b"jxlp"):
            begin = box.begin + (4 if box.kind == b"jxlp" else 0)
            data += window.at(begin, min(_HEADER_BYTES, box.end - begin))
            if len(data) >= _HEADER_BYTES or box.kind == b"jxlc":
                break
    if not data.startswith(SIGNATURE):
        raise DecodeError("jxl without a codestream: a damaged header")
    return data, from_jpeg


class _Bits:
    """Numbers from bytes, the lowest bit of each first; DecodeError behind the end."""

    def __init__(self, data: bytes) -> None:
        self._bits, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        """The next `count` bits."""
        self._left -= count
        if self._left < 0:
            raise DecodeError("jxl that ends inside its header")
        value = self._bits & ((1 << count) - 1)
        self._bits >>= count
        return value

    def choose(self, *branches: tuple[int, int]) -> int:
        """A number in one of four ways, which two bits choose: (base, bits) is the base plus so many bits."""
        base, count = branches[self.take(2)]
        return base + self.take(count)


def _size(bits: _Bits) -> tuple[int, int]:
    """Width and height of a SizeHeader."""
    small = bool(bits.take(1))

    def side() -> int:
        return 8 * (1 + bits.take(5)) if small else bits.choose((1, 9), (1, 13), (1, 18), (1, 30))

    height = side()
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio - 1]
        return height * across // down, height
    return side(), height


def _metadata(bits: _Bits) -> tuple[int, bool, tuple[str, ...]]:
    """Bits a sample, whether the data are XYB, and remarks, from an ImageMetadata as far as that flag."""
    if bits.take(1):
        return 8, True, ()
    animated = _extra_fields(bits) if bits.take(1) else False
    precision = _bit_depth(bits)
    bits.take(1)  # modular_16bit_buffers
    channels = bits.choose((0, 0), (1, 0), (2, 4), (1, 12))
    if channels > _MAX_EXTRA_CHANNELS:
        raise DecodeError(f"jxl with {channels} extra channels; refused over {_MAX_EXTRA_CHANNELS}")
    kinds = [_extra_channel(bits) for _ in range(channels)]
    remarks = {"animated": animated, "alpha": _ALPHA in kinds}
    return precision, bool(bits.take(1)), tuple(text for text, there in remarks.items() if there)


def _extra_fields(bits: _Bits) -> bool:
    """Steps over orientation, intrinsic size, preview and animation; whether there is an animation."""
    bits.take(3)
    if bits.take(1):
        _size(bits)
    if bits.take(1):
        _preview(bits)
    animated = bool(bits.take(1))
    if animated:
        bits.choose((100, 0), (1000, 0), (1, 10), (1, 30))
        bits.choose((1, 0), (1001, 0), (1, 8), (1, 10))
        bits.choose((0, 0), (0, 3), (0, 16), (0, 32))
        bits.take(1)
    return animated


def _preview(bits: _Bits) -> None:
    """Steps over a PreviewHeader."""
    branches = ((16, 0), (32, 0), (1, 5), (33, 9)) if bits.take(1) else ((1, 6), (65, 8), (321, 10), (1345, 12))
    bits.choose(*branches)
    if not bits.take(3):
        bits.choose(*branches)


def _bit_depth(bits: _Bits) -> int:
    """Bits a sample of whole numbers or of floats."""
    if bits.take(1):
        depth = bits.choose((32, 0), (16, 0), (24, 0), (1, 6))
        bits.take(4)
        return depth
    return bits.choose((8, 0), (10, 0), (12, 0), (1, 6))


def _extra_channel(bits: _Bits) -> int:
    """The kind of an extra channel (0 is alpha); what else is said of it is stepped over."""
    if bits.take(1):
        return _ALPHA
    kind = bits.choose((0, 0), (1, 0), (2, 4), (18, 6))
    _bit_depth(bits)
    bits.choose((0, 0), (3, 0), (4, 0), (1, 3))
    bits.take(8 * bits.choose((0, 0), (0, 4), (16, 5), (48, 10)))
    if kind == _ALPHA:
        bits.take(1)
    elif kind == _SPOT:
        bits.take(64)
    elif kind == _CFA:
        bits.choose((1, 0), (0, 2), (3, 4), (19, 8))
    return kind
