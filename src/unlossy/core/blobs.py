"""The two simplest blobs: bytes in memory, and a file on disk."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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


OPEN_FLAGS: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
"""For reading: not handed to child processes, and a named pipe without a writer does not block."""


@dataclass(frozen=True, slots=True)
class FileBlob(Blob):
    """A blob over a file, opened anew for each read so that a million of them cost no descriptors.

    `location` may be a plain string: building a Path for each of a million files takes as long as reading their heads.
    """

    location: str | Path

    @property
    def path(self) -> Path:
        """The location as a Path."""
        return Path(self.location)

    @property
    def size_bytes(self) -> int:
        """Size as the file system tells it; raises ReadError."""
        try:
            return os.stat(self.location).st_size  # noqa: PTH116 (no Path is built)
        except (OSError, ValueError) as error:
            raise unreadable(error) from error

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on; raises ReadError."""
        try:
            descriptor = os.open(self.location, OPEN_FLAGS)
            try:
                return os.pread(descriptor, size, offset)
            finally:
                os.close(descriptor)
        except (OSError, ValueError) as error:
            raise unreadable(error) from error

    def all(self) -> bytes:
        """The whole file; raises ReadError."""
        try:
            with open(self.location, "rb", buffering=0, opener=_opener) as stream:
                return stream.readall()
        except (OSError, ValueError) as error:
            raise unreadable(error) from error


def _opener(location: str, _: int) -> int:
    return os.open(location, OPEN_FLAGS)


def unreadable(error: OSError | ValueError) -> ReadError:
    """What a system call's refusal (or a name with a zero byte in it) becomes."""
    finding = error.strerror if isinstance(error, OSError) and error.strerror else error
    return ReadError(f"cannot read the file: {finding}")
