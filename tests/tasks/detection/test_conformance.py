"""The suite of all tasks over every kind of detector, and what boxes promise beside it."""

import numpy as np
import pytest

from tests.tasks.conformance import Case, Conformance
from tests.tasks.detection.small_detectors import BUILDERS, LABELS, rectangle
from unlossy.core.errors import UsageError
from unlossy.tasks.detector import DetectorTask
from unlossy.tasks.models.detection.base import Detector
from unlossy.tasks.models.detection.registry import ADAPTERS, load_detector
from unlossy.tasks.registry import load_task, yardstick

FINDERS = ("onnx", "py")
WHITE = np.full((40, 50, 3), 255, np.uint8)


def same_objects(one, other):
    np.testing.assert_allclose(one.boxes_xyxy, other.boxes_xyxy, atol=2e-2)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    np.testing.assert_array_equal(one.class_ids, other.class_ids)
    assert one.masks == other.masks


def no_objects(answer):
    assert len(answer.boxes_xyxy) == len(answer.scores) == len(answer.class_ids) == 0


def case_of(task, prefix):
    finds = prefix in FINDERS
    case = Case(task, same_objects, WHITE if finds else None)
    if finds:
        case.nothing = no_objects
    if prefix == "torchvision":
        case.sizes = ((1, 1), (24, 300))  # each a tenth of a second
    return case


class TestDetectors(Conformance):
    @pytest.fixture(params=ADAPTERS)
    def case(self, request, detection_tasks):
        return case_of(detection_tasks(request.param), request.param)


class TestInstanceSegmenters(Conformance):
    @pytest.fixture
    def case(self, detection_tasks):
        return case_of(detection_tasks("py", "instance_segmentation"), "py")


def test_every_adapter_has_a_small_model():
    assert BUILDERS.keys() == ADAPTERS.keys()


@pytest.mark.parametrize("prefix", ADAPTERS)
def test_answers_are_sorted_and_the_detector_keeps_its_contract(detection_tasks, prefix):
    task = detection_tasks(prefix)
    assert isinstance(task.detector, Detector)
    assert [name for name in task.detector.labels if name] == LABELS
    (answer,) = task.predict([task.prepare(rectangle())])
    assert len(answer.scores), "a model that finds nothing tests nothing"
    assert (np.diff(answer.scores) <= 0).all()
    assert set(answer.class_ids.tolist()) <= set(task.classes)
    assert answer.masks is None


@pytest.mark.parametrize("prefix", FINDERS)
@pytest.mark.parametrize(
    ("size", "box"), [((60, 90), (20, 10, 50, 40)), ((120, 30), (3, 60, 21, 90)), ((20, 300), (100, 5, 200, 15))]
)
def test_boxes_are_in_pixels_of_the_source(detection_tasks, prefix, size, box):
    (answer,) = (task := detection_tasks(prefix)).predict([task.prepare(rectangle(*size, box))])
    np.testing.assert_allclose(answer.boxes_xyxy, [box], atol=1.0)
    assert answer.scores[0] == pytest.approx(240 / 255, abs=1e-5)


@pytest.mark.parametrize("prefix", ADAPTERS)
def test_classes_are_matched_to_the_datas_categories(detection_tasks, prefix):
    detector, categories = detection_tasks(prefix).detector, {7: "Big_Box", 9: "BOX", 11: "ball"}
    task = DetectorTask(detector, yardstick("detection"), categories)
    assert task.classes == {7: "Big_Box", 9: "BOX", 11: "ball"}
    assert ["ball" in remark for remark in task.remarks] == [True]
    (answer,) = task.predict([task.prepare(rectangle())])
    assert set(answer.class_ids.tolist()) <= {7, 9}
    assert len(answer.class_ids)


@pytest.mark.parametrize("prefix", ADAPTERS)
def test_a_model_that_knows_no_category_is_refused(detection_tasks, prefix):
    with pytest.raises(UsageError, match=r"data have: cat, dog.*model has: box, big box"):
        DetectorTask(detection_tasks(prefix).detector, yardstick("detection"), {1: "cat", 2: "dog"})


def test_boxes_alone_are_no_instance_segmentation(detector_specs):
    with pytest.raises(UsageError, match="without masks; use --task detection"):
        load_task("instance_segmentation", detector_specs("onnx"))


def test_masks_are_the_objects_pixels(detection_tasks):
    from unlossy.metrics.masks import decode

    task, image = detection_tasks("py", "instance_segmentation"), rectangle()
    (answer,) = task.predict([task.prepare(image)])
    (mask,) = answer.masks
    np.testing.assert_array_equal(decode({"size": list(mask.size_hw), "counts": mask.counts}), image[:, :, 0] > 127)


@pytest.mark.parametrize("spec", ["resnet", "hf:", "keras:x", ""])
def test_unknown_forms_list_the_known(spec):
    with pytest.raises(UsageError) as caught:
        load_detector(spec)
    assert all(f"\n  {prefix}:" in str(caught.value) for prefix in ADAPTERS)


def test_timm_has_no_detectors():
    with pytest.raises(UsageError, match="timm has no detectors"):
        load_detector("timm:resnet50")
