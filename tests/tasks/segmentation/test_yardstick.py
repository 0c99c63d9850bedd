"""How a class map is judged, and what a mask that does not fit comes to."""

import io

import numpy as np
import pytest
from PIL import Image

from unlossy.core.blobs import BytesBlob
from unlossy.core.errors import LabelError, ModelError
from unlossy.core.types import ClassTarget, LabelMapTarget
from unlossy.tasks.base import Score, Yardstick
from unlossy.tasks.class_maps import NO_CLASS, ClassMap, Vocabulary, class_ids_in
from unlossy.tasks.semantic_segmentation import SemanticSegmentationYardstick

VOCABULARY = Vocabulary({1: "cat", 2: "dog"}, {1: 1, 2: 2, 3: 1, 4: NO_CLASS})


def answer(rows, vocabulary=VOCABULARY):
    return ClassMap.of(np.array(rows, np.uint16), vocabulary)


def mask(rows, ignored=(0, 255)):
    buffer = io.BytesIO()
    Image.fromarray(np.array(rows, np.uint8)).save(buffer, "PNG")
    return LabelMapTarget(BytesBlob(buffer.getvalue()), "digest", frozenset(ignored))


@pytest.fixture
def yardstick():
    return SemanticSegmentationYardstick()


def test_it_keeps_the_contract(yardstick):
    assert isinstance(yardstick, Yardstick)
    assert set(yardstick.set_metrics) <= set(yardstick.metrics) == set(yardstick.spoken)


def test_mean_iou_over_two_pictures_is_that_of_their_pixels(yardstick):
    one = yardstick.score(answer([[1, 1, 2, 2]]), mask([[1, 3, 1, 2]]))
    two = yardstick.score(answer([[2, 2, 2, 1]]), mask([[2, 2, 0, 4]]))
    assert one.values["item_miou"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert two.values["item_miou"] == 1.0, "unlabelled pixels and what the model cannot know count for nothing"
    found = yardstick.summarise([one, two])
    assert found["miou"] == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert found["pixel_accuracy"] == pytest.approx(5 / 6)
    assert found["item_miou"] == pytest.approx((one.values["item_miou"] + 1) / 2)


def test_a_draw_is_a_summary_with_its_weights(yardstick):
    rng = np.random.default_rng(0)
    scores = [
        yardstick.score(answer(rng.integers(1, 3, (30, 40))), mask(rng.integers(0, 4, (30, 40)))) for _ in range(5)
    ]
    scores.append(Score({"item_miou": None}))
    draws = np.array([[1.0] * 6, [0, 2, 0, 3, 1, 0], [0, 0, 0, 0, 0, 6]])
    found = yardstick.resample(scores, draws)
    assert found.keys() == set(yardstick.set_metrics)
    for row, weights in enumerate(draws):
        summary = yardstick.summarise(scores, weights)
        for metric, values in found.items():
            assert (None if np.isnan(values[row]) else pytest.approx(values[row])) == summary[metric]


def test_without_masks_there_is_agreement_alone(yardstick):
    score = yardstick.score(answer([[1, 2]]), None)
    assert score.evidence is None
    assert yardstick.resample([score], np.ones((2, 1))) == {}
    found = yardstick.summarise([Score({"item_miou": None, "agreement": 0.5})])
    assert found == {metric: 0.5 if metric == "agreement" else None for metric in yardstick.metrics}
    assert yardstick.agreement(answer([[1, 1, 2, 2]]), answer([[1, 1, 1, 2]])) == pytest.approx((2 / 3 + 1 / 2) / 2)
    with pytest.raises(ModelError):
        yardstick.agreement(answer([[1]]), answer([[1, 1]]))


def test_an_answer_is_right_as_its_own_mask(yardstick):
    one = answer([[1, 2, 2], [1, 1, 2]])
    assert yardstick.score(one, yardstick.as_target(one)).values["item_miou"] == 1.0


@pytest.mark.parametrize(
    ("target", "finding"),
    [
        (mask([[1, 2, 2]]), "3x1 pixels, its picture 2x1"),
        (mask([[1, 9]]), r"unknown id 9 \(1 pixels\)"),
        (mask([[0, 255]]), "labels no pixel"),
        (mask([[4, 0]]), "labels no pixel"),
        (ClassTarget(1), "map of classes"),
        (LabelMapTarget(BytesBlob(b"x"), "digest"), "not a PNG"),
    ],
)
def test_a_mask_that_does_not_fit_is_the_items_error(yardstick, target, finding):
    with pytest.raises(LabelError, match=finding):
        yardstick.score(answer([[1, 2]]), target)


def test_masks_are_not_mixed_up(yardstick):
    first, second = mask([[1, 1]]), mask([[2, 2]])
    found = [yardstick.score(answer([[1, 1]]), one).values["item_miou"] for one in (first, first, second, first)]
    assert found == [1.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(("size", "kept"), [((40, 60), (40, 60)), ((1000, 2000), (256, 512)), ((3000, 2), (512, 1))])
def test_a_row_keeps_a_small_map(yardstick, size, kept):
    n = size[0] * size[1]
    ids = (np.arange(n).reshape(size) // (n // 4 + 1) * 90).astype(np.uint16)
    row = yardstick.as_json(answer(ids))
    found = class_ids_in(row)
    assert row["size_hw"] == list(size)
    assert found.shape == kept
    assert set(np.unique(found)) == {0, 90, 180, 270}
    np.testing.assert_array_equal(answer(ids).class_ids, ids)
