"""The Huffman tables of ITU-T T.81, Annex K (K.3 to K.6), as DHT segments hold them, and where a segment's tables go.

A DHT payload is a sequence of tables: class and id in one byte (class in the high nibble: 0 DC, 1 AC), 16 counts of
codes by length, then the symbols.
"""

from functools import lru_cache
from typing import Final

_DC_COUNTS_LUMA: Final = bytes.fromhex("00010501010101010100000000000000")
_DC_COUNTS_CHROMA: Final = bytes.fromhex("00030101010101010101010000000000")
_DC_SYMBOLS: Final = bytes(range(12))
_AC_COUNTS_LUMA: Final = bytes.fromhex("0002010303020403050504040000017d")
_AC_SYMBOLS_LUMA: Final = bytes.fromhex(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738393a"
    "434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9"
    "aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
)
_AC_COUNTS_CHROMA: Final = bytes.fromhex("00020102040403040705040400010277")
_AC_SYMBOLS_CHROMA: Final = bytes.fromhex(
    "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738393a"
    "434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8"
    "a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
)
_STANDARD: Final = (
    b"\x00" + _DC_COUNTS_LUMA + _DC_SYMBOLS,
    b"\x10" + _AC_COUNTS_LUMA + _AC_SYMBOLS_LUMA,
    b"\x01" + _DC_COUNTS_CHROMA + _DC_SYMBOLS,
    b"\x11" + _AC_COUNTS_CHROMA + _AC_SYMBOLS_CHROMA,
)


def _standard_segments() -> frozenset[bytes]:
    """Annex K's tables one a segment, in pairs and all in one, in the orders that encoders write."""
    dc_luma, ac_luma, dc_chroma, ac_chroma = _STANDARD
    pairs = {dc_luma + ac_luma, dc_chroma + ac_chroma, dc_luma + dc_chroma, ac_luma + ac_chroma}
    return frozenset({*_STANDARD, *pairs, b"".join(_STANDARD), dc_luma + dc_chroma + ac_luma + ac_chroma})


STANDARD_SEGMENTS: Final = _standard_segments()
"""DHT payloads that hold nothing but Annex K's tables under their usual ids."""


@lru_cache(maxsize=64)
def _places_of_standard(payload: bytes) -> bytes:
    return _walk(payload)


def table_places(payload: bytes) -> bytes:
    """Class and id of each table of a DHT payload, one byte each; ends early where the payload does."""
    return _places_of_standard(payload) if payload in STANDARD_SEGMENTS else _walk(payload)


def _walk(payload: bytes) -> bytes:
    places, offset = bytearray(), 0
    while offset + 17 <= len(payload):
        places.append(payload[offset])
        offset += 17 + sum(payload[offset + 1 : offset + 17])
    return bytes(places)
