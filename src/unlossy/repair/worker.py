"""Files through the corrector: read, decode, correct together what is small, write whole or not at all.

    read ─ decode ─┬─ changed by the corrector ── alpha, EXIF, ICC ── encode ─┬─► a file not yet whole ─► its name
                   └─ as it was ───────────────── the source's bytes ─────────┘

Threads decode and encode side by side, but one at a time corrects (a network takes all cores by itself), and the pixels
in memory at any moment are bounded.
"""

import errno
import itertools
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import UInt8

from unlossy.core.errors import CodecError, ItemError, ReadError, RefusedError, RunError
from unlossy.core.tools import printable
from unlossy.core.types import Decoded
from unlossy.correctors.base import Corrector
from unlossy.correctors.each import correct_each
from unlossy.repair.claims import Claims
from unlossy.repair.encode import encode_picture
from unlossy.repair.gate import PixelGate
from unlossy.repair.names import FORMATS
from unlossy.repair.picture import OpenedPicture, claimed_pixels, open_picture, read_extras
from unlossy.repair.plan import Job
from unlossy.repair.result import CONVERTED, COPIED, CORRECTED, FAILED, Record

MAX_TOGETHER: Final = 16
MAX_TOGETHER_PX: Final = 2**20
"""Pictures that go through the network at once: at most 16, and a megapixel in all unless one alone is larger."""

BY_PIXELS: Final = "corrected without JPEG tables, by its pixels alone"

FORGOTTEN: Final = Decoded(np.zeros((0, 0, 1), np.uint8))
"""In place of pixels whose correction is there: a large picture is not held twice while it is written."""

FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of writing that every other file would meet too."""

Pixels = UInt8[np.ndarray, "h w c"]


@dataclass(slots=True)
class _Opened:
    """A job on its way: its file's bytes and its picture, then the picture that takes its place."""

    job: Job
    stat: tuple[int, int]
    data: bytes
    picture: OpenedPicture
    n_pixels: int
    has_tables: bool
    changed: Pixels | ItemError | None = None


