"""Tar archives, plain or compressed (gzip, bzip2, xz), read once from front to end; WebDataset's shards among them.

plain          a member is a stretch of the file (`RangeBlob`): only its first KiB are read, whenever asked
compressed     a member's bytes are in its blob (`BytesBlob`), because there is no way back: memory holds those of the
               Items that somebody keeps
"""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Iterator
from typing import Final

from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import ReadError, TooLargeError
from unlossy.core.types import Blob
from unlossy.datasets.containers.base import MAX_MEMBER_BYTES, Archive, Container, Member, RangeBlob, stream_of
from unlossy.datasets.containers.entries import Entry, images_of
from unlossy.datasets.failed import failed_blob
from unlossy.datasets.magic import HEAD_BYTES

MAX_HEADER_BYTES: Final = 1 << 20
"""An extended header (long name, pax) that claims more is refused before it is read."""
BOMB_BYTES: Final = 256 << 20
BOMB_RATIO: Final = 200
"""More than BOMB_BYTES that are more than BOMB_RATIO times the archive's own size: a bomb. JPEGs shrink by 1.1."""
CHUNK_BYTES: Final = 1 << 20
LINK: Final = "link in an archive"
SPECIAL: Final = "special file in an archive"


def members(archive: Archive) -> Iterator[Member]:
    """The images of a tar in its order; raises ReadError, TooLargeError or what tarfile and the decompressors raise."""
    with stream_of(archive.blob) as raw, _decompressed(raw) as unpacked:
        stream = _TarStream(unpacked, archive.blob.size_bytes, packed=unpacked is not raw)
        yield from images_of(archive, _entries(archive, stream))


def _decompressed(raw: io.BufferedReader) -> io.BufferedReader:
    """The stream itself, or its decompression, as its first bytes say."""
    head = raw.read(6)
    raw.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw))
    if head.startswith(b"BZh"):
        return io.BufferedReader(bz2.BZ2File(raw))
    return io.BufferedReader(lzma.LZMAFile(raw)) if head == b"\xfd7zXZ\0" else raw


def _entries(archive: Archive, stream: "_TarStream") -> Iterator[Entry]:
    with tarfile.open(fileobj=stream, mode="r:", errors="surrogateescape") as tar:  # type: ignore[call-overload]
        while (info := tar.next()) is not None:
            tar.members.clear()  # tarfile would remember each for ever: 1.5 KB a member
            if info.isfile() and not info.issparse():
                yield _entry(archive, stream, info)
            elif not info.isdir():
                archive.others[LINK if info.issym() or info.islnk() else SPECIAL] += 1
    stream.check_end()


def _entry(archive: Archive, stream: "_TarStream", info: tarfile.TarInfo) -> Entry:
    if not stream.packed:
        if info.offset_data + info.size > stream.archive_bytes:
            raise ReadError(f"the tar ends inside its member {info.name!r}; fetch it again")
        stretch = RangeBlob(archive.blob, info.offset_data, info.size)
        return Entry(info.name, info.size, lambda: stretch.read(0, HEAD_BYTES), lambda: stretch)
    passing = _Passing(stream, info)
    return Entry(info.name, info.size, lambda: passing.upto(min(info.size, HEAD_BYTES)), passing.whole)


class _Passing:
    """The member that a compressed stream stands at: its bytes can be had until the next one is asked for."""

    def __init__(self, stream: "_TarStream", info: tarfile.TarInfo) -> None:
        self._stream, self._info, self._data = stream, info, b""

    def upto(self, size: int) -> bytes:
        """The first `size` bytes; raises EOFError where the archive ends before."""
        self._data += self._stream.take(size - len(self._data))
        if len(self._data) < size:
            raise EOFError(f"the tar ends inside its member {self._info.name!r}; fetch it again")
        return self._data

    def whole(self) -> Blob:
        """All of it, in memory; a blob that raises TooLargeError where it is too much for that."""
        if self._info.size > MAX_MEMBER_BYTES:
            finding = f"{self._info.size} bytes in a compressed tar; {MAX_MEMBER_BYTES} are the limit: unpack it"
            return failed_blob(TooLargeError(finding))
        return BytesBlob(self.upto(self._info.size))


class _TarStream:
    """What tarfile reads from: refuses bombs and headers without measure, and goes back only where it can."""

    def __init__(self, stream: io.BufferedReader, archive_bytes: int, *, packed: bool) -> None:
        self.packed, self.archive_bytes = packed, archive_bytes
        self._stream, self._position, self._last_block = stream, 0, b""

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        if not self.packed:
            self._position = self._stream.seek(position)
            return
        while self._position < position and self.take(min(CHUNK_BYTES, position - self._position)):
            pass

    def read(self, size: int) -> bytes:
        """The bytes of a header."""
        if size > MAX_HEADER_BYTES:
            raise TooLargeError(f"the tar has a header of {size} bytes; {MAX_HEADER_BYTES} are the limit")
        data = self.take(size)
        if size == tarfile.BLOCKSIZE:
            self._last_block = data
        return data

    def take(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._position += len(data)
        if self.packed and self._position > max(BOMB_BYTES, BOMB_RATIO * self.archive_bytes):
            raise TooLargeError(
                f"the tar unpacks to over {self._position} bytes from {self.archive_bytes}: a decompression bomb"
            )
        return data

    def check_end(self) -> None:
        """Raises ReadError where tarfile stopped at something else than the end marker, a block of zeros."""
        if not self._last_block:
            raise ReadError("the tar ends without its end marker; fetch it again")
        if self._last_block.strip(b"\0"):
            raise ReadError(f"the tar is damaged: no member's header at byte {self._position - len(self._last_block)}")


def _is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar"


TAR: Final = Container(
    "tar", (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"), magic=_is_tar, members=members
)
