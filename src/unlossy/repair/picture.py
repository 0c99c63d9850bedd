"""Bytes to pixels, and beside them what pixels do not hold: transparency, EXIF, colour profile, resolution.

A CMYK picture is converted to RGB, through its colour profile where it has one. Samples of more than 8 bits are
recognised, so that such a picture can pass as it is: no JPEG that we repair left it, and 8 bits would be a loss.
"""

import io
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image, ImageCms

from unlossy.audit.other_formats import HEAD_BYTES, format_of, read_other_header
from unlossy.codecs.source import decode_hinted
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import DecodeError
from unlossy.core.pixels import large_pictures
from unlossy.core.types import Decoded
from unlossy.jpeg import JpegError, read_header

JPEG_START: Final = b"\xff\xd8"
PNG_START: Final = b"\x89PNG\r\n\x1a\n"
PNG_BIT_DEPTH_AT: Final = 24
DEEP_FORMATS: Final = ("avif", "heif", "jpeg2000", "jxl")
"""Whose samples may have 10, 12 or 16 bits where Pillow decodes to 8."""
PALETTES: Final = ("P", "PA")
"""Pillow's modes of pictures with a palette."""
TIFF_TAGS: Final = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Copyright,
)
TIFF_DIRECTORIES: Final = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
"""Of the tags in a TIFF, those that are about the picture and not about the file."""
EXIF_IDENTIFIER: Final = b"Exif\0\0"


@dataclass(frozen=True, slots=True)
class OpenedPicture:
    """Pixels with hints; `deep` where samples have more than 8 bits; `note` says what was not as it should be.

    `partial` where the file ends early or is damaged, and part of the picture is the decoder's filling; `palette` where
    its samples are numbers of colours.
    """

    decoded: Decoded
    deep: bool = False
    note: str | None = None
    partial: bool = False
    palette: bool = False


@dataclass(frozen=True, slots=True)
class Extras:
    """What goes beside the pixels: `alpha` (h, w), and metadata as the raw bytes they came in; `dpi` across, down."""

    alpha: UInt8[np.ndarray, "h w"] | None = None
    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    dpi: tuple[float, float] | None = None


@large_pictures()
def open_picture(data: bytes, *, partial: bool = False) -> OpenedPicture:
    """The picture of a file.

    Args:
        data: the whole file.
        partial: take a JPEG that ends early or is damaged as far as it decodes; `note` then says so.

    Raises:
        DecodeError: no image, a damaged one, or several in one file.
        TruncatedError: it ends early.
        TooLargeError: over 500 megapixels.
    """
    try:
        picture = OpenedPicture(decode_hinted(data, any_range=True), _is_deep(data))
    except DecodeError as error:
        if not partial or data[:2] != JPEG_START:
            raise
        _refuse_without_data(data, error)
        picture = OpenedPicture(decode_hinted(data, partial=True), note=f"in part: {error}", partial=True)
    return _looked_at(data, picture)


@large_pictures()
def read_extras(data: bytes) -> Extras:
    """Transparency and metadata of a file that `open_picture` took; what cannot be read is absent."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format not in ("JPEG", "MPO"):
                image.load()  # PNG may have its metadata behind the pixels
            return Extras(
                alpha=np.array(image.convert("RGBA").getchannel("A")) if image.has_transparency_data else None,
                exif=_tiff_exif(image) if image.format == "TIFF" else _with_identifier(_bytes(image, "exif")),
                icc=None if image.mode == "CMYK" else _bytes(image, "icc_profile"),
                xmp=_bytes(image, "xmp"),
                dpi=_dpi(image),
            )
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return Extras()


@large_pictures()
def claimed_pixels(data: bytes) -> int:
    """Width times height as the header has it, 0 where there is none; nothing is decoded."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.width * image.height
    except Exception:  # noqa: BLE001 (decoding will say what is wrong)
        return 0


