"""Optional imports, version strings and digests: the things outside that may be missing, and how they are named."""

import hashlib
import importlib
import json
import os
import re
from functools import cache
from importlib import metadata
from types import ModuleType
from typing import Any, Final

from unlossy.core.errors import MissingDependency

_LONE_SURROGATES: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Without those that stand for a byte of a file's name."""


def require(module: str, extra: str, needed_for: str) -> ModuleType:
    """The imported `module`; raises MissingDependency naming the `extra` when it is absent."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and module.split(".")[0] == error.name.split(".")[0]:
            raise MissingDependency(module.split(".")[0], extra, needed_for) from error
        raise


@cache
def version_of(distribution: str) -> str | None:
    """The installed version of a distribution, or None when it is absent; looked up once in a process."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def n_cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def json_of(text: str | bytes) -> Any:  # noqa: ANN401 (any JSON value)
    """What a JSON text says; raises ValueError where it is none, also where it nests deeper than can be read."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error


def digest_of(value: Any) -> str:  # noqa: ANN401 (any JSON value)
    """SHA-256, in hex, of the value's canonical JSON (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def printable(text: str) -> str:
    """The text on one line that any terminal and any database takes.

    Line breaks, control characters, bytes that are not UTF-8 and halves of a UTF-16 pair are shown as escapes (`\\n`,
    `\\x1b`, `\\xff`, `\\ud800`).
    """
    text = _LONE_SURROGATES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)
    clean = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in clean)
