"""What `unlossy audit` writes where: never over what it reads, and the same again on the next run."""

import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.datasets.wrappings import WRAPPINGS
from tests.jpeg.streams import encoded
from unlossy.cli.main import run


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Two folders of JPEGs, a table of them, and the working folder above."""
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        folder = tmp_path / "photos" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(encoded(quality=30 + number))
    (tmp_path / "photos" / "labels.csv").write_text("file,class_index\n")
    WRAPPINGS["parquet"]({"a.jpg": encoded(quality=50)}, tmp_path)
    (tmp_path / "p.toml").write_text('[[limit]]\nfield = "format"\npresent = true\n')
    return tmp_path / "photos"


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "arguments",
    [
        "images.parquet -o images.parquet",
        "file://images.parquet -o ./images.parquet",
        "photos/a/0.jpg -o photos/a/0.jpg",
        "photos/a/0.jpg --html photos/a/0.jpg",
        "photos -o photos/a/0.jpg",
        "photos --html photos/labels.csv",
        "photos -o link",
        "photos/*/*.jpg -o photos/a/0.jpg",
        "- --html photos/b/1.jpg",
        "photos -o same.x --html same.x",
        "photos -o same.x --html photos/../same.x",
        "photos --policy p.toml -o p.toml",
    ],
)
def test_what_is_read_is_never_written_over(photos, capsys, monkeypatch, arguments):
    (photos.parent / "link").symlink_to(photos / "b" / "1.jpg")
    before = contents(photos.parent)
    with (photos.parent / "list").open("w+") as file:
        file.write("photos/b/1.jpg\n")
        file.seek(0)
        monkeypatch.setattr(sys, "stdin", file)
        assert run(["audit", *arguments.split(" ")]) == 2
    (photos.parent / "list").unlink()
    assert "name another" in capsys.readouterr().err
    assert contents(photos.parent) == before


def test_a_device_or_pipe_is_refused_and_stays(photos, capsys):
    os.mkfifo("pipe")
    for option in ("-o", "--html"):
        assert run(["audit", "photos", option, "pipe"]) == 2
        assert "is a device or a pipe" in capsys.readouterr().err
    assert (photos.parent / "pipe").is_fifo()


def test_a_link_is_written_through(photos, capsys):
    (photos.parent / "rows.parquet").symlink_to("kept.parquet")
    assert run(["audit", "photos", "-o", "rows.parquet"]) == 0
    assert (photos.parent / "rows.parquet").is_symlink()
    assert pq.read_table("kept.parquet").num_rows == 4


def test_rows_in_the_folder_itself_are_no_item_the_next_time(photos, capsys, monkeypatch):
    monkeypatch.chdir(photos)
    arguments = ["audit", ".", "-o", "rows.parquet", "--html", "page.html"]
    assert run(arguments) == 0
    assert run(arguments) == 0
    told = capsys.readouterr().out
    assert "rows of an audit 1" in told
    assert "shard" not in told
    assert pq.read_table("rows.parquet").num_rows == 4
    assert run(["audit", "rows.parquet"]) == 2
    assert "`unlossy report` makes a page of them" in capsys.readouterr().err


def test_every_printed_name_is_text(photos, capsys):
    for name in (b"m.t\xffx", b"n.\x1b[31mtxt"):
        (photos / os.fsdecode(name)).touch()
    rows, page = os.fsdecode(b"r\xff.parquet"), os.fsdecode(b"\x1b[31mr.html")
    assert run(["audit", "photos", "-o", rows, "--html", page]) == 0
    told = capsys.readouterr().out  # strictly UTF-8
    assert "rows: r\\xff.parquet" in told
    assert "page: \\x1b[31mr.html" in told
    assert "\x1b" not in told
    assert pq.read_table(pa.BufferReader(photos.parent.joinpath(rows).read_bytes())).num_rows == 4


@pytest.mark.parametrize("option", ["-o", "--html"])
@pytest.mark.parametrize(
    ("place", "finding"), [("photos/a/0.jpg/x", "is a file, not a folder"), ("n" * 300, "File name too long")]
)
def test_an_impossible_place_is_refused_before_any_file_is_looked_at(photos, capsys, option, place, finding):
    assert run(["audit", "not looked at", option, place]) == 2
    told = capsys.readouterr().err
    assert finding in told
    assert "not looked at" not in told
