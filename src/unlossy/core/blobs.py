"""The two simplest blobs: bytes in memory, and a file on disk."""

import os
from dataclasses import dataclass
from pathlib import Path

from unlossy.core.errors import ReadError
from unlossy.core.types import Blob


@dataclass(frozen=True, slots=True)
class BytesBlob(Blob):
    """A blob over bytes already in memory."""

    data: bytes

    @property
    def size_bytes(self) -> int:
        """Length of the data."""
        return len(self.data)

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on."""
        return self.data[offset : offset + size]

    def all(self) -> bytes:
        """The data."""
        return self.data


@dataclass(frozen=True, slots=True)
class FileBlob(Blob):
    """A blob over a file, opened anew for each read so that a million of them cost no descriptors."""

    path: Path

    @property
    def size_bytes(self) -> int:
        """Size as the file system tells it; raises ReadError."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise _unreadable(error) from error

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on; raises ReadError."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
            try:
                return os.pread(descriptor, size, offset)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unreadable(error) from error

    def all(self) -> bytes:
        """The whole file; raises ReadError."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise _unreadable(error) from error


def _unreadable(error: OSError) -> ReadError:
    return ReadError(f"cannot read the file: {error.strerror or error}")
