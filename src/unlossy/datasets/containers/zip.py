"""Zip archives: the directory by zipfile, each member's bytes when somebody asks.

stored      a stretch of the file (`RangeBlob`)
deflated    `InflatedBlob`: inflated when read, up to 32 MiB kept for the next question, larger ones anew each time
"""

import io
import stat
import struct
import zipfile
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from unlossy.core.errors import ItemError, ReadError, RefusedError, TooLargeError
from unlossy.core.types import Blob
from unlossy.datasets.containers.base import MAX_MEMBER_BYTES, Archive, Container, Member, RangeBlob, stream_of
from unlossy.datasets.containers.entries import Entry, images_of
from unlossy.datasets.containers.tar import LINK
from unlossy.datasets.failed import failed_blob
from unlossy.datasets.magic import HEAD_BYTES

MAX_DIRECTORY_BYTES: Final = 64 << 20
"""About 600 000 members; zipfile holds some 600 bytes of memory for each."""
BOMB_BYTES: Final = 64 << 20
BOMB_RATIO: Final = 200
"""A member that claims more than BOMB_BYTES and more than BOMB_RATIO times its own packed size is a bomb."""
KEPT_BYTES: Final = 32 << 20
CHUNK_BYTES: Final = 1 << 20
_END: Final = struct.Struct("<4s4H2LH")
_END64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_BYTES: Final = 20
_LOCAL: Final = struct.Struct("<26x2H")
"""A member's own header: of it only the lengths of name and extra field."""


def members(archive: Archive) -> Iterator[Member]:
    """The images of a zip in its directory's order; raises TooLargeError, or what zipfile raises."""
    with stream_of(archive.blob) as stream:
        _refuse_endless_directory(stream, archive.blob.size_bytes)
        with zipfile.ZipFile(stream) as directory:
            yield from images_of(archive, _entries(archive, directory))


def _refuse_endless_directory(stream: io.BufferedReader, size: int) -> None:
    """Raises TooLargeError before zipfile makes an object for each of millions of members."""
    tail_at = max(0, size - _END.size - 65535 - _LOCATOR_BYTES - _END64.size)
    stream.seek(tail_at)
    tail = stream.read(size - tail_at)
    at, at64 = tail.rfind(b"PK\5\6"), tail.rfind(b"PK\6\6")
    claims = [_END.unpack_from(tail, at)[5]] if 0 <= at <= len(tail) - _END.size else []
    if 0 <= at64 <= len(tail) - _END64.size:
        claims.append(_END64.unpack_from(tail, at64)[8])
    claimed = min([*claims, size])
    if claimed > MAX_DIRECTORY_BYTES:
        raise TooLargeError(f"the zip's directory has {claimed} bytes; {MAX_DIRECTORY_BYTES} are the limit: split it")


def _entries(archive: Archive, directory: zipfile.ZipFile) -> Iterator[Entry]:
    infos = directory.infolist()
    starts = sorted([info.header_offset for info in infos] + [directory.start_dir])
    for info in infos:
        if stat.S_ISLNK(info.external_attr >> 16):
            archive.others[LINK] += 1
        elif not info.is_dir():
            yield _entry(archive.blob, info, starts)


def _entry(base: Blob, info: zipfile.ZipInfo, starts: list[int]) -> Entry:
    blob: Blob
    try:
        blob = _member_blob(base, info, starts)
    except ItemError as error:
        blob = failed_blob(error)

    def head() -> bytes:
        try:
            return blob.read(0, HEAD_BYTES)
        except ItemError:
            return b""  # no image by its name, and its bytes do not say: counted by its suffix, as in a folder

    return Entry(info.filename, info.file_size, head, lambda: blob)


def _member_blob(base: Blob, info: zipfile.ZipInfo, starts: list[int]) -> Blob:
    if info.flag_bits & 1:
        raise ReadError("the member is encrypted; unpack the zip with its password first")
    header = base.read(info.header_offset, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
        raise ReadError("the zip is damaged: the member is not where the directory says")
    offset = info.header_offset + _LOCAL.size + sum(_LOCAL.unpack(header))
    if offset + info.compress_size > starts[bisect_left(starts, info.header_offset) + 1]:
        raise RefusedError("the member's bytes are also another's, as in a zip bomb")
    if info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size:
        return RangeBlob(base, offset, info.file_size)
    if info.compress_type != zipfile.ZIP_DEFLATED:
        raise ReadError(f"compression method {info.compress_type} of zip is not read here; pack it with deflate")
    if info.file_size > MAX_MEMBER_BYTES or info.file_size > max(BOMB_BYTES, BOMB_RATIO * info.compress_size):
        raise TooLargeError(f"the member claims {info.file_size} bytes from {info.compress_size}, as a zip bomb does")
    return InflatedBlob(base, offset, info.compress_size, info.file_size, info.CRC)


@dataclass(frozen=True, slots=True)
class InflatedBlob(Blob):
    """A deflated member. Its claims are held against it: fewer bytes, more, or another checksum raise ReadError."""

    base: Blob
    offset: int
    packed_size: int
    size: int
    crc: int

    @property
    def size_bytes(self) -> int:
        """Size as the directory says."""
        return self.size

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on; raises ReadError."""
        if self.size <= KEPT_BYTES:
            return _inflated(self)[offset : offset + size]
        parts, position, end = [], 0, min(offset + size, self.size)
        for chunk in self.chunks():
            parts.append(chunk[max(0, offset - position) : max(0, end - position)])
            position += len(chunk)
            if position >= end:
                break
        return b"".join(parts)

    def all(self) -> bytes:
        """The whole member; raises ReadError."""
        return _inflated(self) if self.size <= KEPT_BYTES else b"".join(self.chunks())

    def chunks(self) -> Iterator[bytes]:
        """The member in pieces of at most 1 MiB; raises ReadError."""
        inflate, crc, n_bytes = zlib.decompressobj(-zlib.MAX_WBITS), 0, 0
        for packed in self._packed():
            while packed and not inflate.eof:
                try:
                    chunk = inflate.decompress(packed, CHUNK_BYTES)
                except zlib.error as error:
                    raise ReadError(f"the zip's member is damaged: {error}") from error
                packed = inflate.unconsumed_tail
                crc, n_bytes = zlib.crc32(chunk, crc), n_bytes + len(chunk)
                if n_bytes > self.size:
                    raise ReadError(f"the zip's member unpacks to more than the {self.size} bytes that it claims")
                yield chunk
        if n_bytes != self.size or crc != self.crc:
            raise ReadError("the zip's member is damaged: size or checksum differ from the directory's")

    def _packed(self) -> Iterator[bytes]:
        for start in range(0, self.packed_size, CHUNK_BYTES):
            yield self.base.read(self.offset + start, min(CHUNK_BYTES, self.packed_size - start))


@lru_cache(maxsize=1)
def _inflated(blob: InflatedBlob) -> bytes:
    return b"".join(blob.chunks())


ZIP: Final = Container("zip", (".zip",), magic=lambda head: head.startswith((b"PK\3\4", b"PK\5\6")), members=members)
