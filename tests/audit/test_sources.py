from pathlib import Path

from tests.jpeg.streams import encoded
from unlossy.audit.sources import open_sources


def folder(path: Path, *names: str) -> str:
    path.mkdir(parents=True, exist_ok=True)
    for name in names:
        (path / name).write_bytes(encoded())
    return str(path)


def test_one_path_leaves_keys_as_they_are(tmp_path):
    sources = open_sources([folder(tmp_path / "a", "1.jpg")])
    assert [item.key for item in sources] == ["1.jpg"]


def test_several_paths_begin_each_key_with_the_last_component_and_number_equal_ones(tmp_path):
    paths = [folder(tmp_path / where, "1.jpg") for where in ("a", "x/a", "y/a", "b")]
    sources = open_sources(paths)
    assert [item.key for item in sources] == ["a/1.jpg", "a-2/1.jpg", "a-3/1.jpg", "b/1.jpg"]
    assert len(sources) == 4


def test_a_numbered_name_never_meets_a_given_one(tmp_path):
    paths = [folder(tmp_path / where, "1.jpg") for where in ("a", "a-2", "x/a")]
    assert [item.key for item in open_sources(paths)] == ["a/1.jpg", "a-2/1.jpg", "a-3/1.jpg"]


def test_the_folder_one_stands_in_has_a_name(tmp_path, monkeypatch):
    folder(tmp_path / "here", "1.jpg")
    monkeypatch.chdir(tmp_path / "here")
    keys = [item.key for item in open_sources([".", folder(tmp_path / "b", "1.jpg")])]
    assert keys == ["here/1.jpg", "b/1.jpg"]


def test_other_files_are_summed_over_the_paths(tmp_path):
    paths = [folder(tmp_path / where, "1.jpg") for where in ("a", "b")]
    for path in paths:
        (Path(path) / "labels.csv").write_text("file,class_index\n1.jpg,3\n")
    assert open_sources(paths).others == {".csv": 2}
