"""The contract of a container: from one file's bytes to its images, as they come, nothing extracted to disk.

Container.members(Archive(name, blob, others)) ── Member(name, blob, target, groups) ── `opened` ── Item

`members` raises where the container cannot be read (on); what it yielded before stands. It is handed the bytes as a
Blob, so that a container in a bucket is read as one on the disk is.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from unlossy.core.blobs import FileBlob
from unlossy.core.types import Blob, Target

MAX_MEMBER_BYTES: Final = 512 << 20
"""No member of an archive is unpacked further."""
STREAM_BUFFER_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Archive:
    """A container's file.

    Attributes:
        name: Of the file.
        blob: Its bytes.
        is_container: Whether a member of this name and these first bytes is a container itself.
        others: Counts what gives no Item, by suffix or in words.
    """

    name: str
    blob: Blob
    is_container: Callable[[str, bytes], bool]
    others: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Member:
    """One image of a container; `groups` are those that its place in the container does not tell."""

    name: str
    blob: Blob
    target: Target | None = None
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of container.

    Attributes:
        name: What stands in the column `container`.
        suffixes: Of its files, lower case; they win over the bytes.
        magic: True where the first 512 bytes of a file are such a container's.
        members: The images in the container's own order, the same at each call.
        joint: Between the container's key and the member's name. With "/" names are paths, which tell groups.
        needs: The module that reads it and the extra that brings that, where it is optional.
    """

    name: str
    suffixes: tuple[str, ...]
    magic: Callable[[bytes], bool]
    members: Callable[[Archive], Iterator[Member]]
    joint: str = "/"
    needs: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class RangeBlob(Blob):
    """A stretch of another blob: a member that is stored as it is."""

    base: Blob
    offset: int
    size: int

    @property
    def size_bytes(self) -> int:
        """Length of the stretch."""
        return self.size

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on; raises ReadError."""
        return self.base.read(self.offset + offset, max(0, min(size, self.size - offset)))

    def all(self) -> bytes:
        """The stretch; raises ReadError."""
        return self.base.read(self.offset, self.size)


def stream_of(blob: Blob) -> io.BufferedReader:
    """The blob as a buffered, seekable stream, to be closed by whoever asked; raises ReadError or OSError."""
    if isinstance(blob, FileBlob):
        return Path(blob.location).open("rb")
    return buffered(blob)


def buffered(blob: Blob) -> io.BufferedReader:
    """The blob as a buffered, seekable stream whose every read is one of the blob, and raises what that raises."""
    return io.BufferedReader(_BlobStream(blob), STREAM_BUFFER_BYTES)


class _BlobStream(io.RawIOBase):
    """A blob as a seekable binary stream; each read of it is one of the blob."""

    def __init__(self, blob: Blob) -> None:
        super().__init__()
        self._blob, self._size, self._offset = blob, blob.size_bytes, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._offset, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"cannot seek to {base + offset}")
        self._offset = base + offset
        return self._offset

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 (any writable buffer)
        view = memoryview(buffer).cast("B")
        data = self._blob.read(self._offset, len(view))
        view[: len(data)] = data
        self._offset += len(data)
        return len(data)
