import json
from pathlib import Path

import numpy as np
import pytest

from tests.metrics.found_objects import SIDE, detections, made_pictures, target_of
from unlossy.core.errors import LabelError, ModelError
from unlossy.datasets import open_dataset
from unlossy.metrics.masks import encode, rle_of
from unlossy.tasks.base import Score, Yardstick
from unlossy.tasks.detection import DetectionYardstick
from unlossy.tasks.detections import RunLengths, short_numbers
from unlossy.tasks.instance_segmentation import InstanceSegmentationYardstick
from unlossy.tasks.registry import yardstick

DETECTION, SEGMENTATION = DetectionYardstick(), InstanceSegmentationYardstick()
HERE, THERE, AWAY = [0, 0, 100, 100], [200, 200, 300, 300], [300, 0, 350, 50]
NOTHING = detections([], [], [])
DATA = Path(__file__).parents[3] / "shared" / "data" / "coco" / "val"


def test_both_are_yardsticks_of_objects_that_the_registry_knows():
    for task in ("detection", "instance_segmentation"):
        made = yardstick(task)
        assert isinstance(made, Yardstick)
        assert (made.task, made.targets) == (task, "objects")
        assert set(made.spoken) == set(made.metrics) >= {*made.set_metrics, made.main_metric, made.item_metric}


@pytest.mark.parametrize(
    ("boxes", "scores", "class_ids", "f1"),
    [
        ([HERE, THERE], [0.9, 0.3], [1, 2], 1.0),
        ([HERE, THERE], [0.9, 0.29], [1, 2], 2 / 3),  # what is not sure is not shown
        ([HERE, THERE], [0.9, 0.8], [1, 1], 1 / 2),
        ([HERE, HERE, THERE], [0.9, 0.8, 0.7], [1, 1, 2], 4 / 5),
        ([AWAY], [0.9], [1], 0.0),
        ([], [], [], 0.0),
    ],
)
def test_f1_of_a_picture_by_hand(boxes, scores, class_ids, f1):
    target = target_of([HERE, THERE], [1, 2])
    assert DETECTION.score(detections(boxes, scores, class_ids), target).values["f1"] == pytest.approx(f1)


def test_nothing_to_find_and_nothing_found_is_right():
    assert DETECTION.score(NOTHING, target_of([], [])).values["f1"] == 1.0
    assert DETECTION.score(detections([HERE], [0.9], [1]), target_of([], [])).values["f1"] == 0.0
    assert DETECTION.score(detections([HERE], [0.9], [1]), target_of([HERE], [1], crowd=[True])).values["f1"] == 1.0


def test_agreement_is_f1_against_the_clean_answers_sure_detections():
    clean = detections([HERE, THERE, AWAY], [0.9, 0.5, 0.1], [1, 2, 3])
    assert DETECTION.agreement(clean, clean) == 1.0
    assert DETECTION.agreement(detections([HERE, THERE], [0.4, 0.2], [1, 2]), clean) == pytest.approx(2 / 3)
    assert DETECTION.agreement(NOTHING, NOTHING) == 1.0
    assert DETECTION.agreement(NOTHING, detections([AWAY], [0.29], [1])) == 1.0
    assert DETECTION.agreement(NOTHING, clean) == DETECTION.agreement(clean, NOTHING) == 0.0


def test_without_a_target_only_agreement_can_be_known():
    score = DETECTION.score(detections([HERE], [0.9], [1]), None)
    assert score.evidence is None
    assert set(score.values.values()) == {None}
    told = DETECTION.summarise([Score({"f1": None, "agreement": 0.5}), Score({"f1": None, "agreement": 1.0})])
    assert told == {"ap": None, "ap50": None, "ap75": None, "f1": None, "agreement": 0.75}
    assert DETECTION.resample([score], np.ones((3, 1))) == {}


def test_the_clean_answer_as_the_target_is_found_whole():
    for yardstick_, masks in ((DETECTION, False), (SEGMENTATION, True)):
        if masks:
            pytest.importorskip("faster_coco_eval")
        found = made_pictures(4, 1, masks=masks)[0].found
        target = yardstick_.as_target(found)
        assert len(target.ids) == (found.scores >= 0.3).sum() > 0
        assert yardstick_.score(found, target).values["f1"] == 1.0


