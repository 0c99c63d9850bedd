"""Files by URL, through fsspec: memory://, s3://, gs://, hf://, https:// and whatever else is registered there.

A folder's URL is read as a folder is, one with wildcards as a pattern, a file's as a file. Of each file only the ranges
that somebody asks for are fetched.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from unlossy.core.errors import ItemError, MissingDependency, ReadError, UsageError
from unlossy.core.tools import printable, require
from unlossy.core.types import Blob
from unlossy.datasets.containers.base import Container
from unlossy.datasets.folder import numbered_labels
from unlossy.datasets.listed import WILDCARDS, single
from unlossy.datasets.magic import HEAD_BYTES
from unlossy.datasets.tree import TreeDataset, in_key_order
from unlossy.datasets.walk import Found


@dataclass(frozen=True, slots=True)
class RemoteBlob(Blob):
    """A file of an fsspec file system."""

    system: Any
    path: str

    @property
    def size_bytes(self) -> int:
        """Size as the file system tells it; raises ReadError."""
        return int(self._asked(lambda: self.system.info(self.path)["size"]))

    def read(self, offset: int, size: int) -> bytes:
        """At most `size` bytes from `offset` on; raises ReadError."""
        size = min(
            size, self.size_bytes - offset
        )  # many file systems refuse a range that begins or ends behind the end
        if size <= 0:
            return b""
        return bytes(self._asked(lambda: self.system.cat_file(self.path, start=offset, end=offset + size)))

    def all(self) -> bytes:
        """The whole file; raises ReadError."""
        return bytes(self._asked(lambda: self.system.cat_file(self.path)))

    def _asked(self, question: Callable[[], Any]) -> Any:  # noqa: ANN401 (fsspec has no types)
        try:
            return question()
        except Exception as error:  # each file system raises errors of its own
            finding = printable(str(error)) or type(error).__name__
            raise ReadError(f"cannot read the file: {finding}") from error


@dataclass(frozen=True, slots=True)
class RemoteFiles:
    """Blobs of the files under a folder of a file system."""

    system: Any
    root: str

    def __call__(self, name: str) -> RemoteBlob:
        """The file's bytes."""
        return RemoteBlob(self.system, f"{self.root}/{name}")


def open_remote(url: str) -> TreeDataset:
    """The images behind a URL; raises UsageError where there are none, MissingDependency for a missing package."""
    system, path = _connected(url)
    path = path.rstrip("/")
    try:
        if any(sign in path for sign in WILDCARDS):
            files = {str(one): one for one in system.glob(path)}
            root = path[: min(path.index(sign) for sign in WILDCARDS if sign in path)].rpartition("/")[0]
        elif system.isfile(path):
            return _one_file(url, system, path)
        else:
            root, files = path, system.find(path)
    except (OSError, ValueError, PermissionError) as error:
        raise UsageError(f"cannot list {url!r}: {printable(str(error))}") from error
    return _many_files(url, RemoteFiles(system, root), sorted(str(file)[len(root) + 1 :] for file in files))


def _connected(url: str) -> tuple[Any, str]:
    """The file system and the path in it."""
    fsspec = require("fsspec", "remote", f"reading {url!r}")
    protocol = url.partition("://")[0]
    try:
        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        registry = require("fsspec.registry", "remote", f"reading {url!r}")
        told: Mapping[str, str] = registry.known_implementations.get(protocol, {})
        package = told.get("class", protocol).partition(".")[0]
        remedy = f"Run: pip install {package}"
        raise MissingDependency(package, "remote", f"reading {url!r}", remedy) from error
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot open {url!r}: {printable(str(error))}") from error
    return system, str(path)


def _one_file(url: str, system: Any, path: str) -> TreeDataset:  # noqa: ANN401 (an fsspec file system)
    found, (root, _, name) = Found(), path.rpartition("/")
    files = RemoteFiles(system, root)
    _add(found, files, name)
    if not found.names:
        raise UsageError(f"{url!r} is neither an image nor a container (tar, zip, Parquet, PDF)")
    special = found.special.get(name)
    return single(url, name, files, special if isinstance(special, Container) else None)


def _many_files(url: str, files: RemoteFiles, names: list[str]) -> TreeDataset:
    found = Found()
    for name in names:
        _add(found, files, name)
    if not found.names:
        raise UsageError(f"there is no image behind {url!r} ({sum(found.others.values())} other files)")
    labels = numbered_labels(found)
    return TreeDataset(url, in_key_order(found.names), files, labels, found.special, found.others)


def _add(found: Found, files: RemoteFiles, name: str) -> None:
    def head() -> bytes:
        try:
            return files(name).read(0, HEAD_BYTES)
        except ItemError:
            return b""

    found.add_file(name, head)
