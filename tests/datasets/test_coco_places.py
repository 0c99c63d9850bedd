"""Where a COCO file's pictures are looked for, and which COCO file a folder stands for."""

import json

import pytest

from tests.datasets.pictures import picture
from unlossy.core.errors import ReadError, UsageError
from unlossy.datasets import coco, open_dataset

OWN = "annotations/instances_val2017.json"
NAMES = ("b.jpg", "a.jpg")


@pytest.fixture
def laid(tmp_path):
    """Writes a COCO file and pictures below a folder, and gives the folder."""

    def lay(file, *names, listed=NAMES):
        content = {
            "images": [{"id": number, "file_name": name} for number, name in enumerate(listed)],
            "categories": [{"id": 7, "name": "dog"}],
            "annotations": [{"id": 5, "image_id": 1, "category_id": 7, "bbox": [1, 1, 5, 5]}],
        }
        for name in names:
            (tmp_path / "coco" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "coco" / name).write_bytes(picture(ord(name[-5])))
        (tmp_path / "coco" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "coco" / file).write_text(json.dumps(content))
        return tmp_path / "coco"

    return lay


@pytest.mark.parametrize(
    ("file", "folder", "key"),
    [
        ("instances.json", "images/", "images/"),
        ("anything.json", "images/", "images/"),
        ("instances.json", "", ""),
        (OWN, "annotations/images/", "images/"),
        (OWN, "annotations/", ""),
        (OWN, "val2017/", "val2017/"),
        (OWN, "images/val2017/", "images/val2017/"),
    ],
)
@pytest.mark.parametrize("targets", ["class", "objects"])
def test_the_pictures_of_a_file_are_found(laid, file, folder, key, targets):
    root = laid(file, *(folder + name for name in NAMES), f"{folder}c.jpg")
    dataset = open_dataset(str(root / file), targets=targets)
    assert [item.key for item in dataset] == [f"{key}a.jpg", f"{key}b.jpg"]
    assert [item.blob.all() for item in dataset] == [picture(ord("a")), picture(ord("b"))]
    assert [item.groups["folder"] for item in dataset] == [key.rstrip("/")] * 2
    assert dataset.others == {"unlisted image": 1}


@pytest.mark.parametrize("folder", ["val2017/", "images/val2017/", "annotations/"])
def test_a_folder_in_cocos_own_layout_is_its_file(laid, folder):
    root = laid(OWN, *(folder + name for name in NAMES))
    by_folder, by_file = (open_dataset(str(spec), targets="objects") for spec in (root, root / OWN))
    assert [item.key for item in by_folder] == [item.key for item in by_file]
    assert [item.target.digest for item in by_folder] == [item.target.digest for item in by_file]
    assert [len(item.target.ids) for item in by_folder] == [1, 0]
    assert by_folder.categories == {7: "dog"}


def test_for_a_task_of_classes_such_a_folder_stays_one_of_files(laid):
    root = laid(OWN, *("val2017/" + name for name in NAMES), "val2017/unlisted/c.jpg")
    assert [item.key for item in open_dataset(str(root))] == [
        "val2017/a.jpg",
        "val2017/b.jpg",
        "val2017/unlisted/c.jpg",
    ]


def test_images_beside_comes_before_the_other_places(laid):
    places = ("annotations/images/", "annotations/", "val2017/", "images/val2017/")
    root = laid(OWN, *(place + name for place in places for name in NAMES))
    for place in places:
        found = next(iter(open_dataset(str(root / OWN))))
        assert f"{root}/{place}a.jpg" == str(found.blob.path)
        for name in NAMES:
            (root / place / name).unlink()


def test_an_images_folder_without_them_does_not_hide_the_pictures(laid):
    root = laid("x.json", "images/a.jpg", "images/b.jpg", listed=["images/b.jpg", "images/a.jpg"])
    assert [item.key for item in open_dataset(str(root / "x.json"))] == ["images/a.jpg", "images/b.jpg"]


