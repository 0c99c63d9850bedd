"""The quick scan against the careful one: equal rows for whatever files come."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.jpeg.streams import YCC_420, dqt, encoded, segment, sof, stream
from unlossy.audit.quick import QuickScan
from unlossy.audit.rows import AuditRow
from unlossy.audit.scan import ScanOptions, examine, scan_batches
from unlossy.core.blobs import BytesBlob, FileBlob
from unlossy.core.types import Item
from unlossy.jpeg.segments import QuantizationTable

TABLE = np.arange(1, 65).reshape(8, 8)
EXIF = segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x1a\0\0\0" + bytes(5000))
ADOBE = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x00")
SEEDS = (
    encoded(size=(16, 16), quality=50),
    encoded(size=(40, 16), quality=50, optimize=True),
    encoded(size=(16, 16), quality=91, progressive=True, mode="CMYK"),
    encoded(mode="L", quality=3, restart_marker_blocks=1),
    encoded(quality=77, comment=b"made by hand", icc_profile=bytes(3000)),
    stream(EXIF, dqt(0, TABLE), dqt(1, TABLE, wide=True), sof(9, 0, YCC_420, 0xC9), segment(0xDD, b"\0\2")),
    stream(ADOBE, dqt(0, TABLE), sof(9, 8, YCC_420), dqt(1, TABLE), segment(0xE2, b"MPF\0" + bytes(30))),
    stream(EXIF, EXIF, dqt(0, TABLE), sof(9, 8, YCC_420), end=b""),
)


def exif(orientation: int) -> bytes:
    return segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + bytes((orientation, *[0] * 7)))


def app0(across: int) -> bytes:
    return segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1" + bytes((across, 1)) + bytes(3 * across))


FRAME = (dqt(0, TABLE), sof(9, 8, YCC_420))
ALL_BY_ONE = [(1, 2, 2, 0), (2, 1, 1, 0), (3, 1, 1, 0)]
ALIKE = (
    *(encoded(quality=50, restart_marker_blocks=n, optimize=o) for n in (0, 1, 2) for o in (False, True)),
    *(encoded(quality=50, subsampling=s, optimize=o) for s in ("4:4:4", "4:2:2", "4:2:0") for o in (False, True)),
    *(encoded(quality=50, subsampling=s, progressive=True) for s in ("4:4:4", "4:2:2")),
    *(encoded(quality=luma) for luma in (49, 50, 51)),
    *(stream(exif(orientation), *FRAME) for orientation in (1, 6, 9)),
    *(stream(app0(across), *FRAME) for across in (0, 1)),
    *(stream(ADOBE[:-1] + bytes((transform,)), *FRAME) for transform in (0, 1)),
    *(stream(segment(0xE2, name + bytes(9)), *FRAME) for name in (b"MPF\0", b"ICC_PROFILE\0", b"MPG\0")),
    *(stream(segment(0xFE, text), *FRAME) for text in (b"Lavc60.1", b"CREATOR: a", b"CREATOR: b")),
    *(
        stream(dqt(0, TABLE, wide=wide), dqt(1, TABLE.T), sof(9, 8, YCC_420, code))
        for wide in (0, 1)
        for code in (0xC0, 0xC1)
    ),
    *(
        stream(dqt(0, TABLE), dqt(1, TABLE.T), sof(9, 8, [(1, 1, 1, a), (2, 1, 1, 1 - a), (3, 1, 1, b)]))
        for a in (0, 1)
        for b in (0, 1)
    ),
    *(stream(dqt(n, TABLE), dqt(n, TABLE.T), dqt(1, TABLE), sof(9, 8, YCC_420)) for n in (0, 1)),
    *(stream(segment(0xE5, b"\xff\xdb\0\x43\0" + bytes([n] * 64)), dqt(0, TABLE), *FRAME[1:]) for n in (1, 2)),
    *(stream(dqt(0, TABLE + n), sof(9, 8, ALL_BY_ONE, code)) for code in (0xC0, 0xC3) for n in (0, 1, 2)),
)
"""Headers that differ in one thing, which must not be taken for one another."""


def as_in_rows(table: QuantizationTable) -> dict:
    entries = " ".join(str(entry) for entry in table.entries.flatten())
    return {"id": table.id, "entry_bits": table.entry_bits, "entries": entries}


def columns(row: AuditRow, names: list[str]) -> dict:
    """A careful row as Arrow would hold it."""
    tables, offset = row.quantization_tables, row.grid_offset
    return {name: getattr(row, name) for name in names} | {
        "groups": sorted(row.groups.items()),
        "quantization_tables": None if tables is None else [as_in_rows(table) for table in tables],
        **({"grid_offset": offset and dict(zip("xy", offset, strict=True))} if "grid_offset" in names else {}),
    }


def assert_equal(items: list[Item], options: ScanOptions = ScanOptions(), scan: QuickScan | None = None) -> None:  # noqa: B008
    batches = (scan or QuickScan(options)).batches(items)
    quick = [row for batch in batches for row in batch.to_pylist()]
    assert [row["key"] for row in quick] == [item.key for item in items]
    for row, item in zip(quick, items, strict=True):
        assert row == columns(examine(item, options).row, list(row))


def mixed(folder: Path) -> list[Item]:
    """Files of many kinds under shuffled names, each kind twice so that what was learnt is used."""
    noise = random.Random(1)
    kinds = [*SEEDS, SEEDS[0][:-2], SEEDS[1][:90], SEEDS[0] + bytes(5000), b"", b"x", b"\xff\xd8", b"text, no image"]
    kinds += [encoded(size=(8 * n, 9), quality=10 * n, optimize=n % 2 == 0) for n in range(1, 10)]
    names = [f"{noise.random()}.jpg" for _ in range(2 * len(kinds))]
    for name, data in zip(names, kinds * 2, strict=True):
        (folder / name).write_bytes(data)
    groups = {"class": "c"}
    return [Item(name, FileBlob(folder / name), groups=groups) for name in [*names, "gone.jpg"]]


@pytest.mark.parametrize(
    "options", [ScanOptions(), ScanOptions(deep=True, sha256=True), ScanOptions(pixels=True)], ids=str
)
def test_quick_rows_equal_careful_ones(tmp_path, options):
    items = mixed(tmp_path)
    assert_equal(items, options)
    assert_equal([Item(item.key, BytesBlob(item.blob.all()), container="tar") for item in items[:-1]], options)


@pytest.mark.parametrize("first", [1, -1], ids=["forwards", "backwards"])
def test_headers_that_differ_in_one_thing_are_not_taken_for_one_another(tmp_path, first):
    items = []
    for index, data in enumerate(ALIKE[::first] * 2):
        (tmp_path / f"{index}").write_bytes(data)
        items.append(Item(f"{index}", FileBlob(tmp_path / f"{index}")))
    assert_equal(items)
    assert_equal([Item(f"{index}", BytesBlob(data)) for index, data in enumerate(ALIKE[::first] * 2)])


def test_batches_follow_the_items_order(tmp_path, monkeypatch):
    monkeypatch.setattr("unlossy.audit.quick.ROWS", 7)
    items = mixed(tmp_path)
    batches = list(scan_batches(items))
    assert [batch.num_rows for batch in batches[:-1]] == [7] * (len(batches) - 1)
    assert_equal(items)


@given(
    seed=st.sampled_from(SEEDS),
    edits=st.lists(st.tuples(st.integers(0, 800), st.integers(0, 2), st.binary(max_size=6)), max_size=4),
    end=st.integers(4, 9000),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_mutated_headers_give_equal_rows(tmp_path_factory, seed, edits, end):
    data = bytearray(seed)
    for place, kind, new in edits:
        at = place % (len(data) + 1)
        data[at : at + (0, len(new), 4)[kind]] = new
    path = tmp_path_factory.getbasetemp() / "mutated.jpg"
    path.write_bytes(data[:end])
    whole = path.with_name("whole.jpg")
    whole.write_bytes(seed)
    assert_equal([Item("0", FileBlob(whole)), Item("1", FileBlob(path)), Item("2", FileBlob(path))], scan=LASTING)
    assert_equal([Item("1", BytesBlob(bytes(data[:end])))], scan=LASTING)


LASTING = QuickScan(ScanOptions())
"""What it has learnt of one mutation it may wrongly use for the next."""

ROBUST = Path(__file__).parents[2].parent / "shared" / "data" / "robust" / "jpeg"


@pytest.mark.data
@pytest.mark.skipif(not ROBUST.is_dir(), reason="the developers' data set is not beside the checkout")
def test_rows_of_the_robust_set_are_equal():
    some = sorted(ROBUST.iterdir())[::3]  # tests/audit/test_robust.py reads them all
    assert_equal([Item(path.name, FileBlob(str(path))) for path in some])
