"""`unlossy report`, `study --html` and `--show`, and the demo's report, from outside."""

import os

import pytest

from tests.jpeg.streams import encoded
from tests.report.made import make_run, simple_rows
from unlossy.cli.main import run

STUDY = ["study", "--model", "onnx:demo", "--data", "synthetic:4", "--codec", "jpeg:10"]


def test_it_prints_the_path_of_what_it_wrote(tmp_path, capsys):
    folder = make_run(tmp_path / "run", simple_rows(8), n_items=8)
    assert run(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"{folder / 'report.html'}\n"
    other = tmp_path / "new" / "both.html"
    assert run(["report", str(folder), str(folder), "-o", str(other)]) == 0
    assert capsys.readouterr().out == f"{other}\n"
    assert other.read_text("utf-8").startswith("<!doctype html>")


def test_what_is_no_run_exits_2(tmp_path, capsys):
    assert run(["report", str(tmp_path)]) == 2
    assert "is not a RUN folder" in capsys.readouterr().err
    assert run(["report"]) == 2


@pytest.mark.parametrize("name", ["made_by.json", "pictures/index.json"])
def test_a_file_of_a_run_that_nests_without_end_exits_2(name, tmp_path, capsys):
    folder = make_run(tmp_path / "run", simple_rows(8), n_items=8)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("[" * 100_000)
    assert run(["report", str(folder)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_study_writes_html_and_shows(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run([*STUDY, "-o", "run", "--html", "out.html", "--show", "scene-000001.ppm"]) == 0
    assert "report: out.html" in capsys.readouterr().out
    assert "scene-000001.ppm" in (tmp_path / "out.html").read_text("utf-8")
    assert len(list((tmp_path / "run" / "pictures").glob("show-scene-000001-ppm-*.png"))) == 1
    assert run([*STUDY, "-o", "run", "--json", "--html", "out.html"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("{")
    assert "report: out.html" in err
    assert run([*STUDY, "-o", "other", "--show", "scene-1.ppm"]) == 2
    assert "scene-000001.ppm" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_the_demo_ends_with_the_path_of_its_report(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for items in ("2", "1"):  # the second clears what the first left
        assert run(["demo", "--items", items]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == "demo/report.html"
    report = (tmp_path / "demo" / "report.html").read_text("utf-8")
    assert "1 image from synthetic:1, 4 settings" in report


@pytest.fixture
def rows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jpg").write_bytes(encoded(quality=50))
    assert run(["audit", "a.jpg", "-o", "rows.parquet", "--json"]) == 0
    return tmp_path / "rows.parquet"


def test_rows_are_never_replaced_by_their_page(rows, capsys):
    before = rows.read_bytes()
    (rows.parent / "link").symlink_to("rows.parquet")
    for output in ("rows.parquet", "link"):
        assert run(["report", "rows.parquet", "-o", output]) == 2
        assert "would be overwritten" in capsys.readouterr().err
    assert rows.read_bytes() == before
    assert run(["report", "rows.parquet", "-o", "new/page.html"]) == 0
    assert run(["report", "rows.parquet", "-o", "new/page.html"]) == 0


def test_what_a_run_holds_is_never_replaced_but_its_page(tmp_path, capsys):
    study = make_run(tmp_path / "run", simple_rows(8), n_items=8)
    before = (study / "rows.sqlite").read_bytes()
    assert run(["report", str(study), "-o", str(study / "rows.sqlite")]) == 2
    assert "no earlier result" in capsys.readouterr().err
    assert (study / "rows.sqlite").read_bytes() == before
    for _ in range(2):
        assert run(["report", str(study), "-o", str(study / "report.html")]) == 0


@pytest.mark.parametrize(
    ("arguments", "finding"),
    [
        (["rows.parquet", "-o", "a.jpg/x.html"], "is a file, not a folder"),
        (["rows.parquet", "-o", "n" * 300], "File name too long"),
        (["n" * 300], "File name too long"),
        (["n" * 300 + ".parquet"], "File name too long"),
        (["none.parquet"], "cannot be read as Parquet"),
    ],
)
def test_an_impossible_place_is_refused(rows, capsys, arguments, finding):
    capsys.readouterr()
    assert run(["report", *arguments]) == 2
    assert finding in capsys.readouterr().err


def test_a_name_of_any_bytes_is_printed_as_text(rows, capsys):
    rows.rename(os.fsdecode(b"r\xff.parquet"))
    capsys.readouterr()
    assert run(["report", os.fsdecode(b"r\xff.parquet")]) == 0
    assert capsys.readouterr().out == "r\\xff.html\n"