def test_a_file_named_without_its_folder(laid, monkeypatch):
    root = laid(OWN, *("val2017/" + name for name in NAMES))
    monkeypatch.chdir(root / "annotations")
    assert [item.key for item in open_dataset("instances_val2017.json")] == ["val2017/a.jpg", "val2017/b.jpg"]
    monkeypatch.chdir(root)
    for spec in (OWN, "."):
        assert next(iter(open_dataset(spec, targets="objects"))).blob.all() == picture(ord("a"))


def test_the_split_is_the_folders_of_the_pictures(laid):
    root = laid("annotations/instances_val.json", *("val/" + name for name in NAMES))
    (root / "annotations/instances_train.json").write_text("never read")
    assert {item.groups["split"] for item in open_dataset(str(root), targets="objects")} == {"val"}


def test_some_that_are_missing_are_items_whose_reading_fails(laid):
    root = laid(OWN, "val2017/a.jpg", listed=["b.jpg", "a.jpg", "val\0/c.jpg", "a.jpg/d.jpg", "\ud800.jpg"])
    items = {item.key: item for item in open_dataset(str(root), targets="objects")}
    assert len(items) == 5
    assert items.pop("val2017/a.jpg").blob.all() == picture(ord("a"))
    for item in items.values():
        with pytest.raises(ReadError):
            item.blob.all()


@pytest.mark.parametrize(
    ("file", "places"),
    [
        ("x.json", "{0}/images/ or {0}/;"),
        ("instances_val2017.json", "{0}/images/ or {0}/;"),
        ("annotations/val2017.json", "{0}/annotations/images/ or {0}/annotations/;"),
        (OWN, "{0}/annotations/images/, {0}/annotations/, {0}/val2017/ or {0}/images/val2017/;"),
        ("annotations/instances_...json", "{0}/annotations/images/ or {0}/annotations/;"),
    ],
)
def test_where_none_is_found_the_places_are_told(laid, file, places):
    root = laid(file, "elsewhere/a.jpg", "images/c.jpg", "val2017/c.jpg")
    (root.parent / "a.jpg").write_bytes(picture(1))  # where the name ".." would lead
    with pytest.raises(UsageError, match=r"lists 2 images \('b\.jpg' \.\.\.\), and none") as caught:
        open_dataset(str(root / file))
    assert f"none of them is in {places.format(root)} put the pictures" in str(caught.value)


@pytest.mark.parametrize("file", [OWN, "instances.json"])
@pytest.mark.parametrize("name", ["../a.jpg", "x/../../a.jpg", "/etc/hostname"])
def test_a_path_that_leads_out_of_the_pictures_is_refused(laid, file, name):
    root = laid(file, "a.jpg", "val2017/b.jpg", "images/b.jpg", listed=["b.jpg", name])
    with pytest.raises(UsageError, match="not a path inside the folder"):
        open_dataset(str(root), targets="objects")


def test_of_several_files_the_one_whose_pictures_are_there_and_no_other_is_read(laid, monkeypatch):
    root = laid(OWN, *("val2017/" + name for name in NAMES))
    for name in ("instances_train2017.json", "captions_val2017.json", "instances_.json"):
        (root / "annotations" / name).write_text("never read")
    (root / "annotations" / "instances_folder.json").mkdir()
    read, opened = coco._read, []
    monkeypatch.setattr(coco, "_read", lambda file: opened.append(file) or read(file))
    assert open_dataset(str(root), targets="objects").n_items == 2
    assert opened == [root / OWN]


@pytest.mark.parametrize(
    ("folders", "finding", "listed"),
    [
        (["val2017", "images/train2017"], "several COCO files with pictures of their own", ["train2017", "val2017"]),
        ([], "several COCO files and no folder of pictures named as one of them", ["test", "train2017", "val2017"]),
    ],
)
def test_several_files_that_may_be_meant_are_listed(laid, folders, finding, listed):
    root = laid(OWN, *(f"{folder}/a.jpg" for folder in folders))
    for name in ("test", "train2017"):
        (root / "annotations" / f"instances_{name}.json").write_text("never read")
    with pytest.raises(UsageError, match=finding) as caught:
        open_dataset(str(root), targets="objects")
    files = ", ".join(f"{root}/annotations/instances_{name}.json" for name in listed)
    assert str(caught.value).endswith(f"; give one in place of the folder: {files}")
