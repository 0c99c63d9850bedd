import json

import pytest

from tests.metrics.found_objects import detections, target_of
from tests.metrics.record_tidecv import NAMES, RECORD
from unlossy.metrics.detection_errors import decompose
from unlossy.metrics.detection_judged import judge
from unlossy.metrics.matching import box_overlap
from unlossy.tasks.detections import detections_from_json, objects_from_json


def judged(found, target):
    return judge(box_overlap(found.boxes_xyxy, target), found.scores, found.class_ids, target)


@pytest.mark.parametrize("recorded", json.loads(RECORD.read_text()), ids=["0", "1", "2"])
def test_the_errors_are_tidecvs(recorded):
    pictures = [
        judged(detections_from_json(one["found"]), objects_from_json(one["target"])) for one in recorded["pictures"]
    ]
    ours = {name: 100 * gain for name, gain in decompose(pictures).to_json().items()}
    assert ours == pytest.approx(recorded["tidecv"], abs=0.01)  # of 100; the bar is 0.1
    assert min(recorded["tidecv"][name] for name in NAMES.values() if name != "both") > 0.1


OBJECT, OTHER = [0, 0, 100, 100], [200, 200, 300, 300]
SHIFTED = [60, 0, 160, 100]  # IoU 0.25 with OBJECT
BARELY = [0, 0, 4, 100]  # 0.04


@pytest.mark.parametrize(
    ("boxes", "class_ids", "error"),
    [
        ([SHIFTED], [1], "localization"),
        ([OBJECT], [2], "classification"),
        ([OBJECT, OBJECT], [1, 1], None),  # the duplicate comes after all is found: it costs nothing
        ([], [], "missed"),
    ],
)
def test_one_error_alone_holds_the_whole_loss(boxes, class_ids, error):
    target = target_of([OBJECT, OTHER], [1, 2])
    scores = [0.9 - 0.1 * n for n in range(len(boxes))]
    found = detections([*boxes, OTHER], [*scores, 0.95], [*class_ids, 2])
    told = decompose([judged(found, target)]).to_json()
    gains = {name: told[name] for name in NAMES.values() if not name.startswith("false")}
    # a class whose object is no longer asked for is no class; class 1 is one of two
    assert told["ap50"] == (1.0 if error is None else 0.5)
    assert {name for name, gain in gains.items() if gain > 0} == ({error} if error else set())
    if error:
        assert gains[error] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("box", "class_id", "error"),
    [(BARELY, 1, "background"), (SHIFTED, 2, "both"), (OBJECT, 1, "duplicate")],
)
def test_a_wrong_detection_before_a_right_one(box, class_id, error):
    """Object 2 is found second, after the wrong detection: AP50 of its class is 1/2 until that is taken away."""
    target = target_of([OBJECT, OTHER], [1, 1])
    order = [0.9, 0.8, 0.7]
    boxes, classes = (
        ([OBJECT, box, OTHER], [1, class_id, 1]) if error == "duplicate" else ([box, OBJECT, OTHER], [class_id, 1, 1])
    )
    told = decompose([judged(detections(boxes, order, classes), target)]).to_json()
    gains = {name for name in NAMES.values() if not name.startswith("false") and told[name] > 0}
    assert gains == {error}


def test_classes_without_objects_may_be_left_out_of_the_mean():
    found = detections([OBJECT, OTHER, BARELY], [0.9, 0.8, 0.95], [1, 2, 3])
    pictures = [judged(found, target_of([OBJECT, OTHER], [1, 2]))]
    everything, present = decompose(pictures), decompose(pictures, only_present=True)
    assert everything.ap50 == pytest.approx(2 / 3)
    assert everything.background == pytest.approx(1 / 3)
    assert present.ap50 == 1.0
    assert present.background == 0.0
    assert decompose([judged(found, target_of([], []))], only_present=True) is None


def test_a_set_of_nothing_has_no_errors():
    assert decompose([]) is None
    assert decompose([judged(detections([], [], []), target_of([], []))]) is None


def test_detections_in_a_crowd_region_are_no_errors():
    target = target_of([OBJECT, OTHER], [1, 1], crowd=[False, True])
    found = detections([OTHER, [210, 210, 290, 290], OBJECT], [0.9, 0.8, 0.7], [1, 1, 1])
    told = decompose([judged(found, target)]).to_json()
    assert told["ap50"] == 1.0
    assert sum(gain for name, gain in told.items() if name != "ap50") == 0
