"""What became of each file, and of all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from unlossy.core.tools import printable

CORRECTED: Final = "corrected"
COPIED: Final = "copied"
CONVERTED: Final = "converted"
"""Unchanged pixels in another format: a single file that needs nothing, with an OUT that names another format."""
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one file.

    `key` is its path in IN, `output` that in OUT (None where it failed); `source_bytes` and `source_mtime_ns` tell
    whether the source changed since (-1 where they cannot be read), `output_bytes` and `output_mtime_ns` whether the
    result did; `note` what a person should know of the result; `by_pixels` where it was corrected without JPEG tables.
    """

    key: str
    action: str
    source_bytes: int
    source_mtime_ns: int
    output: str | None = None
    output_bytes: int | None = None
    error_kind: str | None = None
    error_message: str | None = None
    note: str | None = None
    output_mtime_ns: int | None = None
    by_pixels: bool = False


@dataclass(frozen=True, slots=True)
class RepairResult:
    """A repair's outcome: one record per file in key order, those that an earlier run made included (`n_earlier`)."""

    source: str
    output: str
    corrector: str
    corrector_digest: str
    format: str
    records: tuple[Record, ...]
    n_earlier: int = 0
    others: Mapping[str, int] = field(default_factory=dict)
    manifest: Path | None = None

    def of(self, action: str) -> tuple[Record, ...]:
        """The records of one action."""
        return tuple(record for record in self.records if record.action == action)

    def to_json(self) -> dict[str, Any]:
        """The object that `correct --json` prints; every file's record is in the manifest, the notable ones here."""
        failures = [
            {"key": printable(r.key), "error_kind": r.error_kind, "error_message": printable(r.error_message or "")}
            for r in self.of(FAILED)
        ]
        notes = [
            {"key": printable(r.key), "output": printable(r.output or ""), "note": printable(r.note)}
            for r in self.records
            if r.note
        ]
        return {
            "in": printable(self.source),
            "out": printable(self.output),
            "corrector": printable(self.corrector),
            "corrector_digest": self.corrector_digest,
            "format": self.format,
            "n_files": len(self.records),
            "n_earlier": self.n_earlier,
            **{action: len(self.of(action)) for action in (CORRECTED, COPIED, CONVERTED, FAILED)},
            "without_tables": sum(record.by_pixels for record in self.records),
            "others": {printable(kind): n for kind, n in self.others.items()},
            "failures": failures,
            "notes": notes,
            "manifest": None if self.manifest is None else printable(str(self.manifest)),
        }
