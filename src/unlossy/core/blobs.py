"""The two simplest blobs: bytes in memory, and a file on disk; and `read_ends`, the quick look at many files."""

import os
from collections.abc import Sequence
from contextlib import suppress
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

_AT_ONCE: Final = 64
"""Files that `read_ends` holds open: what is known of them stays in a processor's cache, and few processes may have
fewer than 256 open."""


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
    """Of several files that could be read (`which` of those asked for): first bytes, size, last bytes."""

    which: list[int]
    heads: list[bytes]
    sizes_bytes: list[int]
    tails: list[bytes]


def read_ends(files: Sequence[FileBlob], head_bytes: int, tail_bytes: int) -> Ends:
    """The first and last bytes of each file; left out are those that cannot be read, or are shorter than a tail.

    64 files at a time are opened, then read, then closed. That takes a tenth less time than one after the other: no
    line of Python runs between two system calls, and descriptors that follow one another are closed in one call.
    """
    ends = Ends([], [], [], [])
    for at in range(0, len(files), _AT_ONCE):
        block = range(at, min(at + _AT_ONCE, len(files)))
        try:
            _read_together(files, block, head_bytes, tail_bytes, ends)
        except (OSError, ValueError):
            for one in block:
                with suppress(OSError, ValueError):
                    _read_together(files, range(one, one + 1), head_bytes, tail_bytes, ends)
    return ends


def _read_together(files: Sequence[FileBlob], block: range, head_bytes: int, tail_bytes: int, ends: Ends) -> None:
    """Adds the ends of a block's files, or of none where one cannot be read."""
    descriptors: list[int] = []
    try:
        locations = [file.location for file in files[block.start : block.stop]]
        descriptors.extend(map(os.open, locations, repeat(OPEN_FLAGS)))  # keeps what is open where one fails
        heads = list(map(os.read, descriptors, repeat(head_bytes)))
        sizes_bytes = [at + tail_bytes for at in map(os.lseek, descriptors, repeat(-tail_bytes), repeat(os.SEEK_END))]
        tails = list(map(os.read, descriptors, repeat(tail_bytes)))
    finally:
        _close(descriptors)
    ends.which.extend(block)
    ends.heads.extend(heads)
    ends.sizes_bytes.extend(sizes_bytes)
    ends.tails.extend(tails)


def _close(descriptors: Sequence[int]) -> None:
    """Closes them, run by run: a range without gaps holds no descriptor of another thread's."""
    if not descriptors:
        return
    begin = end = descriptors[0]
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
