"""The lock on a RUN: held by a process, and gone with it however it dies."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unlossy.core.errors import RunError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def run_lock(run: Path) -> Iterator[None]:
    """Holds `RUN/.lock` while the block runs; raises RunError where another process holds it."""
    with (run / ".lock").open("a+", encoding="ascii") as stream:
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
