"""OUT/.unlossy: the folder in which a repair keeps its books, each a file of JSON objects, one on a line.

manifest.jsonl   what became of each file (see `manifest`)
claims.jsonl     results that are about to be put under their names (see `claims`); gone once a run has ended
drafts/          files not yet whole
.lock            held by the process at work
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from unlossy.core.errors import RunError, UsageError
from unlossy.core.tools import json_of, printable

BOOKS: Final = ".unlossy"
MANIFEST: Final = "manifest.jsonl"
CLAIMS: Final = "claims.jsonl"
DRAFTS: Final = "drafts"


def head_of(root: Path) -> dict[str, Any] | None:
    """The manifest's first line; None where there is no manifest, or only a line that a kill cut short.

    Raises UsageError where it cannot be read or is another's file.
    """
    path = root / BOOKS / MANIFEST
    try:
        with path.open("rb") as stream:
            line = stream.readline()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, error) from error
    head = _object(line)
    if head is None and line.endswith(b"\n"):
        raise UsageError(f"{str(path)!r} is not a manifest of unlossy; give another OUT, or remove that folder")
    return head


def objects_of(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of the file's lines but for one that a kill cut short; nothing where there is no such file.

    Raises UsageError where it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            yield from (value for value in map(_object, stream) if value is not None)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(path, error) from error


def append_objects(path: Path, objects: Sequence[Mapping[str, Any]]) -> None:
    """Adds a line for each object; raises RunError where that cannot be written."""
    try:
        with path.open("a+b") as stream:
            if stream.tell() and not _ends_a_line(path):
                stream.write(b"\n")  # a kill cut the last line short
            stream.write("".join(json.dumps(value) + "\n" for value in objects).encode("ascii"))
    except OSError as error:
        raise RunError(
            f"cannot write {printable(str(path))}: {error.strerror or error}. Free some space and run the same again"
        ) from error


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot read {str(path)!r}: {error.strerror or error}; give another OUT")


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json_of(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"
