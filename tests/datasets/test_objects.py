import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.pictures import picture
from unlossy.core.errors import LabelError, UsageError
from unlossy.datasets import open_dataset
from unlossy.datasets.base import categories_of
from unlossy.datasets.object_shapes import run_lengths

DATA = Path(__file__).parents[3] / "shared" / "data" / "coco" / "val"
TRIANGLE = [10, 10, 30, 10, 10, 30]
RUNS = {"size": [40, 60], "counts": [100, 30, 2270]}


@pytest.fixture
def coco(tmp_path):
    root = tmp_path / "val"
    (root / "images").mkdir(parents=True)
    (root / "images" / "a.jpg").write_bytes(picture(1))
    (root / "images" / "b.jpg").write_bytes(picture(2))

    def write(*annotations, **parts):
        content = {
            "images": [
                {"id": n, "file_name": f"{name}.jpg", "width": 60, "height": 40} for n, name in ((2, "b"), (1, "a"))
            ],
            "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
            "annotations": list(annotations),
        }
        (root / "instances.json").write_text(json.dumps(content | parts))
        return root

    return write


def one(**changes):
    return {"id": 5, "image_id": 1, "category_id": 7, "bbox": [10, 10, 20, 20], "area": 190, "iscrowd": 0} | changes


def opened(root):
    return open_dataset(str(root), targets="objects")


def test_the_objects_of_each_image(coco):
    root = coco(
        one(segmentation=[TRIANGLE]),
        one(id="x", category_id=3, bbox=[0.5, 1, 59.5, 39], area=30, iscrowd=1, segmentation=RUNS),
    )
    for spec in (root, root / "instances.json"):
        dataset = opened(spec)
        first, second = dataset
        assert (first.key, second.key) == ("images/a.jpg", "images/b.jpg")
        assert categories_of(dataset) == {3: "cat", 7: "dog"}
        target = first.target
        assert target.boxes_xyxy.tolist() == [[10, 10, 30, 30], [0.5, 1, 60, 40]]
        assert target.category_ids.tolist() == [7, 3]
        assert target.crowd.tolist() == [False, True]
        assert target.areas.tolist() == [190, 30]
        assert target.ids == (5, "x")
        assert target.outlines == ([TRIANGLE], RUNS)
        assert first.groups["class"] == "dog"
        # an image without objects is an item like any other
        assert second.target.boxes_xyxy.shape == (0, 4)
        assert second.blob.all() == picture(2)


def test_the_area_is_the_files_else_the_outlines_else_the_boxs(coco):
    bare = {name: value for name, value in one().items() if name != "area"}
    root = coco(
        one(),
        bare | {"id": 6, "segmentation": [TRIANGLE, [0, 0, 1, 0, 1, 1, 0, 1]]},
        bare | {"id": 7, "segmentation": RUNS},
        bare | {"id": 8, "segmentation": []},
    )
    assert next(iter(opened(root))).target.areas.tolist() == [190, 201, 30, 400]


def test_the_digest_tells_targets_apart(coco):
    digests = [
        next(iter(opened(coco(one(**change))))).target.digest
        for change in ({}, {}, {"bbox": [10, 10, 20, 21]}, {"iscrowd": 1}, {"category_id": 3}, {"segmentation": RUNS})
    ]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 5


@pytest.mark.parametrize("box", [[-5, -5, 20, 20], [50, 30, 20, 20], [3, 3, 0, 5], [0, 0, 0, 0]])
def test_a_box_over_the_border_or_without_area_is_taken_as_it_is(coco, box):
    (target, *_) = [item.target for item in opened(coco(one(bbox=box)))]
    assert target.boxes_xyxy.tolist() == [[box[0], box[1], box[0] + box[2], box[1] + box[3]]]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"bbox": [100, 10, 20, 20]}, "lies outside of the picture, 60 wide and 40 high"),
        ({"bbox": [-30, 10, 20, 20]}, "lies outside of the picture"),
        ({"bbox": [10, 10, -20, 20]}, "negative width or height"),
        ({"bbox": [10, math.nan, 20, 20]}, "not four finite numbers"),
        ({"bbox": [10, 10, math.inf, 20]}, "not four finite numbers"),
        ({"bbox": [10**400, 10, 20, 20]}, "not four finite numbers"),
        ({"bbox": [10, 10, 20]}, "not four finite numbers"),
        ({"bbox": None}, "not four finite numbers"),
        ({"bbox": ["1", 1, 1, 1]}, "not four finite numbers"),
        ({"area": -1}, "the area -1 is none"),
        ({"area": math.nan}, "the area nan is none"),
        ({"iscrowd": 2}, "`iscrowd` is 0 or 1, not 2"),
        ({"segmentation": [[1, 1, 5, 5]]}, "a polygon has 4 coordinates"),
        ({"segmentation": [[1, 1, 5, 5, 9, 9, 1]]}, "a polygon has 7 coordinates"),
        ({"segmentation": [TRIANGLE, []]}, "a polygon has 0 coordinates"),
        ({"segmentation": [[1, 1, 5, 5, 9, math.nan]]}, "not a list of finite numbers"),
        ({"segmentation": [[5, 5, 601, 5, 40, 40]]}, "a corner at 601 px, far outside of the picture"),
        ({"segmentation": [[5, 5, -1e10, 5, 40, 40]]}, r"a corner at 1e\+10 px, far outside"),
        ({"segmentation": [5]}, "not a list of finite numbers"),
        ({"segmentation": "polygon"}, "neither a list of polygons nor run lengths"),
        (
            {"segmentation": {"size": [60, 40], "counts": [2400]}},
            r"has size \[60, 40\] \(height, width\), the picture \[40, 60\]",
        ),
        ({"segmentation": {"size": [40, 60], "counts": [2399]}}, "cover 2399 pixels of 2400"),
        ({"segmentation": {"size": [40, 60], "counts": [2401, -1]}}, "not whole numbers from 0 on"),
        ({"segmentation": {"size": [40], "counts": [40]}}, "is not a height and a width"),
        ({"segmentation": {"counts": [40]}}, "is not a height and a width"),
        ({"segmentation": {"size": [40, 60]}}, "not whole numbers from 0 on"),
        ({"segmentation": {"size": [40, 60], "counts": "PP"}}, "break off"),
        ({"segmentation": {"size": [40, 60], "counts": "\x7f"}}, "none of their letters"),
        ({"segmentation": {"size": [40, 60], "counts": "1"}}, "cover 1 pixels of 2400"),
    ],
)
def test_a_broken_object_fails_its_image_alone_and_is_named(coco, change, finding):
    dataset = opened(coco(one(**change), one(id=6, image_id=2)))
    first, second = dataset
    assert dataset.n_items == 2
    assert (first.key, first.target) == ("images/a.jpg", None)
    with pytest.raises(LabelError, match=rf"instances\.json, annotation 5: .*{finding}"):
        first.blob.all()
    assert len(second.target.ids) == 1


