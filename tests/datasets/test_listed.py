import io
import os
import sys

import pytest
from PIL import Image

from tests.datasets.pictures import picture
from tests.datasets.wrappings import WRAPPINGS, write_folder
from unlossy.core.errors import ReadError, RefusedError, UsageError
from unlossy.datasets import open_dataset

JPEG = picture(0)


@pytest.fixture
def listed(monkeypatch):
    def open_it(data: bytes):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        dataset = open_dataset("-")
        return dataset, list(dataset)

    return open_it


def test_a_list_is_sorted_and_says_what_is_wrong_with_each_name(tmp_path, listed, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder({"train/cat/b.jpg": JPEG, "train/cat/a.jpg": JPEG, "notes.txt": b"x", "bare": JPEG}, tmp_path)
    WRAPPINGS["zip"]({"in.jpg": JPEG}, tmp_path)
    os.mkfifo("pipe.jpg")
    names = ["images/train/cat/b.jpg", "images/train/cat/a.jpg", "images/train/cat/b.jpg", "gone.jpg", "images"]
    dataset, items = listed(
        "\r\n".join([*names, "", "pipe.jpg", "images.zip", "images/bare", "images/notes.txt"]).encode()
    )
    assert [item.key for item in items] == [
        *("gone.jpg", "images", "images.zip/in.jpg", "images/bare", "images/train/cat/a.jpg"),
        *("images/train/cat/b.jpg", "images/train/cat/b.jpg#2", "pipe.jpg"),
    ]
    assert items[4].groups == {"folder": "images/train/cat", "class": "cat", "split": "train"}
    assert dataset.others == {".txt": 1}
    for index, kind, finding in (
        (0, ReadError, "No such file"),
        (1, RefusedError, "folder"),
        (7, RefusedError, "regular"),
    ):
        with pytest.raises(kind, match=finding):
            items[index].blob.read(0, 16)


def test_names_of_any_bytes_come_between_zero_bytes(tmp_path, listed):
    name = os.fsencode(tmp_path) + b"/\xff\nx.jpg"
    with open(name, "wb") as stream:  # noqa: PTH123
        stream.write(JPEG)
    _, (item,) = listed(name + b"\0")
    assert item.key.endswith("/\\xff\\nx.jpg")
    assert item.blob.all() == JPEG


@pytest.mark.parametrize("data", [b"", b"\n \n"])
def test_a_list_of_nothing_is_refused(data, listed):
    with pytest.raises(UsageError, match="names no image"):
        listed(data)


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("*.jpg", ["b.jpg", "ä[1].jpg"]),
        ("**/*.jpg", ["b.jpg", "cat/a.jpg", "cat/deep/c.jpg", "ä[1].jpg"]),
        ("cat/**", ["a.jpg", "deep/c.jpg"]),
        ("c?t/[ab].*", ["cat/a.jpg"]),
        ("*/[!b].jpg", ["cat/a.jpg"]),
        ("*.tar", ["images.tar/in.jpg"]),
        ("*[[]1].jpg", ["ä[1].jpg"]),
        ("**/d*/*.jpg", ["cat/deep/c.jpg"]),
    ],
)
def test_a_pattern_fits_as_in_a_shell(tmp_path, pattern, keys):
    root = write_folder(dict.fromkeys(("cat/a.jpg", "cat/deep/c.jpg", "b.jpg", "ä[1].jpg"), JPEG), tmp_path)
    (root / "cat" / "loop").symlink_to(root)
    WRAPPINGS["tar"]({"in.jpg": JPEG}, root)
    dataset = open_dataset(f"{root}/{pattern}", labelled=False)
    assert [item.key for item in dataset] == keys


def test_a_pattern_that_nothing_fits_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no image fits the pattern"):
        open_dataset(f"{tmp_path}/*.jpg")
    with pytest.raises(UsageError, match="no image fits the pattern"):
        open_dataset(f"{tmp_path}/nowhere/**/*.jpg")


@pytest.mark.parametrize("pattern", ["[z-a]*.jpg", "[b-a].jpg", "cat/[9-0]"])
def test_brackets_that_fit_nothing_are_refused(tmp_path, pattern):
    write_folder({"a.jpg": JPEG}, tmp_path)
    with pytest.raises(UsageError, match="has brackets that fit nothing"):
        open_dataset(f"{tmp_path}/images/{pattern}")


def test_a_listed_file_that_cannot_be_read_is_counted_by_its_suffix(tmp_path, listed, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    (tmp_path / "notes.txt").write_bytes(b"x")
    real = os.open

    def closed(path, *arguments, **options):
        if str(path).endswith("notes.txt"):
            raise PermissionError(13, "Permission denied", path)
        return real(path, *arguments, **options)

    monkeypatch.setattr(os, "open", closed)
    dataset, items = listed(f"{tmp_path}/a.jpg\n{tmp_path}/notes.txt\n".encode())
    assert len(items) == 1
    assert dataset.others == {".txt": 1}


def test_a_name_with_wildcards_that_is_there_is_that_file(tmp_path):
    (tmp_path / "a[1].jpg").write_bytes(JPEG)
    (item,) = open_dataset(str(tmp_path / "a[1].jpg"))
    assert (item.key, item.blob.all()) == ("a[1].jpg", JPEG)


def test_one_image_is_a_dataset_by_suffix_or_by_its_bytes(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "bare")
    dataset = open_dataset(str(tmp_path / "bare"))
    assert [(item.key, item.container) for item in dataset] == [("bare", None)]
    assert (len(dataset), dataset.n_items) == (1, 1)


def test_a_device_is_refused_and_not_read():
    with pytest.raises(UsageError, match="neither an image nor a container"):
        open_dataset("/dev/zero")
