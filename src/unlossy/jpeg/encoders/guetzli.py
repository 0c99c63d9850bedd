"""guetzli: tables searched for each picture, so never Annex K's, in a file that is baseline but says extended (SOF1).

    SOI APP0 JFIF DQT (all in one) SOF1 DHT (all in one, optimised) SOS      components 0, 1, 2; 8-bit tables

libjpeg writes SOF1 only for 12 bits a sample or 16-bit tables, and numbers components from 1. guetzli refuses
qualities under 84, so its luma tables are fine ones. "guetzli-like": another program may do the same.
"""

from typing import Final

import numpy as np

from unlossy.jpeg.encoders.guess import EncoderGuess
from unlossy.jpeg.encoders.scaled_tables import qualities_of
from unlossy.jpeg.encoders.signature import Signature
from unlossy.jpeg.tables import LUMINANCE, ijg_table

_SKELETON: Final = b"\xdb\xc1\xc4\xda"
_LEAST_QUALITY: Final = 84
MAX_LUMA_SUM: Final = int(np.sum(ijg_table(LUMINANCE, _LEAST_QUALITY)))
"""Of the entries; tables of a greater one are too coarse."""


def recognise(signature: Signature) -> EncoderGuess | None:
    """A "guetzli-like" guess, None without all of its traces."""
    if signature.skeleton != _SKELETON:
        return None
    slots = signature.slots
    if (
        signature.applications != (b"\xe0JFIF",)
        or signature.component_ids != b"\x00\x01\x02"
        or signature.frame[0] != 8
        or signature.huffman != "optimised"
        or any(len(entries) != 64 for entries in slots.values())
        or slots.get(0) is None
        or slots[0] in qualities_of(LUMINANCE)
    ):
        return None
    if sum(slots[0]) > MAX_LUMA_SUM:
        return None
    why = "guetzli's order: SOF1 with 8-bit tables, components from 0, fine tables of the file's own"
    return EncoderGuess("guetzli-like", None, 0.8, why)
