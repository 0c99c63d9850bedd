"""JPEG: encoded by Pillow (libjpeg-turbo), decoded by simplejpeg, or by Pillow where simplejpeg is absent.

Both decoders give identical pixels (integer DCT, fancy upsampling); simplejpeg takes half the time. Its encoder gives
other bytes than Pillow's and is not used. Subsampling is 4:2:0 unless an option says otherwise.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, features

from unlossy.codecs.base import Availability, QualityScale, setting_text
from unlossy.core.errors import CodecError, UsageError
from unlossy.core.pixels import from_pil, large_pictures, to_pil
from unlossy.core.tools import version_of

try:
    import simplejpeg
except ImportError:  # pragma: no cover - a core dependency; the fallback serves machines without a wheel of it
    simplejpeg = None

SUBSAMPLINGS = {"420": "4:2:0", "422": "4:2:2", "444": "4:4:4"}
DEFAULT_SUBSAMPLING = "420"
SCALE = QualityScale(lowest=1, highest=100, sweep=tuple(range(10, 100, 10)))


@dataclass(frozen=True, slots=True)
class JpegCodec:
    """Baseline or progressive JPEG at one IJG quality (1..100)."""

    quality: int
    subsampling: str = DEFAULT_SUBSAMPLING
    progressive: bool = False
    optimize: bool = False

    @property
    def setting(self) -> str:
        """For example "jpeg:30" or "jpeg[444,progressive]:30"."""
        flags = {self.subsampling: self.subsampling != DEFAULT_SUBSAMPLING}
        flags |= {"progressive": self.progressive, "optimize": self.optimize}
        return setting_text("jpeg", tuple(name for name, given in flags.items() if given), self.quality)

    @property
    def codec_quality(self) -> float:
        """The IJG quality that the encoder is given."""
        return float(self.quality)

    @property
    def encoder(self) -> str:
        """Pillow and its libjpeg-turbo, with versions."""
        return f"Pillow {version_of('Pillow')}, libjpeg-turbo {features.version_feature('libjpeg_turbo')}"

    def encode(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> bytes:
        """The JPEG file; raises CodecError (a side over 65 500 pixels, say)."""
        buffer = io.BytesIO()
        try:
            to_pil(image_hwc).save(
                buffer,
                "JPEG",
                quality=self.quality,
                subsampling=SUBSAMPLINGS[self.subsampling],
                progressive=self.progressive,
                optimize=self.optimize,
            )
        except (OSError, ValueError) as error:
            raise CodecError(f"{self.setting} cannot encode {image_hwc.shape}: {error}") from error
        return buffer.getvalue()

    def decode(self, data: bytes) -> UInt8[np.ndarray, "h w c"]:
        """The pixels, one channel for a grey file; raises CodecError."""
        return decode_jpeg(data)


def decode_jpeg(data: bytes) -> UInt8[np.ndarray, "h w c"]:
    """The pixels of a grey or YCbCr JPEG file; raises CodecError on anything short of a whole decode."""
    if simplejpeg is None:
        return decode_jpeg_pillow(data)
    header = turbo_header(data)
    if header is None:
        raise CodecError("cannot decode as JPEG: no header")
    return decode_turbo(data, header[2])


def turbo_header(data: bytes) -> tuple[int, int, str] | None:
    """Height, width and colour space ("Gray", "YCbCr", ...) as libjpeg-turbo reads them; None where it cannot."""
    if simplejpeg is None:
        return None
    try:
        height, width, colorspace, _ = simplejpeg.decode_jpeg_header(data, strict=False)
    except (ValueError, KeyError):  # KeyError: a stream without a frame has colour space -1
        return None
    return height, width, colorspace


def decode_turbo(data: bytes, colorspace: str) -> UInt8[np.ndarray, "h w c"]:
    """The pixels through simplejpeg; raises CodecError with libjpeg's own words, also on what it could repair."""
    try:
        return np.asarray(simplejpeg.decode_jpeg(data, "Gray" if colorspace == "Gray" else "RGB", strict=True))
    except ValueError as error:
        raise CodecError(f"cannot decode as JPEG: {error}") from error


@large_pictures()
def decode_jpeg_pillow(data: bytes) -> UInt8[np.ndarray, "h w c"]:
    """The same pixels through Pillow; raises CodecError."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            return from_pil(image)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CodecError(f"cannot decode as JPEG: {error}") from error


@dataclass(frozen=True, slots=True)
class JpegFamily:
    """JPEG by name."""

    name: str = "jpeg"
    scale: QualityScale = SCALE

    @property
    def options(self) -> Mapping[str, str]:
        """Subsampling and entropy coding."""
        return {
            "420": "4:2:0 chroma, the default",
            "422": "4:2:2 chroma",
            "444": "4:4:4, full chroma",
            "progressive": "progressive scans (the Huffman tables are optimised then, too)",
            "optimize": "optimised Huffman tables: the same pixels, fewer bytes",
        }

    def availability(self) -> Availability:
        """Pillow always carries JPEG; the version says which."""
        return Availability(True, JpegCodec(50).encoder)

    def make(self, codec_quality: int, options: tuple[str, ...] = ()) -> JpegCodec:
        """The codec at one quality; raises UsageError where two subsamplings are asked for."""
        chosen = [option for option in options if option in SUBSAMPLINGS]
        if len(chosen) > 1:
            raise UsageError(f"jpeg takes one subsampling, not {' and '.join(chosen)}")
        subsampling = chosen[0] if chosen else DEFAULT_SUBSAMPLING
        return JpegCodec(codec_quality, subsampling, "progressive" in options, "optimize" in options)


FAMILY = JpegFamily()
