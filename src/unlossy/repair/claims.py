"""Which files a repair made: those alone may be replaced or removed. Whatever else is there is the user's, and stays.

A file is ours as long as it has the size and the time of change that it was left with. The manifest says so of what is
done; of a result that is about to be put under its name, a line that is written before: no kill leaves a stranger.
"""

import stat
from contextlib import suppress
from pathlib import Path
from threading import Lock

from unlossy.repair.books import append_objects, objects_of
from unlossy.repair.result import Record

Claim = tuple[str, int, int]
"""The result's path in OUT, its size in bytes, and its time of change in ns."""


class Claims:
    """The results in `root`, by what the manifest's records and the lines of `path` say; thread-safe.

    Without a `root` nothing is ours: a single file has no books.
    """

    def __init__(self, root: Path | None = None, path: Path | None = None) -> None:
        """Reads `path`, which need not be there; raises UsageError where it cannot be read."""
        self._root, self._path, self._lock = root, path, Lock()
        self._recorded: dict[str, Record] = {}
        self._claimed: set[Claim] = set() if path is None else set(map(_claim, objects_of(path)))

    def owns(self, place: Path) -> bool:
        """Whether a file is a result in the root that nobody has touched since. Raises OSError where there is none."""
        facts = place.lstat()
        if self._root is None or not stat.S_ISREG(facts.st_mode):
            return False
        if not place.parent.resolve().is_relative_to(self._root.resolve()):
            return False
        name = place.relative_to(self._root).as_posix()
        if (name, facts.st_size, facts.st_mtime_ns) in self._claimed:
            return True
        record = self._recorded.get(name)
        if record is None or record.output_bytes != facts.st_size:
            return False
        return record.output_mtime_ns in (None, facts.st_mtime_ns)  # None: the manifest of an earlier version

    def claim(self, place: Path, size_bytes: int, mtime_ns: int) -> None:
        """Says that a file of this size and time is about to lie at `place`; raises RunError on a full disk."""
        if self._root is None or self._path is None:
            return
        name = place.relative_to(self._root).as_posix()
        with self._lock:
            append_objects(self._path, [{"output": name, "output_bytes": size_bytes, "output_mtime_ns": mtime_ns}])
            self._claimed.add((name, size_bytes, mtime_ns))

    def learn(self, record: Record) -> None:
        """Takes up what the manifest says of a file."""
        if record.output is not None:
            self._recorded[record.output] = record
            self._claimed.discard((record.output, record.output_bytes or 0, record.output_mtime_ns or 0))

    def close(self) -> None:
        """Removes the file of claims: the manifest has them all."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


def _claim(line: dict[str, object]) -> Claim:
    """What a line claims; one that is not what we write claims nothing that could be there."""
    name, size_bytes, mtime_ns = (line.get(key) for key in ("output", "output_bytes", "output_mtime_ns"))
    if isinstance(name, str) and isinstance(size_bytes, int) and isinstance(mtime_ns, int):
        return name, size_bytes, mtime_ns
    return "", -1, -1
