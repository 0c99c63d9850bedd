"""The suite of all tasks over every kind of segmenter, and what class maps promise beside it."""

import json

import numpy as np
import pytest

from tests.tasks.conformance import Case, Conformance, picture
from tests.tasks.elsewhere import send_elsewhere
from tests.tasks.segmentation.small_segmenters import BUILDERS, LABELS, build_deeplab, colour_onnx, facts_json
from unlossy.core.errors import ModelError, UsageError
from unlossy.tasks.models.segmentation import torch_network
from unlossy.tasks.models.segmentation.base import Segmenter
from unlossy.tasks.models.segmentation.hf import load as load_hf
from unlossy.tasks.models.segmentation.registry import ADAPTERS, load_segmenter
from unlossy.tasks.registry import load_task

WHITE = np.full((40, 50, 3), 255, np.uint8)
FINDERS = ("onnx", "py")


def same_map(one, other):
    assert one.size_hw == other.size_hw
    assert (one.class_ids == other.class_ids).mean() > 0.995


def only_background(answer):
    assert not answer.class_ids.any()


def flag(height=96, width=144):
    """Red above on the left, blue below on the right, black elsewhere."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 3, 0] = 255
    image[height // 2 :, 2 * width // 3 :, 2] = 255
    return image


class TestSegmenters(Conformance):
    @pytest.fixture(params=ADAPTERS)
    def case(self, request, segmentation_tasks):
        task, finds = segmentation_tasks(request.param), request.param in FINDERS
        return Case(task, same_map, WHITE if finds else None, nothing=only_background if finds else lambda answer: None)


def test_every_adapter_has_a_small_model():
    assert BUILDERS.keys() == ADAPTERS.keys()


@pytest.mark.parametrize("prefix", ADAPTERS)
def test_the_segmenter_keeps_its_contract(segmentation_tasks, prefix):
    task = segmentation_tasks(prefix)
    assert isinstance(task.segmenter, Segmenter)
    assert task.classes == dict(enumerate(LABELS))
    assert task.resize(picture(30, 40, channels=1)).shape[2] == 3
    prepared = task.normalise(task.resize(picture(30, 40)))
    assert prepared.source_hw == prepared.resized.shape[:2]


@pytest.mark.parametrize("prefix", FINDERS)
def test_answers_lie_where_things_are_in_the_source(segmentation_tasks, prefix):
    task = segmentation_tasks(prefix)
    (answer,) = task.predict([task.prepare(flag())])
    found = answer.class_ids
    assert found[:44, :44].min() == found[:44, :44].max() == LABELS.index("red")
    assert found[52:, 100:].min() == found[52:, 100:].max() == LABELS.index("blue")
    assert not found[:44, 52:].any()
    assert not found[52:, :92].any()


def test_a_graph_may_answer_with_class_numbers(segmenter_folder, segmentation_tasks):
    file = segmenter_folder / "numbers.onnx"
    colour_onnx(file, as_map=True)
    facts = facts_json(outputs=[{"name": "map", "kind": "class_map"}])
    file.with_suffix(".json").write_text(json.dumps(facts))
    task = load_task("semantic_segmentation", f"onnx:{file}", threads=1)
    (answer,) = task.predict([task.prepare(flag())])
    (smooth,) = segmentation_tasks("onnx").predict([task.prepare(flag())])
    assert (answer.class_ids == smooth.class_ids).mean() > 0.9
    assert task.trainable() is None


def test_a_callable_may_answer_with_class_numbers_and_without_names(segmentation_tasks, segmenter_specs):
    segmenter_specs("py")
    wanted = segmentation_tasks("py").predict([segmentation_tasks("py").prepare(flag())])[0].class_ids
    for name in ("numbers", "nameless"):
        task = load_task("semantic_segmentation", f"py:small_segmenter:{name}")
        (answer,) = task.predict([task.prepare(flag())])
        np.testing.assert_array_equal(answer.class_ids, wanted)
        assert task.classes is None


def test_too_few_answers_are_the_models_error(segmenter_specs):
    segmenter_specs("py")
    task = load_task("semantic_segmentation", "py:small_segmenter:too_few")
    answers = task.predict([task.prepare(flag()), task.prepare(flag())])
    assert all(isinstance(answer, ModelError) for answer in answers)


def test_torchvisions_own_preprocessing_and_names(segmenter_folder):
    import torchvision
    from safetensors.torch import save_file

    build = torchvision.models.segmentation.lraspp_mobilenet_v3_large
    file = segmenter_folder / "voc.safetensors"
    save_file(build(weights=None, weights_backbone=None, num_classes=21).state_dict(), str(file))
    spec = f"torchvision:lraspp_mobilenet_v3_large@{file}"
    task = load_task("semantic_segmentation", spec, categories={63: "couch", 8: "truck"}, threads=1)
    assert task.classes[63] == "couch"
    assert task.matching.has_background
    assert task.matching.unknown == ("truck",)
    assert "count as background: truck" in task.remarks[0]
    assert task.resize(picture(100, 150)).shape == (520, 780, 3)


def test_weights_from_tensorflow_are_spread_with_corners_aligned(segmenter_folder):
    for tf_padding in (True, False):
        spec = build_deeplab(segmenter_folder, tf_padding)
        assert load_hf(spec.removeprefix("hf:"), spec=spec, threads=1).align_corners is tf_padding


def test_a_centre_crop_is_left_out(segmenter_folder):
    task = load_task("semantic_segmentation", build_deeplab(segmenter_folder, False, crop=True), threads=1)
    assert task.resize(picture(90, 120)).shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("resize", "size_hw"),
    [
        ({"rule": "letterbox"}, [32, 48]),
        ({"rule": "shortest_edge", "edge": 40, "then": "center_crop"}, [32, 48]),
    ],
)
def test_a_preprocessing_that_does_not_see_the_whole_picture_is_refused(tmp_path, resize, size_hw):
    file = tmp_path / "cropped.onnx"
    colour_onnx(file)
    file.with_suffix(".json").write_text(json.dumps(facts_json(resize=resize, size_hw=size_hw)))
    with pytest.raises(UsageError, match="crops or pads"):
        load_segmenter(f"onnx:{file}")


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"task": "classification"}, "semantic_segmentation"),
        ({"outputs": [{"name": "values", "kind": "logits"}]}, "class_logits"),
        ({"outputs": [{"name": "values", "kind": "class_logits", "align_corners": 1}]}, "align_corners"),
        ({"labels": ["one", "two"]}, "4 classes, its JSON 2 labels"),
    ],
)
def test_a_json_that_does_not_fit_is_refused(tmp_path, changes, finding):
    file = tmp_path / "wrong.onnx"
    colour_onnx(file)
    file.with_suffix(".json").write_text(json.dumps(facts_json(**changes)))
    with pytest.raises(UsageError, match=finding):
        load_segmenter(f"onnx:{file}")


@pytest.mark.parametrize("spec", ["timm:x", "nothing", "hf:", "torchvision:resnet18@x", "torchvision:fcn_resnet50"])
def test_what_is_no_segmenter_is_refused(spec):
    with pytest.raises(UsageError):
        load_segmenter(spec)


@pytest.mark.parametrize("prefix", ["hf", "torchvision", "onnx"])
def test_gradients_go_through_to_raw_class_values(segmenter_specs, prefix):
    import torch

    from unlossy.tasks.models.differentiable import open_differentiable

    opened = open_differentiable(segmenter_specs(prefix), "semantic_segmentation", threads=1)
    images = torch.rand(2, 3, 32, 48, requires_grad=True)
    (values,) = opened.outputs(images).values()
    assert values.shape[:2] == (2, len(LABELS))
    values.square().sum().backward()
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize("prefix", ["hf", "torchvision"])
def test_a_segmenter_answers_from_elsewhere(monkeypatch, segmenter_specs, segmentation_tasks, prefix):
    here = segmentation_tasks(prefix)
    asked = send_elsewhere(monkeypatch, torch_network)
    there = load_task("semantic_segmentation", segmenter_specs(prefix), threads=1, device="cuda")
    shown = [here.prepare(picture(40, 50, seed=seed)) for seed in range(2)]
    for ours, theirs in zip(there.predict(shown), here.predict(shown), strict=True):
        same_map(ours, theirs)
    assert asked == ["cuda"]
