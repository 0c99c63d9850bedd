"""The two simplest blobs: bytes in memory, and a file on disk; and `read_ends`, the quick look at many files."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
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


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """The first bytes of each of several files, its size, and its last bytes."""

    heads: list[bytes]
    sizes_bytes: list[int]
    tails: list[bytes]


def read_ends(files: Sequence[FileBlob], head_bytes: int, tail_bytes: int) -> Ends:
    """The ends of files, read together: all are opened, then all are read, then all are closed.

    That takes a tenth less time than one file after the other: no line of Python runs between two system calls, and
    descriptors that follow one another are closed in one call. Heads are shorter where files are.

    Raises:
        ReadError: One of the files cannot be read, or is shorter than `tail_bytes`; which one is not said.
    """
    descriptors: list[int] = []
    try:
        descriptors.extend(map(os.open, [file.location for file in files], repeat(OPEN_FLAGS)))
        heads = list(map(os.read, descriptors, repeat(head_bytes)))
        tail_offsets = map(os.lseek, descriptors, repeat(-tail_bytes), repeat(os.SEEK_END))
        sizes_bytes = [offset + tail_bytes for offset in tail_offsets]
        return Ends(heads, sizes_bytes, list(map(os.read, descriptors, repeat(tail_bytes))))
    except (OSError, ValueError) as error:
        raise unreadable(error) from error
    finally:
        _close(descriptors)


def _close(descriptors: Sequence[int]) -> None:
    """Closes them, run by run: a range without gaps holds no descriptor of another thread's."""
    begin = end = -1
    for descriptor in descriptors:
        if descriptor != end:
            os.closerange(begin, end)
            begin = descriptor
        end = descriptor + 1
    os.closerange(begin, end)


def _opener(location: str, _: int) -> int:
    return os.open(location, OPEN_FLAGS)


def unreadable(error: OSError | ValueError) -> ReadError:
    """What a system call's refusal (or a name with a zero byte in it) becomes."""
    finding = error.strerror if isinstance(error, OSError) and error.strerror else error
    return ReadError(f"cannot read the file: {finding}")
