"""Suppression against torchvision's, selection, and the way back to the source."""

import numpy as np
import pytest

from unlossy.core.errors import ModelError
from unlossy.tasks.models.detection.base import MAX_DETECTIONS
from unlossy.tasks.models.detection.boxes import detections, in_source, suppressed
from unlossy.tasks.models.preprocess import Preprocess


def some_boxes(n, seed=0):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 60, (n, 2))
    boxes = np.hstack([corner, corner + rng.uniform(10, 40, (n, 2))]).astype(np.float32)
    return boxes, np.sort(rng.random(n).astype(np.float32))[::-1].copy(), rng.integers(0, 3, n)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5])
def test_suppression_per_class_is_torchvisions(seed, threshold):
    import torch
    from torchvision.ops import batched_nms

    boxes, scores, classes = some_boxes(200, seed)
    expected = batched_nms(*map(torch.from_numpy, (boxes, scores, classes)), threshold).numpy()
    found = suppressed(boxes, classes, threshold, 1000)
    np.testing.assert_array_equal(found, np.sort(expected))
    assert 3 < len(found) < 200


def test_boxes_without_area_suppress_nothing():
    boxes = np.array([[5, 5, 5, 9]] * 2, np.float32)
    assert suppressed(boxes, np.zeros(2, np.int64), 0.5, 10).tolist() == [0, 1]


def test_at_most_so_many_of_a_class_and_in_all():
    boxes, scores, classes = some_boxes(1200)
    found = detections(boxes, scores, classes, min_score=0.0, per_class=50)
    assert np.bincount(found.class_ids).tolist() == [50, 50, 50]
    assert len(detections(boxes, scores, classes, min_score=0.0, per_class=1000).scores) == MAX_DETECTIONS


def test_equal_scores_keep_their_order_and_low_ones_go():
    boxes = np.arange(16, dtype=np.float32).reshape(4, 4)
    found = detections(boxes, np.array([0.5, 0.9, 0.5, 0.1]), np.arange(4), min_score=0.2)
    assert found.class_ids.tolist() == [1, 0, 2]
    np.testing.assert_array_equal(found.boxes_xyxy, boxes[[1, 0, 2]])


@pytest.mark.parametrize(
    ("box", "score", "finding"), [(np.nan, 0.5, "NaN"), (1.0, np.inf, "NaN"), (1.0, 1.7, r"1\.7; 0\.\.1 was expected")]
)
def test_what_is_no_box_or_score_is_an_error(box, score, finding):
    with pytest.raises(ModelError, match=finding):
        detections(np.full((1, 4), box), np.array([score]), np.zeros(1, np.int64))


@pytest.mark.parametrize(
    ("preprocess", "source_hw", "found", "expected"),
    [
        (Preprocess((100, 200), "stretch", center_crop=False), (50, 400), (20, 10, 100, 50), (40, 5, 200, 25)),
        # 50x400 in 100x200: half size, 25x200, 37 rows of grey above
        (Preprocess((100, 200), "letterbox", center_crop=False), (50, 400), (20, 37, 100, 62), (40, 0, 200, 50)),
        (Preprocess(None, "shortest_edge", 100, center_crop=False), (50, 400), (20, 10, 100, 50), (10, 5, 50, 25)),
    ],
)
def test_boxes_come_back_to_the_source(preprocess, source_hw, found, expected):
    np.testing.assert_allclose(in_source(np.array([found], np.float32), preprocess, source_hw), [expected])


@pytest.mark.parametrize("rule", ["stretch", "letterbox"])
def test_the_way_back_is_that_of_the_pixels(rule):
    """A rectangle drawn in the source, found in the resized picture, is where it was drawn."""
    preprocess = Preprocess((160, 160), rule, center_crop=False, filter="nearest", fill=0)
    image = np.zeros((80, 120, 3), np.uint8)
    image[20:50, 33:90] = 255
    on = preprocess.resize(image)[:, :, 0] > 127
    ys, xs = np.flatnonzero(on.any(axis=1)), np.flatnonzero(on.any(axis=0))
    found = np.array([[xs[0], ys[0], xs[-1] + 1, ys[-1] + 1]], np.float32)
    np.testing.assert_allclose(in_source(found, preprocess, (80, 120)), [[33, 20, 90, 50]], atol=0.8)
