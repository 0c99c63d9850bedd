"""The two commands, run as the shell runs them."""

import json

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from tests.jpeg.streams import encoded
from unlossy.cli.audit import audit
from unlossy.cli.inspect import inspect
from unlossy.core.errors import UsageError


@pytest.fixture
def invoke():
    app = typer.Typer()
    app.command("audit")(audit)
    app.command("inspect")(inspect)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for quality in (20, 20, 90):
        (folder / f"{len(list(folder.iterdir()))}.jpg").write_bytes(encoded(quality=quality))
    (folder / "labels.csv").write_text("file,class_index\n")
    return folder


def test_audit_prints_a_summary_and_writes_a_row_per_image(invoke, photos, tmp_path):
    result = invoke("audit", photos, "-o", tmp_path / "rows.parquet")
    assert result.exit_code == 0
    assert result.stdout.startswith("3 images")
    assert ".csv 1" in result.stdout
    assert pq.read_table(tmp_path / "rows.parquet")["ijg_quality_luma"].to_pylist() == [20, 20, 90]


def test_audit_json_is_whole_and_the_exit_code_3_when_a_file_fails(invoke, photos):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    result = invoke("audit", photos, "--json")
    got = json.loads(result.stdout)
    assert result.exit_code == 3
    assert (got["n_items"], got["failed"], got["errors"]) == (4, 1, {"truncated": 1})
    assert got["ijg_quality_luma"] == {"20": 2, "90": 1}
    assert got["others"] == {".csv": 1}


def test_audit_names_what_failed(invoke, photos):
    (photos / "[red]broken.jpg").write_bytes(b"x")
    result = invoke("audit", photos)
    assert result.exit_code == 3
    assert "[red]broken.jpg: decode: not an image" in result.stdout


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_audit_refuses_a_missing_or_empty_folder(invoke, tmp_path, name):
    (tmp_path / "empty").mkdir()
    result = invoke("audit", tmp_path / name)
    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_code == 2


def test_inspect_json_says_every_field(invoke, tmp_path):
    file = tmp_path / "x.jpg"
    file.write_bytes(encoded(size=(40, 30), quality=55, subsampling="4:2:2", icc_profile=b"profile"))
    result = invoke("inspect", file, "--json")
    got = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (got["width"], got["height"], got["sampling"], got["process"]) == (40, 30, "4:2:2", "baseline")
    assert (got["ijg_quality_luma"], got["ijg_quality_chroma"], got["quality_exact"]) == (55, 55, True)
    assert (got["has_jfif"], got["has_icc"], got["has_exif"], got["truncated"]) == (True, True, False, False)
    assert got["sampling_factors"][0] == {"id": 1, "h": 2, "v": 1, "table_id": 0}
    assert got["table_names"] == {"0": ["luminance 55"], "1": ["chrominance 55"]}
    assert len(got["quantization_tables"][1]["entries"]) == 64


def test_inspect_prints_the_tables_and_the_quality(invoke, tmp_path):
    file = tmp_path / "x.jpg"
    file.write_bytes(encoded(quality=50))
    result = invoke("inspect", file)
    assert result.exit_code == 0
    assert "luma 50, chroma 50 (exact)" in result.stdout
    assert " 72   92   95   98  112  100  103   99" in result.stdout


def test_inspect_of_a_malformed_file_shows_the_error_and_exits_3(invoke, tmp_path):
    file = tmp_path / "x.jpg"
    file.write_bytes(b"\xff\xd8\xff\x02")
    assert invoke("inspect", file).exit_code == 3
    result = invoke("inspect", file, "--json")
    assert (result.exit_code, json.loads(result.stdout)["error_kind"]) == (3, "decode")


def test_inspect_refuses_what_is_no_file(invoke, tmp_path):
    for path in (tmp_path, tmp_path / "none.jpg"):
        assert isinstance(invoke("inspect", path).exception, UsageError)
