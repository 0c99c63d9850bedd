"""What the segments of one header say together: each is noted in file order, whoever walked to it.

The careful walk (`markers.walk`) and the quick one (`skim`) end here, so that a file's facts do not depend on the walk.
"""

from collections.abc import Iterable
from typing import Final

from unlossy.jpeg.encoders.signature import Signature, signature_of
from unlossy.jpeg.errors import JpegError
from unlossy.jpeg.exif import EXIF_IDENTIFIER, NO_FACTS, read_exif
from unlossy.jpeg.markers import APP0, APP1, APP2, APP14, DHP, DQT, DRI, SOF_CODES
from unlossy.jpeg.segments import (
    PROCESS_OF_SOF,
    Frame,
    Process,
    QuantizationTable,
    adobe_transform,
    jfif_has_thumbnail,
    parse_frame,
    parse_number,
    parse_tables,
)

_TELLING: Final = SOF_CODES | {DQT, DRI, DHP}


class Findings:
    """What the walk has met so far.

    Attributes:
        frame, process: Of the frame header before the first scan; None until then.
        full_size: A DHP's frame header; None where the file is not hierarchical.
        restart_interval: MCUs between restart markers; 0 for none.
        tables: The quantization tables by id; a later one replaces an earlier.
        seen: Which application data: "JFIF", "JFXX", "Exif", "ICC", "MPF", "Adobe"; "thumbnail" for one in APP0.
        adobe_transform: 0, 1 or 2; None where Adobe's segment says none.
        exif: Of the first Exif block.
    """

    def __init__(self) -> None:
        """Nothing met yet."""
        self.frame: Frame | None = None
        self.process: Process | None = None
        self.full_size: Frame | None = None
        self.restart_interval = 0
        self.tables: dict[int, QuantizationTable] = {}
        self.seen: set[str] = set()
        self.adobe_transform: int | None = None
        self.exif = NO_FACTS
        self._segments: list[tuple[int, bytes]] = []

    @classmethod
    def of(cls, segments: Iterable[tuple[int, bytes]]) -> "Findings":
        """What these segments say; raises JpegError."""
        found = cls()
        for code, payload in segments:
            found.note(code, payload)
        return found

    @property
    def height(self) -> int | None:
        """Lines; None where there is no frame header, or it leaves them to a DNL segment."""
        frame = self.full_size or self.frame
        return (frame.height or None) if frame else None

    @property
    def signature(self) -> Signature:
        """What betrays the encoder."""
        return signature_of(self._segments, self.exif.make, self.exif.model, self.exif.software)

    def note(self, code: int, payload: bytes) -> None:
        """Adds what one segment says; of APPn and COM the payload's begin is enough. Raises JpegError."""
        self._segments.append((code, payload))
        if APP0 <= code <= APP14:
            self._note_application_data(code, payload)
        elif code in _TELLING:
            self._note_picture(code, payload)

    def _note_picture(self, code: int, payload: bytes) -> None:
        if code == DQT:
            self.tables |= {table.id: table for table in parse_tables(payload)}
        elif code == DRI:
            self.restart_interval = parse_number(payload, "DRI")
        elif code == DHP:
            self.full_size = parse_frame(payload)
        elif self.frame is not None:
            raise JpegError("a second frame header before the first scan")
        else:
            self.frame, self.process = parse_frame(payload), PROCESS_OF_SOF[code]

    def _note_application_data(self, code: int, head: bytes) -> None:
        if code == APP0 and head.startswith((b"JFIF\0", b"JFXX\0")):
            self.seen.add(head[:4].decode("ascii"))
            if jfif_has_thumbnail(head):
                self.seen.add("thumbnail")
        elif code == APP1 and head.startswith(EXIF_IDENTIFIER):
            if "Exif" not in self.seen:  # a second block continues an overlong first one (Exif 3.0), or is a stray
                self.exif = read_exif(head)
            self.seen.add("Exif")
        elif code == APP2 and head.startswith(b"ICC_PROFILE\0"):
            self.seen.add("ICC")
        elif code == APP2 and head.startswith(b"MPF\0"):
            self.seen.add("MPF")
        elif code == APP14 and head.startswith(b"Adobe"):
            self.seen.add("Adobe")
            self.adobe_transform = adobe_transform(head)
