"""Does a JPEG file end before its data do? Judged by the end marker, from the last bytes.

    whole        EOI (FF D9) stands behind the first scan's header, in the last 4 KiB or, failing that, anywhere
    truncated    it stands nowhere
    unknown      not in the last 4 KiB, and the file is too large to search

Entropy-coded data never hold FF D9 (an FF is followed by a stuffed 00), so an EOI behind the first SOS is one. Bytes
behind EOI (a maker's trailer, a film, a second picture, zeros) do not make a file truncated: hence the search. A file
that was cut and then padded with zeros holds no EOI, and is. What this cannot see: a picture that was cut and has
another whole picture behind it, and one whose middle is missing.
"""

from typing import Final

from unlossy.core.types import Blob

TAIL_BYTES: Final = 4096
MAX_SEARCH_BYTES: Final = 64 * 2**20
_CHUNK_BYTES: Final = 2**20
_EOI: Final = b"\xff\xd9"


def is_truncated(blob: Blob, size_bytes: int, scan_offset: int) -> bool | None:
    """Whether no EOI follows `scan_offset`, the first byte of entropy-coded data; None where that is unknown."""
    tail_offset = max(scan_offset, size_bytes - TAIL_BYTES)
    if _EOI in blob.read(tail_offset, size_bytes - tail_offset):
        return False
    if size_bytes - scan_offset > MAX_SEARCH_BYTES:
        return None
    return not any(
        _EOI in blob.read(offset, _CHUNK_BYTES + 1) for offset in range(scan_offset, tail_offset, _CHUNK_BYTES)
    )
