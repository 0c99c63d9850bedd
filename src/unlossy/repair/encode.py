"""Pixels with all that goes beside them to the bytes of a file: PNG or WebP without loss, or JPEG nearly so."""

import io
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from unlossy.core.errors import CodecError
from unlossy.core.pixels import to_pil
from unlossy.repair.picture import Extras

JPEG_QUALITY: Final = 95
PNG_LEVEL: Final = 4
"""zlib's level: a third of the time of Pillow's 6, one percent more bytes (photographs of 512 x 512)."""
WEBP_METHOD: Final = 2
SPACE_AT: Final = slice(16, 20)
"""Where an ICC profile names its colour space (ICC.1:2022, 7.2)."""
GREY, RGB = b"GRAY", b"RGB "


def encode_picture(image_hwc: UInt8[np.ndarray, "h w c"], extras: Extras, format_name: str) -> bytes:
    """The file in the format "png", "webp" or "jpeg" (quality 95, 4:4:4).

    A colour profile that is not for the result's colour space (that of a CMYK or Lab source, say) is left out.

    Raises:
        CodecError: the format cannot hold the picture: its transparency, its size, its metadata.
    """
    if extras.alpha is not None and format_name == "jpeg":
        raise CodecError("the picture has transparency, which JPEG cannot hold; take the format png or webp")
    image = to_pil(image_hwc)
    if extras.alpha is not None:
        image.putalpha(Image.fromarray(extras.alpha))
    space = GREY if image.mode in ("L", "LA") and format_name != "webp" else RGB  # WebP knows no grey
    icc = extras.icc if extras.icc is not None and extras.icc[SPACE_AT] == space else None
    metadata = {"exif": extras.exif, "icc_profile": icc, "dpi": extras.dpi}
    buffer = io.BytesIO()
    try:
        SAVERS[format_name](image, buffer, {name: value for name, value in metadata.items() if value}, extras.xmp)
    except (OSError, ValueError, SyntaxError) as error:
        height, width = image_hwc.shape[:2]
        remedy = "" if format_name == "png" else "; take the format png"
        raise CodecError(f"{format_name} cannot hold this picture of {width} x {height}: {error}{remedy}") from error
    return buffer.getvalue()


def _save_png(image: Image.Image, buffer: io.BytesIO, metadata: dict[str, Any], xmp: bytes | None) -> None:
    info = PngInfo()
    if xmp is not None:
        info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    image.save(buffer, "PNG", compress_level=PNG_LEVEL, pnginfo=info, **metadata)


def _save_webp(image: Image.Image, buffer: io.BytesIO, metadata: dict[str, Any], xmp: bytes | None) -> None:
    metadata.pop("dpi", None)  # WebP has no place for it
    also = {} if xmp is None else {"xmp": xmp}
    image.save(buffer, "WEBP", lossless=True, exact=True, method=WEBP_METHOD, **metadata, **also)


def _save_jpeg(image: Image.Image, buffer: io.BytesIO, metadata: dict[str, Any], xmp: bytes | None) -> None:
    also = {} if xmp is None else {"xmp": xmp}
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling="4:4:4", optimize=True, **metadata, **also)


SAVERS: Final[Mapping[str, Callable[[Image.Image, io.BytesIO, dict[str, Any], bytes | None], None]]] = {
    "png": _save_png,
    "webp": _save_webp,
    "jpeg": _save_jpeg,
}
"""Format to what writes it; the names are those of `names.FORMATS`."""
