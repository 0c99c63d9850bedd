"""Adobe's encoders: Photoshop's Save As, and Save for Web (ImageReady, Illustrator, Fireworks too).

    [APP0] [APP1 Exif] APP13 "Photoshop 3.0" ... APP14 Adobe DQT SOF [DRI] DHT SOS      Save As
    [APP0] APP12 "Ducky" ... APP14 Adobe DQT SOF [DRI] DHT SOS                          Save for Web

All tables stand in one segment, DRI before DHT. The setting is what the file itself says: Photoshop's image resource
0x0406 holds its quality less 4 (so 0..12), Ducky's first field the quality 0..100. A file that another program saved
again keeps APP13 at most, but neither Adobe's order nor its APP14; Lightroom and Camera Raw write no 0x0406.
"""

import re
from typing import Final

from unlossy.jpeg.encoders.guess import EncoderGuess
from unlossy.jpeg.encoders.signature import Signature

_ORDER: Final = re.compile(rb"\xdb[\xc0\xc2]\xdd?\xc4\xda", re.DOTALL)
_DUCKY: Final = b"\xecDucky\x00\x01\x00\x04"
_ADOBE_VERSION: Final = b"\x00\x64"


def recognise(signature: Signature) -> EncoderGuess | None:
    """A "Photoshop" or "Save for Web" guess with its quality, None where the file does not tell."""
    adobe = signature.adobe()
    if adobe is None or not adobe.startswith(_ADOBE_VERSION) or not _ORDER.fullmatch(signature.skeleton):
        return None
    if not signature.applications[-1].startswith(b"\xeeAdobe"):
        return None
    ducky = next((data for data in signature.applications if data.startswith(_DUCKY)), None)
    if ducky is not None:
        quality = int.from_bytes(ducky[len(_DUCKY) :], "big")
        if len(ducky) == 14 and quality <= 100:
            return EncoderGuess(
                "Save for Web", f"quality {quality}", 0.95, "Adobe's order of segments, and Ducky (APP12)"
            )
    if signature.photoshop is not None and 0 <= signature.photoshop + 4 <= 12:
        why = "Adobe's order of segments, and Photoshop's quality in APP13"
        return EncoderGuess("Photoshop", f"quality {signature.photoshop + 4}", 0.95, why)
    return None