def _refuse_without_data(data: bytes, error: DecodeError) -> None:
    """Raises `error` where the file ends before any of the picture's data: a decoder would answer with plain grey."""
    try:
        scan_offset = read_header(BytesBlob(data)).scan_offset
    except JpegError:
        raise error from None
    if scan_offset is None or scan_offset >= len(data):
        raise error


def _is_deep(data: bytes) -> bool:
    if data.startswith(PNG_START):
        return data[PNG_BIT_DEPTH_AT] == 16
    if data[:2] == JPEG_START:
        return False
    told = format_of(data[:HEAD_BYTES])
    if told in DEEP_FORMATS:
        return (read_other_header(BytesBlob(data), told).precision or 8) > 8  # Pillow gives eight and does not say so
    with Image.open(io.BytesIO(data)) as image:
        if image.mode.startswith(("I", "F")) or any(";16" in str(tile) for tile in image.tile):
            return True
        return image.format == "PPM" and any(_ppm_maxval(tile.args) > 255 for tile in image.tile)


def _ppm_maxval(args: object) -> int:
    """The largest sample value that a PPM's header names; Pillow's tile has it where samples are scaled to 8 bits."""
    return args[1] if isinstance(args, tuple) and len(args) == 2 else 255


def _looked_at(data: bytes, picture: OpenedPicture) -> OpenedPicture:
    """The picture with what its container tells beside pixels; one in CMYK is converted."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            picture = replace(picture, palette=image.mode in PALETTES)
            if image.format == "MPO":
                n_pictures = getattr(image, "n_frames", 1)
                picture = _noted(picture, f"the first of {n_pictures} pictures in the file; the others are not in it")
            return _in_srgb(image, picture) if image.mode == "CMYK" else picture
    except (OSError, ValueError):  # a JPEG that libjpeg takes and Pillow does not
        return picture


def _in_srgb(image: Image.Image, picture: OpenedPicture) -> OpenedPicture:
    """A CMYK picture that is whole and has a profile is converted through that, else as Pillow does it."""
    profile = image.info.get("icc_profile")
    if not profile or picture.partial:
        return _noted(picture, "CMYK became RGB, without a colour profile")
    image.load()
    try:
        source, target = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        return _noted(picture, f"CMYK became RGB without its colour profile, which is broken: {error}")
    return _noted(replace(picture, decoded=Decoded(np.array(converted))), "CMYK became sRGB by its colour profile")


def _noted(picture: OpenedPicture, note: str) -> OpenedPicture:
    return replace(picture, note=note if picture.note is None else f"{picture.note}; {note}")


def _tiff_exif(image: Image.Image) -> bytes | None:
    """What the directories of a loaded TIFF tell of the picture, as an EXIF block; how its samples lie is not in it.

    Nor is the orientation: Pillow has turned the pixels.
    """
    try:
        there, block = image.getexif(), Image.Exif()
        for tag in TIFF_TAGS:
            if tag in there:
                block[tag] = there[tag]
        for directory in TIFF_DIRECTORIES:
            values = there.get_ifd(directory)
            values.pop(ExifTags.IFD.Interop, None)  # a place in the TIFF
            if values:
                block.get_ifd(directory).update(values)
        return block.tobytes() if len(block) or any(map(block.get_ifd, TIFF_DIRECTORIES)) else None
    except Exception:  # noqa: BLE001 (broken metadata cost no picture, and break in many ways)
        return None


def _bytes(image: Image.Image, name: str) -> bytes | None:
    value = image.info.get(name)
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    return value if isinstance(value, bytes) and value else None


def _with_identifier(exif: bytes | None) -> bytes | None:
    """The block as JPEG has it; WebP leaves out what says that it is one, and Pillow would not put it back."""
    return exif if exif is None or exif.startswith(EXIF_IDENTIFIER) else EXIF_IDENTIFIER + exif


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    value = image.info.get("dpi")
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    across, down = (float(number) for number in value)
    return (across, down) if 0 < across < 65536 and 0 < down < 65536 else None
