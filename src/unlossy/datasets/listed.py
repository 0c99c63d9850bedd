"""Files by name: a list on stdin (`-`), a pattern, one file.

find photos -name '*.jpg' | unlossy audit -          one name a line, or zero bytes between them (find -print0)
unlossy audit 'photos/**/*.jpg'                      keys are relative to photos, the part without wildcards
unlossy audit photo.jpg   shard.tar   scan.pdf       one image, or one container
"""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from unlossy.core.blobs import FileBlob, unreadable
from unlossy.core.errors import RefusedError, UsageError
from unlossy.core.paths import is_folder
from unlossy.core.tools import require
from unlossy.core.types import Blob
from unlossy.datasets.containers.base import Container
from unlossy.datasets.folder import LocalFiles, numbered_labels
from unlossy.datasets.tree import PathLabels, TreeDataset, in_key_order
from unlossy.datasets.walk import AUDIT_ROWS, Found, walk

WILDCARDS: Final = "*?["
_PIECES: Final = re.compile(r"\*\*/|\*\*|\*|\?|\[!?[^\]/]+\]|.", re.DOTALL)


def open_list(data: bytes) -> TreeDataset:
    """The files that a list names, by key; a name may come twice, then its key is numbered.

    A name that is no regular file becomes a row that says so. Raises UsageError where the list names no image.
    """
    separator = b"\0" if b"\0" in data else b"\n"
    names = [os.fsdecode(line.removesuffix(b"\r")) for line in data.split(separator) if line.strip()]
    found = Found()
    for name in names:
        _add_named(found, name)
    if not found.names:
        raise UsageError(f"the list on stdin names no image ({len(names)} names); give one file a line")
    return TreeDataset("-", in_key_order(found.names), FileBlob, PathLabels(), found.special, found.others)


def _add_named(found: Found, name: str) -> None:
    try:
        mode = os.stat(name).st_mode  # noqa: PTH116
    except (OSError, ValueError) as error:
        found.add_special(name, unreadable(error))
        return
    if stat.S_ISREG(mode):
        found.add_file(name, FileBlob(name))
    else:
        kind = "a folder; name it as a PATH" if stat.S_ISDIR(mode) else "no regular file"
        found.add_special(name, RefusedError(f"the list names {kind}"))


def open_pattern(spec: str) -> TreeDataset:
    """The images and containers whose paths fit: `*` and `?` within a name, `**` over folders, `[ab]`, `[!ab]`.

    Raises UsageError where none does.
    """
    parts = Path(spec).parts
    n_fixed = next(index for index, part in enumerate(parts) if any(sign in part for sign in WILDCARDS))
    root, pattern = str(Path(*parts[:n_fixed])), "/".join(parts[n_fixed:])
    depth = None if "**" in pattern else pattern.count("/") + 1
    fits = _regex_of(spec, pattern)
    found = walk(root, lambda name: fits.fullmatch(name) is not None, depth) if is_folder(root) else Found()
    if not found.names:
        raise UsageError(f"no image fits the pattern {spec!r} ({sum(found.others.values())} other files do)")
    labels = numbered_labels(found)
    return TreeDataset(spec, in_key_order(found.names), LocalFiles(root), labels, found.special, found.others)


def _regex_of(spec: str, pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern; `glob` itself would follow links to folders, round in circles.

    Raises UsageError where its brackets are none, as in `[z-a]`.
    """
    try:
        return re.compile(_as_regex(pattern), re.DOTALL)
    except re.error as error:
        raise UsageError(
            f"the pattern {spec!r} has brackets that fit nothing ({error.msg}); write them anew"
        ) from error


def _as_regex(pattern: str) -> str:
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = []
    for piece in _PIECES.findall(pattern):
        if len(piece) > 2 and piece.startswith("["):
            inside = piece[1:-1].replace("\\", "\\\\").replace("^", "\\^").replace("[", "\\[")
            pieces.append(f"[^/{inside[1:]}]" if inside.startswith("!") else f"[{inside}]")
        else:
            pieces.append(signs.get(piece) or re.escape(piece))
    return "".join(pieces)


def open_file(path: Path) -> TreeDataset:
    """The dataset of one image, or of the images in one container.

    Raises UsageError where the file is neither, MissingDependency where nothing here reads that kind of container.
    """
    found = Found()
    _add_named(found, str(path))
    special = found.special.get(str(path))
    if AUDIT_ROWS in found.others:
        raise UsageError(
            f"{str(path)!r} holds the rows of an audit and no images; `unlossy report` makes a page of them"
        )
    if not found.names or isinstance(special, RefusedError):
        raise UsageError(
            f"{str(path)!r} is a file, not a folder, and neither an image nor a container (tar, zip, Parquet, PDF)"
        )
    return single(
        str(path), path.name, LocalFiles(str(path.parent)), special if isinstance(special, Container) else None
    )


def single(spec: str, name: str, blob_of: Callable[[str], Blob], container: Container | None) -> TreeDataset:
    """The dataset of one file; raises MissingDependency."""
    if container is None:
        return TreeDataset(spec, (name,), blob_of, PathLabels(), own_name=name)
    if container.needs is not None:
        require(*container.needs, f"reading the {container.name} {spec!r}")
    own_name = "" if container.joint == "/" else name
    return TreeDataset(spec, (name,), blob_of, PathLabels(), {name: container}, own_name=own_name, is_bare=True)
