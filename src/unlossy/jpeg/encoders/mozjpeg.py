"""mozjpeg 3 and 4 (cjpeg, sharp, Squoosh, jpegtran): base tables of its own, and a layout of its own.

    SOI APP0 DQT (all tables in one) SOF DHT (all in one) [DRI] SOS     progressive: the first scan is the DC, unshifted

Eight of the nine base tables of `-quant-table` are not Annex K's; index 3 is the default. With Annex K's (index 0) only
the progressive layout tells mozjpeg from others. mozjpeg 1 and 2, and any with `-revert`, write what libjpeg writes.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from unlossy.jpeg.encoders import libjpeg
from unlossy.jpeg.encoders.guess import EncoderGuess
from unlossy.jpeg.encoders.mozjpeg_tables import CHROMA_PRESETS, DEFAULT_PRESET, FLAT_PRESET, LUMA_PRESETS
from unlossy.jpeg.encoders.scaled_tables import annex_k_setting, qualities_of, quality_text
from unlossy.jpeg.encoders.signature import Signature

_MERGED: Final = re.compile(rb"\xdb[\xc0\xc1\xc2]\xc4\xdd?\xda", re.DOTALL)
_DC_TABLES: Final = ((b"\x00",), (b"\x00\x01",), (b"\x00", b"\x01"))
_ALL_TABLES: Final = ((b"\x00\x10",), (b"\x00\x10\x01\x11",))
_IDS: Final = (b"\x01", b"\x01\x02\x03", b"RGB")


def recognise(signature: Signature) -> EncoderGuess | None:
    """A "mozjpeg" guess with quality and `-quant-table`, None where tables and layout could be another's."""
    merged = bool(_MERGED.fullmatch(signature.skeleton)) and signature.component_ids in _IDS
    progressive = merged and _has_own_first_scan(signature)
    setting = preset_setting(signature)
    if setting is not None and (progressive or (merged and signature.huffman_places in _ALL_TABLES)):
        return EncoderGuess("mozjpeg", setting, 0.95, "quantization tables that mozjpeg brings, in its layout")
    if setting is not None and libjpeg.has_layout(signature):
        return EncoderGuess("mozjpeg", setting, 0.85, "quantization tables that mozjpeg brings, in libjpeg's layout")
    if progressive and (setting := annex_k_setting(signature) or flat_setting(signature)):
        why = "mozjpeg's layout: all tables in one segment, first scan the unshifted DC"
        return EncoderGuess("mozjpeg", setting, 0.8, why)
    return None


def _has_own_first_scan(signature: Signature) -> bool:
    """A progressive file whose first scan is the DC with no bit shifted out; libjpeg's script shifts one out."""
    unshifted_dc = signature.scan.endswith(b"\x00\x00\x00")
    return b"\xc2" in signature.skeleton and unshifted_dc and signature.huffman_places in _DC_TABLES


def preset_setting(signature: Signature) -> str | None:
    """The setting, where all tables are of one base table of mozjpeg's own at some quality; None otherwise.

    Flat tables, and those that Annex K's tables equal too (all ones at quality 100), prove nothing.
    """
    slots = signature.slots
    fitting = luma_presets().get(slots.get(0, b""), ())
    if 0 in fitting or not set(slots) <= {0, 1}:
        return None
    for preset in sorted(fitting, key=lambda index: (index != DEFAULT_PRESET, index)):
        setting = _setting(slots, preset)
        if setting is not None and preset != FLAT_PRESET:
            return setting if preset == DEFAULT_PRESET else f"{setting}, quant-table {preset}"
    return None


@lru_cache(maxsize=1)
def luma_presets() -> Mapping[bytes, frozenset[int]]:
    """The base tables that make each luma table (as files hold it) at some quality; of 0 it is Annex K's."""
    found: defaultdict[bytes, set[int]] = defaultdict(set)
    for preset, base in LUMA_PRESETS.items():
        for entries in qualities_of(base):
            found[entries].add(preset)
    return {entries: frozenset(presets) for entries, presets in found.items()}


def flat_setting(signature: Signature) -> str | None:
    """The setting, where all tables are flat ones; None otherwise. Flat tables alone prove nothing."""
    setting = _setting(signature.slots, FLAT_PRESET)
    return None if setting is None else f"{setting}, quant-table {FLAT_PRESET}"


def _setting(slots: Mapping[int, bytes], preset: int) -> str | None:
    luma = qualities_of(LUMA_PRESETS[preset]).get(slots.get(0, b""), ())
    chroma = qualities_of(CHROMA_PRESETS[preset]).get(slots[1], ()) if 1 in slots else luma
    return quality_text(luma, chroma) if luma and chroma else None
