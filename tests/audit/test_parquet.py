import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.jpeg.streams import encoded
from unlossy.audit import parquet, quick
from unlossy.audit.scan import ScanOptions, examine, scan_batches
from unlossy.audit.schema import schema
from unlossy.core.blobs import BytesBlob, FileBlob
from unlossy.core.errors import RunError, UsageError
from unlossy.core.types import Item
from unlossy.datasets.containers.parquet import is_audit_rows
from unlossy.report.audited import audit_of_rows

# design, section 5
COLUMNS = (  # noqa: SIM905 (readable so)
    "key groups container format size_bytes width height components precision sampling process restart_interval "
    "quantization_tables ijg_quality_luma ijg_quality_chroma quality_exact quality_residual encoder "
    "encoder_confidence rate_bpp truncated has_thumbnail has_mpf exif_orientation scans trailing_bytes error_kind "
    "error_message"
).split()


def items(n):
    jpeg = encoded(quality=44)
    for index in range(n):
        data = jpeg if index % 2 else b""
        yield Item(f"{index}.jpg", BytesBlob(data), groups={"split": "s", "class": "c"})


def test_rows_come_back_from_the_file_as_they_went_in(tmp_path):
    path = tmp_path / "rows.parquet"
    given = pa.Table.from_batches(parquet.recorded(scan_batches(items(2)), path, schema()))
    table = pq.read_table(path)
    assert table.equals(given)
    assert table.column_names == [*COLUMNS, "lossless"]
    assert table.schema.metadata[b"unlossy_audit_schema"] == b"3"
    empty, jpeg = table.to_pylist()
    row = examine(list(items(2))[1]).row
    assert (empty["error_kind"], empty["width"], empty["quality_exact"]) == ("decode", None, None)
    assert (jpeg["ijg_quality_luma"], jpeg["quality_exact"], jpeg["rate_bpp"]) == (44, True, row.rate_bpp)
    assert jpeg["groups"] == [("class", "c"), ("split", "s")]
    luma = jpeg["quantization_tables"][0]
    assert (luma["id"], luma["entry_bits"]) == (0, 8)
    assert [int(entry) for entry in luma["entries"].split(" ")] == row.quantization_tables[0].entries.flatten().tolist()


def test_optional_columns_stand_behind_the_others():
    added = ["lossless", "sha256", "blockiness", "grid_offset", "clipped_share"]
    assert schema(pixels=True, sha256=True).names == COLUMNS + added
    (batch,) = scan_batches(items(2), ScanOptions(pixels=True, sha256=True))
    assert batch.schema.equals(schema(pixels=True, sha256=True), check_metadata=True)


def test_batches_bound_memory_and_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 4)
    monkeypatch.setattr(quick, "ROWS", 2)
    path = tmp_path / "rows.parquet"
    assert sum(batch.num_rows for batch in parquet.recorded(scan_batches(items(10)), path, schema())) == 10
    file = pq.ParquetFile(path)
    assert file.metadata.num_row_groups == 3
    assert file.read()["key"].to_pylist() == [f"{index}.jpg" for index in range(10)]


def test_an_interrupted_audit_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_text("older")

    def failing():
        yield from scan_batches(items(1))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(parquet.recorded(failing(), path, schema()))
    assert [file.name for file in tmp_path.iterdir()] == ["rows.parquet"]
    assert path.read_text() == "older"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here: a device that is always full")
def test_a_full_disk_is_a_run_error_and_not_a_half_file(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "open", lambda path, mode: open("/dev/full", "wb"))  # noqa: PTH123, SIM115
    with pytest.raises(RunError, match=r"cannot write .*: No space left"):
        list(parquet.recorded(scan_batches(items(9)), tmp_path / "rows.parquet", schema()))
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_any_bytes_is_written_and_read(tmp_path):
    path = tmp_path / os.fsdecode(b"r\xff.parquet")
    parquet.check_output(path)
    assert sum(batch.num_rows for batch in parquet.recorded(scan_batches(items(2)), path, schema())) == 2
    assert is_audit_rows(FileBlob(path))
    assert audit_of_rows(path).rows.num_rows == 2


def test_a_name_that_cannot_be_written_is_refused_before_work(tmp_path):
    with pytest.raises(UsageError, match="is a folder"):
        parquet.check_output(tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        parquet.check_output(tmp_path / "no" / "rows.parquet")


def test_the_schema_page_documents_each_column_once_and_in_order():
    page = (Path(__file__).parents[2] / "docs" / "audit-schema.md").read_text()
    documented = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert documented == schema(pixels=True, sha256=True).names
