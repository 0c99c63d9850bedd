"""Rows of really scanned files, dealt to made-up keys and groups: datasets of any size at the cost of a few files."""

import functools
import io

import numpy as np
import pyarrow as pa
from PIL import Image

from unlossy.audit.options import ScanOptions
from unlossy.audit.scan import scan_batches
from unlossy.audit.schema import schema
from unlossy.core.blobs import BytesBlob
from unlossy.core.types import Item


def way(quality=None, kind="JPEG", mode="RGB", **options):
    """How one file is made: hashable, so that equal ones are scanned once."""
    if "qtables" in options:
        options["qtables"] = tuple(tuple(table) for table in options["qtables"])
    return (kind, mode, quality, tuple(sorted(options.items())))


@functools.cache
def row(made):
    """The scanned row, as a dict, of the file that is made this way."""
    kind, mode, quality, options = made
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    stream = io.BytesIO()
    extra = {name: [list(t) for t in value] if name == "qtables" else value for name, value in options}
    Image.fromarray(pixels).convert(mode).save(
        stream, kind, **({} if quality is None else {"quality": quality}), **extra
    )
    (batch,) = scan_batches(iter([Item("made", BytesBlob(stream.getvalue()))]), ScanOptions())
    return batch.to_pylist()[0]


def dealt(ways, **groups):
    """A table with a row for each way; each keyword is a kind of groups, with a name (or None) for each row."""
    distinct = list(dict.fromkeys(ways))
    place = {made: i for i, made in enumerate(distinct)}
    rows = pa.Table.from_pylist([row(made) for made in distinct], schema=schema())
    table = rows.take(pa.array([place[made] for made in ways], pa.int64()))
    keys = [f"{i:05d}.jpg" for i in range(len(ways))]
    named = [
        [(kind, str(names[i])) for kind, names in groups.items() if names[i] is not None] for i in range(len(ways))
    ]
    return replaced(table, key=keys, groups=named)


def replaced(table, **columns):
    """The table with other values in some columns."""
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, pa.array(values, table.schema.field(name).type))
    return table


def jpegs(qualities):
    return [way(int(quality)) for quality in qualities]


def even(n, n_classes):
    """Class names for n rows, in blocks of equal size: c0, c0, ..., c1, ..."""
    return [f"c{i * n_classes // n}" for i in range(n)]
