"""What lies under a path that somebody gave, told or refused: never a traceback of the system's."""

import os
import stat
from pathlib import Path

from unlossy.core.errors import UsageError


def status_of(path: str | Path) -> os.stat_result | None:
    """What the system knows of a path, links followed; None where there is nothing.

    Raises UsageError where that cannot be told: a folder that may not be entered, a name that is too long.
    """
    try:
        return os.stat(path)  # noqa: PTH116 (texts too)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        finding = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UsageError(f"cannot look at {str(path)!r}: {finding}; name a path that can be reached") from error


def is_file(path: str | Path) -> bool:
    """True for a regular file; raises UsageError where that cannot be told."""
    status = status_of(path)
    return status is not None and stat.S_ISREG(status.st_mode)


def is_folder(path: str | Path) -> bool:
    """True for a folder; raises UsageError where that cannot be told."""
    status = status_of(path)
    return status is not None and stat.S_ISDIR(status.st_mode)
