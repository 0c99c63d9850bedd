"""torchvision: preprocessing and logits against torchvision's own, and what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file, save_file

from tests.tasks.small_models import facts_json
from unlossy.core.errors import UsageError
from unlossy.tasks.models import torchvision as adapter
from unlossy.tasks.models.registry import load_classifier

SIZES = [(57, 83), (301, 256), (256, 257), (30, 300), (225, 224)]


def test_logits_are_those_of_torchvision(specs, classifiers, noise):
    network = torchvision.models.squeezenet1_1(num_classes=7).eval()
    network.load_state_dict(load_file(specs("torchvision").partition("@")[2]))
    preset = torchvision.models.SqueezeNet1_1_Weights.DEFAULT.transforms()
    ours = classifiers("torchvision")
    for size in SIZES[:2]:
        image = noise(*size)
        with torch.no_grad():
            expected = network(preset(Image.fromarray(image))[None]).numpy()
        np.testing.assert_allclose(ours.logits([ours.normalise(ours.resize(image))]), expected, atol=1e-5)


@pytest.mark.parametrize("model", ["squeezenet1_1", "efficientnet_b1", "vit_b_16", "inception_v3", "convnext_tiny"])
def test_preprocessing_is_torchvisions_own(noise, tmp_path, model):
    preset = torchvision.models.get_model_weights(model).DEFAULT.transforms()
    preprocess, labels = adapter._preprocess(torchvision.models, model, tmp_path / "weights.safetensors")
    assert labels[0] == "tench"
    for size in SIZES:
        image = noise(*size)
        ours = preprocess.normalise(preprocess.resize(image))
        np.testing.assert_allclose(ours, preset(Image.fromarray(image)).numpy(), atol=1e-6)


def test_the_number_of_classes_is_read_from_every_architectures_head():
    for model in ["alexnet", "densenet121", "googlenet", "mobilenet_v3_small", "shufflenet_v2_x0_5", "swin_t"]:
        with torch.device("meta"):
            tensors = torchvision.models.get_model(model, weights=None, num_classes=12, **adapter.options(model))
        assert adapter._n_classes(torchvision.models, model, tensors.state_dict(), Path("w")) == 12


@pytest.mark.parametrize("model", ["googlenet", "inception_v3"])
def test_the_two_that_rescale_inside_do_so_as_with_their_own_weights(model):
    with torch.device("meta"):
        assert torchvision.models.get_model(model, weights=None, **adapter.options(model)).transform_input


def test_without_weights_the_remedy_is_named():
    with pytest.raises(UsageError, match=r"pickles.*timm:resnet50\.tv_in1k.*torchvision:resnet50@weights.safetensors"):
        load_classifier("torchvision:resnet50")


def test_an_unknown_name_gets_near_ones():
    with pytest.raises(UsageError, match=r"no classifier 'resnet5O'. Near it: .*resnet50"):
        load_classifier("torchvision:resnet5O")
    with pytest.raises(UsageError, match=r"no classifier 'fasterrcnn_resnet50_fpn'"):
        load_classifier("torchvision:fasterrcnn_resnet50_fpn")


def test_weights_of_another_network_are_refused(specs):
    with pytest.raises(UsageError, match=r"no classifier of 'alexnet'"):
        load_classifier(f"torchvision:alexnet@{specs('torchvision').partition('@')[2]}")


def test_a_json_beside_the_weights_that_names_them_says_the_preprocessing(specs, classifiers, tmp_path):
    file = tmp_path / "mine.safetensors"
    shutil.copy(specs("torchvision").partition("@")[2], file)
    document = facts_json(labels=list("abcdefg"))
    file.with_suffix(".json").write_text(json.dumps(document))
    assert load_classifier(f"torchvision:squeezenet1_1@{file}").digest == classifiers("torchvision").digest
    file.with_suffix(".json").write_text(json.dumps({**document, "file": file.name}))
    told = load_classifier(f"torchvision:squeezenet1_1@{file}")
    assert told.labels == tuple("abcdefg")
    assert told.digest != classifiers("torchvision").digest
    assert told.resize(np.zeros((50, 60, 3), np.uint8)).shape == (16, 16, 3)


def test_headless_weights_are_refused(tmp_path):
    save_file({"x": torch.zeros(1)}, tmp_path / "w.safetensors")
    with pytest.raises(UsageError, match=r"looked for classifier.1.weight"):
        load_classifier(f"torchvision:squeezenet1_1@{tmp_path / 'w.safetensors'}")
