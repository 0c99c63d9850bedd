"""libjpeg 6b to 9f, libjpeg-turbo, and what is built on them: Pillow, OpenCV, cjpeg, ImageMagick, GIMP, GD.

    SOI [APP0 JFIF | APP14 Adobe] [COM and other APPn] DQT... SOF DHT... [DAC] [DRI] SOS      (jcmarker.c)

One table a segment, slots 0 and 1, luminance and chrominance of Annex K at some quality. Programs that use the library
with tables of their own write the same order; so do some cameras. Those are not named here.
"""

import re
from typing import Final

from unlossy.jpeg.encoders.guess import EncoderGuess
from unlossy.jpeg.encoders.scaled_tables import annex_k_setting
from unlossy.jpeg.encoders.signature import Signature

_ORDER: Final = re.compile(rb"\xdb{1,2}([\xc0-\xc2]\xc4+|[\xc9\xca]\xcc?)\xdd?\xda", re.DOTALL)
_ORDER_LOSSLESS: Final = re.compile(rb"\xc3\xc4+\xdd?\xda", re.DOTALL)
_YCC_OR_GREY: Final = (b"\x01", b"\x01\x02\x03")
_RGB: Final = b"RGB"
_WITH_ADOBE: Final = (_RGB, b"CMYK", b"\x01\x02\x03\x04")
_PLACES: Final = (b"\x00", b"\x10", b"\x01", b"\x11")


def recognise(signature: Signature) -> EncoderGuess | None:
    """A "libjpeg" guess with its quality, None where order, slots or tables are not what the library writes."""
    if not signature.tables:
        return _lossless(signature)
    setting = annex_k_setting(signature)
    if setting is None or not has_layout(signature):
        return None
    named = signature.has_jfif or signature.adobe() is not None
    why = "segments in libjpeg's order, one table each; Annex K's tables at an IJG quality"
    return EncoderGuess("libjpeg", setting, 0.95 if named else 0.8, why if named else f"{why}; no JFIF header")


def has_layout(signature: Signature) -> bool:
    """Whether segments, slots and components stand as libjpeg's marker writer puts them, whatever the tables."""
    return (
        bool(_ORDER.fullmatch(signature.skeleton) or _ORDER_LOSSLESS.fullmatch(signature.skeleton))
        and set(signature.tables_a_segment) <= {1}
        and [slot for slot, _ in signature.tables] == sorted(set(signature.table_ids if signature.tables else b""))
        and signature.huffman_places == tuple(place for place in _PLACES if place in signature.huffman_places)
        and _has_libjpegs_header(signature)
    )


def _has_libjpegs_header(signature: Signature) -> bool:
    """JFIF in front for grey and YCbCr, Adobe in front for the rest; a library user may switch JFIF off."""
    ids, adobe = signature.component_ids, signature.adobe()
    if ids in _YCC_OR_GREY:
        return adobe is None and (signature.has_jfif or b"\xe0JFIF" not in signature.applications)
    if ids in _WITH_ADOBE:
        return adobe is not None and signature.applications[0].startswith(b"\xeeAdobe")
    return False


def _lossless(signature: Signature) -> EncoderGuess | None:
    """libjpeg-turbo 3 writes lossless RGB with Adobe's header; other lossless files have many authors."""
    if not has_layout(signature) or signature.component_ids != _RGB:
        return None
    return EncoderGuess("libjpeg", "lossless", 0.7, "lossless RGB in libjpeg-turbo's order, with Adobe's header")
