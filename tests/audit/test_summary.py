import pyarrow as pa
import pytest

from tests.audit.dealt import dealt, even, jpegs, row, way
from tests.jpeg.streams import encoded
from unlossy.audit.options import ScanOptions
from unlossy.audit.scan import scan_batches
from unlossy.audit.schema import schema
from unlossy.audit.summary import median_of, summarise
from unlossy.core.blobs import BytesBlob
from unlossy.core.types import Item


def scanned(*files):
    return scan_batches(iter([Item(str(i), BytesBlob(data)) for i, data in enumerate(files)]), ScanOptions())


def test_counts_over_a_small_mixed_set():
    grey, colour = encoded(mode="L", quality=10), encoded(quality=90, size=(64, 64))
    files = [colour, colour, colour[:-50], grey, b"text"]
    got = summarise(scanned(*files), {".csv": 1})
    assert (got.n_items, got.n_failed, got.truncated) == (5, 1, 1)
    assert got.formats == {"jpeg": 4, "unknown": 1}
    assert got.ijg_quality_luma == {90: 3, 10: 1}
    assert got.ijg_quality_chroma == {90: 3}
    assert got.sampling == {"4:2:0": 3, "grey": 1}
    assert got.quality == {"exact": 4}
    assert sum(got.encoders.values()) == 4
    assert got.size_bytes == sum(len(data) for data in files)
    assert list(got.as_json()["ijg_quality_luma"]) == ["10", "90"]
    assert got.as_json()["others"] == {".csv": 1}


def test_jpegs_with_a_header_but_an_error_count_as_both():
    data = encoded()
    got = summarise(scanned(data[: data.index(b"\xff\xc0") + 30]))
    assert (got.process, got.errors) == ({"baseline": 1}, {"truncated": 1})


def test_qualities_are_counted_by_class_and_split():
    table = dealt(
        [*jpegs([75, 75, 20]), way(kind="PNG"), way(30)], **{"class": list("aabbb"), "split": ["x"] * 4 + [None]}
    )
    got = summarise(table)
    assert got.quality_by == {"class": {"a": {75: 2}, "b": {20: 1, 30: 1}}, "split": {"x": {75: 2, 20: 1}}}
    assert got.as_json()["quality_by"]["class"]["b"] == {"20": 1, "30": 1}


def test_encoders_are_counted_without_their_setting():
    told = row(way(40))["encoder"]
    assert summarise(dealt(jpegs([40, 50, 60]))).encoders == {told.partition(" (")[0]: 3}


def test_batches_add_up():
    table = dealt(jpegs([75, 80, 20] * 40), **{"class": even(120, 7)})
    assert summarise(iter(table.to_batches(max_chunksize=11))) == summarise(table)
    assert summarise(pa.concat_tables([table.slice(0, 5), table.slice(5)])) == summarise(table)


@pytest.mark.parametrize(("counts", "median"), [({5: 1}, 5), ({5: 1, 6: 1}, 5.5), ({1: 3, 9: 2}, 1), ({}, None)])
def test_median_of_counted_values(counts, median):
    assert median_of(counts) == median


def test_grids_are_counted_where_pixels_were_looked_at():
    names = ["blockiness", "grid_offset"]
    offsets = [{"x": 0, "y": 0}, {"x": 3, "y": 5}, None, None]
    measured = [pa.array([2.0, 1.0, 0.5, None]), pa.array(offsets, schema(pixels=True).field("grid_offset").type)]
    plain_rows = pa.RecordBatch.from_pylist([{"key": str(i)} for i in range(4)], schema=schema())
    batch = pa.RecordBatch.from_arrays([*plain_rows.columns, *measured], names=[*plain_rows.schema.names, *names])
    assert summarise([batch]).grids == {"at (0, 0)": 1, "elsewhere": 1, "none": 1}
    assert summarise([plain_rows]).grids == {}
