import json
from pathlib import Path

import pytest

from tests.datasets.pictures import picture
from unlossy.core.errors import ReadError, UsageError
from unlossy.datasets import open_dataset

DATA = Path(__file__).parents[3] / "shared" / "data" / "coco" / "val"


@pytest.fixture
def coco(tmp_path):
    root = tmp_path / "val"
    (root / "images").mkdir(parents=True)
    for name in ("b.jpg", "a.jpg", "unlisted.jpg"):
        (root / "images" / name).write_bytes(picture(ord(name[0])))

    def write(**parts):
        content = {"images": [{"id": 2, "file_name": "b.jpg"}, {"id": 1, "file_name": "a.jpg"}]}
        (root / "instances.json").write_text(json.dumps(content | parts))
        return root

    return write


def test_the_listed_images_with_the_category_that_covers_most(coco):
    root = coco(
        categories=[
            {"id": 5, "name": "dog", "supercategory": "animal"},
            {"id": 6, "name": "car", "supercategory": "vehicle"},
        ],
        annotations=[
            {"image_id": 1, "category_id": 5, "area": 30},
            {"image_id": 1, "category_id": 6, "area": 50},
            {"image_id": 1, "category_id": 5, "area": 30.5},
        ],
    )
    for spec in (root, root / "instances.json"):
        dataset = open_dataset(str(spec))
        assert [item.key for item in dataset] == ["images/a.jpg", "images/b.jpg"]
        first, second = dataset
        assert first.groups == {"folder": "images", "class": "dog", "supercategory": "animal", "split": "val"}
        assert second.groups == {"folder": "images", "split": "val"}
        assert first.blob.all() == picture(ord("a"))
        assert dataset.others == {"unlisted image": 1}


def test_names_that_are_no_text_are_shown_as_escapes_and_their_reading_fails(coco):
    root = coco(
        images=[{"id": 1, "file_name": "\ud800.jpg"}, {"id": 2, "file_name": "a.jpg"}],
        categories=[{"id": 5, "name": "c\ud800", "supercategory": "\udc00"}],
        annotations=[{"image_id": 1, "category_id": 5}],
    )
    _, item = sorted(open_dataset(str(root)), key=lambda one: "class" in one.groups)
    assert item.key == "images/\\ud800.jpg"
    assert (item.groups["class"], item.groups["supercategory"]) == ("c\\ud800", "\\udc00")
    with pytest.raises(ReadError, match="cannot read the file"):
        item.blob.all()


def test_an_audit_of_the_folder_sees_every_image(coco):
    assert len(list(open_dataset(str(coco()), labelled=False))) == 3


def test_a_listed_image_that_is_missing_is_an_item_whose_reading_fails(coco):
    root = coco(images=[{"id": 1, "file_name": "gone.jpg"}, {"id": 2, "file_name": "a.jpg"}])
    there, item = open_dataset(str(root))
    assert there.blob.all() == picture(ord("a"))
    with pytest.raises(ReadError):
        item.blob.all()


@pytest.mark.parametrize(
    ("parts", "finding"),
    [
        ({"images": []}, "lists no image"),
        ({"images": None}, "`images` is no list"),
        ({"images": [{"file_name": "a.jpg"}]}, r"images\[0\] needs id and file_name"),
        ({"images": [{"id": 1, "file_name": "../../etc/passwd"}]}, "not a path inside the folder"),
        ({"images": [{"id": 1, "file_name": "/etc/passwd"}]}, "not a path inside the folder"),
        ({"images": [{"id": 1, "file_name": 5}]}, "not a path inside the folder"),
        (
            {"images": [{"id": n, "file_name": "a.jpg"} for n in (1, 2)]},
            r"lists the image 'images/a.jpg' 2 times, with the ids \[1, 2\]",
        ),
        ({"annotations": 5}, "`annotations` is no list"),
        ({"annotations": [{"image_id": [], "category_id": 1}]}, r"annotations\[0\] needs"),
    ],
)
def test_what_is_no_coco_is_refused_with_its_place(coco, parts, finding):
    with pytest.raises(UsageError, match=finding):
        open_dataset(str(coco(**parts)))


@pytest.mark.parametrize("text", ["{broken", "[]", "[" * 200_000, "\x00", '{"images": 1e9999}'])
def test_what_is_no_json_is_refused(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(UsageError, match=r"x\.json"):
        open_dataset(str(tmp_path / "x.json"))


def test_a_gigabyte_of_json_is_refused_by_its_size(tmp_path):
    with (tmp_path / "x.json").open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(UsageError, match="1073741824 bytes"):
        open_dataset(str(tmp_path / "x.json"))


@pytest.mark.data
def test_the_developers_coco_images():
    if not DATA.is_dir():
        pytest.skip(f"the developers' data set is not there: {DATA}")
    dataset = open_dataset(str(DATA))
    assert dataset.n_items == 48
    assert {item.groups["split"] for item in dataset} == {"val"}
    assert {"person", "animal", "vehicle"} <= {item.groups["supercategory"] for item in dataset}
