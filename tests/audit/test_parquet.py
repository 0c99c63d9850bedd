import pyarrow.parquet as pq
import pytest

from tests.jpeg.streams import encoded
from unlossy.audit import AuditRow, parquet
from unlossy.audit.scan import scan
from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import UsageError
from unlossy.core.types import Item

# design, section 5
COLUMNS = (  # noqa: SIM905 (readable so)
    "key groups container format size_bytes width height components precision sampling process restart_interval "
    "quantization_tables ijg_quality_luma ijg_quality_chroma quality_exact quality_residual encoder "
    "encoder_confidence rate_bpp truncated has_thumbnail has_mpf exif_orientation scans trailing_bytes error_kind "
    "error_message"
).split()


def rows(n):
    jpeg = encoded(quality=44)
    for index in range(n):
        yield scan(Item(f"{index}.jpg", BytesBlob(jpeg if index % 2 else b""), groups={"class": "c", "split": "s"}))


def test_rows_come_back_from_the_file_as_they_went_in(tmp_path):
    path = tmp_path / "rows.parquet"
    given = list(parquet.recorded(rows(2), path))
    table = pq.read_table(path)
    assert table.column_names == COLUMNS
    empty, jpeg = table.to_pylist()
    assert (empty["error_kind"], empty["width"], empty["quality_exact"]) == ("decode", None, None)
    assert (jpeg["ijg_quality_luma"], jpeg["quality_exact"], jpeg["rate_bpp"]) == (44, True, given[1].rate_bpp)
    assert dict(jpeg["groups"]) == {"class": "c", "split": "s"}
    luma = jpeg["quantization_tables"][0]
    assert (luma["id"], luma["entry_bits"]) == (0, 8)
    assert luma["entries"] == given[1].quantization_tables[0].entries.reshape(64).tolist()


def test_batches_bound_memory_and_lose_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", 4)
    path = tmp_path / "rows.parquet"
    assert sum(1 for _ in parquet.recorded(rows(10), path)) == 10
    file = pq.ParquetFile(path)
    assert file.metadata.num_row_groups == 3
    assert file.read()["key"].to_pylist() == [f"{index}.jpg" for index in range(10)]


def test_an_interrupted_audit_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "rows.parquet"
    path.write_text("older")

    def failing():
        yield AuditRow(key="a")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(parquet.recorded(failing(), path))
    assert [file.name for file in tmp_path.iterdir()] == ["rows.parquet"]
    assert path.read_text() == "older"


def test_a_name_that_cannot_be_written_is_refused_before_work(tmp_path):
    with pytest.raises(UsageError, match="is a folder"):
        parquet.check_output(tmp_path)
    with pytest.raises(UsageError, match="there is no folder"):
        parquet.check_output(tmp_path / "no" / "rows.parquet")


def test_the_schema_page_documents_each_column_once_and_in_order():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "audit-schema.md").read_text()
    documented = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert documented == COLUMNS
