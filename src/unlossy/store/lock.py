"""The lock on a RUN: held by a process, and gone with it however it dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from unlossy.core.errors import RunError, UsageError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def run_lock(run: Path) -> Iterator[None]:
    """Holds `RUN/.lock` while the block runs.

    Raises RunError where another process holds it, UsageError where the folder is not writable.
    """
    with _opened(run / ".lock") as stream:
        if fcntl is not None:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                stream.seek(0)
                raise RunError(
                    f"{run} is in use by process {stream.read().strip() or '?'}; wait for it, or give another -o"
                ) from error
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield


def _opened(path: Path) -> TextIO:
    try:
        return path.open("a+", encoding="ascii")
    except OSError as error:
        raise UsageError(
            f"cannot write to the folder {str(path.parent)!r}: {error.strerror}; make it writable, or give another"
        ) from error
