"""The memory of a repair: OUT/.unlossy/manifest.jsonl, one line per file that is done, so that a killed run goes on.

The first line says what makes the results (corrector and format); an OUT that was begun with another is refused. A line
is written after its file is whole under its name, so what a kill leaves out is only done again. Later lines win.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from unlossy.core.errors import RunError, UsageError
from unlossy.repair.plan import BOOKS, Job
from unlossy.repair.result import FAILED, Record

NAME: Final = "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class Head:
    """What decides the results; `corrector` names it for people, the digest decides."""

    corrector: str
    corrector_digest: str
    format: str
    version: int = 1


class Manifest:
    """The records of an OUT folder, read once and added to."""

    def __init__(self, root: Path, head: Head, jobs: Iterable[Job]) -> None:
        """Reads or begins the manifest of `root`; `jobs` are all of this run.

        Raises:
            UsageError: it was begun with another corrector or format, or is not a manifest.
            RunError: it cannot be written.
        """
        self.root, self.path = root, root / BOOKS / NAME
        self._owners = {place: job.key for job in jobs for place in (job.copied, job.corrected)}
        lines = _lines(self.path)
        first = next(lines, None)
        if first is not None:
            _refuse_another(root, first, head)
        self._records = {record.key: record for record in map(_record, lines) if record is not None}
        self._write([asdict(head)] if first is None else [])

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

    def add(self, records: Sequence[Record]) -> None:
        """Appends the records; raises RunError. Results of theirs that lie under another name since go."""
        self._write([asdict(record) for record in records])
        for record in records:
            self._drop_stale(record)
            self._records[record.key] = record

    def _drop_stale(self, record: Record) -> None:
        """Removes what an earlier run made of the file under another name, unless that is another file's now."""
        before = self._records.get(record.key)
        if before is None or before.output in (None, record.output):
            return
        place = self.root / str(before.output)
        if self._owners.get(place, record.key) == record.key:
            with suppress(OSError):
                place.unlink(missing_ok=True)

    def _write(self, lines: list[dict[str, Any]]) -> None:
        try:
            with self.path.open("a+b") as stream:
                if stream.tell() and not _ends_a_line(self.path):
                    stream.write(b"\n")  # a kill cut the last line short
                stream.write("".join(json.dumps(line) + "\n" for line in lines).encode("ascii"))
        except OSError as error:
            raise RunError(
                f"cannot write {self.path}: {error.strerror or error}. Free some space and run the same again"
            ) from error


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of the file's lines but for one that a kill cut short; raises UsageError on another's file."""
    if not path.exists():
        return
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream):
                value = _object(line)
                if value is not None:
                    yield value
                elif number == 0 and line.endswith(b"\n"):
                    raise UsageError(f"{path} is not a manifest of unlossy; give another OUT, or remove that folder")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; give another OUT") from error


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _record(line: dict[str, Any]) -> Record | None:
    known = {field.name for field in fields(Record)}
    try:
        return Record(**{name: value for name, value in line.items() if name in known})
    except TypeError:  # a line cut short and joined to another: its file is done again
        return None


def _refuse_another(root: Path, there: dict[str, Any], head: Head) -> None:
    changes = []
    if there.get("corrector_digest") != head.corrector_digest:
        changes.append(f"corrector was {there.get('corrector')!r}, is {head.corrector!r} or another file of that name")
    for name in ("format", "version"):
        if there.get(name) != getattr(head, name):
            changes.append(f"{name} was {there.get(name)!r}, is {getattr(head, name)!r}")
    if changes:
        raise UsageError(
            f"{str(root)!r} was begun with other things ({'; '.join(changes)}). Give another OUT, or remove that folder"
        )


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) == b"\n"