def test_several_broken_objects_of_an_image_are_counted(coco):
    item = next(iter(opened(coco(one(area=-1), one(id=6), one(id=7, iscrowd=9)))))
    with pytest.raises(LabelError, match=r"annotation 5: .*and 1 more of this image"):
        item.blob.all()


@pytest.mark.parametrize(
    ("annotations", "parts", "finding"),
    [
        ([one(image_id=9)], {}, "annotation 5 is of the image 9, which `images` does not list"),
        ([one(image_id="1")], {}, "annotation 5 is of the image '1'"),
        ([one(category_id=9)], {}, "annotation 5 is of the category 9, which `categories` does not list"),
        ([one(category_id="dog")], {}, "annotation 5 is of the category 'dog'"),
        ([one()], {"categories": []}, "annotation 5 is of the category 7"),
        ([one(), one()], {}, "lists the annotation id 5 twice"),
        ([one(id=[])], {}, r"annotations\[0\] has the id \[\]"),
        ([], {"categories": [{"id": 1, "name": "a"}] * 2}, "lists the category id 1 twice"),
        ([], {"categories": [{"id": "a", "name": "a"}]}, "the category id 'a' is not a whole number"),
        ([], {"images": [{"id": 1, "file_name": f"{n}.jpg"} for n in "ab"]}, "lists the image id 1 twice"),
        ([], {"images": [{"id": 1, "file_name": "a.jpg", "width": 0, "height": 5}]}, "image 1 is 0 wide and 5 high"),
    ],
)
def test_what_belongs_to_nothing_is_refused_with_its_id(coco, annotations, parts, finding):
    with pytest.raises(UsageError, match=rf"instances\.json.*{finding}"):
        opened(coco(*annotations, **parts))


def test_without_sizes_in_the_file_a_box_may_lie_anywhere(coco):
    root = coco(one(bbox=[1000, 1000, 5, 5]), images=[{"id": 1, "file_name": "a.jpg"}])
    assert len(next(iter(opened(root))).target.ids) == 1


def test_data_of_another_kind_have_no_objects(tmp_path):
    (tmp_path / "a.jpg").write_bytes(picture(1))
    (item,) = opened(tmp_path)
    assert item.target is None


def test_compressed_run_lengths_are_the_ones_that_faster_coco_eval_reads():
    masks = pytest.importorskip("faster_coco_eval.core.mask")
    rng = np.random.default_rng(0)
    for density in (0.01, 0.5, 0.99):
        mask = np.asfortranarray((rng.random((70, 90)) < density).astype(np.uint8))
        mask[:40, 20:60] = 1
        text = masks.encode(mask)["counts"]
        runs = run_lengths(text if isinstance(text, str) else text.decode())
        drawn = np.repeat(np.arange(len(runs)) % 2, runs).reshape(90, 70).T
        assert np.array_equal(drawn, mask)


@pytest.mark.data
def test_the_developers_objects():
    if not DATA.is_dir():
        pytest.skip(f"the developers' data set is not there: {DATA}")
    dataset = opened(DATA)
    items = list(dataset)
    assert (len(items), len(dataset.categories)) == (48, 80)
    listed = json.loads((DATA / "instances.json").read_text())["annotations"]
    assert sum(len(item.target.ids) for item in items) == len(listed)
    assert {outline is None for item in items for outline in item.target.outlines} == {False}
