from importlib.util import find_spec

import numpy as np
import pytest

from tests.metrics.found_objects import Picture, detections, made_pictures, mean_of, pycocotools_precision, target_of
from unlossy.metrics.detection import average_precision, average_precision_of_draws, precision_by_class
from unlossy.metrics.detection_evidence import evidence_from_text, evidence_of
from unlossy.metrics.masks import mask_overlap
from unlossy.metrics.matching import AREA_RANGES, box_overlap, match

needs_pycocotools = pytest.mark.skipif(find_spec("pycocotools") is None, reason="pycocotools is not installed")


def evidence(picture, size="all", overlap=None):
    found, target = picture.found, picture.target
    overlap = overlap or box_overlap(found.boxes_xyxy, target)
    matches = match(overlap, found.scores, found.class_ids, target, area_range=AREA_RANGES[size])
    return evidence_of(matches, found.scores, found.class_ids, target).to_text()


def by_masks(picture):
    masks = [{"size": list(mask.size_hw), "counts": mask.counts} for mask in picture.found.masks]
    return mask_overlap(masks, picture.target)


def assert_equal_to_pycocotools(pictures, precision, overlap=lambda picture: None):
    for column, size in enumerate(AREA_RANGES):
        ours = average_precision([evidence(picture, size, overlap(picture)) for picture in pictures])
        theirs = [mean_of(part[..., column]) for part in (precision, precision[0], precision[5])]
        assert [ours["ap"], ours["ap50"], ours["ap75"]] == pytest.approx(theirs, abs=1e-9), size
    by_class = precision_by_class([evidence(picture, overlap=overlap(picture)) for picture in pictures])
    assert set(by_class) == {n + 1 for n in range(9) if precision[0, 0, n, 0] > -1}
    for class_id, (levels, n_objects) in by_class.items():
        assert levels == pytest.approx(precision[:, :, class_id - 1, 0].mean(axis=1), abs=1e-9)
        assert n_objects == sum(
            int(((one.target.category_ids == class_id) & ~one.target.crowd).sum()) for one in pictures
        )


@needs_pycocotools
@pytest.mark.parametrize("seed", range(3))
def test_average_precision_of_boxes_is_pycocotools(seed):
    pictures = made_pictures(seed)
    assert any(picture.target.crowd.any() for picture in pictures)
    assert_equal_to_pycocotools(pictures, pycocotools_precision(pictures))


@needs_pycocotools
def test_average_precision_of_masks_is_pycocotools():
    pytest.importorskip("faster_coco_eval")
    pictures = made_pictures(7, 8, masks=True)
    assert any(picture.target.crowd.any() for picture in pictures)
    assert_equal_to_pycocotools(pictures, pycocotools_precision(pictures, "segm"), by_masks)


@needs_pycocotools
def test_a_hundred_detections_of_a_category_take_part():
    pictures = made_pictures(3, 3, n_classes=1, most_objects=30, n_random=240)
    assert max((picture.found.class_ids == 1).sum() for picture in pictures) > 100
    assert_equal_to_pycocotools(pictures, pycocotools_precision(pictures))


@needs_pycocotools
def test_weights_are_pictures_that_are_there_several_times():
    pictures, weights = made_pictures(5, digits=7), np.array([0, 3, 1, 2, 0, 1, 1, 4, 0, 2, 1, 1], dtype=float)
    repeated = [picture for picture, n in zip(pictures, weights, strict=True) for _ in range(int(n))]
    precision = pycocotools_precision(repeated)[..., 0]
    ours = average_precision([evidence(picture) for picture in pictures], weights)
    assert [ours["ap"], ours["ap50"]] == pytest.approx([mean_of(precision), mean_of(precision[0])], abs=1e-9)


def test_draws_are_summaries_with_each_row_as_weights():
    texts = [None, *(evidence(picture) for picture in made_pictures(11, 9)), None]
    draws = np.random.default_rng(0).integers(0, 3, (12, len(texts))).astype(float)
    draws[3] = 0
    drawn = average_precision_of_draws(texts, draws)
    for metric, values in drawn.items():
        single = [average_precision(texts, row)[metric] for row in draws]
        assert values == pytest.approx([np.nan if one is None else one for one in single], nan_ok=True, abs=1e-12)
        assert np.isnan(values[3])
        assert np.nanstd(values) > 0.01


def test_blocks_of_draws_do_not_change_them(monkeypatch):
    texts = [evidence(picture) for picture in made_pictures(2)]
    draws = np.random.default_rng(1).integers(0, 3, (23, len(texts))).astype(float)
    whole = average_precision_of_draws(texts, draws)["ap"]
    monkeypatch.setattr("unlossy.metrics.detection.MOST_AT_ONCE", 100)
    assert average_precision_of_draws(texts, draws)["ap"] == pytest.approx(whole, abs=0)


HERE, THERE, AWAY = [0, 0, 100, 100], [200, 200, 300, 300], [0, 300, 50, 350]


@pytest.mark.parametrize(
    ("boxes", "scores", "ap50"),
    [
        ([HERE, THERE], [0.9, 0.8], 1.0),
        ([AWAY, HERE, THERE], [0.9, 0.8, 0.7], 2 / 3),  # the best precision at any recall is 2 of 3
        ([HERE, AWAY, THERE], [0.9, 0.8, 0.7], (51 * 1 + 50 * 2 / 3) / 101),  # recalls 0..0.50 at 1, the others at 2/3
        ([HERE], [0.9], 51 / 101),
        ([AWAY], [0.9], 0.0),
        ([], [], 0.0),
    ],
)
def test_average_precision_by_hand(boxes, scores, ap50):
    picture = Picture(detections(boxes, scores, [1] * len(boxes)), target_of([HERE, THERE], [1, 1]))
    found = average_precision([evidence(picture)])
    assert found["ap50"] == pytest.approx(ap50, abs=1e-12)
    assert found["ap"] == pytest.approx(ap50, abs=1e-12)


def test_a_set_without_objects_has_no_average_precision():
    picture = Picture(detections([HERE], [0.9], [1]), target_of([], []))
    nothing = {"ap": None, "ap50": None, "ap75": None}
    assert average_precision([evidence(picture)]) == average_precision([None]) == average_precision([]) == nothing


def test_detections_in_a_crowd_region_do_not_count():
    crowd = target_of([HERE, [200, 200, 400, 400]], [1, 1], crowd=[False, True])
    found = detections([[210, 210, 250, 250], [220, 220, 260, 260], HERE], [0.9, 0.8, 0.7], [1, 1, 1])
    assert average_precision([evidence(Picture(found, crowd))])["ap"] == 1.0


def test_evidence_survives_its_text_and_is_small():
    picture = made_pictures(0, 1, n_random=100)[0]
    matches = match(
        box_overlap(picture.found.boxes_xyxy, picture.target),
        picture.found.scores,
        picture.found.class_ids,
        picture.target,
    )
    made = evidence_of(matches, picture.found.scores, picture.found.class_ids, picture.target)
    text = made.to_text()
    read = evidence_from_text(text)
    for name in made.__slots__:
        assert np.array_equal(getattr(made, name), getattr(read, name)), name
    assert len(text) < 2000