def test_weights_count_items_that_often():
    pictures = made_pictures(6, 5)
    scores = [DETECTION.score(one.found, one.target) for one in pictures]
    weights = np.array([2.0, 0, 1, 1, 1])
    repeated = DETECTION.summarise([scores[0], scores[0], *scores[2:]])
    assert DETECTION.summarise(scores, weights)["f1"] == pytest.approx(repeated["f1"])
    drawn = DETECTION.resample(scores, weights[None])
    assert set(drawn) == set(DETECTION.set_metrics)
    for metric, values in drawn.items():
        assert values[0] == pytest.approx(DETECTION.summarise(scores, weights)[metric])


@pytest.mark.parametrize("yardstick_", [DETECTION, SEGMENTATION], ids=lambda one: one.task)
def test_answers_and_targets_survive_a_row(yardstick_):
    masks = yardstick_ is SEGMENTATION
    if masks:
        pytest.importorskip("faster_coco_eval")
    for picture in made_pictures(8, 4, masks=masks):
        found = yardstick_.from_json(json.loads(json.dumps(yardstick_.as_json(picture.found), allow_nan=False)))
        target = yardstick_.target_from_json(json.loads(json.dumps(yardstick_.target_as_json(picture.target))))
        assert np.array_equal(found.boxes_xyxy, picture.found.boxes_xyxy)
        assert np.array_equal(found.scores, picture.found.scores)
        assert found.masks == picture.found.masks
        assert np.array_equal(target.boxes_xyxy, picture.target.boxes_xyxy)
        assert yardstick_.score(found, target) == yardstick_.score(picture.found, picture.target)


def test_masks_and_not_boxes_decide_in_instance_segmentation():
    pytest.importorskip("faster_coco_eval")
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[:100, :30] = True  # a third of the object: as boxes they are the same
    found = detections([HERE], [0.9], [1], (RunLengths((SIDE, SIDE), encode(mask)["counts"]),))
    target = target_of([HERE], [1], outlines=[[[0, 0, 100, 0, 100, 100, 0, 100]]])
    assert DETECTION.score(found, target).values["f1"] == 1.0
    assert SEGMENTATION.score(found, target).values["f1"] == 0.0


def test_what_has_no_masks_cannot_be_scored_by_masks():
    pytest.importorskip("faster_coco_eval")
    with pytest.raises(ModelError, match="boxes alone"):
        SEGMENTATION.score(detections([HERE], [0.9], [1]), target_of([HERE], [1]))
    found = detections([HERE], [0.9], [1], (RunLengths((5, 5), encode(np.ones((5, 5), dtype=bool))["counts"]),))
    with pytest.raises(LabelError, match="annotation 1 has no outline"):
        SEGMENTATION.score(found, target_of([HERE], [1]))
    outlined = target_of([HERE], [1], outlines=[[[0, 0, 50, 0, 50, 50]]])
    assert SEGMENTATION.score(NOTHING, outlined).values["f1"] == 0.0


@pytest.mark.data
@pytest.mark.parametrize("yardstick_", [DETECTION, SEGMENTATION], ids=lambda one: one.task)
def test_the_developers_objects_found_as_they_are_give_an_average_precision_of_1(yardstick_):
    if not DATA.is_dir():
        pytest.skip(f"the developers' data set is not there: {DATA}")
    pytest.importorskip("faster_coco_eval")
    listed = json.loads((DATA / "instances.json").read_text())["images"]
    sizes = {f"images/{one['file_name']}": (one["height"], one["width"]) for one in listed}
    scores = []
    for item in open_dataset(str(DATA), targets="objects"):
        target, size_hw = item.target, sizes[item.key]
        masks = tuple(RunLengths(size_hw, rle_of(one, size_hw, 0)["counts"]) for one in target.outlines)
        found = detections(target.boxes_xyxy, np.ones(len(target.ids)), target.category_ids, masks)
        scores.append(yardstick_.score(found, target))
    told = yardstick_.summarise(scores)
    assert [told[metric] for metric in ("ap", "ap50", "ap75", "f1")] == pytest.approx([1, 1, 1, 1])


def test_numbers_are_as_short_as_float32_allows():
    rng = np.random.default_rng(0)
    values = np.concatenate([640 * rng.random(300), 1e-12 * rng.random(9), [0.0, 0.1, 1.0]]).astype(np.float32)
    short = short_numbers(values.reshape(-1, 4))
    assert np.array_equal(np.array(short, np.float32), values.reshape(-1, 4))
    assert [repr(value) for row in short for value in row] == [repr(float(str(value))) for value in values]
