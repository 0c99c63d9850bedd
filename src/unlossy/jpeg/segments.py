"""What single marker segments say: frame header, quantization tables, restart interval, application data.

Each function takes one payload (the bytes behind the length) and knows nothing of the others. Layouts: ITU-T T.81,
annex B; JFIF 1.02; CIPA DC-007 (MPF); Adobe Technical Note 5116.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from unlossy.jpeg.errors import JpegError
from unlossy.jpeg.tables import Table, from_zigzag


class Process(StrEnum):
    """The coding process, named as in T.81, table B.1."""

    BASELINE = "baseline"
    EXTENDED = "extended sequential"
    PROGRESSIVE = "progressive"
    LOSSLESS = "lossless"
    DIFFERENTIAL_SEQUENTIAL = "differential sequential"
    DIFFERENTIAL_PROGRESSIVE = "differential progressive"
    DIFFERENTIAL_LOSSLESS = "differential lossless"
    ARITHMETIC_EXTENDED = "extended sequential, arithmetic"
    ARITHMETIC_PROGRESSIVE = "progressive, arithmetic"
    ARITHMETIC_LOSSLESS = "lossless, arithmetic"
    ARITHMETIC_DIFFERENTIAL_SEQUENTIAL = "differential sequential, arithmetic"
    ARITHMETIC_DIFFERENTIAL_PROGRESSIVE = "differential progressive, arithmetic"
    ARITHMETIC_DIFFERENTIAL_LOSSLESS = "differential lossless, arithmetic"

    @property
    def is_arithmetic(self) -> bool:
        """Arithmetic coding, else Huffman."""
        return self.endswith("arithmetic")

    @property
    def is_lossless(self) -> bool:
        """Predictive coding of the samples: no DCT, and no quantization table in use."""
        return "lossless" in self


_CODES: Final = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
PROCESS_OF_SOF: Final = dict(zip(_CODES, Process, strict=True))


@dataclass(frozen=True, slots=True)
class Component:
    """One component of the frame: its id, sampling factors (1..4 each) and the id of its quantization table."""

    id: int
    h: int
    v: int
    table_id: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame header. `precision` in bits per sample; `height` 0 leaves the number of lines to a DNL segment."""

    precision: int
    height: int
    width: int
    components: tuple[Component, ...]


@dataclass(frozen=True, slots=True, eq=False)
class QuantizationTable:
    """One table as the file holds it: its id (0..3), 8 or 16 bits an entry, and the entries in natural order."""

    id: int
    entry_bits: int
    entries: Table


def parse_frame(payload: bytes) -> Frame:
    """The frame header of an SOF or DHP payload; raises JpegError where no decoder could follow it."""
    if len(payload) < 6 or len(payload) != 6 + 3 * payload[5]:
        raise JpegError(f"the frame header has {len(payload)} bytes, which does not fit its number of components")
    height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
    components = tuple(
        Component(id_, factors >> 4, factors & 15, table_id)
        for id_, factors, table_id in zip(payload[6::3], payload[7::3], payload[8::3], strict=True)
    )
    if width == 0 or not components:
        raise JpegError(f"the frame header says {width} pixels a line and {len(components)} components: no picture")
    for component in components:
        if not (1 <= component.h <= 4 and 1 <= component.v <= 4):
            raise JpegError(f"component {component.id} has sampling factors {component.h}x{component.v}; 1..4 exist")
    return Frame(payload[0], height, width, components)


def parse_tables(payload: bytes) -> Iterator[QuantizationTable]:
    """The tables of one DQT payload, in its order; raises JpegError. Like libjpeg, any Pq but 0 means 16 bits."""
    offset = 0
    while offset < len(payload):
        entry_bits, table_id = (16 if payload[offset] >> 4 else 8), payload[offset] & 15
        raw = payload[offset + 1 : offset + 1 + 8 * entry_bits]
        if table_id > 3:
            raise JpegError(f"a quantization table has the id {table_id}; 0..3 exist")
        if len(raw) < 8 * entry_bits:
            raise JpegError(f"quantization table {table_id} ends after {len(raw)} of {8 * entry_bits} bytes")
        entries = np.frombuffer(raw, dtype=">u2" if entry_bits == 16 else np.uint8).astype(np.uint16)
        yield QuantizationTable(table_id, entry_bits, from_zigzag(entries))
        offset += 1 + len(raw)


def parse_number(payload: bytes, name: str) -> int:
    """The one 16-bit number of a DRI or DNL payload; raises JpegError where it has another length."""
    if len(payload) != 2:
        raise JpegError(f"a {name} segment has {len(payload)} bytes where 2 belong")
    return int.from_bytes(payload, "big")


def jfif_has_thumbnail(head: bytes) -> bool:
    """Whether an APP0 payload holds a thumbnail: of JFIF with a size (bytes 12 and 13), or any of JFXX."""
    if head.startswith(b"JFXX\0"):
        return True
    return head.startswith(b"JFIF\0") and len(head) >= 14 and head[12] * head[13] > 0


def adobe_transform(head: bytes) -> int | None:
    """The colour transform of an Adobe APP14 payload (0 none, 1 YCbCr, 2 YCCK); None where it is cut short."""
    return head[11] if len(head) >= 12 else None
