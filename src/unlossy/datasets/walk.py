"""Which files of a folder there are, without a system call for each: names and kinds as the directory tells them.

regular file        an image by its suffix, a container by its suffix, else either by its first 512 bytes, else counted
rows of an audit    counted: an audit may write them into the folder that it looks at
unfinished output   counted: what a killed run of ours left under its working name
link to a file      as the file where that lies in the folder; a refused row where it leads out of it
link to a folder, pipe, socket, device      counted, never opened
folder that cannot be listed                a row that says so
"""

import os
import stat
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from unlossy.core.blobs import FileBlob, unreadable
from unlossy.core.errors import ItemError, RefusedError, UsageError
from unlossy.core.outputs import is_unfinished
from unlossy.core.types import Blob
from unlossy.datasets.containers.parquet import PARQUET, is_audit_rows
from unlossy.datasets.containers.registry import container_by_magic, container_by_name
from unlossy.datasets.magic import HEAD_BYTES, SUFFIXES, has_image_magic, suffix_of
from unlossy.datasets.tree import Special

FOLDER_LINK: Final = "link to a folder"
SPECIAL_FILE: Final = "special file"
AUDIT_ROWS: Final = "rows of an audit"
UNFINISHED: Final = "unfinished output"


@dataclass(slots=True)
class Found:
    """Relative names of images and of special ones (containers, refusals), and the other files counted."""

    names: list[str] = field(default_factory=list)
    special: dict[str, Special] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)

    def add_file(self, name: str, blob: Blob) -> None:
        """Take up a file; of its bytes the first 512 are read where the name does not tell, none of an image's."""
        if is_unfinished(name.rpartition("/")[2]):
            self.others[UNFINISHED] += 1
            return
        if suffix_of(name) in SUFFIXES:
            self.names.append(name)
            return
        container = container_by_name(name)
        if container is None:
            data = _head(blob)
            if has_image_magic(data):
                self.names.append(name)
                return
            container = container_by_magic(data)
        if container is None:
            self.others[suffix_of(name)] += 1
        elif container is PARQUET and isinstance(blob, FileBlob) and is_audit_rows(blob):
            self.others[AUDIT_ROWS] += 1
        else:
            self.add_special(name, container)

    def add_special(self, name: str, special: Special) -> None:
        """Take up a container or a refusal."""
        self.names.append(name)
        self.special[name] = special


def walk(
    root: str,
    wanted: Callable[[str], bool] | None = None,
    depth: int | None = None,
    *,
    follow_links: bool = False,
) -> Found:
    """What lies under `root`; with `wanted` only files whose relative name it is true of, at most `depth` names deep.

    With `follow_links` a link to a file is that file, wherever it lies; links to folders are never followed.

    Raises UsageError where the root itself cannot be listed.
    """
    found, waiting = Found(), [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder) if folder else root) as entries:  # noqa: PTH118
                for entry in entries:
                    name = f"{folder}/{entry.name}" if folder else entry.name
                    if not entry.is_dir(follow_symlinks=False):
                        if wanted is None or wanted(name):
                            _add(found, None if follow_links else root, name, entry)
                    elif depth is None or name.count("/") + 1 < depth:
                        waiting.append(name)
        except OSError as error:
            if not folder:
                raise UsageError(f"cannot list the folder {root!r}: {error.strerror}") from error
            found.add_special(folder, unreadable(error))
    return found


def _add(found: Found, root: str | None, name: str, entry: "os.DirEntry[str]") -> None:
    """A file that is no folder; links have to stay under `root`, where one is given."""
    if entry.is_file(follow_symlinks=False):
        if name[name.rfind(".") :].lower() in SUFFIXES:
            found.names.append(name)  # nearly every file goes this way
        else:
            found.add_file(name, FileBlob(entry.path))
    elif entry.is_symlink():
        _add_link(found, root, name, entry.path)
    else:
        found.others[SPECIAL_FILE] += 1


def _add_link(found: Found, root: str | None, name: str, path: str) -> None:
    """A link to nothing, or in a circle, is taken for a file: reading it will say so in a row."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except OSError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        found.others[FOLDER_LINK if stat.S_ISDIR(mode) else SPECIAL_FILE] += 1
    elif mode is None or root is None or Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        found.add_file(name, FileBlob(path))
    elif suffix_of(name) in SUFFIXES or container_by_name(name):
        found.add_special(
            name, RefusedError("the link leads out of the folder; copy the file, or audit its own folder")
        )
    else:
        found.others[suffix_of(name)] += 1


def _head(blob: Blob) -> bytes:
    """The first bytes; none where they cannot be read, so that the file counts by its suffix."""
    try:
        return blob.read(0, HEAD_BYTES)
    except ItemError:
        return b""
