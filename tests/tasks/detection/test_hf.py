"""hf: answers are transformers' own; which families load; what is refused."""

import numpy as np
import pytest
import torch

from tests.tasks.conformance import picture
from tests.tasks.detection.small_detectors import LABELS, build_hf
from tests.tasks.elsewhere import send_elsewhere
from unlossy.core.errors import UsageError
from unlossy.tasks.models.detection import torch_batches
from unlossy.tasks.models.detection.registry import load_detector
from unlossy.tasks.models.torchvision_compat import ensure_torchvision
from unlossy.tasks.registry import load_task

ensure_torchvision()
import transformers  # noqa: E402
from PIL import Image  # noqa: E402


@pytest.fixture(scope="module")
def families(detector_folder):
    """The SPEC of a tiny model of a family, built once."""
    built = {}

    def spec_of(kind):
        if kind not in built:
            built[kind] = build_hf(detector_folder, kind)
        return built[kind]

    return spec_of


@pytest.mark.parametrize("kind", ["detr", "rt_detr", "d_fine", "yolos"])
def test_boxes_are_those_of_transformers(families, kind):
    spec, image = families(kind), picture(70, 110)
    detector = load_detector(spec, threads=1)
    (found,) = detector.detect([detector.prepare(image)])
    folder = spec.removeprefix("hf:")
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    network = transformers.AutoModelForObjectDetection.from_pretrained(folder).eval()
    with torch.no_grad():
        output = network(**processor(images=Image.fromarray(image), return_tensors="pt"))
    (expected,) = processor.post_process_object_detection(output, threshold=0.01, target_sizes=[(70, 110)])
    order = torch.argsort(expected["scores"], descending=True, stable=True)
    assert len(order) > 3
    np.testing.assert_allclose(found.scores, expected["scores"][order], atol=1e-5)
    np.testing.assert_allclose(found.boxes_xyxy, expected["boxes"][order], atol=1e-3)
    assert detector.labels == tuple(LABELS)


def test_mask2formers_instances_have_masks_and_boxes_around_them(families):
    from unlossy.metrics.masks import decode

    task = load_task("instance_segmentation", families("mask2former"), threads=1)
    (answer,) = task.predict([task.prepare(picture(50, 90))])
    assert len(answer.masks) == len(answer.scores) > 0
    for mask, box in zip(answer.masks, answer.boxes_xyxy, strict=True):
        ys, xs = np.nonzero(decode({"size": [50, 90], "counts": mask.counts}))
        assert (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) == tuple(box)


@pytest.mark.parametrize(("kind", "head"), [("detr", "logits"), ("yolos", "logits"), ("rt_detr", "scores")])
def test_the_torch_network_has_classes_and_boxes(families, kind, head):
    detector = load_detector(families(kind), threads=1)
    found = detector.trainable()
    pixels = torch.from_numpy(detector.prepare(picture(64, 64)).pixels)[None].requires_grad_()
    heads = found.pick(found.network(pixels))
    assert found.heads["classes"].kind == head
    assert (found.heads["classes"].nothing is None) == (heads["classes"].shape[2] == len(LABELS))
    (heads["classes"].sum() + heads["boxes"].sum()).backward()
    assert pixels.grad.abs().sum() > 0


def test_nan_is_the_error_of_its_picture(families):
    task = load_task("detection", families("yolos"), threads=1)
    prepared = [task.prepare(picture(64, 64, seed=seed)) for seed in range(3)]
    prepared[1].pixels[:] = np.nan
    first, bad, last = task.predict(prepared)
    assert "NaN" in str(bad)
    assert len(first.scores)
    assert len(last.scores)


def test_a_processor_that_pads_every_picture_is_refused(families, tmp_path):
    import shutil

    shutil.copytree(families("detr").removeprefix("hf:"), tmp_path / "m")
    processor = transformers.DetrImageProcessorPil(
        size={"shortest_edge": 64, "longest_edge": 96}, pad_size={"height": 96, "width": 96}
    )
    processor.save_pretrained(tmp_path / "m")
    with pytest.raises(UsageError, match="pads every picture; switch pad_size off"):
        load_detector(f"hf:{tmp_path / 'm'}")


def test_a_classifier_is_no_detector(tmp_path):
    from tests.tasks.small_models import build_hf as build_classifier

    with pytest.raises(UsageError, match="cannot load it as a detector"):
        load_detector(build_classifier(tmp_path, 0))


@pytest.mark.parametrize("kind", ["detr", "rt_detr", "yolos", "mask2former"])
def test_a_detector_answers_from_elsewhere(monkeypatch, families, kind):
    task = "instance_segmentation" if kind == "mask2former" else "detection"
    here = load_task(task, families(kind), threads=1)
    asked = send_elsewhere(monkeypatch, torch_batches)
    there = load_task(task, families(kind), threads=1, device="cuda")
    shown = [here.prepare(picture(64, 96, seed=seed)) for seed in range(2)]
    for ours, theirs in zip(there.predict(shown), here.predict(shown), strict=True):
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-5)
        assert len(ours.scores)
    assert asked == ["cuda"]
