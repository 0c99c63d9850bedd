"""What a marker segment says, in words for a reader: `words_of(code, payload)`."""

from collections.abc import Callable
from typing import Final

from unlossy.core.tools import printable
from unlossy.jpeg.errors import JpegError
from unlossy.jpeg.exif import EXIF_IDENTIFIER, read_exif
from unlossy.jpeg.huffman import STANDARD_SEGMENTS, table_places
from unlossy.jpeg.markers import APP0, COM, DHP, DHT, DNL, DQT, DRI, EOI, SOF_CODES, SOI, SOS, TEM
from unlossy.jpeg.segments import PROCESS_OF_SOF, adobe_transform, parse_frame, parse_number, parse_tables

_TEXT_CHARACTERS: Final = 60
_NAMES: Final = {
    **{code: f"SOF{code - 0xC0}" for code in SOF_CODES},
    **{code: f"RST{code - 0xD0}" for code in range(0xD0, 0xD8)},
    **{code: f"APP{code - APP0}" for code in range(APP0, APP0 + 16)},
    **{code: f"JPG{code - 0xF0}" for code in range(0xF0, 0xFE)},
    0xC8: "JPG",
    0xCC: "DAC",
    DHT: "DHT",
    SOI: "SOI",
    EOI: "EOI",
    SOS: "SOS",
    DQT: "DQT",
    DNL: "DNL",
    DRI: "DRI",
    DHP: "DHP",
    0xDF: "EXP",
    COM: "COM",
    TEM: "TEM",
}


def name_of(code: int) -> str:
    """The name of a marker in T.81, table B.1; "RES" for the reserved ones."""
    return _NAMES.get(code, "RES")


def words_of(code: int, payload: bytes) -> str:
    """What a segment says, empty where that is nothing known here; raises JpegError where it is malformed."""
    if code in SOF_CODES or code == DHP:
        return _frame(code, payload)
    if APP0 <= code <= APP0 + 15:
        return _application(payload)
    words = _WORDS.get(code)
    return words(payload) if words else ""


def _frame(code: int, payload: bytes) -> str:
    frame = parse_frame(payload)
    parts = ", ".join(f"{c.id}: {c.h}x{c.v} table {c.table_id}" for c in frame.components)
    process = str(PROCESS_OF_SOF[code]) if code in PROCESS_OF_SOF else "hierarchical"
    return f"{process}, {frame.width} x {frame.height}, {frame.precision} bits; {parts}"


def _tables(payload: bytes) -> str:
    return ", ".join(f"table {table.id} of {table.entry_bits} bits" for table in parse_tables(payload))


def _huffman(payload: bytes) -> str:
    tables = ", ".join(f"{'AC' if place >> 4 else 'DC'} {place & 15}" for place in table_places(payload))
    return f"{tables}; {'those of Annex K' if payload in STANDARD_SEGMENTS else 'made for this file'}"


def _scan(payload: bytes) -> str:
    count = payload[0] if payload else 0
    if len(payload) != 4 + 2 * count:
        raise JpegError(f"a scan header of {len(payload)} bytes does not fit its {count} components")
    ids = ", ".join(str(payload[1 + 2 * index]) for index in range(count))
    first, last, approximation = payload[1 + 2 * count : 4 + 2 * count]
    shifted = f", bits {approximation >> 4} to {approximation & 15}" if approximation else ""
    return f"component{'s' if count != 1 else ''} {ids}, coefficients {first} to {last}{shifted}"


def _restarts(payload: bytes) -> str:
    interval = parse_number(payload, "DRI")
    return f"every {interval} MCUs" if interval else "none"


def _text(payload: bytes) -> str:
    text = printable(payload[: 2 * _TEXT_CHARACTERS].rstrip(b"\0\n").decode("utf-8", "replace"))
    return text if len(text) <= _TEXT_CHARACTERS else f"{text[:_TEXT_CHARACTERS]}..."


_WORDS: Final[dict[int, Callable[[bytes], str]]] = {
    DQT: _tables,
    DHT: _huffman,
    SOS: _scan,
    DRI: _restarts,
    DNL: lambda payload: f"{parse_number(payload, 'DNL')} lines",
    COM: _text,
}


def _application(payload: bytes) -> str:
    """The identifier, and of the known ones what they hold."""
    if payload.startswith(EXIF_IDENTIFIER):
        facts = read_exif(payload)
        known = (facts.make, facts.model, facts.software, "thumbnail" if facts.has_thumbnail else None)
        turned = f"orientation {facts.orientation}" if facts.orientation else None
        return _joined("Exif", *known, turned)
    if payload.startswith(b"JFIF\0") and len(payload) >= 14:
        density = f"{int.from_bytes(payload[8:10], 'big')} x {int.from_bytes(payload[10:12], 'big')}"
        unit = {0: "aspect", 1: "dots per inch", 2: "dots per cm"}.get(payload[7], "of unknown unit")
        return f"JFIF {payload[5]}.{payload[6]:02d}, {density} {unit}"
    if payload.startswith(b"ICC_PROFILE\0") and len(payload) >= 14:
        return f"ICC profile, part {payload[12]} of {payload[13]}"
    if payload.startswith(b"Adobe"):
        return _joined("Adobe", f"transform {adobe_transform(payload)}")
    if payload.startswith(b"Ducky\0\x01\0\x04") and len(payload) >= 13:
        return f"Ducky, quality {int.from_bytes(payload[9:13], 'big')}"
    identifier = payload[:40].partition(b"\0")[0]
    return _text(identifier) if identifier.isascii() and identifier.decode("ascii").isprintable() else ""


def _joined(*parts: str | None) -> str:
    return ", ".join(printable(part) for part in parts if part)
