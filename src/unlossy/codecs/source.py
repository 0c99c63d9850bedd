"""Decoding of source images of any format: whole, or not at all.

A JPEG that ends early, or whose data are corrupt, is an error here even where a lenient decoder would give a picture:
half a picture scored as a whole one would be a wrong number. EXIF orientation is not applied. `decode_hinted` also says
what the bytes tell of their compression, for correctors.
"""

import io
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from unlossy.codecs.jpeg import decode_turbo, turbo_header
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import CodecError, DecodeError, TooLargeError, TruncatedError
from unlossy.core.pixels import MAX_PIXELS, from_pil
from unlossy.core.types import CompressionHints, Decoded
from unlossy.jpeg import JpegError, read_header

JPEG_START: Final = b"\xff\xd8"


def decode_source(data: bytes) -> UInt8[np.ndarray, "h w c"]:
    """The pixels of an image file, c = 1 for grey ones; raises DecodeError, TruncatedError or TooLargeError."""
    if not data:
        raise DecodeError("the file is empty (0 bytes)")
    if data[:2] == JPEG_START:
        pixels = _decode_jpeg(data)
        if pixels is not None:
            return pixels
    return _decode_pillow(data)


def decode_hinted(data: bytes, *, partial: bool = False) -> Decoded:
    """The pixels as `decode_source` gives them, with a JPEG's tables and sampling; hints are None for other formats.

    Args:
        data: an image file.
        partial: take a JPEG that is cut or damaged as far as it decodes; the decoder fills the rest with grey.

    Raises:
        DecodeError: no image, a damaged one, or several in one file (an animation, pages).
        TruncatedError: it ends early, and is no JPEG or not wanted in part.
        TooLargeError: the header claims over 500 megapixels.
    """
    refuse_several(data)
    try:
        pixels = decode_source(data)
    except (DecodeError, TruncatedError):
        rest = _decode_partly(data) if partial else None
        if rest is None:
            raise
        pixels = rest
    return Decoded(pixels, hints_of(data))


def hints_of(data: bytes) -> CompressionHints | None:
    """The tables and sampling of a JPEG file; None for other formats and where the header is damaged or unusual."""
    if data[:2] != JPEG_START:
        return None
    try:
        return read_header(BytesBlob(data)).hints()
    except JpegError:
        return None


def refuse_several(data: bytes) -> None:
    """Raises DecodeError where a file that is no JPEG holds several pictures; what is no image passes."""
    if data[:2] == JPEG_START:  # one picture, and perhaps previews of it
        return
    try:
        with Image.open(io.BytesIO(data)) as image:
            n_frames = getattr(image, "n_frames", 1)
    except Exception:  # noqa: BLE001 (decoding will say what is wrong)
        return
    if n_frames > 1:
        raise DecodeError(f"an animation or document of {n_frames} pictures; split it into single pictures first")


def _decode_partly(data: bytes) -> UInt8[np.ndarray, "h w c"] | None:
    """What libjpeg makes of a damaged grey or YCbCr JPEG; None where that is nothing."""
    header = turbo_header(data)
    if header is None or header[2] not in ("Gray", "YCbCr"):
        return None
    refuse_too_large(header[1], header[0])
    import simplejpeg  # it is there: it read the header

    try:
        return np.asarray(simplejpeg.decode_jpeg(data, "Gray" if header[2] == "Gray" else "RGB", strict=False))
    except ValueError:
        return None


def _decode_jpeg(data: bytes) -> UInt8[np.ndarray, "h w c"] | None:
    """The pixels of a grey or YCbCr JPEG, None where Pillow must judge (CMYK, RGB, unusual or damaged files)."""
    header = turbo_header(data)
    if header is None:
        return None
    height, width, colorspace = header
    refuse_too_large(width, height)
    if colorspace not in ("Gray", "YCbCr"):
        return None
    try:
        return decode_turbo(data, colorspace)
    except CodecError as error:
        _raise_unless_harmless(str(error))
        return None


def _raise_unless_harmless(message: str) -> None:
    """Raises TruncatedError or DecodeError on libjpeg's complaint, unless every pixel is there all the same."""
    if "extraneous bytes" in message:  # junk between segments
        return
    if "Premature end" in message:
        raise TruncatedError(f"the JPEG ends early: {message}")
    raise DecodeError(f"the JPEG is damaged: {message}")


def _decode_pillow(data: bytes) -> UInt8[np.ndarray, "h w c"]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            refuse_too_large(*image.size)
            image.load()
            return from_pil(image)
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"Pillow's limit on pixels is exceeded: {error}") from error
    except TooLargeError:
        raise
    except Exception as error:
        finding = str(error)
        if "truncated" in finding.lower():
            raise TruncatedError(f"the image ends early: {finding}") from error
        # Pillow names the buffer's address, which would make equal failures unequal rows
        raise DecodeError(
            "not an image that can be decoded" + ("" if "BytesIO" in finding else f": {finding}")
        ) from error


def refuse_too_large(width: int, height: int) -> None:
    """Raises TooLargeError where the header claims over 500 megapixels."""
    if width * height > MAX_PIXELS:
        raise TooLargeError(
            f"the header claims {width} x {height} = {width * height / 1e6:.0f} megapixels; the limit is "
            f"{MAX_PIXELS / 1e6:.0f}"
        )
