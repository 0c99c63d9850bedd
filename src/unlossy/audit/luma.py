"""The luma plane of an image file: decoded whole, or refused.

    JPEG, grey or YCbCr     libjpeg-turbo's luma plane alone (0.8 of the time that colour takes)
    all others              as a study decodes them (`codecs.source`), then luma as Pillow makes it (ITU-R BT.601)

A file that ends early or whose data are damaged is an error, where a lenient decoder would fill up with grey: invented
blocks would be measured. Of an animation the first picture is taken. Exif orientation is not applied.

Sizes are claims until the data are there. Over 500 megapixels are refused, and so is a claim that the file is too
short for: a Huffman-coded block takes a bit in a progressive scan and two in a sequential one, whatever it shows, so a
file of 300 bytes that says 20000 x 20000 is refused before 400 MB are allocated and filled.
"""

import struct
from typing import Final

import numpy as np
from jaxtyping import UInt8

from unlossy.codecs.jpeg import turbo_header
from unlossy.codecs.source import JPEG_START, decode_source, refuse_too_large
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import DecodeError, MissingDependency, TooLargeError, TruncatedError
from unlossy.core.pixels import to_pil
from unlossy.core.tools import require
from unlossy.jpeg import JpegError, JpegHeader, read_header

PLAUSIBLE: Final = 64
"""Pixels a byte up to which a JPEG's size is believed unseen; flat ones have 85, with optimised codes 256."""
STRIP_ROWS: Final = 256
PLUGINS: Final = {"heif": "pillow_heif", "jxl": "pillow_jxl"}
"""Modules that teach Pillow a format, optional."""
DEFLATE_LIMIT: Final = 1032
"""Bytes that one byte of a deflate stream can become, at most."""
Plane = UInt8[np.ndarray, "h w"]
_PNG_START: Final = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def decode_luma(data: bytes, format_: str | None) -> Plane:
    """The luma plane of a file's bytes.

    Args:
        data: The whole file.
        format_: As the row's column says it; HEIF and JPEG XL need an optional package.

    Raises:
        DecodeError: no image, a damaged one, or a format that no decoder here reads.
        TruncatedError: it ends early.
        TooLargeError: the header claims over 500 megapixels, and nothing was allocated; or memory did not suffice.
    """
    _load_plugin(format_)
    try:
        return _decoded(data)
    except MemoryError as error:
        raise TooLargeError(f"there is not enough memory to decode this {format_ or 'image'}") from error


def _load_plugin(format_: str | None) -> None:
    """Teaches Pillow a format that it does not read by itself; raises DecodeError where the package is missing."""
    if format_ not in PLUGINS:
        return
    try:
        plugin = require(PLUGINS[format_], "formats", f"decoding {format_}")
    except MissingDependency as error:
        raise DecodeError(str(error)) from error
    if format_ == "heif":
        plugin.register_heif_opener()


def _decoded(data: bytes) -> Plane:
    if data[:2] == JPEG_START:
        plane = _turbo_luma(data)
        if plane is not None:
            return plane
    elif data[:8] == _PNG_START:
        _refuse_short_png(data)
    pixels_hwc = decode_source(data)
    if pixels_hwc.shape[2] == 1:
        return pixels_hwc[:, :, 0]
    plane = np.empty(pixels_hwc.shape[:2], np.uint8)
    for top in range(0, len(plane), STRIP_ROWS):  # Pillow takes four bytes a pixel
        strip = slice(top, top + STRIP_ROWS)
        plane[strip] = np.asarray(to_pil(pixels_hwc[strip]).convert("L"))
    return plane


def _turbo_luma(data: bytes) -> Plane | None:
    """The luma of a sound grey or YCbCr JPEG; None where `decode_source` must decode, or say what is wrong."""
    header = turbo_header(data)
    if header is None or header[0] * header[1] > PLAUSIBLE * len(data):
        _refuse_unlikely_jpeg(data)
    if header is None:
        return None
    height, width, colorspace = header
    refuse_too_large(width, height)
    if colorspace not in ("Gray", "YCbCr"):
        return None
    import simplejpeg  # it is there: it read the header

    try:
        return np.asarray(simplejpeg.decode_jpeg(data, "Gray", strict=True))[:, :, 0]
    except ValueError:
        return None


def _refuse_unlikely_jpeg(data: bytes) -> None:
    """Raises TooLargeError over 500 megapixels, TruncatedError where its blocks take more bits than the file has."""
    try:
        header = read_header(BytesBlob(data))
    except JpegError:
        return
    if header.scan_offset is None or not header.height:
        return
    refuse_too_large(header.width, header.height)
    needed = _least_bits(header) // 8
    held = len(data) - header.scan_offset
    if held < needed:
        raise TruncatedError(
            f"the header claims {header.width} x {header.height} pixels, which take {needed} bytes at the very least; "
            f"{held} are there"
        )


def _least_bits(header: JpegHeader) -> int:
    """A lower bound on the bits of a Huffman-coded picture; 0 for arithmetic coding, which has none.

    Sequential: a code for DC and one for AC in each block. Progressive: a code in the first DC scan; AC may be skipped
    by the ten thousand blocks. Lossless: a code for each sample.
    """
    if header.process.is_arithmetic or header.height is None:
        return 0
    widest, tallest = max(c.h for c in header.components), max(c.v for c in header.components)
    side = 1 if header.process.is_lossless else 8
    units = sum(
        -(-header.width * c.h // (widest * side)) * -(-header.height * c.v // (tallest * side))
        for c in header.components
    )
    return units if header.process.is_lossless or "progressive" in header.process else 2 * units


def _refuse_short_png(data: bytes) -> None:
    """Raises TruncatedError where deflate could not make the claimed picture of so few bytes."""
    if len(data) < 26:
        return
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    refuse_too_large(width, height)
    needed = width * height * depth * _PNG_CHANNELS.get(colour, 1) // 8 // DEFLATE_LIMIT
    if len(data) < needed:
        raise TruncatedError(
            f"the header claims {width} x {height} pixels, which take {needed} bytes at the very least; the file has "
            f"{len(data)}"
        )
