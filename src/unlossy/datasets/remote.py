"""Files by URL, through fsspec: memory://, s3://, gs://, hf://, https:// and whatever else is registered there.

A folder's URL is read as a folder is, one with wildcards as a pattern, a file's as a file; over http there are no
folders. Of each file only the ranges that somebody asks for are fetched, where the server knows ranges.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from unlossy.core.errors import MissingDependency, ReadError, UsageError
from unlossy.core.tools import printable, require
from unlossy.core.types import Blob
from unlossy.datasets.containers.base import Container
from unlossy.datasets.folder import numbered_labels
from unlossy.datasets.listed import WILDCARDS, single
from unlossy.datasets.tree import TreeDataset, in_key_order
from unlossy.datasets.walk import Found

IN_EXTRA: Final = ("fsspec", "aiohttp")
"""What `unlossy[remote]` brings."""
NO_FOLDERS: Final = "over http no folder can be listed: give the URLs of its files, or that of an archive"


@dataclass(frozen=True, slots=True)
class RemoteBlob(Blob):
    """A file of an fsspec file system that was connected in a certain process."""

    system: Any
    path: str
    process: int = field(default_factory=os.getpid)

    @property
    def size_bytes(self) -> int:
        """Size as the file system tells it; raises ReadError."""
        size = self._asked(lambda system: system.info(self.path)["size"])
        if size is None:
            raise ReadError("cannot read the file: the server does not tell its size; fetch it first")
        return int(size)

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on; raises ReadError."""
        size = min(
            size, self.size_bytes - offset
        )  # many file systems refuse a range that begins or ends behind the end
        if size <= 0:
            return b""
        data = bytes(self._asked(lambda system: system.cat_file(self.path, start=offset, end=offset + size)))
        return data if len(data) <= size else data[offset : offset + size]  # without ranges a server sends the file

    def all(self) -> bytes:
        """The whole file; raises ReadError."""
        return bytes(self._asked(lambda system: system.cat_file(self.path)))

    def _asked(self, question: Callable[[Any], Any]) -> Any:  # noqa: ANN401 (fsspec has no types)
        here = os.getpid()
        try:
            return question(self.system if here == self.process else _connected_in(here, self.system))
        except Exception as error:  # each file system raises errors of its own
            raise ReadError(f"cannot read the file: {_finding(error)}") from error


@dataclass(frozen=True, slots=True)
class RemoteFiles:
    """Blobs of the files under a folder of a file system that was connected in a certain process."""

    system: Any
    root: str
    process: int = field(default_factory=os.getpid)

    def __call__(self, name: str) -> RemoteBlob:
        """The file's bytes."""
        return RemoteBlob(self.system, f"{self.root}/{name}", self.process)


@lru_cache(maxsize=8)
def _connected_in(process: int, system: Any) -> Any:  # noqa: ANN401, ARG001 (an fsspec file system; the cache's key)
    """The same file system, connected anew: the threads and sockets of another process do not outlive a fork."""
    return type(system)(*system.storage_args, **system.storage_options)


def open_remote(url: str) -> TreeDataset:
    """The images behind a URL; raises UsageError where there are none, MissingDependency for a missing package."""
    if _is_http(url) and url.endswith("/"):
        raise UsageError(f"{url!r} is a folder, and {NO_FOLDERS}")
    system, path = _connected(url)
    path = path.rstrip("/")
    try:
        is_pattern = any(sign in path for sign in WILDCARDS)
        is_file = not is_pattern and system.isfile(path)
        files = system.glob(path) if is_pattern else [] if is_file else system.find(path)
    except Exception as error:  # each file system raises errors of its own
        finding = _finding(error)
        raise UsageError(f"cannot list {url!r}: {finding}; look whether it can be reached from here") from error
    if is_file:
        return _one_file(url, system, path)
    if _is_http(url) and not is_pattern:
        raise UsageError(f"there is no file at {url!r}, or no way to it; look whether it can be reached from here")
    root = path
    if is_pattern:
        root = path[: min(path.index(sign) for sign in WILDCARDS if sign in path)].rpartition("/")[0]
    names = sorted(str(file)[len(root) + 1 :] for file in files)
    return _many_files(url, RemoteFiles(system, root), names)


def _connected(url: str) -> tuple[Any, str]:
    """The file system and the path in it."""
    fsspec = require("fsspec", "remote", f"reading {url!r}")
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise _missing(url, error) from error
    except Exception as error:  # each file system raises errors of its own
        raise UsageError(f"cannot open {url!r}: {_finding(error)}") from error
    return system, str(path)


def _missing(url: str, error: ImportError) -> MissingDependency:
    """Names the package that could not be imported, else the one that the protocol's file system is in."""
    registry = require("fsspec.registry", "remote", f"reading {url!r}")
    protocol = url.partition("://")[0]
    told: Mapping[str, str] = registry.known_implementations.get(protocol, {})
    lacking = error.__cause__.name if isinstance(error.__cause__, ImportError) else error.name
    package = (lacking or told.get("class", protocol)).partition(".")[0]
    remedy = None if package in IN_EXTRA else f"Run: pip install {package}"
    return MissingDependency(package, "remote", f"reading {url!r}", remedy)


def _is_http(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _finding(error: Exception) -> str:
    """What an error of a file system says, in a line."""
    return printable(str(error)) or type(error).__name__


def _one_file(url: str, system: Any, path: str) -> TreeDataset:  # noqa: ANN401 (an fsspec file system)
    found, (root, _, name) = Found(), path.rpartition("/")
    files = RemoteFiles(system, root)
    found.add_file(name, files(name))
    if not found.names:
        folder = f"; if it is a folder, {NO_FOLDERS}" if _is_http(url) else ""
        raise UsageError(f"{url!r} is neither an image nor a container (tar, zip, Parquet, PDF){folder}")
    special = found.special.get(name)
    return single(url, name, files, special if isinstance(special, Container) else None)


def _many_files(url: str, files: RemoteFiles, names: list[str]) -> TreeDataset:
    found = Found()
    for name in names:
        found.add_file(name, files(name))
    if not found.names:
        raise UsageError(f"there is no image behind {url!r} ({sum(found.others.values())} other files)")
    labels = numbered_labels(found)
    return TreeDataset(url, in_key_order(found.names), files, labels, found.special, found.others)
