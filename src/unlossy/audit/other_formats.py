"""Headers of images that are no JPEG: the format by its magic bytes, what it says by a parser of ours or by Pillow.

    webp, avif, heif, jpeg2000, jxl     `formats`: how the samples are coded, without any library
    png, gif, bmp, tiff and the rest    Pillow's lazy opening, which reads the header through `buffered`

Nothing is decoded, so a large file costs little.
"""

import warnings
from collections.abc import Callable
from typing import Final

from PIL import Image, UnidentifiedImageError

from unlossy.audit.formats import heif, jpeg2000, jxl, webp
from unlossy.audit.formats.header import OtherHeader
from unlossy.core.errors import DecodeError, ItemError, TooLargeError
from unlossy.core.pixels import large_pictures
from unlossy.core.types import Blob
from unlossy.datasets.containers.base import buffered
from unlossy.jpeg.markers import Window

__all__ = ["FORMATS", "HEAD_BYTES", "MAX_SIDE", "OtherHeader", "format_of", "read_other_header"]

HEAD_BYTES: Final = 16
_MAGIC: Final = (
    (b"\xff\xd8", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
    (b"\xff\x0a", "jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
)
_BRANDS: Final = {b"avif": "avif", b"avis": "avif"} | dict.fromkeys(
    (b"heic", b"heim", b"heis", b"heix", b"hevc", b"mif1", b"msf1"), "heif"
)
FORMATS: Final = tuple(dict.fromkeys((*(name for _, name in _MAGIC), "webp", *_BRANDS.values())))
"""What `format_of` can tell."""
MAX_SIDE: Final = 2**31 - 1
"""A header that claims a longer side is refused; what is stored of it is a 32-bit number."""
_READERS: Final[dict[str, Callable[[Window], OtherHeader]]] = {
    "webp": webp.read,
    "avif": heif.read,
    "heif": heif.read,
    "jpeg2000": jpeg2000.read,
    "jxl": jxl.read,
}
_TIFF_LOSSLESS: Final = frozenset(
    {
        "raw",
        "packbits",
        "tiff_lzw",
        "tiff_adobe_deflate",
        "tiff_deflate",
        "tiff_ccitt",
        "group3",
        "group4",
        "lzma",
        "zstd",
    }
)


def format_of(head: bytes) -> str | None:
    """The format that the first 16 bytes of a file tell, None where they tell none of ours."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def read_other_header(blob: Blob, known_format: str | None) -> OtherHeader:
    """What the header says; `format` may be another than `known_format` where the content tells more than the magic.

    Raises DecodeError, TooLargeError (over 500 megapixels, or a side over `MAX_SIDE`) or ReadError.
    """
    reader = _READERS.get(known_format or "")
    header = reader(Window(blob)) if reader else _read_with_pillow(blob, known_format)
    if not (header.width > 0 and header.height > 0):
        raise DecodeError(f"{header.format} whose header says {header.width} x {header.height} pixels: no picture")
    if max(header.width, header.height) > MAX_SIDE:
        raise TooLargeError(f"{header.format} whose header claims {header.width} x {header.height} pixels")
    return header


def _read_with_pillow(blob: Blob, known_format: str | None) -> OtherHeader:
    try:
        with warnings.catch_warnings(), large_pictures():
            warnings.simplefilter("ignore")  # broken metadata, and sizes that only a decoder must fear
            with Image.open(buffered(blob)) as image:
                name = known_format or str(image.format).lower()
                precision, lossless = _bits(image, name, blob), _lossless(image, name)
                return OtherHeader(name, *_size_wh(image, name), precision=precision, lossless=lossless)
    except ItemError:
        raise
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"Pillow refuses the header: {error}") from error
    except UnidentifiedImageError as error:
        finding = f"{known_format}: no reader for it here, or a damaged header" if known_format else "not an image"
        raise DecodeError(f"{finding} (Pillow does not identify it)") from error
    except Exception as error:  # Pillow's plugins raise whatever they stumble on in damaged headers
        raise DecodeError(f"{known_format or 'image'} with a damaged header: {error}") from error


def _size_wh(image: Image.Image, name: str) -> tuple[int, int]:
    """Width and height as stored: of a TIFF by its tags, since Pillow swaps them as the orientation tells."""
    tags = getattr(image, "tag_v2", {}) if name == "tiff" else {}
    width, height = tags.get(256), tags.get(257)
    return (width, height) if isinstance(width, int) and isinstance(height, int) else image.size


def _bits(image: Image.Image, name: str, blob: Blob) -> int | None:
    """Bits a sample: PNG's from IHDR (of a palette picture: of the colours, 8), TIFF's from BitsPerSample."""
    if name == "png":
        depth, colour_type = blob.read(24, 2)
        return 8 if colour_type == 3 else depth
    if name == "tiff":
        depths = getattr(image, "tag_v2", {}).get(258)
        return max(depths) if depths else None
    return 8 if name == "gif" else None


def _lossless(image: Image.Image, name: str) -> bool | None:
    """Whether the format, or the compression that a TIFF names, keeps the samples; None where neither is known."""
    if name in ("png", "gif", "bmp"):
        return True
    compression = str(image.info.get("compression", "")) if name == "tiff" else ""
    return True if compression in _TIFF_LOSSLESS else False if "jpeg" in compression else None
