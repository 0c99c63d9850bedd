"""Where results go: a place is looked at before any work, and a file is there only once it is whole.

    check_place(path)                              UsageError where no file can be written there
    check_apart([path], ["photos/"], is_ours)      UsageError where that would destroy what the work reads
    with replacing(path) as file: file.write(...)  under another name until the block has ended well

A link is followed: what it names is written, and the link stays. A device or a pipe is refused: it would be replaced by
a regular file.
"""

import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import BinaryIO, Final

from unlossy.core.errors import UsageError
from unlossy.core.paths import is_folder, status_of

_NAME_CHARS: Final = 40
_UNFINISHED: Final = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.DOTALL)
"""Of a file's name that stand in its temporary one, which must not be longer than a name may be."""


def check_place(path: Path, example: str, *, makes_folders: bool = False) -> None:
    """Raises UsageError where no file can be written under `path`; called before any work.

    `example` is such a file ("a Parquet file, such as rows.parquet"); `makes_folders`: missing folders will be made.
    """
    status, folder = status_of(path), Path(os.path.realpath(path)).parent
    if is_folder(path):
        raise UsageError(f"{str(path)!r} is a folder; give the name of {example} in it")
    if status is not None and not stat.S_ISREG(status.st_mode):
        raise UsageError(f"{str(path)!r} is a device or a pipe, which is not written to; give the name of {example}")
    found = status_of(folder)
    while found is None and makes_folders and folder != folder.parent:
        folder = folder.parent
        found = status_of(folder)
    if found is None:
        raise UsageError(f"there is no folder {str(folder)!r} to write {path.name!r} into; make it first")
    if not stat.S_ISDIR(found.st_mode):
        raise UsageError(f"{str(folder)!r} is a file, not a folder to write {path.name!r} into; choose another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"the folder {str(folder)!r} cannot be written to; choose another for {path.name!r}")


def check_apart(outputs: Sequence[Path], inputs: Sequence[str | Path], is_ours: Callable[[Path], bool]) -> None:
    """Raises UsageError where two outputs are one file, or where one is an input or lies in an input that is a folder.

    In such a folder a new file may be written, and one that is an earlier result (`is_ours`) written anew.
    """
    for one, other in combinations(outputs, 2):
        if os.path.realpath(one) == os.path.realpath(other) or _is_same(status_of(one), status_of(other)):
            raise UsageError(f"{str(one)!r} cannot be two results at once; name another file for one of them")
    for output in outputs:
        status = status_of(output)
        if status is None:
            continue
        for path in inputs:
            found = status_of(path)
            if _is_same(status, found):
                raise UsageError(f"{str(output)!r} is what is read, and would be overwritten; name another file")
            if is_folder(path) and _lies_in(output, path) and not is_ours(output):
                raise UsageError(
                    f"{str(output)!r} is a file of {str(path)!r}, which is read, and no earlier result; name another"
                )


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write into: once the block has ended well it stands under `path`, in the place of an older one.

    After an error or an interrupt nothing of it is left, and an older file stays. Raises OSError.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise OSError(f"{str(path)!r} is no regular file")
    partial = target.with_name(f".{target.name[:_NAME_CHARS]}.{secrets.token_hex(4)}.part")
    try:
        with partial.open("xb") as file:
            yield file
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def is_unfinished(name: str) -> bool:
    """True for the file name of what `replacing` left where it was killed."""
    return _UNFINISHED.fullmatch(name) is not None


def _is_same(one: os.stat_result | None, other: os.stat_result | None) -> bool:
    return one is not None and other is not None and os.path.samestat(one, other)


def _lies_in(path: Path, folder: str | Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
