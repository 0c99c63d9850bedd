"""Everything that a JPEG file's headers say, as one frozen record: `read_header(blob) -> JpegHeader`.

Tables, restart interval and application data are those in force at the first SOS; a table that a later scan defines is
not read, and a component that waits for it has none here. `colorspace` follows libjpeg's rules, since that is how
decoders will see the file.
"""

from dataclasses import dataclass
from typing import Final

from unlossy.core.types import Blob, CompressionHints
from unlossy.jpeg.encoders.signature import HEAD_BYTES, Signature
from unlossy.jpeg.ending import is_truncated
from unlossy.jpeg.errors import JpegError, JpegTruncatedError
from unlossy.jpeg.findings import Findings
from unlossy.jpeg.markers import DNL, SOS, Window, marker_after_scan, walk
from unlossy.jpeg.segments import Component, Process, QuantizationTable, parse_number
from unlossy.jpeg.skim import payload_bytes
from unlossy.jpeg.tables import Table

_NOTATIONS: Final = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (1, 2): "4:4:0", (4, 1): "4:1:1"}


@dataclass(frozen=True, slots=True, eq=False)
class JpegHeader:
    """The evidence of one file.

    Attributes:
        width: Pixels a line, 1..65535.
        height: Lines, 1..65535; None where the frame header leaves it to a DNL segment and none follows.
        precision: Bits a sample (8 nearly always, 12 in extended processes, 2..16 in lossless ones).
        components: In frame order.
        process: The coding process of the (first) frame.
        is_hierarchical: A DHP segment announces several frames; the size is the DHP's, that is the last frame's.
        restart_interval: MCUs between restart markers; 0 for none.
        tables: The quantization tables defined before the first scan, by id; some may be in no component's use.
        adobe_transform: 0, 1 or 2 of Adobe's APP14; None without one.
        exif_orientation: 1..8; None where absent or nonsense.
        has_thumbnail: In JFIF, JFXX or Exif.
        has_mpf: A Multi-Picture index in APP2: more pictures follow this one in the file.
        truncated: No end marker (see `ending`); None where unknown.
        scan_offset: Offset of the first entropy-coded byte; None where the file ends before it (`truncated` then).
        signature: What betrays the encoder (see `encoder.identify`).
    """

    width: int
    height: int | None
    precision: int
    components: tuple[Component, ...]
    process: Process
    is_hierarchical: bool
    restart_interval: int
    tables: tuple[QuantizationTable, ...]
    has_jfif: bool
    has_exif: bool
    has_icc: bool
    has_adobe: bool
    adobe_transform: int | None
    exif_orientation: int | None
    has_thumbnail: bool
    has_mpf: bool
    truncated: bool | None
    scan_offset: int | None
    signature: Signature

    @property
    def entropy_coding(self) -> str:
        """Either "huffman" or "arithmetic"."""
        return "arithmetic" if self.process.is_arithmetic else "huffman"

    @property
    def colorspace(self) -> str:
        """One of "grey", "YCbCr", "RGB", "CMYK", "YCCK", "unknown", by libjpeg's `default_decompress_parms`."""
        ids = tuple(component.id for component in self.components)
        transform = self.adobe_transform
        if len(ids) == 4:
            return "YCCK" if transform == 2 else "CMYK"
        if len(ids) != 3:
            return "grey" if len(ids) == 1 else "unknown"
        if self.has_jfif:
            return "YCbCr"
        if transform is not None:
            return "RGB" if transform == 0 else "YCbCr"
        return "RGB" if ids == (0x52, 0x47, 0x42) else "YCbCr"

    @property
    def sampling(self) -> str:
        """A notation such as "4:2:0", or "grey"; the factors "2x1,1x2,1x1" (h x v) where no notation says them."""
        if len(self.components) == 1:
            return "grey"
        ratio = self._chroma_ratio()
        factors = ",".join(f"{component.h}x{component.v}" for component in self.components)
        return _NOTATIONS.get(ratio, factors) if ratio else factors

    def table_of(self, component: Component) -> Table | None:
        """The entries that quantize a component; None in lossless processes and where no table was defined in time."""
        if self.process.is_lossless:
            return None
        return next((table.entries for table in self.tables if table.id == component.table_id), None)

    def hints(self) -> CompressionHints | None:
        """What a corrector needs; None unless grey or YCbCr with known tables, one for both chromas, and a plain ratio.

        The sampling factors are those of luma relative to chroma.
        """
        tables = [self.table_of(component) for component in self.components]
        if tables[0] is None or self.colorspace not in ("grey", "YCbCr"):
            return None
        if self.colorspace == "grey":
            return CompressionHints(tables[0], None, (1, 1))
        ratio = self._chroma_ratio()
        if ratio is None or tables[1] is None or self.components[1].table_id != self.components[2].table_id:
            return None
        return CompressionHints(tables[0], tables[1], ratio)

    def _chroma_ratio(self) -> tuple[int, int] | None:
        """Luma's sampling over chroma's, across and down, for three components of which the last two are alike."""
        if len(self.components) != 3:
            return None
        first, second, third = self.components
        if (second.h, second.v) != (third.h, third.v) or first.h % second.h or first.v % second.v:
            return None
        return first.h // second.h, first.v // second.v


def read_header(blob: Blob) -> JpegHeader:
    """The headers of a JPEG file, from a few KiB of it; decodes nothing.

    Raises:
        JpegError: The segments up to the first scan are not those of a picture.
        JpegTruncatedError: The file ends before the frame header does. (A file that ends later is no error but
            `truncated`.)
        ReadError: From the blob.
    """
    window = Window(blob)
    found = Findings()
    scan_offset = None
    try:
        for segment in walk(window):
            found.note(
                segment.code, segment.head(payload_bytes(segment.code, segment.head(HEAD_BYTES), segment.size_bytes))
            )
            scan_offset = segment.end if segment.code == SOS else None
    except JpegTruncatedError:
        if found.frame is None:
            raise
    truncated = scan_offset is None or is_truncated(blob, window.size_bytes, scan_offset)
    height = _height_behind(window, scan_offset) if scan_offset and not found.height else found.height
    return header_of(found, height, scan_offset, truncated)


def header_of(found: Findings, height: int | None, scan_offset: int | None, truncated: bool | None) -> JpegHeader:
    """The record of what the segments said; raises JpegError where they told of no frame."""
    frame, process = found.frame, found.process
    if frame is None or process is None:
        raise JpegError("a scan begins before any frame header: size and components are unknown")
    return JpegHeader(
        width=(found.full_size or frame).width,
        height=height,
        precision=frame.precision,
        components=frame.components,
        process=process,
        is_hierarchical=found.full_size is not None,
        restart_interval=found.restart_interval,
        tables=tuple(found.tables[id_] for id_ in sorted(found.tables)),
        has_jfif="JFIF" in found.seen,
        has_exif="Exif" in found.seen,
        has_icc="ICC" in found.seen,
        has_adobe="Adobe" in found.seen,
        adobe_transform=found.adobe_transform,
        exif_orientation=found.exif.orientation,
        has_thumbnail=found.exif.has_thumbnail or "thumbnail" in found.seen,
        has_mpf="MPF" in found.seen,
        truncated=truncated,
        scan_offset=scan_offset,
        signature=found.signature,
    )


def _height_behind(window: Window, scan_offset: int) -> int | None:
    """The lines that a DNL segment behind the first scan says; None without one."""
    try:
        behind = marker_after_scan(window, scan_offset)
    except JpegError:  # cut, damaged, or more to read than is reasonable
        return None
    return (parse_number(behind.payload(), "DNL") or None) if behind and behind.code == DNL else None
