"""torchvision: answers are its own; masks, NaN, frozen batch norms; what is refused. Weights are random."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tasks.conformance import picture
from tests.tasks.elsewhere import Elsewhere
from unlossy.core.errors import ModelError, UsageError
from unlossy.tasks.models.detection import torchvision as adapter
from unlossy.tasks.models.detection.registry import load_detector
from unlossy.tasks.models.torchvision_compat import ensure_torchvision

ensure_torchvision()
import torchvision  # noqa: E402
from torchvision.models.detection import MaskRCNN  # noqa: E402
from torchvision.models.detection.anchor_utils import AnchorGenerator  # noqa: E402


def tiny_mask_rcnn(seed=0):
    torch.manual_seed(seed)
    backbone = torch.nn.Conv2d(3, 8, 8, stride=8)
    backbone.out_channels = 8
    pools = [torchvision.ops.MultiScaleRoIAlign(["0"], size, 2) for size in (7, 14)]
    return MaskRCNN(
        backbone,
        num_classes=3,
        min_size=48,
        max_size=96,
        rpn_anchor_generator=AnchorGenerator(((16, 32),), ((1.0,),)),
        box_roi_pool=pools[0],
        mask_roi_pool=pools[1],
        rpn_post_nms_top_n_test=12,
    ).eval()


def test_mask_rcnns_masks_are_run_lengths_in_the_source():
    from unlossy.metrics.masks import decode

    network, image = tiny_mask_rcnn(), picture(30, 70)
    tensor = torch.from_numpy(image).permute(2, 0, 1).float() / 255
    with torch.inference_mode():
        (expected,) = network([tensor])
        (found,) = adapter.detecting(network)(tensor[None], [(30, 70)])
    assert len(found.masks) == len(found.scores) > 0
    np.testing.assert_allclose(found.boxes_xyxy, expected["boxes"])
    for mask, wanted in zip(found.masks, expected["masks"][:, 0] > 0.5, strict=True):
        np.testing.assert_array_equal(decode({"size": list(mask.size_hw), "counts": mask.counts}), wanted)


def test_nan_is_an_error_though_torchvision_would_find_nothing():
    network = tiny_mask_rcnn()
    run = adapter.detecting(network)
    with torch.inference_mode(), pytest.raises(ModelError, match="NaN"):
        run(torch.full((1, 3, 48, 48), torch.nan), [(48, 48)])


@pytest.fixture(scope="module")
def ssdlite(detector_specs):
    return detector_specs("torchvision")


def test_boxes_are_those_of_torchvision(ssdlite):
    detector, image = load_detector(ssdlite, threads=1), picture(70, 110)
    network = torchvision.models.detection.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=3
    )
    network.load_state_dict(load_file(ssdlite.partition("@")[2]))
    with torch.inference_mode():
        (expected,) = network.eval()([torch.from_numpy(image).permute(2, 0, 1) / 255])
    (found,) = detector.detect([detector.prepare(image)])
    assert len(found.scores) > 3
    np.testing.assert_allclose(found.scores, expected["scores"][: len(found.scores)], atol=1e-5)
    assert detector.labels == ("", "box", "big box")
    raw = detector.trainable()
    heads = raw.pick(raw.network(torch.from_numpy(detector.prepare(image).pixels)[None]))
    assert heads["classes"].shape[2] == 3
    assert heads["boxes"].shape == (*heads["classes"].shape[:2], 4)
    assert raw.heads["classes"].nothing == 0


def test_labels_of_another_length_are_refused(tmp_path):
    (tmp_path / "w.json").write_text(json.dumps({"file": "w.safetensors", "labels": ["cat"]}))
    with pytest.raises(UsageError, match='"labels" are 1, the weights have 3 classes'):
        adapter._names(torchvision.models, "ssdlite320_mobilenet_v3_large", tmp_path / "w.safetensors", 3)


def test_as_many_classes_as_cocos_have_its_names(tmp_path):
    labels, _ = adapter._names(torchvision.models, "maskrcnn_resnet50_fpn", tmp_path / "w.safetensors", 91)
    assert (labels[0], labels[1], labels[12], labels[90]) == ("", "person", "", "toothbrush")  # 12: no such class
    assert adapter._names(torchvision.models, "maskrcnn_resnet50_fpn", tmp_path / "w.safetensors", 5) == (None, None)


def test_a_file_without_counters_is_of_frozen_batch_norms(tmp_path):
    """As torchvision's own COCO weights: their norms divide by the bare deviation, see NO_EPSILON."""
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2, eps=0.5)).eval()
    adapter._drop_epsilons(network, ["1.num_batches_tracked"])
    frozen = torchvision.ops.FrozenBatchNorm2d(2, eps=0.0)
    images = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(network(images), frozen(network[0](images)))


def test_two_stages_give_the_first_ones_heads():
    from unlossy.tasks.models.detection.torchvision_heads import trainable

    found, images = trainable(tiny_mask_rcnn()), torch.rand(2, 3, 40, 60, requires_grad=True)
    heads = found.pick(found.network(images))
    assert heads["classes"].shape[2] == 1
    assert heads["boxes"].shape == (*heads["classes"].shape[:2], 4)
    heads["classes"].sum().backward()
    assert images.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("resnet50@w.safetensors", "no detector 'resnet50'. Near it: "),
        ("keypointrcnn_resnet50_fpn@w.safetensors", "no detector 'keypointrcnn_resnet50_fpn'. Near it: .*maskrcnn"),
        ("fasterrcnn_resnet50_fpn", "are pickles, which unlossy does not open"),
        ("fasterrcnn_resnet50_fpn@absent.safetensors", "no such weight file"),
    ],
)
def test_what_is_refused(name, finding):
    with pytest.raises(UsageError, match=finding):
        load_detector(f"torchvision:{name}")


def test_other_weights_are_no_detector(tmp_path):
    save_file({"x": torch.zeros(3)}, str(tmp_path / "w.safetensors"))
    with pytest.raises(UsageError, match="holds no detector of 'ssdlite320_mobilenet_v3_large'"):
        load_detector(f"torchvision:ssdlite320_mobilenet_v3_large@{tmp_path / 'w.safetensors'}")


def test_a_detector_answers_from_elsewhere():
    network, shown = tiny_mask_rcnn(), torch.from_numpy(picture(48, 64).transpose(2, 0, 1).copy())[None] / 255
    with torch.inference_mode():
        (here,), (there,) = (
            adapter.detecting(network)(kind, [(48, 64)]) for kind in (shown, shown.as_subclass(Elsewhere))
        )
    np.testing.assert_allclose(there.scores, here.scores, atol=1e-5)
    assert len(here.scores)
