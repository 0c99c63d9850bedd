"""A study of segmentation from end to end, and its diagnosis, on pictures that a threshold segments."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from unlossy.runs.diagnosis_segmentation import diagnose
from unlossy.runs.plan import StudyPlan
from unlossy.study import run_study

MODEL = """
import numpy as np
def bright(images):
    return [(image.mean(axis=2) > 127).astype(int) for image in images]
bright.labels = ["background", "lamp"]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "lamp_model.py").write_text(MODEL)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("lamp_model", None)
    root = tmp_path / "val"
    for name in ("images", "masks"):
        (root / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(4):
        ids = np.zeros((60, 80), np.uint8)
        ids[10 + number : 40, 20:50] = 7
        image = 112 + 30 * (ids == 7)[:, :, None] + rng.integers(-14, 15, (60, 80, 3))
        Image.fromarray(image.astype(np.uint8)).save(root / "images" / f"{number}.png")
        Image.fromarray(ids).save(root / "masks" / f"{number}.png")
    (root / "mask_ids.json").write_text('{"0": "wall", "7": "lamp"}')
    return root


def test_a_study_and_where_its_loss_comes_from(folder, tmp_path):
    (folder / "masks" / "3.png").unlink()
    plan = StudyPlan("py:lamp_model:bright", str(folder), "semantic_segmentation", codecs=("jpeg:5,90",))
    told = run_study(plan, tmp_path / "run").to_json()
    assert told["failed"] == 1
    assert told["clean"]["miou"] > 0.99
    low, high = told["cells"]
    assert low["metrics"]["miou"] < high["metrics"]["miou"]
    assert low["difference"]["miou"]["low"] <= low["difference"]["miou"]["mean"] < 0
    assert low["n"] == 3

    found = diagnose(tmp_path / "run")
    assert [(cell.codec, cell.n) for cell in found.cells] == [("clean", 3), (low["codec"], 3), (high["codec"], 3)]
    worst = found.cells[1]
    assert worst.miou == pytest.approx(low["metrics"]["miou"])
    assert worst.boundary_iou < worst.interior_iou
    assert [one.class_id for one in worst.classes] == [7, 8], "the model's background has an id after the dataset's"
    assert np.mean([one.iou for one in worst.classes]) == pytest.approx(worst.miou)
    assert sum(one.share for one in worst.classes) == pytest.approx(1)
    confusion = worst.confusions[0]
    assert {confusion.true_id, confusion.answered_id} == {7, 8}
    assert confusion.share > confusion.clean_share
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["cells"][0]["confusions"] == []


def test_without_masks_there_is_nothing_to_diagnose(folder, tmp_path):
    for file in (folder / "masks").iterdir():
        file.unlink()
    (folder / "masks").rmdir()
    plan = StudyPlan("py:lamp_model:bright", str(folder), "semantic_segmentation", codecs=("jpeg:5",))
    told = run_study(plan, tmp_path / "run").to_json()
    assert told["failed"] == 0
    assert told["clean"]["miou"] is None
    assert told["cells"][0]["metrics"]["agreement"] < 1
    assert diagnose(tmp_path / "run").cells == ()
