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
from unlossy.core.pixels import MAX_PIXELS, from_pil, large_pictures
from unlossy.core.types import CompressionHints, Decoded
from unlossy.jpeg import JpegError, read_header

JPEG_START: Final = b"\xff\xd8"
JPEG_END: Final = b"\xff\xd9"


def decode_source(data: bytes, *, any_range: bool = False) -> UInt8[np.ndarray, "h w c"]:
    """The pixels of an image file, c = 1 for grey ones; raises DecodeError, TruncatedError or TooLargeError.

    With `any_range`, samples that do not say which value is white are no error, and the pixels of no use.
    """
    if not data:
        raise DecodeError("the file is empty (0 bytes)")
    if data[:2] == JPEG_START:
        pixels = _decode_jpeg(data)
        if pixels is not None:
            return pixels
    return _decode_pillow(data, any_range)


def decode_hinted(data: bytes, *, partial: bool = False, any_range: bool = False) -> Decoded:
    """The pixels as `decode_source` gives them, with a JPEG's tables and sampling; hints are None for other formats.

    Args:
        data: an image file.
        partial: take a JPEG that is cut or damaged as far as it decodes; the decoder fills the rest with grey.
        any_range: as in `decode_source`.

    Raises:
        DecodeError: no image, a damaged one, or several in one file (an animation, pages).
        TruncatedError: it ends early, and is no JPEG or not wanted in part.
        TooLargeError: the header claims over 500 megapixels.
    """
    refuse_several(data)
    try:
        pixels = decode_source(data, any_range=any_range)
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


@large_pictures()
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
    """What libjpeg makes of a damaged JPEG; None where that is nothing."""
    header = turbo_header(data)
    if header is None:
        return None
    height, width, colorspace = header
    refuse_too_large(width, height)
    if colorspace not in ("Gray", "YCbCr"):
        try:
            return _decode_pillow(data + JPEG_END)  # Pillow asks for more data until there is an end, then fills
        except DecodeError:
            return None
    import simplejpeg  # it is there: it read the header

    try:
        return np.asarray(simplejpeg.decode_jpeg(data, "Gray" if colorspace == "Gray" else "RGB", strict=False))
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


def _refuse_without_white(image: Image.Image) -> None:
    """Raises DecodeError on samples that do not say which value is white: floats, and whole numbers of 32 bits."""
    if image.mode == "F" or (image.mode == "I" and image.format == "TIFF"):
        kind = "floats" if image.mode == "F" else "whole numbers of 32 bits"
        raise DecodeError(f"its samples are {kind}, which do not say what white is; save it with 8 or 16 bits a sample")


def _decode_pillow(data: bytes, any_range: bool = False) -> UInt8[np.ndarray, "h w c"]:
    try:
        with large_pictures(), Image.open(io.BytesIO(data)) as image:
            refuse_too_large(*image.size)
            if not any_range:
                _refuse_without_white(image)
            image.load()
            return from_pil(image)
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"Pillow's limit on pixels is exceeded: {error}") from error
    except (TooLargeError, DecodeError):
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