@dataclass(slots=True)
class RepairWorker:
    """Repairs jobs; thread-safe. `drafts` is a folder, on OUT's file system, for files not yet whole.

    `root` is what records name their outputs relative to; `claims` tells which files there may be replaced.
    """

    corrector: Corrector
    format: str
    root: Path
    drafts: Path
    partial: bool = False
    palettes: bool = False
    claims: Claims = field(default_factory=Claims)
    gate: PixelGate = field(default_factory=PixelGate)
    _correcting: threading.Lock = field(default_factory=threading.Lock)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def __call__(self, jobs: Sequence[Job]) -> list[Record]:
        """One record per job; raises RunError where no file can be written any more."""
        records: list[Record] = []
        waiting: list[_Opened] = []
        try:
            for job in jobs:
                opened = self._open(job, waiting, records)
                if isinstance(opened, Record):
                    records.append(opened)
                    continue
                waiting.append(opened)
                if len(waiting) == MAX_TOGETHER or sum(o.n_pixels for o in waiting) >= MAX_TOGETHER_PX:
                    self._finish(waiting, records)
            self._finish(waiting, records)
        finally:  # a thread that fails must not leave the others waiting for what it holds
            self.gate.give(*(opened.n_pixels for opened in waiting))
        return records

    def _open(self, job: Job, waiting: list[_Opened], records: list[Record]) -> _Opened | Record:
        """The decoded job, its pixels taken from the gate; what waits is finished first where they are not free."""
        stat = (-1, -1)
        n_pixels = 0
        try:
            stat, data = _read(job.source)
            n_pixels = claimed_pixels(data)
            if sum(o.n_pixels for o in waiting) + n_pixels > MAX_TOGETHER_PX or not self.gate.try_take(n_pixels):
                self._finish(waiting, records)
                self.gate.take(n_pixels)
        except ItemError as error:
            return _failed(job, stat, error)
        try:
            picture = open_picture(data, partial=self.partial)
            return _Opened(job, stat, data, picture, n_pixels, picture.decoded.hints is not None)
        except BaseException as error:
            self.gate.give(n_pixels)
            if isinstance(error, ItemError):
                return _failed(job, stat, error)
            raise

    def _finish(self, waiting: list[_Opened], records: list[Record]) -> None:
        """Corrects, writes and forgets what waits."""
        todo = [opened for opened in waiting if self._is_for_correction(opened.picture)]
        with self._correcting:
            outcomes = correct_each(self.corrector, [opened.picture.decoded for opened in todo])
        for opened in todo:
            outcome = outcomes.pop(0)
            if not (isinstance(outcome, np.ndarray) and np.array_equal(outcome, opened.picture.decoded.pixels_hwc)):
                opened.changed = outcome
                opened.picture = replace(opened.picture, decoded=FORGOTTEN)
        todo.clear()
        while waiting:
            records.append(self._record(waiting[0]))
            self.gate.give(waiting.pop(0).n_pixels)

    def _is_for_correction(self, picture: OpenedPicture) -> bool:
        return not picture.deep and (self.palettes or not picture.palette)

    def _record(self, opened: _Opened) -> Record:
        """Writes the file and tells what became of it."""
        job, picture = opened.job, opened.picture
        try:
            action, target, data = self._result(opened)
            mtime_ns = self._write(target, data)
        except ItemError as error:
            return _failed(job, opened.stat, error)
        by_pixels = action == CORRECTED and not opened.has_tables
        notes = [picture.note] if action != COPIED or picture.partial else []  # a copy went through no conversion
        notes += [BY_PIXELS] if by_pixels else []
        return Record(
            job.key,
            action,
            *opened.stat,
            output=target.relative_to(self.root).as_posix(),
            output_bytes=len(data),
            output_mtime_ns=mtime_ns,
            note="; ".join(filter(None, notes)) or None,
            by_pixels=by_pixels,
        )

    def _result(self, opened: _Opened) -> tuple[str, Path, bytes]:
        """Action, place and bytes of the result; raises ItemError."""
        if isinstance(opened.changed, ItemError):
            raise opened.changed
        if opened.changed is None:
            return self._unchanged(opened)
        return CORRECTED, opened.job.corrected, encode_picture(opened.changed, read_extras(opened.data), self.format)

    def _unchanged(self, opened: _Opened) -> tuple[str, Path, bytes]:
        """The source's own bytes; where the user named a file of another format, the same pixels in that one."""
        job, data = opened.job, opened.data
        if job.copied != job.corrected or job.source.suffix.lower() in FORMATS[self.format]:
            return COPIED, job.copied, data
        if opened.picture.deep:
            raise CodecError(f"the picture has more than 8 bits a sample; name an OUT that ends in {job.source.suffix}")
        return CONVERTED, job.copied, encode_picture(opened.picture.decoded.pixels_hwc, read_extras(data), self.format)

    def _write(self, target: Path, data: bytes) -> int:
        """Writes whole or not at all; the time of change of what lies there then, in ns.

        Raises RefusedError where a user's file is there, CodecError for this file's trouble, RunError for everybody's.
        """
        draft = self.drafts / f"{os.getpid()}-{next(self._numbers)}.draft"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.parent.resolve().is_relative_to(self.root.resolve()):
                raise CodecError(printable(f"the folder {target.parent} is a link that leads out of {self.root}"))
            if os.path.lexists(target) and not self.claims.owns(target):
                return _same_already(target, data)
            draft.write_bytes(data)
            mtime_ns = draft.stat().st_mtime_ns
            self.claims.claim(target, len(data), mtime_ns)
            draft.replace(target)
        except OSError as error:
            draft.unlink(missing_ok=True)
            if error.errno in FULL:
                raise RunError(
                    f"cannot write {printable(str(target))}: {error.strerror}. Free some space and run the same again"
                ) from error
            raise CodecError(f"cannot write {printable(target.name)}: {error.strerror or error}") from error
        return mtime_ns


def _same_already(target: Path, data: bytes) -> int:
    """The time of change, in ns, of a file that holds these very bytes; raises RefusedError where another is there."""
    if target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data:
        return target.stat().st_mtime_ns
    raise RefusedError(
        f"{printable(str(target))} is there already and holds something else; it stays as it is. Move it away, or give "
        "another OUT"
    )


def _read(path: Path) -> tuple[tuple[int, int], bytes]:
    """Size and time of change of the file, and its bytes; raises ReadError."""
    try:
        stat = path.stat()
        return (stat.st_size, stat.st_mtime_ns), path.read_bytes()
    except OSError as error:
        raise ReadError(f"cannot read the file: {error.strerror or error}") from error


def _failed(job: Job, stat: tuple[int, int], error: ItemError) -> Record:
    return Record(job.key, FAILED, *stat, error_kind=error.kind, error_message=str(error))
