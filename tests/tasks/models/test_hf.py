"""hf: the split processor against the processor itself, and what is refused."""

import json
import time

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

from unlossy.core.errors import UsageError
from unlossy.tasks.models import hf_parts
from unlossy.tasks.models.registry import load_classifier

SIZES = [(37, 61), (224, 224), (90, 40), (256, 300), (31, 31), (3, 50), (255, 97)]

PROCESSORS = {
    "shortest edge, crop": transformers.MobileNetV2ImageProcessorPil(
        size={"shortest_edge": 64}, crop_size={"height": 56, "width": 56}
    ),
    "odd crop": transformers.MobileNetV2ImageProcessorPil(
        size={"shortest_edge": 64}, crop_size={"height": 55, "width": 49}
    ),
    "crop larger than the image": transformers.MobileNetV2ImageProcessorPil(
        size={"shortest_edge": 32}, crop_size={"height": 57, "width": 56}
    ),
    "exact size": transformers.ViTImageProcessorPil(size={"height": 48, "width": 40}),
    "shortest edge, no crop": transformers.ViTImageProcessorPil(size={"shortest_edge": 40}),
    "crop fraction": transformers.ConvNextImageProcessorPil(size={"shortest_edge": 64}, crop_pct=0.875),
    "offset and second normalise": transformers.EfficientNetImageProcessorPil(size={"height": 50, "width": 50}),
    "channel order turned": transformers.MobileViTImageProcessorPil(
        size={"shortest_edge": 48}, crop_size={"height": 40, "width": 40}, do_flip_channel_order=True
    ),
    "clip": transformers.CLIPImageProcessorPil(size={"shortest_edge": 40}, crop_size={"height": 40, "width": 40}),
    "resize off": transformers.ViTImageProcessorPil(do_resize=False),
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_the_two_halves_are_the_processors_own_whole(noise, name):
    resize, normalise = hf_parts.halves(PROCESSORS[name])
    for size in SIZES:
        image = noise(*size)
        resized = resize(image)
        assert resized.dtype == np.uint8
        whole = PROCESSORS[name](images=Image.fromarray(image), return_tensors="np")["pixel_values"][0]
        np.testing.assert_array_equal(normalise(resized), whole)


def test_a_processor_that_does_not_come_apart_is_refused():
    class Flattening(transformers.ViTImageProcessorPil):
        def _preprocess(self, images, **kwargs):
            answer = super()._preprocess(images, **kwargs)
            answer["pixel_values"] = answer["pixel_values"].reshape(len(images), -1)
            return answer

    processor = Flattening()
    with pytest.raises(UsageError, match=r"Flattening cannot be used"):
        hf_parts.halves(processor)


def test_logits_are_those_of_transformers(specs, classifiers, noise):
    folder, ours = specs("hf").removeprefix("hf:"), classifiers("hf")
    network = transformers.ResNetForImageClassification.from_pretrained(folder).eval()
    processor = transformers.MobileNetV2ImageProcessorPil.from_pretrained(folder)
    image = noise(57, 83)
    with torch.no_grad():
        expected = network(**processor(images=Image.fromarray(image), return_tensors="pt")).logits.numpy()
    np.testing.assert_allclose(ours.logits([ours.normalise(ours.resize(image))]), expected, atol=1e-6)


def test_the_pillow_processor_is_used_though_torchvision_is_there(specs):
    processor = hf_parts.load_processor(transformers, hf_parts.model_folder(specs("hf").removeprefix("hf:")))
    assert type(processor).__name__ == "MobileNetV2ImageProcessorPil"


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("./nowhere", "no such folder"),
        ("a/b/c", "no such folder"),
        ("no body/at home", "neither a folder here nor an id"),
        ("nobody/nothing-at-all", "nobody/nothing-at-all.*Give the path"),
    ],
)
def test_what_cannot_be_had_is_said_quickly(monkeypatch, tmp_path, name, finding):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.chdir(tmp_path)
    start = time.perf_counter()
    with pytest.raises(UsageError, match=finding):
        load_classifier(f"hf:{name}")
    assert time.perf_counter() - start < 5


def test_an_unreachable_hub_is_tried_once_and_briefly(monkeypatch):
    import huggingface_hub

    asked = []

    def model_info(self, repo_id, timeout):
        asked.append((repo_id, timeout))
        raise ConnectionError("[Errno -2] Name or service not known")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    with pytest.raises(UsageError, match=r"Name or service not known.*fill the cache"):
        load_classifier("hf:nobody/nothing-at-all")
    assert asked == [("nobody/nothing-at-all", 5.0)]


@pytest.fixture
def copy(specs, tmp_path):
    """A copy of the small model's folder, to be spoilt."""
    import shutil

    return shutil.copytree(specs("hf").removeprefix("hf:"), tmp_path / "copy")


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "preprocessor_config.json"])
def test_a_folder_that_lacks_a_file_is_refused(copy, file):
    (copy / file).unlink()
    with pytest.raises(UsageError, match=r"has no"):
        load_classifier(f"hf:{copy}")


def test_pickled_weights_are_not_opened(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"only read from safetensors"):
        load_classifier(f"hf:{copy}")


def test_a_head_without_weights_is_no_classifier(copy):
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / "model.safetensors")
    save_file({k: v for k, v in tensors.items() if "classifier" not in k}, copy / "model.safetensors", {"format": "pt"})
    with pytest.raises(UsageError, match=r"the weights lack classifier"):
        load_classifier(f"hf:{copy}")


def test_damaged_files_are_a_usage_error(copy):
    (copy / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(UsageError, match=r"transformers cannot load it"):
        load_classifier(f"hf:{copy}")
    (copy / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"transformers cannot load it"):
        load_classifier(f"hf:{copy}")


@pytest.mark.parametrize("text", ['{"a": ', "[" * 100_000])
def test_a_broken_config_of_another_name_is_told(copy, text):
    (copy / "quantize_config.json").write_text(text)
    with pytest.raises(UsageError, match=r"quantize_config\.json: cannot be read as JSON"):
        load_classifier(f"hf:{copy}")


def test_labels_come_from_the_config_when_it_names_any(copy):
    assert load_classifier(f"hf:{copy}").labels is None
    config = json.loads((copy / "config.json").read_text())
    config["id2label"] = {str(i): f"kind {i}" for i in range(7)}
    config["label2id"] = {f"kind {i}": i for i in range(7)}
    (copy / "config.json").write_text(json.dumps(config))
    assert load_classifier(f"hf:{copy}").labels == tuple(f"kind {i}" for i in range(7))


def test_loading_prints_nothing(copy, capfd):
    load_classifier(f"hf:{copy}")
    assert capfd.readouterr() == ("", "")
