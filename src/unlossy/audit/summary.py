"""From rows to counts: what a dataset's compression looks like at a glance.

One pass over record batches, bounded memory: batches are counted and forgotten. Shares and verdicts are the reader's to
draw; every count says over what it goes.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlossy.audit.coding import batches_of, group_columns
from unlossy.audit.columns import plain

GROUPED: Final = ("class", "split")
"""The kinds of groups whose qualities are counted apart."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts over the rows of one audit.

    Attributes:
        n_items: All rows; each other count goes over these, or over those of them that are JPEGs with headers.
        size_bytes: Of all files together, as far as their size is known.
        formats: Rows by format, "unknown" where no bytes tell it.
        sampling, process: JPEGs by notation and by coding process.
        encoders: JPEGs by encoder, without its setting; "unknown" where nothing tells it.
        ijg_quality_luma, ijg_quality_chroma: JPEGs by quality; those without one are not in it.
        quality: JPEGs by how sure their quality is: "exact", "nearest" (inexact tables), "none" (no honest quality).
        quality_by: Luma qualities of each class and split: `quality_by["class"]["cat"][75]` images.
        truncated: JPEGs that end early, headers or data.
        errors: Rows with an error, by its kind.
        others: Files that are no images and have no row, by suffix.
        grids: With `--pixels`, decoded images by their 8 x 8 grid: "none" shows, "at (0, 0)", or "elsewhere" (cropped,
            or saved anew, after an earlier JPEG).
    """

    n_items: int
    size_bytes: int
    formats: Mapping[str, int]
    sampling: Mapping[str, int]
    process: Mapping[str, int]
    encoders: Mapping[str, int]
    ijg_quality_luma: Mapping[int, int]
    ijg_quality_chroma: Mapping[int, int]
    quality: Mapping[str, int]
    quality_by: Mapping[str, Mapping[str, Mapping[int, int]]]
    truncated: int
    errors: Mapping[str, int]
    others: Mapping[str, int]
    grids: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_failed(self) -> int:
        """Rows with an error."""
        return sum(self.errors.values())

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON holds them: qualities as text keys in rising order, all else by falling count."""
        rising = ("ijg_quality_luma", "ijg_quality_chroma")
        counted = ("formats", "sampling", "process", "encoders", "quality", "errors", "others", "grids")
        by_group = {
            kind: {name: _rising(counts) for name, counts in sorted(groups.items())}
            for kind, groups in self.quality_by.items()
        }
        return {
            "n_items": self.n_items,
            "failed": self.n_failed,
            "truncated": self.truncated,
            "size_bytes": self.size_bytes,
            **{name: _rising(getattr(self, name)) for name in rising},
            **{name: dict(by_count(getattr(self, name))) for name in counted},
            "quality_by": by_group,
        }


def _rising(counts: Mapping[int, int]) -> dict[str, int]:
    return {str(quality): n for quality, n in sorted(counts.items())}


def by_count(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The entries by falling count, equal ones by name."""
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def median_of(counts: Mapping[int, int]) -> float | None:
    """The median of values that are counted; None where there are none."""
    values = sorted(counts)
    upto = np.cumsum([counts[value] for value in values])
    if not len(upto):
        return None
    lower, upper = np.searchsorted(upto, [(upto[-1] - 1) // 2, upto[-1] // 2], side="right")
    return (values[lower] + values[upper]) / 2


def summarise(rows: pa.Table | Iterable[pa.RecordBatch], others: Mapping[str, int] | None = None) -> Summary:
    """The counts over all rows, batches being used up one by one; `others` is a dataset's."""
    tally = Tally()
    for batch in batches_of(rows):
        tally.add(batch)
    return tally.summary(others)


class Tally:
    """Counts that grow: `add` each batch, then `summary`."""

    def __init__(self) -> None:
        self._totals: Counter[str] = Counter()
        self._counts: dict[str, Counter[Any]] = {name: Counter() for name in _COUNTED}
        self._by: dict[str, dict[str, Counter[int]]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Counts one batch of rows."""
        truncated, sizes = plain(batch["truncated"]), plain(batch["size_bytes"])
        self._totals["items"] += batch.num_rows
        self._totals["bytes"] += pc.sum(sizes).as_py() or 0
        self._totals["truncated"] += pc.sum(truncated).as_py() or 0
        for name, column in _counted_columns(batch).items():
            for entry in column.value_counts().to_pylist():
                if entry["values"] is not None:
                    self._counts[name][entry["values"]] += entry["counts"]
        self._add_groups(batch)

    def summary(self, others: Mapping[str, int] | None = None) -> Summary:
        """The counts so far."""
        return Summary(
            n_items=self._totals["items"],
            size_bytes=self._totals["bytes"],
            truncated=self._totals["truncated"],
            others=dict(others or {}),
            quality_by={kind: {name: dict(n) for name, n in groups.items()} for kind, groups in self._by.items()},
            **{name: dict(counter) for name, counter in self._counts.items()},
        )

    def _add_groups(self, batch: pa.RecordBatch) -> None:
        luma = plain(batch["ijg_quality_luma"])
        for kind, names, rows in group_columns(plain(batch["groups"])):
            if kind in GROUPED:
                pairs = pa.table({"name": names, "luma": luma.take(pa.array(rows))})
                groups = self._by.setdefault(kind, {})
                for entry in pairs.group_by(["name", "luma"]).aggregate([([], "count_all")]).to_pylist():
                    counts = groups.setdefault(entry["name"], Counter())
                    if entry["luma"] is not None:
                        counts[entry["luma"]] += entry["count_all"]


_COUNTED: Final = (
    *("formats", "sampling", "process", "encoders", "ijg_quality_luma", "ijg_quality_chroma", "quality", "errors"),
    "grids",
)


def _counted_columns(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """What is counted, null where a row adds nothing; of JPEGs all but the format and the error."""
    jpeg = pc.is_valid(plain(batch["process"]))
    luma, exact = plain(batch["ijg_quality_luma"]), pc.fill_null(plain(batch["quality_exact"]), False)
    sure = pc.if_else(pc.is_null(luma), "none", pc.if_else(exact, "exact", "nearest"))
    encoder = pc.list_element(pc.split_pattern(plain(batch["encoder"]), " (", max_splits=1), 0)
    of_jpegs = {
        "process": plain(batch["process"]),
        "sampling": pc.fill_null(plain(batch["sampling"]), "unknown"),
        "encoders": pc.fill_null(encoder, "unknown"),
        "ijg_quality_luma": luma,
        "ijg_quality_chroma": plain(batch["ijg_quality_chroma"]),
        "quality": sure,
    }
    of_all = {"formats": pc.fill_null(plain(batch["format"]), "unknown"), "errors": plain(batch["error_kind"])}
    if "grid_offset" in batch.schema.names:
        of_all["grids"] = _grids(batch)
    return of_all | {name: pc.if_else(jpeg, column, None) for name, column in of_jpegs.items()}


def _grids(batch: pa.RecordBatch) -> pa.Array:
    """What each decoded image's grid is, null for one that was not decoded."""
    offset = plain(batch["grid_offset"])
    x, y = (pc.struct_field(offset, [name]) for name in ("x", "y"))
    at_origin = pc.and_(pc.equal(x, 0), pc.equal(y, 0))
    grid = pc.if_else(pc.is_null(offset), "none", pc.if_else(at_origin, "at (0, 0)", "elsewhere"))
    return pc.if_else(pc.is_valid(plain(batch["blockiness"])), grid, None)
