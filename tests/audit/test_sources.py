import io
import sys
from pathlib import Path

import pytest

from tests.datasets.wrappings import WRAPPINGS
from tests.jpeg.streams import encoded
from unlossy.audit.sources import open_sources
from unlossy.core.errors import UsageError


def folder(path: Path, *names: str) -> str:
    path.mkdir(parents=True, exist_ok=True)
    for name in names:
        (path / name).write_bytes(encoded())
    return str(path)


def keys(*paths) -> list[str]:
    return [item.key for item in open_sources([str(path) for path in paths])]


def test_one_path_leaves_keys_as_they_are(tmp_path):
    assert keys(folder(tmp_path / "a", "1.jpg")) == ["1.jpg"]


def test_several_paths_begin_each_key_with_the_last_component_and_number_equal_ones(tmp_path):
    paths = [folder(tmp_path / where, "1.jpg") for where in ("a", "x/a", "y/a", "b")]
    assert keys(*paths) == ["a/1.jpg", "a-2/1.jpg", "a-3/1.jpg", "b/1.jpg"]
    assert open_sources(paths).n_items == 4


def test_a_numbered_name_never_meets_a_given_one(tmp_path):
    paths = [folder(tmp_path / where, "1.jpg") for where in ("a", "a-2", "x/a")]
    assert keys(*paths) == ["a/1.jpg", "a-2/1.jpg", "a-3/1.jpg"]


def test_the_folder_one_stands_in_has_a_name(tmp_path, monkeypatch):
    folder(tmp_path / "here", "1.jpg")
    monkeypatch.chdir(tmp_path / "here")
    assert keys(".", folder(tmp_path / "b", "1.jpg")) == ["here/1.jpg", "b/1.jpg"]


def test_files_and_containers_are_sources_too(tmp_path, monkeypatch):
    files = {"in.jpg": encoded()}
    root = Path(folder(tmp_path / "a", "1.jpg"))
    tar, pdf = WRAPPINGS["tar"](files, tmp_path), WRAPPINGS["pdf"](files, tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{root}/1.jpg\n".encode())))
    sources = open_sources([str(path) for path in (root, root / "1.jpg", tar, tar, pdf, f"{root}/*.jpg", "-")])
    assert [(item.key, item.container, item.groups.get("shard")) for item in sources] == [
        ("a/1.jpg", None, None),
        ("1.jpg", None, None),
        ("images.tar/in.jpg", "tar", "images.tar"),
        ("images.tar-2/in.jpg", "tar", "images.tar-2"),
        ("images.pdf#p1/Im1", "pdf", "images.pdf"),
        ("*.jpg/1.jpg", None, None),
        (f"stdin/{root}/1.jpg", None, None),
    ]
    assert sources.n_items is None
    assert keys(pdf) == ["images.pdf#p1/Im1"]
    assert keys(tar) == ["in.jpg"]
    with pytest.raises(UsageError, match="give - once"):
        open_sources(["-", "-"])


def test_other_files_are_summed_over_the_paths_once_the_items_have_been_seen(tmp_path):
    paths = [folder(tmp_path / where, "1.jpg") for where in ("a", "b")]
    for path in paths:
        (Path(path) / "labels.csv").write_text("file,class_index\n1.jpg,3\n")
        WRAPPINGS["zip"]({"x.jpg": encoded(), "y.txt": b"x"}, Path(path))
    sources = open_sources(paths)
    assert sources.others == {".csv": 2}
    for _ in range(2):
        assert len(list(sources)) == 4
        assert sources.others == {".csv": 2, ".txt": 2}
