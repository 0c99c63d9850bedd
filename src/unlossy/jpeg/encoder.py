"""Which program wrote a JPEG file, by the traces it left in the headers: `identify(signature_of(segments))`.

Each family of encoders has a module in `encoders`, which answers only where a file shows what it alone writes.
Precision goes before recall: what fits nobody, or more than one, is "unknown" with confidence 0.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from unlossy.jpeg.encoders import adobe, camera, ffmpeg, guetzli, jpegli, libjpeg, mozjpeg
from unlossy.jpeg.encoders.guess import UNKNOWN, EncoderGuess
from unlossy.jpeg.encoders.signature import HEAD_BYTES, Signature, head_bytes, signature_of

__all__ = ["HEAD_BYTES", "NAMES", "UNKNOWN", "EncoderGuess", "Signature", "head_bytes", "identify", "signature_of"]

Recogniser = Callable[[Signature], EncoderGuess | None]
_RECOGNISERS: Final[tuple[Recogniser, ...]] = (
    adobe.recognise,
    ffmpeg.recognise,
    guetzli.recognise,
    camera.recognise,
    mozjpeg.recognise,
    jpegli.recognise,
    libjpeg.recognise,
)
NAMES: Final = (
    *("libjpeg", "mozjpeg", "jpegli", "guetzli-like", "Photoshop", "Save for Web", "ffmpeg"),
    *camera.NAMES,
    UNKNOWN.name,
)
"""Every name that `identify` gives."""


@lru_cache(maxsize=4096)
def identify(signature: Signature) -> EncoderGuess:
    """The encoder that a signature gives away, by the first recogniser that knows it; else `UNKNOWN`."""
    for recognise in _RECOGNISERS:
        guess = recognise(signature)
        if guess is not None:
            return guess
    return UNKNOWN
