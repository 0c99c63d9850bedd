"""From rows to counts: what a folder's compression looks like at a glance.

One pass, bounded memory: the rows are counted and forgotten. Shares and verdicts are the reader's to draw; every count
says over what it goes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from unlossy.audit.rows import AuditRow


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over the rows of one audit.

    Attributes:
        n_items: All rows; each other count goes over these, or over those of them that are JPEGs with headers.
        size_bytes: Of all files together, as far as their size is known.
        formats: Rows by format, "unknown" where no bytes tell it.
        sampling, process: JPEGs by notation and by coding process.
        ijg_quality_luma, ijg_quality_chroma: JPEGs by quality; those without one are not in it.
        quality: JPEGs by how sure their quality is: "exact", "nearest" (inexact tables), "none" (no honest quality).
        truncated: JPEGs that end early, headers or data.
        errors: Rows with an error, by its kind.
        others: Files that are no images and have no row, by suffix.
    """

    n_items: int
    size_bytes: int
    formats: Mapping[str, int]
    sampling: Mapping[str, int]
    process: Mapping[str, int]
    ijg_quality_luma: Mapping[int, int]
    ijg_quality_chroma: Mapping[int, int]
    quality: Mapping[str, int]
    truncated: int
    errors: Mapping[str, int]
    others: Mapping[str, int]

    @property
    def n_failed(self) -> int:
        """Rows with an error."""
        return sum(self.errors.values())

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON holds them: qualities as text keys in rising order, all else by falling count."""
        rising = ("ijg_quality_luma", "ijg_quality_chroma")
        counted = ("formats", "sampling", "process", "quality", "errors", "others")
        return {
            "n_items": self.n_items,
            "failed": self.n_failed,
            "truncated": self.truncated,
            "size_bytes": self.size_bytes,
            **{name: {str(q): n for q, n in sorted(getattr(self, name).items())} for name in rising},
            **{name: dict(by_count(getattr(self, name))) for name in counted},
        }


def by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The entries by falling count, equal ones by name."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def summarise(rows: Iterable[AuditRow], others: Mapping[str, int] | None = None) -> Summary:
    """The counts over all rows, which are used up one by one; `others` is a dataset's."""
    counters: dict[str, Counter[Any]] = {name: Counter() for name in _COUNTED}
    for row in rows:
        for name, value in _marks(row):
            counters[name][value] += 1
        counters["totals"].update({"items": 1, "bytes": row.size_bytes or 0, "truncated": int(row.truncated is True)})
    totals = counters.pop("totals")
    return Summary(
        n_items=totals["items"],
        size_bytes=totals["bytes"],
        truncated=totals["truncated"],
        others=dict(others or {}),
        **{name: dict(counter) for name, counter in counters.items()},
    )


_COUNTED = (
    *("formats", "sampling", "process", "ijg_quality_luma", "ijg_quality_chroma", "quality", "errors"),
    "totals",
)


def _marks(row: AuditRow) -> Iterator[tuple[str, str | int]]:
    """What one row adds one to."""
    yield "formats", row.format or "unknown"
    if row.error_kind is not None:
        yield "errors", row.error_kind
    if row.process is None:
        return
    yield "process", row.process
    yield "sampling", row.sampling or "unknown"
    sure = row.quality_exact and row.ijg_quality_luma is not None
    yield "quality", "exact" if sure else "none" if row.ijg_quality_luma is None else "nearest"
    if row.ijg_quality_luma is not None:
        yield "ijg_quality_luma", row.ijg_quality_luma
    if row.ijg_quality_chroma is not None:
        yield "ijg_quality_chroma", row.ijg_quality_chroma
