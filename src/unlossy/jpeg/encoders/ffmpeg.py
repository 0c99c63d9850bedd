"""ffmpeg's mjpeg encoder: a comment that names libavcodec, and Huffman tables before the frame header.

    SOI [APP0] COM "Lavc60.3.100" DQT [DRI] DHT SOF0 SOS

Other programs keep comments when they save a file again, but write their own order.
"""

import re
from typing import Final

from unlossy.jpeg.encoders.guess import EncoderGuess
from unlossy.jpeg.encoders.signature import Signature

_ORDER: Final = re.compile(rb"\xdb\xdd?\xc4\xc0\xda", re.DOTALL)
_VERSION: Final = re.compile(rb"Lavc[0-9.]*")


def recognise(signature: Signature) -> EncoderGuess | None:
    """An "ffmpeg" guess with the version of libavcodec, None without its comment and its order."""
    if not _ORDER.fullmatch(signature.skeleton) or not _VERSION.fullmatch(signature.comment):
        return None
    version = signature.comment[4:].decode("ascii")
    why = "a comment of libavcodec, and its order of segments"
    return EncoderGuess("ffmpeg", f"libavcodec {version}" if version else None, 0.95, why)
