"""What a header's bytes imply, remembered: the files of a dataset share few headers but for their sizes.

    plain headers       key: their own bytes without width, height and optimised Huffman codes (`jpeg.lanes`)
    ordinary ones       key: the encoder's signature and the few other fields that facts depend on (`jpeg.skim`)
    all others          not remembered: the careful `examine` looks at them

A key holds everything that `jpeg_facts` reads, so a remembered answer is the one that would be worked out again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from unlossy.audit.rows import Facts, jpeg_facts
from unlossy.audit.templates import Spot, Template, spot_tables
from unlossy.jpeg import JpegError
from unlossy.jpeg.encoder import signature_of
from unlossy.jpeg.exif import EXIF_IDENTIFIER, NO_FACTS, read_exif
from unlossy.jpeg.findings import Findings
from unlossy.jpeg.header import header_of
from unlossy.jpeg.huffman import STANDARD_SEGMENTS, table_places
from unlossy.jpeg.lanes import Lanes
from unlossy.jpeg.markers import APP0, APP1, APP2, APP14, COM, DHT, DRI, SOF_CODES
from unlossy.jpeg.skim import Skimmed, skim

MAX_REMEMBERED: Final = 16_384
"""Entries of one memory; a full one is emptied."""
_TELLING: Final = frozenset({APP0, APP2, APP14, DRI})
_TELLING_BYTES: Final = 14

PlainKey = bytes | tuple[bytes, int]


class Known(NamedTuple):
    """What is known of one header.

    `facts` are those of a file that is not truncated; `scan_offset` is the offset of the first coded byte; `template`
    is None where the header cannot be one.
    """

    facts: Facts
    width: int
    height: int
    scan_offset: int
    template: Template | None


class HeaderMemory:
    """Facts by header; one for each process."""

    def __init__(self) -> None:
        """Nothing remembered."""
        self.by_bytes: dict[PlainKey | None, Facts] = {}
        self._by_key: dict[object, tuple[Facts, Template | None]] = {}
        self._by_skeleton: dict[object, Template] = {}
        self._cut: dict[tuple[Facts, bool | None], Facts] = {}

    def learn(self, key: PlainKey, facts: Facts, template: Template | None = None) -> None:
        """Remembers the facts of a plain header, and that it is a template for those with other tables."""
        _bounded(self.by_bytes)[key] = facts
        spot = spot_tables(_bytes(key)) if template is not None else None
        if template is not None and spot is not None and template.fits(spot):
            _bounded(self._by_skeleton)[_skeleton(key, spot)] = template

    def template(self, key: PlainKey) -> tuple[Template, Spot] | None:
        """The template of a plain header that was not met before, and where its tables stand."""
        spot = spot_tables(_bytes(key))
        template = None if spot is None else self._by_skeleton.get(_skeleton(key, spot))
        return None if spot is None or template is None else (template, spot)

    def ordinary(self, head: bytes, size_bytes: int, read: Callable[[int, int], bytes]) -> Known | None:
        """What is known of one header, walked quickly; None for one that needs the careful walk; raises ReadError."""
        skimmed = skim(head, size_bytes, read)
        if skimmed is None:
            return None
        frame = next((payload for code, payload in skimmed.segments if code in SOF_CODES), b"")
        height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
        key = _key(skimmed)
        if key not in self._by_key:
            try:
                found = Findings.of(skimmed.segments)
                header = header_of(found, found.height, skimmed.scan_offset, truncated=False)
                facts = jpeg_facts(header)
            except JpegError:
                return None
            _bounded(self._by_key)[key] = facts, Template.of(header, facts)
        facts, template = self._by_key[key]
        return Known(facts, width, height, skimmed.scan_offset, template) if width and height else None

    def cut(self, facts: Facts, truncated: bool | None) -> Facts:
        """The same facts of a file that ends early (or may: None)."""
        if truncated is False:
            return facts
        if (facts, truncated) not in self._cut:
            _bounded(self._cut)[facts, truncated] = replace(facts, truncated=truncated)
        return self._cut[facts, truncated]


def plain_keys(heads: Sequence[bytes], lanes: Lanes) -> Iterator[PlainKey | None]:
    """For each plain header the bytes that its facts depend on; None for the others."""
    columns = (lanes.is_plain, lanes.frame, lanes.frame_end, lanes.scan, lanes.scan_end, lanes.huffman)
    for head, is_plain, frame, frame_end, scan, end, huffman in zip(
        heads, *(column.tolist() for column in columns), strict=True
    ):
        if not is_plain:
            yield None
        elif huffman:
            yield head[: frame + 5] + head[frame + 9 : frame_end] + head[scan:end], huffman
        else:
            yield head[: frame + 5] + head[frame + 9 : end]


def _key(skimmed: Skimmed) -> object:
    """What the facts depend on: the segments without sizes, Huffman codes and most of Exif.

    Comments differ from file to file in ways that only the signature knows to leave out; it takes longer to make.
    """
    exif, parts, codes = NO_FACTS, [], bytearray()
    for code, payload in skimmed.segments:
        codes.append(code)
        if code == DHT:
            parts.append(payload if payload in STANDARD_SEGMENTS else b"optimised" + table_places(payload))
        elif code in SOF_CODES:
            parts.append(payload[:1] + payload[5:])
        elif code != APP1 or not payload.startswith(EXIF_IDENTIFIER):
            parts.append(payload)
        elif exif is NO_FACTS:
            exif = read_exif(payload)
    if COM not in codes:
        return bytes(codes), tuple(parts), exif
    telling = tuple((code, p[:_TELLING_BYTES]) for code, p in skimmed.segments if code in _TELLING)
    return signature_of(skimmed.segments, exif.make, exif.model, exif.software), exif, telling


def _bytes(key: PlainKey) -> bytes:
    return key if isinstance(key, bytes) else key[0]


def _skeleton(key: PlainKey, spot: Spot) -> object:
    return spot.skeleton if isinstance(key, bytes) else (spot.skeleton, key[1])


def _bounded(memory: dict[Any, Any]) -> dict[Any, Any]:
    """The memory, emptied where it is full."""
    if len(memory) >= MAX_REMEMBERED:
        memory.clear()
    return memory
