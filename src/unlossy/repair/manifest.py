"""The memory of a repair: OUT/.unlossy/manifest.jsonl, one line per file that is done, so that a killed run goes on.

The first line says what makes the results (corrector and format); an OUT that was begun with another is refused. A line
is written after its file is whole under its name, so what a kill leaves out is only done again. Later lines win.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from unlossy.core.errors import UsageError
from unlossy.repair.books import BOOKS, CLAIMS, MANIFEST, append_objects, head_of, objects_of
from unlossy.repair.claims import Claims
from unlossy.repair.plan import Job
from unlossy.repair.result import FAILED, Record


@dataclass(frozen=True, slots=True)
class Head:
    """What decides the results; `corrector` names it for people, the digest decides."""

    corrector: str
    corrector_digest: str
    format: str
    version: int = 1


class Manifest:
    """The records of an OUT folder, read once and added to; `claims` tells which files in it are results."""

    def __init__(self, root: Path, head: Head, jobs: Iterable[Job]) -> None:
        """Reads or begins the manifest of `root`; `jobs` are all of this run.

        Raises:
            UsageError: it was begun with another corrector or format, or is not a manifest.
            RunError: it cannot be written.
        """
        self.root, self.path = root, root / BOOKS / MANIFEST
        self._owners = {place: job.key for job in jobs for place in (job.copied, job.corrected)}
        self._records: dict[str, Record] = {}
        self._kept: dict[str, Record] = {}  # of failed files: the last record that has a result
        first = head_of(root)
        if first is not None:
            _refuse_another(root, first, head)
        self.claims = Claims(root, root / BOOKS / CLAIMS)
        for record in filter(None, map(_record, objects_of(self.path))):
            self._remember(record)
        append_objects(self.path, [asdict(head)] if first is None else [])

    def done(self, job: Job) -> Record | None:
        """The record of a job that need not be done again: source as it was, result there in its size and place."""
        record = self._records.get(job.key)
        if record is None or record.action == FAILED or record.output is None:
            return None
        if self.root / record.output not in (job.copied, job.corrected):
            return None  # a new file in IN has changed how results are called
        try:
            source, result = job.source.stat(), (self.root / record.output).stat()
        except OSError:
            return None
        same = (source.st_size, source.st_mtime_ns) == (record.source_bytes, record.source_mtime_ns)
        return record if same and result.st_size == record.output_bytes else None

    def add(self, records: Sequence[Record]) -> list[Record]:
        """Appends the records, and gives them back as they stand there; raises RunError.

        Results of theirs that lie under another name since go. What an earlier run made of a file that fails now stays,
        which its record notes: it may be the only good copy.
        """
        noted = [self._noted(record) for record in records]
        append_objects(self.path, [asdict(record) for record in noted])
        for record in noted:
            if record.action != FAILED:
                self._drop_stale(record)
            self._remember(record)
        return noted

    def _remember(self, record: Record) -> None:
        earlier = self._earlier(record.key)
        if record.action != FAILED:
            self._kept.pop(record.key, None)
        elif earlier is not None:
            self._kept[record.key] = earlier
        self._records[record.key] = record
        self.claims.learn(record)

    def _earlier(self, key: str) -> Record | None:
        """The last record of a file that has a result."""
        record = self._records.get(key)
        return record if record is not None and record.output is not None else self._kept.get(key)

    def _noted(self, record: Record) -> Record:
        earlier = self._earlier(record.key) if record.action == FAILED else None
        if earlier is None or not self._is_ours(earlier):
            return record
        return replace(record, note=f"what an earlier run made of it stays: {earlier.output}")

    def _drop_stale(self, record: Record) -> None:
        """Removes what an earlier run made of the file under another name, unless that is another file's now."""
        before = self._earlier(record.key)
        if before is None or before.output == record.output or not self._is_ours(before):
            return
        place = self.root / str(before.output)
        if self._owners.get(place, record.key) == record.key:
            with suppress(OSError):
                place.unlink(missing_ok=True)

    def _is_ours(self, record: Record) -> bool:
        """Whether the result lies where the record says, as it was left."""
        try:
            return self.claims.owns(self.root / str(record.output))
        except (OSError, ValueError):
            return False


def _record(line: dict[str, Any]) -> Record | None:
    """The record in a line; None for the head, and for lines cut short and joined: their files are done again."""
    known = {field.name for field in fields(Record)}
    try:
        record = Record(**{name: value for name, value in line.items() if name in known})
    except TypeError:
        return None
    return record if isinstance(record.key, str) and isinstance(record.output, str | None) else None


def _refuse_another(root: Path, there: dict[str, Any], head: Head) -> None:
    changes = []
    if there.get("corrector_digest") != head.corrector_digest:
        same_name = there.get("corrector") == head.corrector
        now = "with another --hidden or other weights" if same_name else f"is {head.corrector!r}"
        changes.append(f"corrector was {there.get('corrector')!r}, {now}")
    for name in ("format", "version"):
        if there.get(name) != getattr(head, name):
            changes.append(f"{name} was {there.get(name)!r}, is {getattr(head, name)!r}")
    if changes:
        raise UsageError(
            f"{str(root)!r} was begun with other things ({'; '.join(changes)}). Give another OUT, or remove that folder"
        )
