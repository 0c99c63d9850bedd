"""Lossy WebP through Pillow (libwebp). Chroma is always 4:2:0, and a grey image comes back with three channels."""

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

DEFAULT_METHOD = 4
SCALE = QualityScale(lowest=0, highest=100, sweep=tuple(range(10, 100, 10)))


@dataclass(frozen=True, slots=True)
class WebpCodec:
    """Lossy WebP at one libwebp quality (0..100); `method` is libwebp's effort, 0 fastest to 6 smallest."""

    quality: int
    method: int = DEFAULT_METHOD

    @property
    def setting(self) -> str:
        """For example "webp:50" or "webp[m0]:50"."""
        options = () if self.method == DEFAULT_METHOD else (f"m{self.method}",)
        return setting_text("webp", options, self.quality)

    @property
    def codec_quality(self) -> float:
        """The libwebp quality; not comparable with a JPEG quality of the same number."""
        return float(self.quality)

    @property
    def encoder(self) -> str:
        """Pillow and its libwebp, with versions."""
        return f"Pillow {version_of('Pillow')}, libwebp {features.version_module('webp')}"

    def encode(self, image_hwc: UInt8[np.ndarray, "h w c"]) -> bytes:
        """The WebP file; raises CodecError (a side over 16 383 pixels, say)."""
        buffer = io.BytesIO()
        try:
            to_pil(image_hwc).save(buffer, "WEBP", quality=self.quality, method=self.method, lossless=False)
        except (OSError, ValueError) as error:
            raise CodecError(f"{self.setting} cannot encode {image_hwc.shape}: {error}") from error
        return buffer.getvalue()

    @large_pictures()
    def decode(self, data: bytes) -> UInt8[np.ndarray, "h w c"]:
        """The pixels, three channels; raises CodecError."""
        try:
            with Image.open(io.BytesIO(data), formats=["WEBP"]) as image:
                return from_pil(image)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise CodecError(f"cannot decode as WebP: {error}") from error


@dataclass(frozen=True, slots=True)
class WebpFamily:
    """Lossy WebP by name."""

    name: str = "webp"
    scale: QualityScale = SCALE

    @property
    def options(self) -> Mapping[str, str]:
        """The encoder's effort."""
        return {f"m{method}": f"libwebp's method {method}" for method in range(7)}

    def availability(self) -> Availability:
        """Whether this Pillow was built with libwebp."""
        if not features.check("webp"):
            return Availability(False, reason="this Pillow was built without libwebp")
        return Availability(True, WebpCodec(50).encoder)

    def make(self, codec_quality: int, options: tuple[str, ...] = ()) -> WebpCodec:
        """The codec at one quality; raises UsageError where two methods are asked for."""
        if len(options) > 1:
            raise UsageError(f"webp takes one method, not {' and '.join(options)}")
        return WebpCodec(codec_quality, int(options[0][1:]) if options else DEFAULT_METHOD)


FAMILY = WebpFamily()
