"""What a verdict needs of the rows: small arrays of codes, gathered batch by batch, so that rows can be forgotten.

    evidence = gather(rows)
    evidence.features["encoder"].codes       int32, one per row: an index into .names, -1 where the row does not say it
    evidence.dimensions["class"].codes       the same for the groups: class, split, folder, shard ...

About 60 bytes a row and its key stay in memory. Features are facts of compression alone: size in bytes, width, height
and rate tell the picture, so they are not among them; nor does `sampling` say grey, which is the picture's colour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int16, Int64

from unlossy.audit.coding import Coded, Coder, batches_of, group_columns, nth_tables
from unlossy.audit.columns import plain

NO_QUALITY: Final = -1
TABLES: Final = ("luma table", "chroma table")
FEATURES: Final = (
    *("encoder", *TABLES, "process", "sampling", "format"),
    *("tables", "restart markers", "precision", "lossless"),
)
"""In the order in which equal evidence is named."""

TOP_FOLDER: Final = "top folder"
"""A kind of groups that every key with a folder in it has; of several PATHs, the PATH."""

_FIRST_DIMENSIONS: Final = ("class", "split", "shard", TOP_FOLDER, "folder")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """The rows' compression and groups; all arrays in row order, qualities -1 where a row has none.

    Attributes:
        keys: The rows' keys.
        luma, chroma: IJG quality 1..100.
        features: By name, as FEATURES has them. `encoder` is without its setting, `luma table` and `chroma table` are
            the digests of a row's first and second table, `tables` says whether they are IJG's.
        dimensions: The groups by their kind, `class` first, and the top folder of the keys; kinds that split the rows
            alike stand here once.
    """

    keys: pa.ChunkedArray
    luma: Int16[np.ndarray, " n"]
    chroma: Int16[np.ndarray, " n"]
    features: Mapping[str, Coded]
    dimensions: Mapping[str, Coded]

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.luma)

    def keys_at(self, rows: Int64[np.ndarray, " m"]) -> tuple[str, ...]:
        """The keys of the rows at these positions."""
        return tuple(self.keys.take(pa.array(rows)).to_pylist())


def gather(rows: pa.Table | Iterable[pa.RecordBatch]) -> Evidence:
    """The evidence of all rows; batches are used up one by one."""
    gatherer = Gatherer()
    for batch in batches_of(rows):
        gatherer.add(batch)
    return gatherer.evidence()


class Gatherer:
    """Collects Evidence: `add` each batch, then `evidence`."""

    def __init__(self) -> None:
        self._features = {name: Coder() for name in FEATURES}
        self._groups: dict[str, Coder] = {}
        self._keys: list[pa.Array] = []
        self._luma: list[Int16[np.ndarray, " m"]] = [np.empty(0, np.int16)]
        self._chroma: list[Int16[np.ndarray, " m"]] = [np.empty(0, np.int16)]
        self._n = 0

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes what is needed of one batch of rows."""
        self._keys.append(plain(batch["key"]))
        self._luma.append(_qualities(batch["ijg_quality_luma"]))
        self._chroma.append(_qualities(batch["ijg_quality_chroma"]))
        rows = self._n + np.arange(batch.num_rows)
        for name, column in _text_features(batch).items():
            self._features[name].add(column, rows)
        for position, name in enumerate(TABLES):
            entries, there = nth_tables(plain(batch["quantization_tables"]), position)
            self._features[name].add_tables(entries, rows[there])
        for kind, names, there in group_columns(plain(batch["groups"])):
            self._groups.setdefault(kind, Coder()).add(names, rows[there])
        self._groups.setdefault(TOP_FOLDER, Coder()).add(_top_folders(plain(batch["key"])), rows)
        self._n += batch.num_rows

    def evidence(self) -> Evidence:
        """All that was added."""
        return Evidence(
            keys=pa.chunked_array(self._keys, type=pa.string()),
            luma=np.concatenate(self._luma),
            chroma=np.concatenate(self._chroma),
            features={name: coder.coded(self._n) for name, coder in self._features.items()},
            dimensions=_distinct({kind: coder.coded(self._n) for kind, coder in self._groups.items()}),
        )


def _qualities(column: pa.Array) -> Int16[np.ndarray, " m"]:
    return pc.fill_null(plain(column), NO_QUALITY).to_numpy(zero_copy_only=False).astype(np.int16)


def _top_folders(keys: pa.Array) -> pa.Array:
    """Each key up to its first `/`; null where it has none."""
    first = pc.list_element(pc.split_pattern(keys, "/", max_splits=1), 0)
    return pc.if_else(pc.match_substring(keys, "/"), first, None)


def _text_features(batch: pa.RecordBatch) -> dict[str, pa.Array]:
    """The features that are no tables, as text."""
    sampling, encoder = plain(batch["sampling"]), plain(batch["encoder"])
    restart, exact = plain(batch["restart_interval"]), plain(batch["quality_exact"])
    return {
        **{name: plain(batch[name]) for name in ("format", "process")},
        **{name: plain(batch[name]).cast(pa.string()) for name in ("precision", "lossless")},
        "encoder": pc.list_element(pc.split_pattern(encoder, " (", max_splits=1), 0),
        "sampling": pc.if_else(pc.equal(sampling, "grey"), None, sampling),
        "restart markers": pc.if_else(pc.greater(restart, 0), "yes", "no"),
        "tables": pc.if_else(exact, "IJG", "not IJG"),
    }


def _distinct(groups: Mapping[str, Coded]) -> dict[str, Coded]:
    """The kinds of groups that split the rows; of kinds that split them alike only the first."""
    kept: dict[str, Coded] = {}
    seen: set[bytes] = set()
    first_kinds = {kind: place for place, kind in enumerate(_FIRST_DIMENSIONS)}
    for kind in sorted(groups, key=lambda kind: (first_kinds.get(kind, len(first_kinds)), kind)):
        distinct, first, inverse = np.unique(groups[kind].codes, return_index=True, return_inverse=True)
        # groups numbered in the order of their first rows: equal for two kinds that split the rows alike
        partition = np.argsort(np.argsort(first))[inverse].astype(np.int32).tobytes()
        if len(distinct) > 1 and partition not in seen:
            seen.add(partition)
            kept[kind] = groups[kind]
    return kept
