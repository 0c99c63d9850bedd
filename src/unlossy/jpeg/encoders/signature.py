"""What of a JPEG file's headers betrays its encoder, reduced to a small hashable key: `signature_of(segments)`.

Sizes, densities, times and pixels are left out, and Huffman tables are reduced to their layout (which stand in which
segment) and whether they are those of Annex K: files of one encoder at one setting share a signature, so that its
answer can be remembered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from unlossy.jpeg.huffman import STANDARD_SEGMENTS, table_places
from unlossy.jpeg.markers import APP0, COM, DHT, DQT, SOF_CODES, SOS

HEAD_BYTES: Final = 32
"""So much of an APPn or COM payload is enough here, but for APP13."""
APP13: Final = 0xED
_IDENTIFIER: Final = b"Photoshop 3.0\0"
_QUALITY_RESOURCE: Final = b"8BIM\x04\x06"

Huffman = Literal["none", "standard", "optimised"]


@dataclass(frozen=True, slots=True)
class Signature:
    """The evidence.

    Attributes:
        codes: Marker codes behind SOI up to and with the first SOS, in file order, one byte each.
        skeleton: The same without application data and comments.
        tables: Each quantization table's id and entries as the file holds them (zigzag; 64 or 128 bytes), in its order.
        tables_a_segment: How many of them each DQT segment holds.
        frame: The SOF payload without height and width: precision, number of components, three bytes for each.
        huffman: Whether the Huffman tables before the first scan are Annex K's; "none" where there are none.
        huffman_places: For each DHT segment the class (high nibble: 0 DC, 1 AC) and id of its tables, one byte each.
        scan: The SOS payload.
        applications: Each APPn as its code and identifier, b"\\xe0JFIF"; of Adobe's and Ducky also what they say.
        comment: First word of the first COM, at most 16 bytes.
        photoshop: The number in Photoshop's own quality resource, -4..8; None without one.
        make, model, software: Exif texts; empty where absent.
    """

    codes: bytes
    skeleton: bytes = b""
    tables: tuple[tuple[int, bytes], ...] = ()
    tables_a_segment: bytes = b""
    frame: bytes = b""
    huffman: Huffman = "none"
    huffman_places: tuple[bytes, ...] = ()
    scan: bytes = b""
    applications: tuple[bytes, ...] = ()
    comment: bytes = b""
    photoshop: int | None = None
    make: str = ""
    model: str = ""
    software: str = ""

    @property
    def slots(self) -> Mapping[int, bytes]:
        """The entries of each table by its id; where one is defined twice, the later."""
        return dict(self.tables)

    @property
    def component_ids(self) -> bytes:
        """The ids of the components, in frame order."""
        return self.frame[2::3]

    @property
    def table_ids(self) -> bytes:
        """The quantization table of each component."""
        return self.frame[4::3]

    @property
    def has_jfif(self) -> bool:
        """A JFIF header, and before any other application data, as JFIF demands."""
        return self.applications[:1] == (b"\xe0JFIF",)

    def adobe(self) -> bytes | None:
        """What Adobe's APP14 says (version, flags, transform), None without one."""
        return next((data[6:] for data in self.applications if data.startswith(b"\xeeAdobe")), None)


def head_bytes(code: int) -> int:
    """How many bytes of a segment's payload `signature_of` wants: all (65 533 at most) but for APPn and COM."""
    return HEAD_BYTES if (code == COM or APP0 <= code <= APP0 + 15) and code != APP13 else 65_533


def signature_of(
    segments: Iterable[tuple[int, bytes]],
    make: str | None = None,
    model: str | None = None,
    software: str | None = None,
) -> Signature:
    """The signature of a file's segments up to and with the first SOS: each its marker code and payload.

    Of each payload the first `head_bytes(code)` are enough. `make`, `model`, `software` are Exif's.
    """
    codes, skeleton, a_segment = bytearray(), bytearray(), bytearray()
    tables: list[tuple[int, bytes]] = []
    huffman, applications = [], []
    frame = scan = comment = b""
    photoshop = None
    for code, payload in segments:
        codes.append(code)
        if code != COM and not APP0 <= code <= APP0 + 15:
            skeleton.append(code)
        if code == DQT:
            found = _tables(payload)
            tables += found
            a_segment.append(min(len(found), 255))
        elif code == DHT:
            huffman.append(payload)
        elif code in SOF_CODES:
            frame = payload[:1] + payload[5:]
        elif code == SOS:
            scan = payload
        elif APP0 <= code <= APP0 + 15:
            applications.append(bytes((code,)) + _identifier(payload))
            photoshop = _photoshop_quality(payload) if code == APP13 else photoshop
        elif code == COM and not comment:
            comment = b"".join(payload[:HEAD_BYTES].rstrip(b"\0").split(maxsplit=1)[:1])[:16]
    standard = all(payload in STANDARD_SEGMENTS for payload in huffman)
    return Signature(
        codes=bytes(codes),
        skeleton=bytes(skeleton),
        tables=tuple(tables),
        tables_a_segment=bytes(a_segment),
        frame=frame,
        huffman="none" if not huffman else "standard" if standard else "optimised",
        huffman_places=tuple(table_places(payload) for payload in huffman),
        scan=scan,
        applications=tuple(applications),
        comment=comment,
        photoshop=photoshop,
        make=(make or "").strip(),
        model=(model or "").strip(),
        software=(software or "").strip(),
    )


def _tables(payload: bytes) -> list[tuple[int, bytes]]:
    """Id and entries of each table of a DQT payload; the last may be cut short."""
    found, offset = [], 0
    while offset < len(payload):
        end = offset + (129 if payload[offset] >> 4 else 65)
        found.append((payload[offset] & 15, payload[offset + 1 : end]))
        offset = end
    return found


def _identifier(payload: bytes) -> bytes:
    """What names an APPn: the text before the first NUL; Adobe's with flags and transform, Ducky's with the quality."""
    if payload.startswith(b"Adobe"):
        return payload[:12]
    if payload.startswith(b"Ducky"):
        return payload[:13]
    return payload[:HEAD_BYTES].partition(b"\0")[0]


def _photoshop_quality(payload: bytes) -> int | None:
    """The first number of image resource 0x0406: "8BIM", id, empty name (2 bytes), size (4), signed 16-bit number."""
    begin = payload.find(_QUALITY_RESOURCE) if payload.startswith(_IDENTIFIER) else -1
    number = payload[begin + 12 : begin + 14]
    return int.from_bytes(number, "big", signed=True) if begin >= 0 and len(number) == 2 else None
