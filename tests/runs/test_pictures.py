import json

import pytest

from unlossy.core.errors import UsageError
from unlossy.runs.pictures import (
    PictureCell,
    PictureIndex,
    PictureItem,
    class_text,
    read_pictures,
    write_pictures_index,
)

CELL = PictureCell("jpeg:10", "a.png", 3, 0.25, False, 99)
ITEM = PictureItem("k\n<b>", 7, 2, "dog", (9, 8), (0, 0, 9, 8), (1, 1, 2, 2), (CELL,), "jpeg:10", "show-a.png")
INDEX = PictureIndex(("cat", "dog"), (ITEM,), (ITEM,), (("gone", "why"),))


@pytest.fixture
def run(tmp_path):
    (tmp_path / "pictures").mkdir()
    write_pictures_index(tmp_path, INDEX)
    return tmp_path


def test_the_index_comes_back(run):
    assert read_pictures(run) == INDEX
    assert read_pictures(run / "pictures") is None


@pytest.mark.parametrize("name", ["../../secret.png", "/etc/passwd", "a/b.png", ".."])
def test_a_file_outside_the_folder_is_refused(run, name):
    path = run / "pictures" / "index.json"
    path.write_text(path.read_text().replace('"a.png"', json.dumps(name)))
    with pytest.raises(UsageError, match=r"remove it and run the study again"):
        read_pictures(run)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "labels": 3}'])
def test_a_broken_index_is_a_clear_error(run, text):
    (run / "pictures" / "index.json").write_text(text)
    with pytest.raises(UsageError, match="remove it and run the study again"):
        read_pictures(run)


def test_class_names():
    labels = ("tench, Tinca tinca", "")
    assert class_text(0, labels, "folder") == "tench"
    assert class_text(1, labels, "folder") == "class 1"
    assert class_text(5, labels, "folder") == "folder"
    assert class_text(5, None, None) == "class 5"
    assert class_text(None, labels, None) is None
