"""Rows as arrays: what the page counts and draws, taken from the Arrow columns once.

Every row has one place: 1..100, its IJG quality of luma; else why it has none: NO_QUALITY (a JPEG), OTHER (another
format) or UNREAD (no header could be read). Everything that is drawn is a count of places.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float64, Int32, Int64

from unlossy.audit.columns import plain

NO_QUALITY, OTHER, UNREAD = 101, 102, 103
N_PLACES = 104
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A text for each row, as a number into `names`; -1 where there is none. Names are sorted."""

    codes: Int64[np.ndarray, " n"]
    names: tuple[str, ...]

    def counts(self) -> Int64[np.ndarray, " names"]:
        """Rows of each name."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the page is drawn from, `n` rows long; `groups` by dimension ("class", "split", "folder", ...).

    `encoders` are families: what stands before a setting in brackets. `rates_bpp` is NaN where unknown.
    """

    rows: pa.Table
    places: Int32[np.ndarray, " n"]
    formats: Named
    encoders: Named
    errors: Named
    rates_bpp: Float64[np.ndarray, " n"]
    groups: Mapping[str, Named]

    @property
    def n_rows(self) -> int:
        """How many there are."""
        return len(self.places)

    @property
    def failed(self) -> Bool[np.ndarray, " n"]:
        """Rows with an error."""
        return self.errors.codes >= 0

    @property
    def has_quality(self) -> Bool[np.ndarray, " n"]:
        """Rows with an honest quality of luma."""
        return self.places <= 100

    def counts(self, chosen: Bool[np.ndarray, " n"] | None = None) -> Int64[np.ndarray, "104"]:
        """Rows in each place, of all or of the chosen."""
        return np.bincount(self.places if chosen is None else self.places[chosen], minlength=N_PLACES)

    def keys(self, indexes: Int64[np.ndarray, " k"]) -> list[str]:
        """The keys of some rows."""
        return plain(self.rows["key"]).take(pa.array(indexes)).to_pylist()


def facts_of(rows: pa.Table) -> Facts:
    """The facts of an audit's rows, whose columns `docs/audit-schema.md` lists."""
    return Facts(
        rows=rows,
        places=_places(rows),
        formats=named(rows["format"], missing=UNKNOWN),
        encoders=named(_families(rows["encoder"]), missing=UNKNOWN),
        errors=named(rows["error_kind"]),
        rates_bpp=np.asarray(rows["rate_bpp"].cast(pa.float64()).fill_null(np.nan), dtype=np.float64),
        groups=_groups(rows["groups"]),
    )


def named(column: pa.ChunkedArray | pa.Array, missing: str | None = None) -> Named:
    """A column of texts with nulls as -1, or under the name `missing`."""
    values = plain(column)
    if missing is not None:
        values = values.fill_null(missing)
    names = sorted(name for name in pc.unique(values).to_pylist() if name is not None)
    codes = pc.index_in(values, value_set=pa.array(names, pa.string())).fill_null(-1)
    return Named(np.asarray(codes, dtype=np.int64), tuple(names))


def _places(rows: pa.Table) -> Int32[np.ndarray, " n"]:
    quality = np.asarray(rows["ijg_quality_luma"].cast(pa.int32()).fill_null(0), dtype=np.int32)
    formats = plain(rows["format"])
    is_jpeg = np.asarray(pc.equal(formats, "jpeg").fill_null(False), dtype=bool)
    sized = np.asarray(pc.is_valid(rows["width"]), dtype=bool)
    without = np.where(is_jpeg, NO_QUALITY, OTHER)
    return np.where(quality > 0, quality, np.where(sized, without, UNREAD)).astype(np.int32)


def _families(encoders: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    return pc.replace_substring_regex(plain(encoders), pattern=r" \(.*$", replacement="")


def _groups(column: pa.ChunkedArray) -> dict[str, Named]:
    """Each key of the map column as a column of its own."""
    maps = column.combine_chunks()
    maps = maps.chunk(0) if isinstance(maps, pa.ChunkedArray) and maps.num_chunks else maps
    if len(maps) == 0:
        return {}
    lengths = np.asarray(pc.fill_null(pc.list_value_length(maps.cast(_as_list(maps.type))), 0), dtype=np.int64)
    owner = np.repeat(np.arange(len(maps)), lengths)
    entries = maps.cast(_as_list(maps.type)).flatten()
    keys, values = named(entries.field(0)), entries.field(1)
    found = {}
    for number, name in enumerate(keys.names):
        here = keys.codes == number
        of_dimension = named(values.filter(pa.array(here)))
        codes = np.full(len(maps), -1, dtype=np.int64)
        codes[owner[here]] = of_dimension.codes
        found[name] = Named(codes, of_dimension.names)
    return found


def _as_list(kind: pa.MapType) -> pa.ListType:
    return pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)]))
