"""Decoders against the arithmetic of the papers, written out one cell at a time."""

import json

import numpy as np
import pytest

from tests.tasks.detection.small_detectors import facts_json
from unlossy.core.errors import ModelError, UsageError
from unlossy.tasks.models.detection.decoders import DECODERS, corners_of
from unlossy.tasks.models.detection.facts import read_detector_facts

BOX = np.array([[10.0, 20.0, 40.0, 30.0]], np.float32)


@pytest.fixture
def decoder(tmp_path):
    """A function from a description to the facts and the decoder it names."""

    def made(**overrides):
        (tmp_path / "d.json").write_text(json.dumps(facts_json(**overrides)))
        facts = read_detector_facts(tmp_path / "d.json", DECODERS)
        return facts, DECODERS[facts.decoder](facts)

    return made


def nanodet_facts(**settings):
    outputs = [
        {"name": f"{kind}{stride}", "kind": kind, "stride": stride}
        for kind in ("class_scores", "box_distribution")
        for stride in (8, 16)
    ]
    return {
        "size_hw": [24, 32],
        "outputs": outputs,
        "decoder": {"name": "nanodet", "reg_max": 3, "score_threshold": 0.5} | settings,
    }


def by_hand(scores, sides, stride, columns, threshold):
    """Candidates of one stride as the notes of a NanoDet export say, cell by cell."""
    found = []
    for k, row in enumerate(scores):
        for class_id, score in enumerate(row):
            if score >= threshold:
                centre_x, centre_y = (place * stride + (stride - 1) / 2 for place in (k % columns, k // columns))
                weights = np.exp(sides[k].reshape(4, 4))
                left, top, right, bottom = (weights / weights.sum(axis=1, keepdims=True)) @ np.arange(4.0) * stride
                found.append(
                    [centre_x - left, centre_y - top, centre_x + right, centre_y + bottom, score, class_id],
                )
    return found


def test_nanodet_is_its_notes_written_out(decoder):
    _, decode = decoder(**nanodet_facts())
    rng = np.random.default_rng(5)
    grids = [(8, 3, 4), (16, 2, 2)]
    scores = [rng.random((1, h * w, 2)).astype(np.float32) for _, h, w in grids]
    sides = [rng.normal(0, 3, (1, h * w, 16)).astype(np.float32) for _, h, w in grids]
    raw = decode([*scores, *sides])
    expected = np.array(
        [
            row
            for (stride, _, w), s, d in zip(grids, scores, sides, strict=True)
            for row in by_hand(s[0], d[0], stride, w, 0.5)
        ]
    )
    assert len(expected) > 8
    np.testing.assert_allclose(raw.boxes_xyxy, expected[:, :4], rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(raw.scores, expected[:, 4])
    np.testing.assert_array_equal(raw.class_ids, expected[:, 5])


def test_nanodet_refuses_outputs_that_do_not_fit(decoder):
    _, decode = decoder(**nanodet_facts())
    with pytest.raises(ModelError, match=r"\(1, 11, 2\); \(12, 2\) was expected"):
        decode([np.zeros((1, 11, 2)), np.zeros((1, 4, 2)), np.zeros((1, 12, 16)), np.zeros((1, 4, 16))])
    with pytest.raises(ModelError, match=r"\(12, 16\) was expected"):
        decode([np.zeros((1, 12, 2)), np.zeros((1, 4, 2)), np.zeros((1, 12, 32)), np.zeros((1, 4, 16))])


def test_nanodet_counts_the_classes_that_have_names(decoder):
    _, decode = decoder(**nanodet_facts() | {"labels": ["one"], "category_ids": [1]})
    outputs = [np.zeros((1, 12, 2)), np.zeros((1, 4, 2)), np.zeros((1, 12, 16)), np.zeros((1, 4, 16))]
    with pytest.raises(ModelError, match=r"\(1, 12, 2\); \(12, 1\) was expected"):
        decode(outputs)


def test_a_head_without_its_other_half_is_refused(decoder):
    facts = nanodet_facts()
    with pytest.raises(UsageError, match='0 outputs of the kind "box_distribution" have the stride 16'):
        decoder(**facts | {"outputs": facts["outputs"][:3]})
    del facts["outputs"][0]["stride"]
    with pytest.raises(UsageError, match="'class_scores8' has no \"stride\""):
        decoder(**facts)


@pytest.mark.parametrize(
    ("form", "units", "given"),
    [
        ("xyxy", "pixels", [10, 20, 40, 30]),
        ("xywh", "pixels", [10, 20, 30, 10]),
        ("cxcywh", "pixels", [25, 25, 30, 10]),
        ("xyxy", "relative", [10 / 180, 20 / 120, 40 / 180, 30 / 120]),
        ("cxcywh", "relative", [25 / 180, 25 / 120, 30 / 180, 10 / 120]),
    ],
)
def test_given_boxes_in_every_form(decoder, form, units, given):
    _, decode = decoder(decoder={"name": "detections", "box_format": form, "box_units": units})
    for shape in [(1, 4), (1, 1, 4)]:
        raw = decode([np.array(given, np.float32).reshape(shape), np.array([[0.7]]), np.array([[1]])])
        np.testing.assert_allclose(raw.boxes_xyxy, BOX, rtol=1e-5)
        assert (raw.scores.tolist(), raw.class_ids.tolist()) == ([np.float32(0.7)], [1])


def test_a_picture_without_given_boxes(decoder):
    _, decode = decoder()
    assert len(decode([np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64)]).scores) == 0


@pytest.mark.parametrize("turned", [False, True])
def test_yolo_columns_are_centres_sizes_and_classes(decoder, turned):
    _, decode = decoder(
        outputs=[{"name": "out", "kind": "predictions"}], decoder={"name": "yolo", "score_threshold": 0.3}
    )
    values = np.array([[25, 25, 30, 10, 0.1, 0.8], [5, 5, 2, 2, 0.2, 0.1], [5, 5, 2, 2, 0.4, 0.3]], np.float32)
    raw = decode([values[None] if turned else values.T[None]])
    np.testing.assert_allclose(raw.boxes_xyxy, [*BOX, [4, 4, 6, 6], [4, 4, 6, 6]])
    assert raw.class_ids.tolist() == [1, 0, 1]
    with pytest.raises(ModelError, match=r"\(6, n\) was expected"):
        decode([np.zeros((1, 7, 9), np.float32)])


def test_corners_of_nothing():
    assert corners_of(np.zeros((0, 4), np.float32), "cxcywh").shape == (0, 4)


@pytest.mark.parametrize(
    ("overrides", "finding"),
    [
        ({"task": "classification"}, '"task" is "classification"; it must be one of "detection"'),
        ({"decoder": {"name": "detr"}}, '"name" is "detr"; it must be one of "nanodet", "detections", "yolo"'),
        ({"decoder": None}, '"decoder" is missing'),
        ({"decoder": {"name": "detections", "score_threshold": 7}}, r'"score_threshold" is 7; it must lie in 0\.\.1'),
        ({"decoder": {"name": "detections", "nms_iou": "a"}}, '"nms_iou" is '),
        ({"decoder": {"name": "detections", "max_detections": 0}}, "positive whole numbers"),
        ({"outputs": []}, '"outputs" must be a list'),
        ({"outputs": [{"name": "x"}]}, 'must have a "name" and a "kind"'),
        ({"outputs": [{"name": "x", "kind": "boxes"}]}, 'needs one output of the kind "scores", not 0'),
        ({"category_ids": [1]}, '"labels" are 2, "category_ids" 1'),
        ({"category_ids": [1, 1]}, "one id twice"),
        ({"category_ids": ["1", "2"]}, "whole numbers"),
        ({"resize": {"rule": "shortest_edge", "edge": 9, "then": "center_crop"}}, '"center_crop" hides the borders'),
        ({"labels": None, "outputs": [{"name": "o", "kind": "predictions"}], "decoder": {"name": "yolo"}}, "how many"),
    ],
)
def test_what_the_json_may_not_say(decoder, overrides, finding):
    with pytest.raises(UsageError, match=finding):
        decoder(**overrides)
