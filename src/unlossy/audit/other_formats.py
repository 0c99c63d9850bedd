"""Headers of images that are no JPEG: the format by its magic bytes, the size by Pillow's lazy opening.

Nothing is decoded. Pillow's `Image.open` reads the header through `_BlobStream`, so a large file costs little.
"""

import io
import warnings
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, UnidentifiedImageError

from unlossy.core.errors import DecodeError, ItemError, TooLargeError
from unlossy.core.types import Blob

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
    (b"heic", b"heix", b"hevc", b"mif1", b"msf1"), "heif"
)


@dataclass(frozen=True, slots=True)
class OtherHeader:
    """Format (lower case, Pillow's name where no magic of ours says it) and size in pixels."""

    format: str
    width: int
    height: int


def format_of(head: bytes) -> str | None:
    """The format that the first 16 bytes of a file tell, None where they tell none of ours."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    return next((name for magic, name in _MAGIC if head.startswith(magic)), None)


def read_other_header(blob: Blob, known_format: str | None) -> OtherHeader:
    """The header as Pillow reads it; raises DecodeError, TooLargeError (Pillow's own limit) or ReadError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # broken metadata, and sizes that only a decoder must fear
            with Image.open(io.BufferedReader(_BlobStream(blob))) as image:
                return OtherHeader(known_format or str(image.format).lower(), *image.size)
    except ItemError:
        raise
    except Image.DecompressionBombError as error:
        raise TooLargeError(f"Pillow refuses the header: {error}") from error
    except UnidentifiedImageError as error:
        finding = f"{known_format}: no reader for it here, or a damaged header" if known_format else "not an image"
        raise DecodeError(f"{finding} (Pillow does not identify it)") from error
    except Exception as error:  # Pillow's plugins raise whatever they stumble on in damaged headers
        raise DecodeError(f"{known_format or 'image'} with a damaged header: {error}") from error


class _BlobStream(io.RawIOBase):
    """A blob as the seekable binary stream that Pillow wants."""

    def __init__(self, blob: Blob) -> None:
        super().__init__()
        self._blob, self._offset = blob, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._offset, io.SEEK_END: self._blob.size_bytes}[whence]
        if base + offset < 0:
            raise ValueError(f"cannot seek to {base + offset}")
        self._offset = base + offset
        return self._offset

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 (any writable buffer)
        view = memoryview(buffer).cast("B")
        data = self._blob.read(self._offset, len(view))
        view[: len(data)] = data
        self._offset += len(data)
        return len(data)
