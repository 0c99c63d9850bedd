"""What holds for every kind of source: the same Items each time, unique keys, untouched bytes, errors inside Items."""

import io
import json
import pickle
import sys

import fsspec
import pytest

from tests.datasets.pictures import picture
from tests.datasets.wrappings import WRAPPINGS, write_folder
from unlossy.core.errors import ItemError
from unlossy.core.types import Blob, Item
from unlossy.datasets import Dataset, open_dataset

FILES = {
    "cat/1.jpg": picture(1),
    "cat/2.jpg": picture(2, size=(300, 300)),
    "cat/a b#3.jpg": picture(3),
    "dog/line\nbreak.jpg": picture(4),
    "dog/é.jpg": picture(5),
    "zebra/deep/er.jpg": picture(6),
}


def a_list(separator: bytes):
    def write(files, where, monkeypatch):
        root = write_folder(files, where)
        data = separator.join(str(root / name).encode() for name in files if separator == b"\0" or "\n" not in name)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        return "-"

    return write


def a_pattern(files, where, monkeypatch):
    return f"{write_folder(files, where)}/**/*.jpg"


def a_url(kind: str):
    def write(files, where, monkeypatch):
        system = fsspec.filesystem("memory")
        path = WRAPPINGS[kind](files, where)
        root = f"/{where.name}"
        if path.is_dir():
            for name, data in files.items():
                system.pipe_file(f"{root}/{path.name}/{name}", data)
        else:
            system.pipe_file(f"{root}/{path.name}", path.read_bytes())
        return f"memory:/{root}/{path.name}"

    return write


def a_coco_file(files, where, monkeypatch):
    root = write_folder({f"images/{name}": data for name, data in files.items()}, where)
    listed = [{"id": number, "file_name": name} for number, name in enumerate(files)]
    (root / "instances.json").write_text(json.dumps({"images": listed, "annotations": [], "categories": []}))
    return str(root / "instances.json")


def a_folder_of_shards(files, where, monkeypatch):
    """Two files in a tar, two in a PDF, the others in a Parquet table; keys in the order of these names."""
    names = list(files)
    for kind, few in (("tar", names[:2]), ("pdf", names[2:4]), ("parquet", names[4:])):
        place = where / "shards" / {"tar": "1", "pdf": "2", "parquet": "3"}[kind]
        place.mkdir(parents=True)
        WRAPPINGS[kind]({name: files[name] for name in few}, place)
    return str(where / "shards")


SOURCES = {kind: (lambda files, where, _, kind=kind: str(WRAPPINGS[kind](files, where))) for kind in WRAPPINGS}
SOURCES |= {"lines": a_list(b"\n"), "zero bytes": a_list(b"\0"), "pattern": a_pattern, "coco": a_coco_file}
SOURCES |= {f"memory:// {kind}": a_url(kind) for kind in ("folder", "tar", "tar.gz", "zip", "parquet", "pdf")}
SOURCES |= {"folder of containers": a_folder_of_shards}


@pytest.fixture(params=SOURCES)
def kind(request):
    return request.param


@pytest.fixture
def dataset(kind, tmp_path, monkeypatch) -> Dataset:
    return open_dataset(SOURCES[kind](FILES, tmp_path, monkeypatch), labelled=False)


@pytest.fixture
def items(dataset) -> list[Item]:
    return list(dataset)


def expected(kind: str) -> list[bytes]:
    return [data for name, data in FILES.items() if kind != "lines" or "\n" not in name]


def test_each_image_is_an_item_with_its_own_bytes(kind, items):
    assert [item.blob.all() for item in items] == expected(kind)


def test_keys_are_unique_printable_and_below_the_root(items):
    keys = [item.key for item in items]
    assert len(set(keys)) == len(keys)
    assert all(key.isprintable() and ".." not in key.split("/") for key in keys)


def test_iterating_again_gives_the_same(dataset, items):
    again = list(dataset)
    assert [(a.key, a.groups, a.target, a.container) for a in again] == [
        (b.key, b.groups, b.target, b.container) for b in items
    ]
    assert [item.blob.all() for item in again] == [item.blob.all() for item in items]


def test_ranges_are_slices_of_the_whole(items):
    for item in items:
        whole = item.blob.all()
        assert item.blob.size_bytes == len(whole)
        for offset, size in ((0, 4096), (3, 5), (len(whole) - 2, 100), (len(whole), 10), (len(whole) + 99, 1), (7, 0)):
            assert item.blob.read(offset, size) == whole[offset : offset + size]


def test_items_survive_the_way_to_another_process(items):
    for item in items:
        there = pickle.loads(pickle.dumps(item))
        assert (there.key, there.blob.read(1, 9)) == (item.key, item.blob.read(1, 9))


def test_the_container_is_named_and_counted_ahead_only_where_there_is_none(kind, dataset, items):
    inside = {item.container for item in items}
    assert inside <= {None, "tar", "zip", "parquet", "pdf"}
    assert (inside == {None}) is (dataset.n_items == len(items))
    assert dataset.n_items is None or inside == {None}


def test_classes_are_those_of_the_folders_where_names_are_paths(kind, items):
    if not kind.endswith(("pdf", "containers")) and kind != "coco":
        assert {item.groups["class"] for item in items} >= {"cat", "dog"}


@pytest.mark.parametrize("share", [0.8, 0.5, 0.02])
@pytest.mark.parametrize("kind", [kind for kind in WRAPPINGS if kind != "folder"])
def test_a_cut_container_gives_rows_up_to_there_and_says_so_in_an_item(kind, share, tmp_path):
    path = WRAPPINGS[kind](FILES, tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    items = list(open_dataset(str(path), labelled=False))
    broken = [item for item in items if failure(item.blob) is not None]
    assert all(str(failure(item.blob)).isprintable() for item in broken)
    assert len({item.key for item in items}) == len(items)
    if kind == "pdf":  # repaired as far as it goes; the JPEG that is cut short shows it by its own bytes
        assert 1 <= len(items) <= len(FILES)
    else:
        assert broken == items[-1:]
        assert [item.blob.all() for item in items[:-1]] == list(FILES.values())[: len(items) - 1]


def failure(blob: Blob) -> ItemError | None:
    try:
        blob.read(0, 4096)
        blob.all()
    except ItemError as error:
        return error
    return None
