"""AVIF and HEIF (ISO/IEC 23008-12): the primary item's properties say size, bits and subsampling.

    ftyp | meta: pitm (which item) iref (a grid's tiles) iprp: ipco (properties) ipma (which item has which)

Properties: ispe the size, pixi the bits, av1C and hvcC the codec's configuration. Whether AV1 or HEVC coded without
loss is told only by the coded picture, which is not looked at: null.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from unlossy.audit.formats.boxes import Box, boxes
from unlossy.audit.formats.header import OtherHeader
from unlossy.core.errors import DecodeError
from unlossy.jpeg.markers import Window

_FULL_BOX_BYTES: Final = 4
_CHROMA: Final = {0: "grey", 1: "4:2:0", 2: "4:2:2", 3: "4:4:4"}
Properties = Sequence[Box]


def read(window: Window) -> OtherHeader:
    """The header of an AVIF or HEIF file; raises DecodeError where it has no primary picture with a size."""
    top = {box.kind: box for box in boxes(window, 0, window.size_bytes)}
    meta = top.get(b"meta")
    if meta is None:
        raise DecodeError("heif or avif without a meta box: no still picture, or a damaged header")
    parts = {box.kind: box for box in meta.children(_FULL_BOX_BYTES)}
    if not {b"pitm", b"iprp"} <= parts.keys():
        raise DecodeError("heif or avif without a primary picture or its properties: a damaged header")
    primary = _primary(parts[b"pitm"].content())
    by_item = _properties(parts[b"iprp"])
    own = by_item.get(primary, ())
    coded = [own, *(by_item.get(tile, ()) for tile in _tiles(parts.get(b"iref"), primary))]
    try:
        return _header(own, coded, b"moov" in top)
    except (struct.error, IndexError) as error:
        raise DecodeError("heif or avif with a damaged header: a property is cut short") from error


def _header(own: Properties, coded: Sequence[Properties], animated: bool) -> OtherHeader:
    size = _first((own,), b"ispe")
    if size is None:
        raise DecodeError("heif or avif whose primary picture has no size (ispe)")
    width, height = struct.unpack_from(">II", size, 4)
    av1, hevc, depths = (_first(coded, kind) for kind in (b"av1C", b"hvcC", b"pixi"))
    precision = max(depths[5 : 5 + depths[4]]) if depths and depths[4] else None
    remarks = ("animated",) if animated else ()
    if av1 is not None:
        return OtherHeader("avif", width, height, _av1_bits(av1[2]), _av1_sampling(av1[2]), None, remarks)
    if hevc is not None:
        return OtherHeader("heif", width, height, (hevc[17] & 7) + 8, _CHROMA[hevc[16] & 3], None, remarks)
    return OtherHeader("heif", width, height, precision, None, None, (*remarks, "neither AV1 nor HEVC"))


def _av1_bits(flags: int) -> int:
    """From av1C's third byte: high_bitdepth, twelve_bit (AV1-ISOBMFF, 2.3.3)."""
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8


def _av1_sampling(flags: int) -> str:
    """From the same byte: monochrome, chroma_subsampling_x, chroma_subsampling_y."""
    if flags & 0x10:
        return "grey"
    return {0: "4:4:4", 0x08: "4:2:2", 0x0C: "4:2:0"}.get(flags & 0x0C, "4:4:0")


def _primary(content: bytes) -> int:
    """The primary item's id: 16 bits in version 0, else 32."""
    return int.from_bytes(content[4:6] if content[:1] == b"\0" else content[4:8], "big")


def _properties(iprp: Box) -> Mapping[int, Properties]:
    """Each item's property boxes."""
    parts = list(iprp.children())
    shared = [box for part in parts if part.kind == b"ipco" for box in part.children()]
    found: dict[int, list[Box]] = {}
    for part in parts:
        if part.kind == b"ipma":
            for item, index in _associations(part.content()):
                if 1 <= index <= len(shared):
                    found.setdefault(item, []).append(shared[index - 1])
    return found


def _associations(content: bytes) -> Iterator[tuple[int, int]]:
    """Item id and property index (from 1) of each association in an ipma box; ends early where that is cut short."""
    id_bytes = 2 if content[:1] == b"\0" else 4
    index_bytes, mask = (2, 0x7FFF) if content[3:4] and content[3] & 1 else (1, 0x7F)
    offset = 8
    while offset + id_bytes < len(content):
        item = int.from_bytes(content[offset : offset + id_bytes], "big")
        count = content[offset + id_bytes]
        offset += id_bytes + 1
        for begin in range(offset, min(offset + count * index_bytes, len(content)), index_bytes):
            yield item, int.from_bytes(content[begin : begin + index_bytes], "big") & mask
        offset += count * index_bytes


def _tiles(iref: Box | None, primary: int) -> list[int]:
    """The first item that a grid or overlay is derived from; empty where the primary picture is a coded one."""
    if iref is None:
        return []
    size = 2 if iref.window.at(iref.begin, 1) == b"\0" else 4
    for box in iref.children(_FULL_BOX_BYTES):
        data = box.content() if box.kind == b"dimg" else b""
        if len(data) >= 2 * size + 2 and int.from_bytes(data[:size], "big") == primary:
            return [int.from_bytes(data[size + 2 : 2 * size + 2], "big")]
    return []


def _first(items: Sequence[Properties], kind: bytes) -> bytes | None:
    """The content of the first property of a kind."""
    return next((box.content() for properties in items for box in properties if box.kind == kind), None)
