"""Pictures that are not those that were annotated, and pictures that nobody lists."""

import json

import numpy as np
import pytest
from PIL import Image

from unlossy.cli.main import run
from unlossy.core.errors import LabelError
from unlossy.core.types import ClassTarget
from unlossy.datasets import open_dataset
from unlossy.study.fit import check_fit

IMAGE = np.zeros((30, 40, 3), np.uint8)


@pytest.fixture
def coco(tmp_path):
    """A function that writes one picture of 40 x 30 with one object, and what else is said of it."""

    def write(bbox, **told):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.fromarray(IMAGE).save(tmp_path / "images" / "a.png")
        listed = {
            "images": [{"id": 1, "file_name": "a.png"} | told],
            "categories": [{"id": 1, "name": "striped disc"}],
            "annotations": [{"id": 7, "image_id": 1, "category_id": 1, "bbox": bbox}],
        }
        (tmp_path / "instances.json").write_text(json.dumps(listed))
        return str(tmp_path)

    return write


@pytest.mark.parametrize("bbox", [[1, 2, 3, 4], [-5, -5, 100, 100], [39.5, 29.5, 0, 0]])
def test_boxes_that_reach_into_the_picture_are_good(coco, bbox):
    for told in ({}, {"width": 40, "height": 30}):
        (item,) = open_dataset(coco(bbox, **told), targets="objects")
        check_fit(item.target, IMAGE)
    check_fit(None, IMAGE)
    check_fit(ClassTarget(1), IMAGE)


@pytest.mark.parametrize(
    ("bbox", "told", "finding"),
    [
        ([40, 2, 3, 4], {}, "annotation 7 lies outside of the picture, 40 wide and 30 high"),
        ([1, -9, 3, 4], {}, "annotation 7 lies outside"),
        ([1, 2, 3, 4], {"width": 30, "height": 40}, "a picture 30 wide and 40 high, this one is 40 wide and 30 high"),
        ([1, 2, 3, 4], {"width": 80, "height": 60}, "80 wide and 60 high"),
    ],
)
def test_annotations_of_another_picture_fail(coco, bbox, told, finding):
    (item,) = open_dataset(coco(bbox, **told), targets="objects")
    with pytest.raises(LabelError, match=finding):
        check_fit(item.target, IMAGE)


def test_a_resized_picture_is_an_error_row_and_an_unlisted_one_is_told(coco, tmp_path, capsys):
    data = coco([1, 2, 3, 4], width=80, height=60)
    Image.fromarray(IMAGE).save(tmp_path / "images" / "b.png")
    study = ["study", "--task", "detection", "--model", "onnx:demo", "--data", data, "--codec", "jpeg:50"]
    study += ["-o", str(tmp_path / "run"), "--json"]
    assert run(study) == 3
    out, err = capsys.readouterr()
    assert (json.loads(out)["failed"], json.loads(out)["clean"]["ap"]) == (1, None)
    assert "Of the data is not used: unlisted image (1)." in err
    (tmp_path / "images" / "b.png").unlink()
    assert run(study) == 3, "the run goes on whatever becomes of what it does not use"
    assert "not used" not in capsys.readouterr().err
