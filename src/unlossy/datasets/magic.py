"""Which files are images: by suffix, else by their first bytes."""

import os
from typing import Final

from unlossy.datasets.naming import key_of

HEAD_BYTES: Final = 512
"""So much of a file tells image and container magic; a tar's stands at byte 257."""

SUFFIXES = frozenset(
    {".avif", ".avifs", ".bmp", ".dib", ".gif", ".heic", ".heif", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg"}
    | {".jpf", ".jpg", ".jpx", ".jxl", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
MAGIC = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\x00",  # TIFF, little-endian
    b"MM\x00*",  # TIFF, big-endian
    b"\x00\x00\x00\x0cjP  \r\n\x87\n",  # JPEG 2000
    b"\xff\x4f\xff\x51",  # JPEG 2000 codestream
    b"\xff\x0a",  # JPEG XL codestream
    b"\x00\x00\x00\x0cJXL \r\n\x87\n",
)
FTYP_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")


def suffix_of(name: str) -> str:
    """The last suffix of a path with `/`, lower case with its dot, as any terminal takes it; "" for none."""
    return key_of(os.path.splitext(name)[1].lower())  # noqa: PTH122 (a Path for each of a million names costs seconds)


def has_image_magic(head: bytes) -> bool:
    """True where the first 16 bytes of a file or more are those of an image."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return True
    return head.startswith(MAGIC) or (head[4:8] == b"ftyp" and head[8:12] in FTYP_BRANDS)
