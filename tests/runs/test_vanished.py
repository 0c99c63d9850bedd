"""What a detector loses and invents, on answers written by hand."""

import json
from dataclasses import replace

import pytest

from tests.report.made import row_of
from unlossy.runs.vanished import found_of, kept_missed_new, vanished
from unlossy.tasks.detection import DetectionYardstick
from unlossy.tasks.detections import detections_from_json

CAT, DOG = 1, 2
LEFT, RIGHT, NEAR_LEFT = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0), (1.0, 0.0, 11.0, 10.0)


def answer(*objects):
    boxes, ids, scores = zip(*objects, strict=True) if objects else ((), (), ())
    return {"boxes": [list(box) for box in boxes], "class_ids": list(ids), "scores": list(scores)}


def rows(index, **answers):

    made = []
    for codec, told in sorted(answers.items()):
        codec = {"clean": "clean"}.get(codec, codec.replace("q", "jpeg:"))
        made.append(replace(row_of(index, codec, 0), prediction=json.dumps(told)))
    return made


def test_overlap_of_known_boxes():
    measure = DetectionYardstick()
    a, none = (measure.as_target(detections_from_json(answer(*found))) for found in ([(LEFT, CAT, 1.0)], []))
    b = detections_from_json(answer((NEAR_LEFT, CAT, 1.0), (RIGHT, CAT, 1.0), ((5.0, 5.0, 5.0, 5.0), CAT, 1.0)))
    assert measure.overlap(b, a).iou[:, 0] == pytest.approx([90 / 110, 0.0, 0.0])
    assert measure.overlap(b, none).iou.shape == (3, 0)


def test_the_same_object_is_of_the_same_class_and_place():
    clean = found_of(answer((LEFT, CAT, 0.9), (RIGHT, DOG, 0.8)))
    here = found_of(answer((NEAR_LEFT, CAT, 0.5), (RIGHT, CAT, 0.7), (RIGHT, DOG, 0.2)))
    kept, missed, new = kept_missed_new(clean, here)
    assert [(a.class_id, b.score) for a, b in kept] == [(CAT, 0.5)]
    assert [(one.class_id, one.score) for one in missed] == [(DOG, 0.8)], "0.2 is not sure enough to be seen"
    assert [(one.class_id, one.score) for one in new] == [(CAT, 0.7)], "another class is another object"


def test_changes_are_ranked_by_the_confidence_that_moved():
    every = [
        *rows(0, clean=answer((LEFT, CAT, 0.9)), q10=answer((LEFT, CAT, 0.25))),
        *rows(1, clean=answer((LEFT, DOG, 0.8)), q10=answer()),
        *rows(2, clean=answer(), q10=answer((RIGHT, CAT, 0.6))),
        *rows(3, clean=answer((LEFT, CAT, 0.9))),
    ]
    found = vanished(every, "jpeg:10")
    assert [(one.item_index, one.found.score, one.left) for one in found.missed] == [(1, 0.8, 0.0), (0, 0.9, 0.25)]
    assert [(one.item_index, one.moved) for one in found.new] == [(2, pytest.approx(0.6))]
    assert (found.n_missed, found.n_new, found.n_clean) == (2, 1, 2), "an item without the setting is not counted"
    assert vanished(every, "jpeg:10", n_listed=1).missed == found.missed[:1]
